/* Knows how frames come out of the connection's records, and which are taken together; knows
   nothing of what they do. */
#include "tunnel/trunk_internal.h"

bool
trunk_read_frame(struct trunk *t, struct frame *frame)
{
	if (t->ahead.type != 0) {
		*frame = t->ahead;
		t->ahead.type = 0;
		return true;
	}
	for (;;) {
		enum sc_error err = frame_next(&t->record, t->channel, frame);
		if (err != SC_OK) {
			trunk_protocol_error(t, err);
			return false;
		}
		if (frame->type != 0)
			return true;
		struct span plaintext;
		int got = conn_receive(t->conn, &t->channel, &plaintext);
		if (got < 0)
			trunk_lost(t);
		if (got <= 0)
			return false;
		t->record = wire_reader(plaintext.data, plaintext.size);
		t->last_received = t->now;
		t->idle = t->crumbs = false;
	}
}

/* A step of the key changes nothing for the owner: with it in between, as they are when keys are
   stepped often, DATA still come together. */
static enum sc_error
take_key_update(struct trunk *t, const struct frame *frame)
{
	struct trunk_event none;
	bool told;

	return trunk_take_frame(t, frame, &none, &told);
}

void
trunk_read_ahead(struct trunk *t)
{
	struct stream *s = t->in_place;
	struct frame frame;
	enum sc_error err;
	bool news;

	while (s && t->conn && t->n_places < PLACES && trunk_read_frame(t, &frame)) {
		if (frame.type == FRAME_DATA && frame.stream == s->node.id) {
			err = stream_recv_data(s, frame.payload, &news);
		} else if (frame.type == FRAME_KEY_UPDATE) {
			err = take_key_update(t, &frame);
		} else {
			t->ahead = frame;
			return;
		}
		if (err != SC_OK) {
			trunk_protocol_error(t, err);
			return;
		}
	}
}
