/* Knows how somebody who asks for figures is answered, within bounds; what is asked is http.c's,
   what is said metrics_text.c's. */
#include "admin/metrics.h"

#include <stdlib.h>
#include <unistd.h>

#include "admin/http.h"
#include "admin/metrics_text.h"
#include "proxy/collect.h"
#include "proxy/listen.h"
#include "proxy/sock.h"

#define ASKERS_MAX 8
#define DEADLINE   (10 * NS_PER_S) /* for a request and its answer */
#define PIECE      (32u * 1024)    /* so much of an answer is made before it is written */
#define SLICE      (4u * 1024)     /* and so much before the time is looked at */

struct metrics {
	struct node *node;
	struct list listeners, askers;
	unsigned n_askers;
	struct flood errors;
};

struct asker {
	struct list node;
	struct metrics *metrics;
	struct sock *sock;
	struct alarm *alarm;
	struct collector collector;
	enum http_request request;
	bool chunks;
	char in[HTTP_REQUEST_MAX];
	size_t used;
	struct status *status; /* while the answer is made from it, in slices */
	struct metrics_text text;
	struct slice slice;
	struct text out;       /* what was made and is not written yet */
	size_t chunk;          /* where in out its chunk begins */
};

static void
asker_close(struct asker *a)
{
	collect_stop(&a->collector);
	slice_stop(&a->slice);
	status_free(a->status);
	text_fini(&a->out);
	sock_close(a->sock);
	alarm_free(a->alarm);
	list_remove(&a->node);
	a->metrics->n_askers--;
	free(a);
}

static void
on_alarm(void *owner)
{
	asker_close(owner);
}

static void
on_shut(void *owner, int status)
{
	(void)status;
	asker_close(owner);
}

/* ---- answers ---- */

static void
make(struct asker *a)
{
	slice_start(&node_main(a->metrics->node)->slices, &a->slice);
}

static void
on_written(void *owner, int status)
{
	struct asker *a = owner;

	text_clear(&a->out);
	if (status == 0 && a->status)
		make(a);
	else if (status != 0 || sock_shutdown(a->sock, on_shut) != 0)
		asker_close(a);
}

/* Writes what was made. The asker may be gone afterwards. */
static void
write_out(struct asker *a)
{
	if (a->out.failed ||
		sock_write(a->sock, (const uint8_t *)a->out.data, a->out.size, on_written) != 0)
		asker_close(a);
}

static void
begin_chunk(struct asker *a)
{
	const char head[HTTP_CHUNK_HEAD] = {0};

	a->chunk = a->out.size;
	if (a->chunks)
		text_add(&a->out, head, sizeof(head));
}

static void
end_chunk(struct asker *a)
{
	size_t before = a->chunk + HTTP_CHUNK_HEAD;

	if (!a->chunks || a->out.failed)
		return;
	if (a->out.size > before) {
		http_chunk_head(a->out.data + a->chunk, a->out.size - before);
		text_print(&a->out, HTTP_CHUNK_TAIL);
	} else {
		a->out.size = a->chunk; /* an empty one would be the end */
	}
	if (!a->status)
		text_print(&a->out, HTTP_CHUNKS_END);
}

static bool
on_slice(struct slice *slice)
{
	struct asker *a = container_of(slice, struct asker, slice);
	bool more;

	if (a->out.size == 0)
		begin_chunk(a);
	const size_t slice_end = a->out.size + SLICE;
	while ((more = metrics_text_more(&a->text, &a->out)) && a->out.size < slice_end &&
		!a->out.failed)
		;
	if (more) {
		if (a->out.size < PIECE && !a->out.failed)
			return true;
	} else {
		status_free(a->status);
		a->status = NULL;
	}
	end_chunk(a);
	write_out(a);
	return false;
}

/* Its head, and nothing besides unless it is the page that is wanted. */
static void
answer(struct asker *a)
{
	char head[HTTP_HEAD_MAX];

	text_add(&a->out, head, http_head(head, a->request, METRICS_TYPE, a->chunks));
	if (a->status) {
		begin_chunk(a);
		make(a);
	} else {
		write_out(a);
	}
}

static void
on_status(void *owner, struct status *status)
{
	struct asker *a = owner;

	if (!status) {
		asker_close(a);
		return;
	}
	a->status = status;
	metrics_text_init(&a->text, status);
	answer(a);
}

/* ---- requests ---- */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct sock *s = handle->data;
	struct asker *a = s->owner;

	(void)suggested;
	*buf = a ? uv_buf_init(a->in + a->used, (unsigned)(sizeof(a->in) - a->used))
		 : uv_buf_init(NULL, 0);
}

static void
on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct sock *s = stream->data;
	struct asker *a = s->owner;

	(void)buf;
	if (!a || nread == 0)
		return;
	if (nread < 0) {
		asker_close(a);
		return;
	}
	a->used += (size_t)nread;
	a->request = http_parse(a->in, a->used, "/metrics", &a->chunks);
	if (a->request == HTTP_MORE)
		return;
	uv_read_stop(stream);
	if (a->request != HTTP_GET)
		answer(a);
	else if (!collect_start(&a->collector))
		asker_close(a);
}

static void
on_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address)
{
	struct metrics *m = owner;
	uv_loop_t *loop = &m->node->workers[0].loop;
	struct asker *a = m->n_askers < ASKERS_MAX ? calloc(1, sizeof(*a)) : NULL;

	(void)address;
	if (!a) {
		close(fd);
		return;
	}
	a->metrics = m;
	m->n_askers++;
	list_insert_tail(&m->askers, &a->node);
	a->collector = (struct collector){.node = m->node, .fn = on_status, .owner = a};
	slice_init(&a->slice, on_slice);
	text_init(&a->out);
	a->alarm = alarm_new(loop, on_alarm, a);
	a->sock = sock_open(loop, fd, is_unix, a);
	if (!a->alarm || !a->sock || uv_read_start(&a->sock->uv.stream, on_alloc, on_read) != 0) {
		asker_close(a);
		return;
	}
	alarm_set(a->alarm, node_now() + DEADLINE);
}

static bool
open_all(struct metrics *m, const struct endpoint_list *list, struct inherited *inherited,
	struct errmsg *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (listeners_open(&m->listeners, &list->at[i], inherited, false, err) != SC_OK)
			return false;
	list_for_each (it, &m->listeners) {
		struct listener *l = container_of(it, struct listener, node);
		listener_give(l, on_accept, m);
		if (!listener_start(l, &m->node->workers[0].loop, &m->errors)) {
			errmsg_set(err, SC_ERR_MEMORY, "out of memory");
			return false;
		}
	}
	return true;
}

bool
metrics_open(struct metrics **metrics, struct node *node, struct inherited *inherited,
	struct errmsg *err)
{
	const struct endpoint_list *list = &node->config->node.metrics;
	struct metrics *m;
	struct errmsg why = {"out of memory"};

	*metrics = NULL;
	if (list->n == 0)
		return true;
	m = calloc(1, sizeof(*m));
	if (m) {
		m->node = node;
		m->errors = (struct flood){.event = "accept_failed", .lines = 1};
		list_init(&m->listeners);
		list_init(&m->askers);
		if (open_all(m, list, inherited, &why)) {
			node_add_ports(node, &m->listeners);
			*metrics = m;
			return true;
		}
		listeners_close(&m->listeners);
		free(m);
	}
	errmsg_set(err, SC_ERR_IO, "[node] metrics: %s", why.text);
	return false;
}

void
metrics_close(struct metrics *m)
{
	if (!m)
		return;
	list_for_each_safe (it, &m->askers)
		asker_close(container_of(it, struct asker, node));
	listeners_close(&m->listeners);
	free(m);
}
