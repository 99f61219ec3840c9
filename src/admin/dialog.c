/* Knows how one connection of the control socket is kept within bounds: what is said on it is
   request.c's, what comes of it act.c's. */
#include "admin/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/act.h"
#include "admin/status_json.h"
#include "proxy/sock.h"

#define DIALOGS_MAX 16
#define IDLE        (30 * NS_PER_S) /* without a whole request */
#define PATIENCE    (10 * NS_PER_S) /* to take an answer */
#define PIECE       (32u * 1024)    /* so much of one is made before it is written */
#define SLICE       (4u * 1024)     /* and so much before the time is looked at */

struct dialog {
	struct list node;
	struct dialogs *all;
	struct sock *sock;
	struct alarm *alarm;
	struct act act;
	struct request_reader reader;
	char who[64];
	char in[REQUEST_LINE_MAX];
	const char *in_at; /* what came and was not looked at yet */
	size_t in_left;
	bool turning; /* turn is on the stack */
	bool busy;    /* the node works on a request */
	bool last;    /* the answer is the last one */
	bool eof;
	bool writing; /* libuv has the rest of what was made */
	bool waiting; /* an answer is due, and has its deadline */
	struct text out; /* what was made of the answer and is not written yet */
	struct status *picture; /* while the answer is made from it, in slices */
	struct status_json json;
	struct slice slice;
};

static void
dialog_close(struct dialog *d)
{
	act_stop(&d->act);
	slice_stop(&d->slice);
	status_free(d->picture);
	text_fini(&d->out);
	sock_close(d->sock);
	alarm_free(d->alarm);
	list_remove(&d->node);
	d->all->n--;
	free(d);
}

static void
on_alarm(void *owner)
{
	dialog_close(owner);
}

/* ---- answers ---- */

static void turn(struct dialog *d);

static void
set_answer(struct dialog *d, struct json_object *o)
{
	const int form = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	size_t n;
	const char *text = o ? json_object_to_json_string_length(o, form, &n) : NULL;

	d->busy = false;
	if (text) {
		text_add(&d->out, text, n);
		text_add(&d->out, "\n", 1);
	} else {
		d->out.failed = true;
	}
	json_object_put(o);
}

/* From act.c. */
static void
on_answer(void *owner, struct json_object *answer)
{
	struct dialog *d = owner;

	set_answer(d, answer);
	if (!d->turning)
		turn(d);
}

/* Some peers or so. */
static bool
on_slice(struct slice *slice)
{
	struct dialog *d = container_of(slice, struct dialog, slice);
	const size_t slice_end = d->out.size + SLICE;
	bool more;

	while ((more = status_json_more(&d->json, &d->out)) && d->out.size < slice_end &&
		!d->out.failed)
		;
	if (more) {
		if (d->out.size < PIECE && !d->out.failed)
			return true;
	} else {
		text_print(&d->out, "}\n");
		status_free(d->picture);
		d->picture = NULL;
	}
	turn(d);
	return false;
}

/* From act.c, too. */
static void
on_picture(void *owner, struct status *picture)
{
	struct dialog *d = owner;

	d->busy = false;
	d->picture = picture;
	status_json_init(&d->json, picture);
	text_print(&d->out, "{\"ok\":true,\"status\":");
	slice_start(&node_main(d->all->node)->slices, &d->slice);
}

static void
on_written(void *owner, int status)
{
	struct dialog *d = owner;

	text_clear(&d->out);
	d->writing = false;
	d->last = d->last || status != 0;
	turn(d);
}

/* False: it cannot be sent. */
static bool
send_out(struct dialog *d)
{
	const uint8_t *data = (const uint8_t *)d->out.data;
	const struct span all = {data, d->out.size};
	int sent = d->out.failed ? -1 : sock_try_write(d->sock, &all, 1);

	if (sent < 0)
		return false;
	if ((size_t)sent < d->out.size) {
		d->writing = true;
		size_t rest = d->out.size - (size_t)sent;
		return sock_write(d->sock, data + sent, rest, on_written) == 0;
	}
	text_clear(&d->out);
	return true;
}

/* ---- requests ---- */

static void
take_line(struct dialog *d, size_t size)
{
	struct request request;
	struct errmsg err;

	d->busy = true;
	d->waiting = false; /* its answer has a deadline of its own */
	if (request_parse(&request, d->reader.line, size, &err) == SC_OK)
		act_on(&d->act, &request, d->who);
	else
		set_answer(d, answer_error(err.text));
}

/* Works on what has come until the node or the other side is to be waited for. False: it is
   over. */
static bool
work(struct dialog *d)
{
	size_t size;

	for (;;) {
		/* what could not be made has no bytes to be seen by */
		if ((d->out.size > 0 || d->out.failed) && !d->writing && !send_out(d))
			return false;
		if (d->busy || d->writing)
			return true;
		if (d->last)
			return false;
		if (d->picture) {
			slice_start(&node_main(d->all->node)->slices, &d->slice);
			return true;
		}
		switch (request_read(&d->reader, &d->in_at, &d->in_left, &size)) {
		case REQUEST_LINE:
			take_line(d, size);
			break;
		case REQUEST_LONG:
			d->last = true;
			set_answer(d, answer_error("the line is too long"));
			break;
		case REQUEST_NONE:
			return !d->eof;
		}
	}
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct sock *s = handle->data;
	struct dialog *d = s->owner;

	(void)suggested;
	*buf = d ? uv_buf_init(d->in, sizeof(d->in)) : uv_buf_init(NULL, 0);
}

static void
on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct sock *s = stream->data;
	struct dialog *d = s->owner;

	(void)buf;
	if (!d || nread == 0)
		return;
	if (nread < 0) {
		d->eof = true;
	} else {
		d->in_at = d->in;
		d->in_left = (size_t)nread;
	}
	turn(d);
}

static void
turn(struct dialog *d)
{
	d->turning = true;
	bool goes_on = work(d);
	d->turning = false;
	if (!goes_on) {
		dialog_close(d);
		return;
	}
	/* Nothing is read while an answer is due: that bounds what waits here. The whole of it has
	   one deadline. */
	bool waits = d->busy || d->writing || d->picture;
	if (waits || d->eof)
		uv_read_stop(&d->sock->uv.stream);
	else
		uv_read_start(&d->sock->uv.stream, on_alloc, on_read);
	if (!waits || !d->waiting)
		alarm_set(d->alarm, node_now() + (waits ? PATIENCE : IDLE));
	d->waiting = waits;
}

static void
name_caller(struct dialog *d, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		snprintf(d->who, sizeof(d->who), "uid %u, pid %d", (unsigned)peer.uid,
			(int)peer.pid);
	else
		snprintf(d->who, sizeof(d->who), "unknown");
}

void
dialogs_init(struct dialogs *all, struct node *node)
{
	*all = (struct dialogs){.node = node};
	list_init(&all->list);
}

/* Without a socket yet. NULL: out of memory. */
static struct dialog *
dialog_new(struct dialogs *all)
{
	static const struct act_calls calls = {on_answer, on_picture};
	struct dialog *d = calloc(1, sizeof(*d));

	if (d)
		d->alarm = alarm_new(&node_main(all->node)->loop, on_alarm, d);
	if (!d || !d->alarm) {
		free(d);
		return NULL;
	}
	d->all = all;
	all->n++;
	list_insert_tail(&all->list, &d->node);
	act_init(&d->act, all->node, &calls, d);
	slice_init(&d->slice, on_slice);
	text_init(&d->out);
	return d;
}

void
dialogs_accept(struct dialogs *all, int fd, bool is_unix)
{
	static const char full[] = "{\"ok\":false,\"error\":\"too many connections to the "
				   "control socket; try again later\"}\n";
	struct dialog *d = all->n < DIALOGS_MAX ? dialog_new(all) : NULL;

	if (!d) {
		(void)!write(fd, full, sizeof(full) - 1); /* a fresh socket has room */
		close(fd);
		return;
	}
	name_caller(d, fd);
	d->sock = sock_open(&node_main(all->node)->loop, fd, is_unix, d);
	if (d->sock)
		turn(d);
	else
		dialog_close(d);
}

void
dialogs_fini(struct dialogs *all)
{
	list_for_each_safe (it, &all->list)
		dialog_close(container_of(it, struct dialog, node));
}
