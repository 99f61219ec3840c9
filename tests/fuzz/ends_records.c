/* Knows the records that two ends send each other, and that only those may arrive. */
#include "ends.h"

/* A PAD frame, whose bytes depend on who has sent it as which record; cheap to write and to
   compare. */
static size_t
make_record(const struct end *e, size_t index, uint8_t *out)
{
	size_t size = e->sent[index].size;
	uint8_t first = (uint8_t)(index * 2 + (e->config.initiator ? 0 : 1));

	frame_head_put(out, FRAME_PAD, (uint16_t)(size - FRAME_HEAD_SIZE), 0);
	for (size_t i = FRAME_HEAD_SIZE; i < size; i++)
		out[i] = (uint8_t)(first + i);
	return size;
}

void
end_send_record(struct end *e, uint8_t channel, size_t size)
{
	static uint8_t record[RECORD_PLAINTEXT_MAX];
	size_t room = conn_room(e->conn);

	FUZZ_ASSERT(room == 0 || (room >= RECORD_PLAINTEXT_MIN && room <= RECORD_PLAINTEXT_MAX));
	if (room == 0 || e->n_sent == ENDS_SENT_MAX)
		return;
	size = min_size(size < RECORD_PLAINTEXT_MIN ? RECORD_PLAINTEXT_MIN : size, room);
	e->sent[e->n_sent] = (struct sent_record){channel, size};
	make_record(e, e->n_sent, record);
	/* In parts, whose bounds depend on the size. */
	size_t first = size / 3, second = size / 2 - first;
	struct span parts[] = {{record, first}, {record + first, second},
		{record + first + second, size - first - second}};
	FUZZ_ASSERT(conn_send(e->conn, channel, parts, ARRAY_SIZE(parts), e->now) == SC_OK);
	e->n_sent++;
}

void
end_send_control(struct end *e, uint8_t type, struct span payload)
{
	uint8_t head[FRAME_HEAD_SIZE];
	struct span parts[] = {{head, sizeof(head)}, payload};

	if (conn_room(e->conn) < FRAME_HEAD_SIZE + payload.size)
		return;
	e->hostile = true;
	frame_head_put(head, type, (uint16_t)payload.size, 0);
	FUZZ_ASSERT(
		conn_send(e->conn, CHANNEL_PROTOCOL, parts, ARRAY_SIZE(parts), e->now) == SC_OK);
}

static void
take_control(struct end *e, uint8_t type, struct span payload)
{
	enum sc_error error = conn_control(e->conn, type, payload, e->now);

	FUZZ_ASSERT(error == SC_OK || e->hostile || e->peer->hostile);
	if (error == SC_OK && type == FRAME_KEY_UPDATE && payload.data[1] == 1) {
		FUZZ_ASSERT(payload.data[0] == e->updates + 1);
		e->updates = (e->updates + 1) % 2;
	}
	FUZZ_ASSERT(error == SC_OK || error == SC_ERR_FRAME || error == conn_error(e->conn));
	if (error)
		conn_fail(e->conn, error); /* a trunk would say CLOSE first */
}

static void
take_plaintext(struct end *e, uint8_t channel, struct span plaintext)
{
	static uint8_t expected[RECORD_PLAINTEXT_MAX];
	const struct end *from = e->peer;
	uint8_t type = plaintext.data[0];

	FUZZ_ASSERT(plaintext.size >= RECORD_PLAINTEXT_MIN && conn_phase(e->conn) == CONN_UP);
	if (type != FRAME_PAD) {
		struct span payload = {
			plaintext.data + FRAME_HEAD_SIZE, plaintext.size - FRAME_HEAD_SIZE};
		FUZZ_ASSERT(channel == CHANNEL_PROTOCOL);
		take_control(e, type, payload);
		return;
	}
	FUZZ_ASSERT(e->n_received < from->n_sent);
	FUZZ_ASSERT(channel == from->sent[e->n_received].channel);
	FUZZ_ASSERT(plaintext.size == make_record(from, e->n_received, expected));
	FUZZ_ASSERT(memcmp(plaintext.data, expected, plaintext.size) == 0);
	e->n_received++;
}

void
end_receive(struct end *e)
{
	struct span plaintext;
	uint8_t channel;
	int result;

	while ((result = conn_receive(e->conn, &channel, &plaintext)) == 1)
		take_plaintext(e, channel, plaintext);
	FUZZ_ASSERT((result == -1) == (conn_phase(e->conn) == CONN_FAILED));
}
