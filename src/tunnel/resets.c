/* Knows the streams that this side has reset while the peer may not know of it; knows nothing of
   their bytes. */
#include <stdlib.h>

#include "tunnel/trunk_internal.h"

#define RESETS_MANY 64 /* so many are worth a PING, whose answer ends them */

static void
forget(struct trunk *t, struct kept_reset *r)
{
	list_remove(&r->link);
	t->n_resets--;
	free(r);
}

static void
send_reset(struct trunk *t, uint32_t id, uint16_t code, const char *text)
{
	uint8_t frame[RESET_FRAME_MAX];
	trunk_queue(t, frame, reset_encode(frame, id, (enum close_code)code, text));
}

void
resets_add(struct stream *s, enum close_code code, const char *text)
{
	struct trunk *t = s->trunk;
	bool due = !session_open(t);
	size_t size = text ? strnlen(text, TRUNK_TEXT_MAX) : 0;

	if (!due)
		send_reset(t, s->node.id, (uint16_t)code, text);
	if (!due && !s->send.fin_sealed)
		return;
	struct kept_reset *r = calloc(1, sizeof(*r) + size + 1);
	if (!r) {
		trunk_end_with_close(t, SC_ERR_MEMORY, CODE_INTERNAL_ERROR);
		return;
	}
	r->due = due;
	r->fin = s->send.fin_sealed;
	r->state = stream_state(s);
	r->pings = t->ping.count;
	r->code = (uint16_t)code;
	memcpy(r->text, text ? text : "", size);
	list_insert_tail(&t->resets, &r->link);
	if (++t->n_resets >= RESETS_MANY)
		t->ping.wanted = true;
}

void
resets_known(struct trunk *t, uint64_t ping)
{
	list_for_each_safe(it, &t->resets) {
		struct kept_reset *r = container_of(it, struct kept_reset, link);
		if (!r->due && r->pings < ping)
			forget(t, r);
	}
}

void
resets_compose(struct trunk *t)
{
	list_for_each(it, &t->resets) {
		const struct kept_reset *r = container_of(it, struct kept_reset, link);
		struct state state = r->state;
		if (!r->due)
			state.flags |= STATE_RESET;
		resume_queue_state(t, &state);
	}
}

void
resets_send(struct trunk *t, const struct state_list *list)
{
	list_for_each_safe(it, &t->resets) {
		struct kept_reset *r = container_of(it, struct kept_reset, link);
		if (!r->due)
			continue;
		bool there = state_list_find(list, r->state.id) != NULL;
		if (there)
			send_reset(t, r->state.id, r->code, r->text);
		r->due = false;
		r->pings = t->ping.count;
		if (!there || !r->fin)
			forget(t, r);
	}
}

void
resets_fini(struct trunk *t)
{
	list_for_each_safe(it, &t->resets)
		forget(t, container_of(it, struct kept_reset, link));
}
