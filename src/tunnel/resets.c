/* Knows the streams that this side has reset while the peer may not know of it; knows nothing of
   their bytes. */
#include <stdlib.h>

#include "tunnel/trunk_internal.h"

#define RESETS_MANY  64   /* so many are worth a PING, whose answer ends them */
#define REFUSALS_MAX 4096 /* of more, the peer may hear that they were lost */
#define RESETS_MAX   65536 /* a peer that has not answered a PING for so long never will */

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

static struct kept_reset *
keep(struct trunk *t, const struct state *state, uint16_t code, struct span text)
{
	struct kept_reset *r = calloc(1, sizeof(*r) + text.size + 1);

	if (!r)
		return NULL;
	r->state = *state;
	r->pings = t->ping.count;
	r->code = code;
	if (text.size > 0)
		memcpy(r->text, text.data, text.size);
	list_insert_tail(&t->resets, &r->link);
	if (++t->n_resets >= RESETS_MANY)
		t->ping.wanted = true;
	return r;
}

void
resets_refuse(struct trunk *t, uint32_t id, enum close_code code)
{
	const struct state state = {.id = id, .limit = t->config.window};

	send_reset(t, id, (uint16_t)code, NULL);
	if (t->session.hold > 0 && t->n_resets < REFUSALS_MAX)
		keep(t, &state, (uint16_t)code, (struct span){0});
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
	if (t->n_resets >= RESETS_MAX) {
		trunk_end_with_close(t, SC_ERR_LIMIT, CODE_PROTOCOL_ERROR);
		return;
	}
	const struct state state = stream_state(s);
	struct kept_reset *r =
		keep(t, &state, (uint16_t)code, (struct span){(const uint8_t *)text, size});
	if (!r) {
		trunk_end_with_close(t, SC_ERR_MEMORY, CODE_INTERNAL_ERROR);
		return;
	}
	r->due = due;
	r->fin = s->send.fin_sealed;
}

void
resets_lost(struct trunk *t)
{
	list_for_each(it, &t->resets) {
		struct kept_reset *r = container_of(it, struct kept_reset, link);
		r->due |= !r->fin;
	}
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

/* Those that are due are listed like streams, of which the peer expects no more than the limits
   allow. RESETs that were sent and lost may be more: others came in their place. The peer then
   hears of the last ones only that they were reset. */
void
resets_compose(struct trunk *t)
{
	size_t limit = (size_t)t->config.max_streams + t->peer_max_streams, listed = t->table.count;

	list_for_each(it, &t->resets) {
		struct kept_reset *r = container_of(it, struct kept_reset, link);
		struct state state = r->state;
		if (r->due && listed++ >= limit) {
			r->due = false;
			r->pings = t->ping.count;
		}
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
		/* Who does not list the stream has not got it. R has answered I's list, so it has
		   read it; whether I hears R's is not known yet. */
		bool known = !r->due && t->config.initiator;
		if (known || !state_list_find(list, r->state.id)) {
			forget(t, r);
			continue;
		}
		if (!r->due)
			continue;
		send_reset(t, r->state.id, r->code, r->text);
		r->due = false;
		r->pings = t->ping.count;
	}
}

void
resets_fini(struct trunk *t)
{
	list_for_each_safe(it, &t->resets)
		forget(t, container_of(it, struct kept_reset, link));
}
