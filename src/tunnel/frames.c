/* Knows the form of every frame; knows nothing of what they do. */
#include "tunnel/frames.h"

#define ON_PROTOCOL (1u << CHANNEL_PROTOCOL)
#define ON_DATA     (1u << CHANNEL_DATA)

enum stream_field { LINK, STREAM }; /* stream number 0, or a stream's */

/* Every frame type: where it may come and how long its payload may be. HELLO is not here: it has
   its place before the first record that reaches a trunk. */
static const struct rule {
	bool known;
	uint8_t channels;
	enum stream_field stream;
	uint16_t min, max;
} rules[] = {
	[FRAME_OPEN] = {true, ON_PROTOCOL, STREAM, 1, FRAME_DATA_MAX},
	[FRAME_OPENED] = {true, ON_PROTOCOL, STREAM, 0, FRAME_DATA_MAX},
	[FRAME_DATA] = {true, ON_DATA, STREAM, 1, FRAME_DATA_MAX},
	[FRAME_FIN] = {true, ON_PROTOCOL, STREAM, 8, 8},
	[FRAME_RESET] = {true, ON_PROTOCOL, STREAM, 2, 2 + TRUNK_TEXT_MAX},
	[FRAME_WINDOW] = {true, ON_PROTOCOL, STREAM, 12, 12},
	[FRAME_PING] = {true, ON_PROTOCOL, LINK, 8, 8},
	[FRAME_PONG] = {true, ON_PROTOCOL, LINK, 8, 8},
	[FRAME_RENEW] = {true, ON_PROTOCOL, LINK, 32, 32},
	[FRAME_LINE] = {true, ON_PROTOCOL, LINK, 1, 8191},
	[FRAME_KEY_UPDATE] = {true, ON_PROTOCOL, LINK, 2, 2},
	[FRAME_GOAWAY] = {true, ON_PROTOCOL, LINK, 2, 2},
	[FRAME_CLOSE] = {true, ON_PROTOCOL, LINK, 2, 2},
	[FRAME_PAD] = {true, ON_PROTOCOL | ON_DATA, LINK, 0, FRAME_DATA_MAX},
	[FRAME_SESSION] = {true, ON_PROTOCOL, LINK, SESSION_PAYLOAD, SESSION_PAYLOAD},
	[FRAME_STATE] = {true, ON_PROTOCOL, STREAM, STATE_PAYLOAD, STATE_PAYLOAD},
	[FRAME_KEYROLL] = {true, ON_PROTOCOL, LINK, 1, FRAME_DATA_MAX},
};

static enum sc_error
check_rule(const struct frame *frame, uint8_t channel)
{
	const struct rule *rule;

	if (frame->type >= FRAME_IGNORED_FROM)
		return channel == CHANNEL_PROTOCOL ? SC_OK : SC_ERR_FRAME_PLACE;
	if (frame->type == FRAME_HELLO)
		return SC_ERR_FRAME_PLACE;
	if (frame->type >= ARRAY_SIZE(rules) || !rules[frame->type].known)
		return SC_ERR_FRAME;
	rule = &rules[frame->type];
	if (!(rule->channels & 1u << channel))
		return SC_ERR_FRAME_PLACE;
	if ((frame->stream != 0) != (rule->stream == STREAM))
		return SC_ERR_FRAME;
	if (frame->payload.size < rule->min || frame->payload.size > rule->max)
		return SC_ERR_FRAME;
	return SC_OK;
}

enum sc_error
frame_next(struct wire_reader *record, uint8_t channel, struct frame *frame)
{
	enum sc_error err;

	do {
		*frame = (struct frame){0};
		if (wire_left(record) == 0)
			return SC_OK;
		frame->type = wire_u8(record);
		uint8_t zero = wire_u8(record);
		size_t length = wire_u16(record);
		frame->stream = wire_u32(record);
		frame->payload = (struct span){wire_bytes(record, length), length};
		if (record->failed || zero != 0 || frame->type == 0)
			return SC_ERR_FRAME;
		err = check_rule(frame, channel);
	} while (err == SC_OK && frame->type >= FRAME_IGNORED_FROM);
	return err;
}

enum { TLV_SOURCE = 1, TLV_DESTINATION = 2, TLV_MUST_KNOW = 128 };

static void
put_address(struct wire_writer *w, uint8_t tag, const struct stream_address *address)
{
	if (address->size == 0)
		return;
	wire_put_u8(w, tag);
	wire_put_u8(w, (uint8_t)(address->size + 2));
	wire_put(w, address->bytes, address->size);
	wire_put_u16(w, address->port);
}

size_t
open_encode(uint8_t out[OPEN_PAYLOAD_MAX], const struct stream_request *request)
{
	struct wire_writer w = wire_writer(out, OPEN_PAYLOAD_MAX);

	wire_put_u8(&w, request->service_size);
	wire_put(&w, request->service, request->service_size);
	put_address(&w, TLV_SOURCE, &request->source);
	put_address(&w, TLV_DESTINATION, &request->destination);
	return wire_written(&w);
}

/* An address comes once, and is of one of the two families. */
static enum sc_error
get_address(struct stream_address *address, const uint8_t *value, size_t size)
{
	if (address->size != 0 || (size != 4 + 2 && size != 16 + 2))
		return SC_ERR_FRAME;
	address->size = (uint8_t)(size - 2);
	memcpy(address->bytes, value, address->size);
	address->port = get_u16(value + address->size);
	return SC_OK;
}

/* Reads TLVs to the end. request is NULL where addresses mean nothing. */
static enum sc_error
decode_tlvs(struct wire_reader *r, struct stream_request *request, bool *unsupported)
{
	*unsupported = false;
	while (wire_left(r) > 0) {
		uint8_t tag = wire_u8(r);
		size_t size = wire_u8(r);
		const uint8_t *value = wire_bytes(r, size);
		enum sc_error err = SC_OK;
		if (r->failed || tag == 0)
			return SC_ERR_FRAME;
		if (request && tag == TLV_SOURCE)
			err = get_address(&request->source, value, size);
		else if (request && tag == TLV_DESTINATION)
			err = get_address(&request->destination, value, size);
		else if (tag >= TLV_MUST_KNOW)
			*unsupported = true;
		if (err != SC_OK)
			return err;
	}
	return SC_OK;
}

enum sc_error
open_decode(struct stream_request *request, struct span payload, bool *unsupported)
{
	struct wire_reader r = wire_reader(payload.data, payload.size);

	*request = (struct stream_request){0};
	request->service_size = wire_u8(&r);
	const uint8_t *service = wire_bytes(&r, request->service_size);
	if (!service)
		return SC_ERR_FRAME;
	memcpy(request->service, service, request->service_size);
	return decode_tlvs(&r, request, unsupported);
}

enum sc_error
opened_decode(struct span payload, bool *unsupported)
{
	struct wire_reader r = wire_reader(payload.data, payload.size);
	return decode_tlvs(&r, NULL, unsupported);
}

void
session_encode(uint8_t out[FRAME_HEAD_SIZE + SESSION_PAYLOAD], const struct session_frame *s)
{
	struct wire_writer w = wire_writer(out + FRAME_HEAD_SIZE, SESSION_PAYLOAD);

	frame_head_put(out, FRAME_SESSION, SESSION_PAYLOAD, 0);
	wire_put_u8(&w, s->kind);
	wire_put(&w, s->id, sizeof(s->id));
	wire_put_u32(&w, s->generation);
	wire_put_u32(&w, s->highest);
	wire_put_u32(&w, s->count);
}

enum sc_error
session_decode(struct session_frame *s, struct span payload)
{
	struct wire_reader r = wire_reader(payload.data, payload.size);

	s->kind = wire_u8(&r);
	const uint8_t *id = wire_bytes(&r, sizeof(s->id));
	s->generation = wire_u32(&r);
	s->highest = wire_u32(&r);
	s->count = wire_u32(&r);
	if (r.failed || wire_left(&r) > 0 || s->kind > SESSION_UNKNOWN || s->generation == 0)
		return SC_ERR_FRAME;
	memcpy(s->id, id, sizeof(s->id));
	return SC_OK;
}

void
state_encode(uint8_t out[FRAME_HEAD_SIZE + STATE_PAYLOAD], const struct state *state)
{
	frame_head_put(out, FRAME_STATE, STATE_PAYLOAD, state->id);
	out[FRAME_HEAD_SIZE] = state->flags;
	put_u64(out + FRAME_HEAD_SIZE + 1, state->received);
	put_u64(out + FRAME_HEAD_SIZE + 9, state->limit);
}

enum sc_error
state_decode(struct state *state, const struct frame *frame)
{
	const uint8_t *p = frame->payload.data;

	*state = (struct state){frame->stream, p[0], get_u64(p + 1), get_u64(p + 9)};
	return state->flags & ~(STATE_OPENED | STATE_RESET) ? SC_ERR_FRAME : SC_OK;
}

size_t
reset_encode(uint8_t out[RESET_FRAME_MAX], uint32_t stream, enum close_code code, const char *text)
{
	size_t n = text ? strnlen(text, TRUNK_TEXT_MAX) : 0;

	frame_head_put(out, FRAME_RESET, (uint16_t)(2 + n), stream);
	put_u16(out + FRAME_HEAD_SIZE, (uint16_t)code);
	if (n > 0)
		memcpy(out + FRAME_HEAD_SIZE + 2, text, n);
	return FRAME_HEAD_SIZE + 2 + n;
}

size_t
window_encode(uint8_t *out, uint32_t stream, uint64_t consumed, uint32_t window)
{
	frame_head_put(out, FRAME_WINDOW, 12, stream);
	put_u64(out + FRAME_HEAD_SIZE, consumed);
	put_u32(out + FRAME_HEAD_SIZE + 8, window);
	return FRAME_HEAD_SIZE + 12;
}

size_t
fin_encode(uint8_t *out, uint32_t stream, uint64_t count)
{
	frame_head_put(out, FRAME_FIN, 8, stream);
	put_u64(out + FRAME_HEAD_SIZE, count);
	return FRAME_HEAD_SIZE + 8;
}

size_t
code_encode(uint8_t *out, enum frame_type type, enum close_code code)
{
	frame_head_put(out, type, 2, 0);
	put_u16(out + FRAME_HEAD_SIZE, (uint16_t)code);
	return FRAME_HEAD_SIZE + 2;
}

size_t
ping_encode(uint8_t *out, enum frame_type type, const uint8_t value[8])
{
	frame_head_put(out, type, 8, 0);
	memcpy(out + FRAME_HEAD_SIZE, value, 8);
	return FRAME_HEAD_SIZE + 8;
}
