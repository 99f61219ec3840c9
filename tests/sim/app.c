/* Knows the programs that use the tunnel: they open, accept or deny, write, read slowly or fast,
   end, and reset; and what must be true of it all. */
#include <inttypes.h>

#include "sim.h"

/* The byte at a place of a direction of a flow. */
static uint8_t
pattern(const struct flow *f, int direction, uint64_t at)
{
	return (uint8_t)(at * 131 + (at >> 8) * 29 + (at >> 16) + f->index * 7 +
			 (unsigned)direction * 3);
}

/* The direction in which a side writes. */
static int
writes(const struct flow *f, const struct side *side)
{
	return f->opener == side->index ? 0 : 1;
}

static size_t
some_size(struct world *w)
{
	switch (between(w, 0, 5)) {
	case 0:
		return between(w, 0, 1);
	case 1:
	case 2:
		return between(w, 1, 300);
	case 3:
		return between(w, 1000, 20000);
	default:
		/* Tiny pieces and much data would take for ever. */
		if (w->side[0].out.piece_max < 1000 || w->side[1].out.piece_max < 1000 ||
			w->side[0].out.capacity < 10000 || w->side[1].out.capacity < 10000)
			return between(w, 100, 4000);
		return between(w, 20000, 200000);
	}
}

void
flows_init(struct world *w)
{
	static const size_t steps[] = {1, 100, 5000, 100000, 100000};
	size_t resets = between(w, 2, 12);

	w->n_flows = (unsigned)between(w, 1, once_in(w, 3) ? FLOWS_MAX : 6);
	for (unsigned i = 0; i < w->n_flows; i++) {
		struct flow *f = &w->flows[i];
		f->index = i;
		f->opener = once_in(w, 2);
		f->start = w->now + between(w, 0, 300) * NS_PER_MS;
		f->deny = once_in(w, 8);
		f->may_reset = once_in(w, resets);
		for (int d = 0; d < 2; d++) {
			f->half[d].size = some_size(w);
			f->half[d].step_max = steps[between(w, 0, ARRAY_SIZE(steps) - 1)];
			if (f->half[d].step_max == 1 && f->half[d].size > 500)
				f->half[d].step_max = 700;
		}
		f->end[0].next = f->end[1].next = UINT64_MAX;
		f->end[f->opener].next = f->start;
	}
}

static void
act_again(struct world *w, struct flow_end *e)
{
	e->next = w->now + (once_in(w, 4) ? between(w, 0, 40) * NS_PER_MS : 1);
}

static void
end_over(struct flow_end *e)
{
	e->over = true;
	e->stream = NULL;
	e->next = UINT64_MAX;
}

static void
open_flow(struct world *w, struct side *side, struct flow *f)
{
	struct flow_end *e = &f->end[side->index];
	struct stream_request request = {0};

	request.service_size = (uint8_t)snprintf((char *)request.service,
		sizeof(request.service), "flow-%u", f->index);
	request.source.size = f->index % 3 == 0 ? 0 : f->index % 3 == 1 ? 4 : 16;
	request.source.port = (uint16_t)f->index;
	e->stream = trunk_open(side->trunk, &request, f);
	if (e->stream) {
		act_again(w, e);
	} else if (side->goaway || side->closed || w->acted) {
		f->was_reset = true; /* never to be opened */
		end_over(&f->end[0]);
		end_over(&f->end[1]);
	} else {
		e->next = w->now + 10 * NS_PER_MS; /* a limit: later */
	}
}

/* A program ends its connection without ceremony. */
static void
reset_flow(struct world *w, struct side *side, struct flow *f, enum close_code code)
{
	struct flow_end *e = &f->end[side->index], *other = &f->end[1 - side->index];

	f->was_reset = true;
	stream_reset(e->stream, code, once_in(w, 2) ? "sim" : NULL);
	end_over(e);
	if (!f->seen)
		end_over(other); /* OPEN is perhaps never sent: nothing may come of it there */
}

static bool
write_some(struct world *w, struct side *side, struct flow *f)
{
	struct flow_end *e = &f->end[side->index];
	int d = writes(f, side);
	struct half *h = &f->half[d];
	size_t room;

	if (h->fin_written || e->starved)
		return false;
	if (h->written == h->size) {
		stream_send_fin(e->stream);
		return h->fin_written = true;
	}
	uint8_t *p = stream_send_buf(e->stream, &room);
	if (!p) {
		e->starved = true;
		return false;
	}
	CHECK(room > 0);
	size_t n = min_size(room, between(w, 0, 2 * h->step_max));
	n = (size_t)min_u64(n, h->size - h->written);
	for (size_t i = 0; i < n; i++)
		p[i] = pattern(f, d, h->written + i);
	stream_send_ack(e->stream, n);
	h->written += n;
	return n > 0;
}

static void
check_bytes(const struct flow *f, int direction, const uint8_t *p, size_t n)
{
	const struct half *h = &f->half[direction];

	CHECK(h->read + n <= h->written);
	for (size_t i = 0; i < n; i++)
		CHECK(p[i] == pattern(f, direction, h->read + i));
}

/* Takes a part of what was held since an earlier call: the span must be as it was. */
static void
finish_held(struct flow *f, int direction, struct flow_end *e)
{
	check_bytes(f, direction, e->held_at, e->held);
	stream_recv_ack(e->stream, e->held);
	f->half[direction].read += e->held;
	e->held = 0;
}

static bool
read_some(struct world *w, struct side *side, struct flow *f)
{
	struct flow_end *e = &f->end[side->index];
	int d = 1 - writes(f, side);
	struct half *h = &f->half[d];
	size_t n;

	if (e->held > 0) {
		finish_held(f, d, e);
		return true;
	}
	bool hold = once_in(w, 3);
	const uint8_t *p = hold ? stream_recv_hold(e->stream, &n) : stream_recv_buf(e->stream, &n);
	if (!p) {
		CHECK(n == 0);
		if (!h->fin_told || h->fin_read)
			return false;
		CHECK(h->read == h->size);
		stream_recv_fin_ack(e->stream);
		return h->fin_read = true;
	}
	n = min_size(n, between(w, 1, h->step_max));
	if (hold) {
		e->held = n;
		e->held_at = p;
		return true;
	}
	check_bytes(f, d, p, n);
	stream_recv_ack(e->stream, n);
	h->read += n;
	return true;
}

/* The program behind one end of a flow does something. */
static bool
act(struct world *w, struct side *side, struct flow *f)
{
	struct flow_end *e = &f->end[side->index];
	bool did = false;

	act_again(w, e);
	if (!e->stream) {
		open_flow(w, side, f);
		return e->stream || e->over; /* to wait for a place is no progress */
	}
	if (f->opener != side->index && !f->accepted) {
		if (f->deny)
			reset_flow(w, side, f, CODE_DENIED);
		else
			stream_accept(e->stream);
		return f->accepted = true;
	}
	if (f->may_reset && once_in(w, 30)) {
		reset_flow(w, side, f, CODE_RESET_BY_APPLICATION);
		return true;
	}
	for (size_t i = between(w, 1, 4); i > 0; i--) {
		did |= write_some(w, side, f);
		did |= read_some(w, side, f);
	}
	return did;
}

bool
flows_act(struct world *w, struct side *side)
{
	bool did = false;

	for (unsigned i = 0; i < w->n_flows; i++)
		if (w->flows[i].end[side->index].next <= w->now)
			did |= act(w, side, &w->flows[i]);
	return did;
}

uint64_t
flows_next(const struct world *w, const struct side *side)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < w->n_flows; i++)
		next = min_u64(next, w->flows[i].end[side->index].next);
	return next;
}

bool
flows_done(const struct world *w)
{
	for (unsigned i = 0; i < w->n_flows; i++)
		if (!w->flows[i].end[0].over || !w->flows[i].end[1].over)
			return false;
	return true;
}

/* Finds the flow that a stream of the other side is for. */
static void
opened_by_peer(struct world *w, struct side *side, struct trunk_event *event)
{
	const struct stream_request *r = event->request;
	char name[TRUNK_SERVICE_MAX + 1] = {0};
	unsigned index;

	memcpy(name, r->service, r->service_size);
	CHECK(sscanf(name, "flow-%u", &index) == 1 && index < w->n_flows);
	struct flow *f = &w->flows[index];
	CHECK(f->opener != side->index && !f->seen);
	CHECK(r->source.size == (index % 3 == 0 ? 0 : index % 3 == 1 ? 4 : 16));
	CHECK(r->source.size == 0 || r->source.port == index);
	f->seen = true;
	struct flow_end *e = &f->end[side->index];
	e->over = false; /* the opener may have reset it, but OPEN was sent before */
	e->stream = event->stream;
	stream_set_user(event->stream, f);
	act_again(w, e);
}

static void
was_reset(struct world *w, struct side *side, struct flow *f, struct trunk_event *event)
{
	bool refused = event->code == CODE_SHUTTING_DOWN || event->code == CODE_TOO_MANY_STREAMS ||
		       (side->goaway && event->code == CODE_NONE); /* a slow link: by CLOSE */

	CHECK(f->was_reset || (refused && !f->seen) || w->acted);
	if (f->opener != side->index && !f->accepted)
		trunk_attempt_ended(side->trunk);
	if ((refused || event->code == CODE_LINK_LOST) && !f->seen)
		end_over(&f->end[1 - side->index]);
	f->was_reset = true;
	end_over(&f->end[side->index]);
}

static void
has_ended(struct side *side, struct flow *f)
{
	for (int d = 0; d < 2; d++) {
		const struct half *h = &f->half[d];
		CHECK(h->written == h->size && h->read == h->size);
		CHECK(h->fin_written && h->fin_told && h->fin_read);
	}
	end_over(&f->end[side->index]);
}

void
flows_event(struct world *w, struct side *side, struct trunk_event *event)
{
	if (event->type == TRUNK_OPEN) {
		opened_by_peer(w, side, event);
		return;
	}
	struct flow *f = stream_user(event->stream);
	struct flow_end *e = &f->end[side->index];
	CHECK(e->stream == event->stream);
	switch (event->type) {
	case TRUNK_OPENED:
		CHECK(f->accepted && f->opener == side->index);
		break;
	case TRUNK_DATA:
		if (once_in(w, 2))
			read_some(w, side, f);
		break;
	case TRUNK_FIN:
		CHECK(!f->half[1 - writes(f, side)].fin_told);
		f->half[1 - writes(f, side)].fin_told = true;
		break;
	case TRUNK_WRITABLE:
		CHECK(e->starved);
		e->starved = false;
		break;
	case TRUNK_RESET:
		was_reset(w, side, f, event);
		return;
	default:
		CHECK(event->type == TRUNK_END);
		has_ended(side, f);
		return;
	}
	if (e->stream)
		e->next = min_u64(e->next, w->now + 1);
}
