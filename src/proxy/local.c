/* Knows how bytes, ends and resets move between a local socket and a stream; knows nothing of
   links, and not where either came from. */
#include "proxy/local.h"

#include "proxy/tcp_state.h"

#define RECEIVED_MOST (256 * 1024) /* not read yet, on a short way (tcp_bound_received) */

static void pump(struct local *l);

/* ---- from the local socket into the stream ---- */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct sock *s = handle->data;
	struct local *l = s->owner;
	size_t n = 0;

	(void)suggested;
	uint8_t *p = NULL;
	if (l && !sock_is_done(s, l->owner->turns))
		p = l->stream ? stream_send_buf(l->stream, &n) : carry_room(&l->carry, &n);
	if (p)
		n = sock_may_read(s, l->owner->turns,
			ration_bytes(&l->owner->ration, node_now()), n);
	*buf = uv_buf_init((char *)p, (unsigned)n);
}

static void
stop_reading(struct local *l)
{
	uv_read_stop(&l->sock->uv.stream);
	l->reading = false;
}

/* Reading has to wait for the tunnel. What the socket's system has then kept is not to become more
   and more; most connections are never asked for that. */
static void
hold_back(struct local *l)
{
	stop_reading(l);
	if (!l->bounded)
		tcp_bound_received(sock_fd(l->sock), RECEIVED_MOST);
	l->bounded = true;
}

static void
took_in(struct local *l, size_t n)
{
	l->bytes_in += n;
	l->tally->bytes_in += n;
	l->active = l->idle ? node_now() : 0;
	ration_heard(&l->owner->ration, &l->talk, n, l->bytes_in + l->bytes_out, node_now());
}

/* A client that waits. */
static void
on_early_read(struct local *l, ssize_t nread)
{
	carry_added(&l->carry, nread > 0 ? (size_t)nread : 0);
	if (nread > 0) {
		took_in(l, (size_t)nread);
	} else if (nread == UV_EOF && !sock_hung_up(l->sock)) {
		stop_reading(l);
		l->eof = true; /* it may well wait for an answer */
	} else if (nread < 0) {
		l->why = TALLY_GONE;
		local_fail(l, LOCAL_REFUSED, CODE_RESET_BY_APPLICATION, NULL,
			"the client went away while it waited");
	}
}

/* A RESET goes ahead of bytes that are not sealed: what was said before it is sealed now, as far as
   the link takes it, so that the other side reads it first, as it would without a tunnel. */
static void
say_the_rest(struct local *l)
{
	if (l->session && l->session->link)
		trunk_seal(l->session->trunk, node_now());
}

static void
on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct sock *s = stream->data;
	struct local *l = s->owner;

	(void)buf;
	if (!l)
		return;
	if (nread == UV_ENOBUFS && sock_is_done(s, l->owner->turns))
		return;
	if (nread == UV_ENOBUFS) { /* no room: local_writable, or a stream, goes on */
		hold_back(l);
		return;
	}
	if (nread == UV_EOF)
		nread = sock_end(l->sock);
	if (!l->stream) {
		on_early_read(l, nread);
		return;
	}
	stream_send_ack(l->stream, nread > 0 ? (size_t)nread : 0);
	if (nread > 0) {
		took_in(l, (size_t)nread);
	} else if (nread == UV_EOF) {
		stop_reading(l);
		l->eof = true;
		stream_send_fin(l->stream);
	} else if (nread < 0) {
		say_the_rest(l);
		local_fail(l, LOCAL_BROKEN, CODE_RESET_BY_APPLICATION, uv_strerror((int)nread),
			uv_strerror((int)nread));
		return;
	}
	if (nread != 0)
		session_touch(l->session);
}

static void
start_reading(struct local *l)
{
	if (!l->reading && !l->eof && uv_read_start(&l->sock->uv.stream, on_alloc, on_read) == 0)
		l->reading = true;
}

/* The stream has room: for what was read before, then for more. */
static void
feed(struct local *l)
{
	if (!carry_empty(&l->carry)) {
		carry_give(&l->carry, l->stream);
		session_touch(l->session);
	}
	if (!carry_empty(&l->carry)) {
		if (l->reading)
			stop_reading(l);
	} else if (l->eof) {
		stream_send_fin(l->stream);
		session_touch(l->session);
	} else {
		start_reading(l);
	}
}

/* ---- from the stream into the local socket ---- */

static void
broken(struct local *l, int error)
{
	local_fail(l, LOCAL_BROKEN, CODE_RESET_BY_APPLICATION, uv_strerror(error),
		uv_strerror(error));
}

static void
written(struct local *l, size_t n)
{
	stream_recv_ack(l->stream, n);
	l->bytes_out += n;
	l->tally->bytes_out += n;
	l->active = l->idle ? node_now() : 0;
	session_touch(l->session);
}

static void
on_written(void *owner, int status)
{
	struct local *l = owner;
	size_t n = l->writing;

	l->writing = 0;
	if (status != 0) {
		broken(l, status);
		return;
	}
	written(l, n);
	pump(l);
}

static void
on_shut(void *owner, int status)
{
	struct local *l = owner;

	if (status != 0) {
		broken(l, status);
		return;
	}
	stream_recv_fin_ack(l->stream);
	session_touch(l->session);
}

/* The socket takes no more just now: the rest stays in the stream's memory until it does. */
static void
write_later(struct local *l)
{
	size_t n;
	const uint8_t *data = stream_recv_hold(l->stream, &n);

	if (!data) {
		local_fail(l, LOCAL_BROKEN, CODE_INTERNAL_ERROR, "out of memory", "out of memory");
		return;
	}
	l->writing = n;
	int r = sock_write(l->sock, data, n, on_written);
	if (r != 0)
		broken(l, r);
}

/* Writes what the stream has, as far as the socket takes it; after the last byte passes the end
   on. */
static void
pump(struct local *l)
{
	struct span pieces[SOCK_PIECES];
	size_t count;

	while (l->writing == 0 &&
		(count = stream_recv_spans(l->stream, pieces, SOCK_PIECES)) > 0) {
		size_t n = 0;
		for (size_t i = 0; i < count; i++)
			n += pieces[i].size;
		int r = sock_try_write(l->sock, pieces, count);
		if (r < 0) {
			broken(l, r);
			return;
		}
		if (r > 0)
			written(l, (size_t)r);
		if ((size_t)r < n) {
			write_later(l);
			return;
		}
	}
	if (l->writing == 0 && l->fin && !l->shut) {
		l->shut = true;
		int r = sock_shutdown(l->sock, on_shut);
		if (r != 0)
			broken(l, r);
	}
}

void
local_start(struct local *l)
{
	feed(l);
	pump(l);
}

void
local_wait(struct local *l)
{
	if (l->sock)
		start_reading(l);
}

/* ---- from the trunk ---- */

void
local_opened(struct local *l)
{
	struct log_line line = local_log(LOG_LEVEL_DEBUG, "connection_open", l);
	log_end(&line);
	l->opened = true;
	l->active = node_now();
	if (l->idle) {
		l->moved = sock_moved(l->sock, &(uint64_t){l->active});
		alarm_set(l->alarm, l->active + l->idle);
	} else { /* for how long does not matter, so nothing is kept for it */
		alarm_free(l->alarm);
		l->alarm = NULL;
	}
}

void
local_data(struct local *l)
{
	if (l->sock)
		pump(l);
}

void
local_fin(struct local *l)
{
	l->fin = true;
	if (l->sock)
		pump(l);
}

void
local_writable(struct local *l)
{
	if (l->sock)
		feed(l);
}

void
local_end(struct local *l)
{
	l->stream = NULL;
	local_finish(l, LOCAL_CLEAN, "ended", NULL);
}
