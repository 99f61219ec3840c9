/* Knows libuv's stream handles and their lifetime; knows nothing of the bytes. */
#include "proxy/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "proxy/address.h"
#include "proxy/tcp_state.h"

/* What libuv needs to do something that takes a while. */
struct request {
	union {
		uv_connect_t connect;
		uv_write_t write;
		uv_shutdown_t shutdown;
	} uv;
	struct sock *sock;
	sock_done_fn *fn;
};

struct sock *
sock_new(uv_loop_t *loop, bool is_unix, void *owner)
{
	struct sock *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	if (is_unix)
		uv_pipe_init(loop, &s->uv.pipe, 0);
	else
		uv_tcp_init(loop, &s->uv.tcp);
	s->is_unix = is_unix;
	s->owner = owner;
	s->uv.handle.data = s;
	return s;
}

struct sock *
sock_open(uv_loop_t *loop, int fd, bool is_unix, void *owner)
{
	struct sock *s = sock_new(loop, is_unix, owner);
	if (!s) {
		close(fd);
		return NULL;
	}
	int r = is_unix ? uv_pipe_open(&s->uv.pipe, fd) : uv_tcp_open(&s->uv.tcp, fd);
	if (r != 0) {
		close(fd);
		sock_close(s);
		return NULL;
	}
	if (!is_unix)
		uv_tcp_nodelay(&s->uv.tcp, 1);
	return s;
}

/* ---- what takes a while ---- */

static struct request *
request_new(struct sock *s, sock_done_fn *fn)
{
	struct request *r = malloc(sizeof(*r));
	if (!r)
		return NULL;
	r->sock = s;
	r->fn = fn;
	return r;
}

static void
done(struct request *r, int status)
{
	struct sock *s = r->sock;
	sock_done_fn *fn = r->fn;

	free(r);
	if (s->owner)
		fn(s->owner, status);
}

/* libuv has taken it, or not. */
static int
begun(struct request *r, int error)
{
	if (error != 0)
		free(r);
	return error;
}

static void
on_connected(uv_connect_t *connect, int status)
{
	done(container_of(connect, struct request, uv.connect), status);
}

/* Whoever chooses how fast a connection may go has it from when it is made on. */
void
sock_unpaced(int fd, const struct sockaddr *address)
{
	static const char plain[] = "reno";

	if (address_is_loopback(address))
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, plain, sizeof(plain) - 1);
}

/* A descriptor before libuv would make it. */
static int
prepare(struct sock *s, const struct sockaddr *address)
{
	if (sock_fd(s) >= 0 || !address_is_loopback(address))
		return 0;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return uv_translate_sys_error(errno);
	sock_unpaced(fd, address);
	int r = uv_tcp_open(&s->uv.tcp, fd);
	if (r != 0)
		close(fd);
	return r;
}

int
sock_connect(struct sock *s, const struct sockaddr *address, const char *path, sock_done_fn *fn)
{
	struct request *r = request_new(s, fn);

	if (!r)
		return UV_ENOMEM;
	if (!s->is_unix) {
		int error = prepare(s, address);
		if (error == 0)
			error = uv_tcp_connect(&r->uv.connect, &s->uv.tcp, address, on_connected);
		return begun(r, error);
	}
	uv_pipe_connect(&r->uv.connect, &s->uv.pipe, path, on_connected);
	return 0;
}

static void
on_written(uv_write_t *write, int status)
{
	done(container_of(write, struct request, uv.write), status);
}

static void
on_shut(uv_shutdown_t *shutdown, int status)
{
	/* The system says "not connected" of a connection that the other side has reset before. */
	done(container_of(shutdown, struct request, uv.shutdown),
		status == UV_ENOTCONN ? UV_ECONNRESET : status);
}

int
sock_shutdown(struct sock *s, sock_done_fn *fn)
{
	struct request *r = request_new(s, fn);

	return r ? begun(r, uv_shutdown(&r->uv.shutdown, &s->uv.stream, on_shut)) : UV_ENOMEM;
}

/* ---- the end ---- */

size_t
sock_may_read(struct sock *s, uint32_t turn, uint32_t ration, size_t n)
{
	if (s->turn != turn) {
		s->turn = turn;
		s->left = ration;
	}
	n = min_size(n, s->left);
	s->left -= (uint32_t)n;
	return n;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
sock_close(struct sock *s)
{
	if (!s)
		return;
	s->owner = NULL;
	uv_close(&s->uv.handle, on_closed);
}

int
sock_take(struct sock *s)
{
	int fd = fcntl(sock_fd(s), F_DUPFD_CLOEXEC, 0);

	sock_close(s); /* forgets the other one in the loop's epoll, too */
	return fd;
}

void
sock_reset(struct sock *s)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	/* Not uv_tcp_close_reset: it refuses while a shutdown is under way. */
	if (s && !s->is_unix && sock_fd(s) >= 0)
		setsockopt(sock_fd(s), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	sock_close(s);
}

/* ---- its state ---- */

int
sock_end(const struct sock *s)
{
	uint8_t byte;

	/* The kernel has the error still, as nobody has read to it. */
	if (recv(sock_fd(s), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN)
		return uv_translate_sys_error(errno);
	return UV_EOF;
}

bool
sock_hung_up(const struct sock *s)
{
	struct pollfd p = {.fd = sock_fd(s), .events = 0};
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

uint64_t
sock_moved(const struct sock *s, uint64_t *when)
{
	struct tcp_state state;

	if (!s->is_unix && tcp_state_get(sock_fd(s), &state)) {
		*when -= min_u64(*when, state.since_last_ms * NS_PER_MS);
		return state.acknowledged;
	}
	return uv_stream_get_write_queue_size(&s->uv.stream);
}

static uv_buf_t
buf_of(const uint8_t *data, size_t n)
{
	return uv_buf_init((char *)(uintptr_t)data, n < INT_MAX ? (unsigned)n : INT_MAX);
}

int
sock_try_write(struct sock *s, const struct span *pieces, size_t n)
{
	uv_buf_t bufs[SOCK_PIECES];

	for (size_t i = 0; i < n; i++)
		bufs[i] = buf_of(pieces[i].data, pieces[i].size);
	int r = uv_try_write(&s->uv.stream, bufs, (unsigned)n);
	return r == UV_EAGAIN ? 0 : r;
}

int
sock_write(struct sock *s, const uint8_t *data, size_t n, sock_done_fn *fn)
{
	uv_buf_t buf = buf_of(data, n);
	struct request *r = request_new(s, fn);

	if (!r)
		return UV_ENOMEM;
	return begun(r, uv_write(&r->uv.write, &s->uv.stream, &buf, 1, on_written));
}

int
sock_fd(const struct sock *s)
{
	int fd;
	return uv_fileno(&s->uv.handle, &fd) == 0 ? fd : -1;
}
