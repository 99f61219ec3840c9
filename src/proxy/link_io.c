/* Knows how a link's bytes move between its socket and its connection; knows nothing of what
   they mean. */
#include <netinet/tcp.h>

#include "proxy/link.h"
#include "proxy/session.h"
#include "proxy/tcp_state.h"

/* So that a small stream does not wait behind a big one in the kernel. */
#define NOTSENT_LOWAT   (128 * 1024)
/* Sent and not acknowledged for so long: broken. A link that is up has its keepalive to tell that;
   this only comes behind it, for the system also counts the time in which data trickles through a
   window that is nearly closed. */
#define USER_TIMEOUT_MS 60000
#define KEEPALIVE_S     60
#define RECEIVED_MOST   (512 * 1024) /* not read yet, on a short way (tcp_bound_received) */
#define WRITES_MAX      16 /* in one turn of the loop, */
#define WRITES_BRISK    2  /* and while that is to be short */
/* Bytes that are sealed before they are written. */
#define SEAL_TIME   (NS_PER_MS / 5)
#define AHEAD_MIN   (64u * 1024)
#define AHEAD_BRISK (128u * 1024)
#define AHEAD_MAX   (512u * 1024)

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct sock *s = handle->data;
	struct link *l = s->owner;
	size_t n = 0;

	(void)suggested;
	if (l && l->state == LINK_ENDING)
		*buf = uv_buf_init((char *)l->owner->scratch, sizeof(l->owner->scratch));
	else if (l)
		*buf = uv_buf_init((char *)conn_in_buf(l->conn, &n), (unsigned)n);
	if (l && l->state != LINK_ENDING)
		buf->len = sock_may_read(s, l->owner->turns,
			ration_link_bytes(&l->owner->ration, node_now()), n);
}

void
link_count(struct link *l, size_t in, size_t out)
{
	if (l->state != LINK_UP)
		return;
	l->bytes_in += in;
	l->bytes_out += out;
	l->peer->home->counts.bytes_in += in;
	l->peer->home->counts.bytes_out += out;
}

void
link_lost(struct link *l)
{
	conn_in_end(l->conn);
	if (l->state == LINK_HANDSHAKE || l->state == LINK_UP)
		link_check(l);
	link_kill(l);
}

static void
on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct sock *s = stream->data;
	struct link *l = s->owner;

	(void)buf;
	if (!l || nread == 0)
		return;
	if (nread == UV_ENOBUFS && sock_is_done(s, l->owner->turns))
		return;
	if (nread == UV_ENOBUFS) { /* no room: a job is out */
		uv_read_stop(stream);
		l->reading = false;
		link_touch(l);
	} else if (l->state == LINK_ENDING) {
		if (nread == UV_EOF)
			l->eof = true;
		else if (nread < 0)
			link_kill(l);
		link_touch(l);
	} else if (nread == UV_EOF && l->job.state != JOB_IDLE) {
		l->eof = true; /* what was said before it is still being looked at */
		l->reading = false;
	} else if (nread < 0) {
		link_lost(l);
	} else {
		link_count(l, (size_t)nread, 0);
		conn_in_ack(l->conn, (size_t)nread, node_now());
		if (l->state == LINK_UP)
			trunk_heard(l->session->trunk, node_now());
		link_check(l);
		link_touch(l);
	}
}

void
link_read(struct link *l)
{
	size_t n = 1;

	if (l->reading || l->eof || l->moving)
		return;
	if (l->state != LINK_ENDING)
		conn_in_buf(l->conn, &n);
	if (n > 0 && uv_read_start(&l->sock->uv.stream, on_alloc, on_read) == 0)
		l->reading = true;
}

void
link_io_start(struct link *l)
{
	const int lowat = NOTSENT_LOWAT, timeout = USER_TIMEOUT_MS;
	int fd = sock_fd(l->sock);

	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	uv_tcp_keepalive(&l->sock->uv.tcp, 1, KEEPALIVE_S);
	tcp_bound_received(fd, RECEIVED_MOST);
	link_read(l);
}

void
link_io_up(struct link *l)
{
	uint64_t keepalive = l->peer->config ? l->peer->config->keepalive : NODE_KEEPALIVE;
	int ms = (int)max_u64(USER_TIMEOUT_MS, 3 * keepalive / NS_PER_MS);

	setsockopt(sock_fd(l->sock), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

void
link_look_at_transport(struct link *l, uint64_t now)
{
	struct tcp_state state;

	if (!tcp_state_get(sock_fd(l->sock), &state))
		return;
	if (state.acknowledged > l->acknowledged)
		trunk_delivered(
			l->session->trunk, now - min_u64(now, state.since_last_ms * NS_PER_MS));
	l->acknowledged = state.acknowledged;
}

static void
on_written(void *owner, int status)
{
	struct link *l = owner;
	size_t n = l->writing;

	l->writing = 0;
	if (status != 0) {
		link_lost(l);
		return;
	}
	link_count(l, 0, n);
	conn_out_ack(l->conn, n);
	link_touch(l);
}

/* Gives libuv the rest that the socket did not take at once. */
static void
write_later(struct link *l, const uint8_t *data, size_t n)
{
	l->writing = n;
	if (sock_write(l->sock, data, n, on_written) != 0) {
		l->writing = 0;
		link_lost(l);
	}
}

/* Seals what is to be written next: not much more than what is sealed in SEAL_TIME, so that the
   peer opens it while more is being sealed. */
static void
seal(struct link *l, bool brisk)
{
	size_t before = conn_pending(l->conn);
	uint64_t now = node_now();

	trunk_brisk(l->session->trunk, brisk);
	trunk_set_ahead(l->session->trunk, min_size(l->ahead, brisk ? AHEAD_BRISK : AHEAD_MAX));
	trunk_seal(l->session->trunk, now);
	size_t sealed = conn_pending(l->conn) - before;
	if (sealed >= AHEAD_MIN / 2)
		l->ahead = (size_t)(sealed * SEAL_TIME / max_u64(node_now() - now, 1));
	l->ahead = l->ahead < AHEAD_MIN ? AHEAD_MIN : l->ahead;
}

bool
link_write(struct link *l)
{
	bool brisk = ration_brisk(&l->owner->ration, node_now());

	for (int i = 0; i < (brisk ? WRITES_BRISK : WRITES_MAX); i++) {
		size_t n;

		if (l->session)
			seal(l, brisk);
		const uint8_t *data = conn_out_buf(l->conn, &n);
		if (n == 0 || l->writing > 0 || l->state == LINK_DEAD)
			return false;
		int r = sock_try_write(l->sock, &(struct span){data, n}, 1);
		if (r < 0) {
			link_lost(l);
			return false;
		}
		link_count(l, 0, (size_t)r);
		conn_out_ack(l->conn, (size_t)r);
		if ((size_t)r < n) {
			write_later(l, data + r, n - (size_t)r);
			return false;
		}
	}
	return true;
}
