/* Knows what can be done to bytes under way between two ends; what must come of it is known to
   ends.c and to the fuzzers. */
#include "meddler.h"

void
meddler_init(struct meddler *m, struct choices choices)
{
	ends_init(m->ends);
	m->choices = choices;
	m->kept.size = 0;
	m->touched = false;
}

void
meddler_fini(struct meddler *m)
{
	end_fini(&m->ends[0]);
	end_fini(&m->ends[1]);
}

/* ---- what is under way ---- */

/* A whole line, or a whole record, from the front of what an end has to send, but for its last
   part. */
static size_t
unit_size(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] == CHANNEL_PROTOCOL || data[0] == CHANNEL_DATA)
		return n < RECORD_HEAD_SIZE ? n : min_size(n, RECORD_OVERHEAD + get_u16(data + 2));
	const uint8_t *lf = memchr(data, '\n', n);
	return lf ? (size_t)(lf - data) + 1 : n;
}

/* Copies the next unit of an end to m->present; it is still the end's. False: it has nothing to
   say. */
static bool
look_at_unit(struct meddler *m, struct end *from)
{
	size_t n;
	const uint8_t *out = conn_out_buf(from->conn, &n);

	m->present.size = unit_size(out, n);
	if (m->present.size > 0)
		memcpy(m->present.data, out, m->present.size);
	return m->present.size > 0;
}

/* Passes up to max bytes as they are, as many as the other end takes. True if any. */
static bool
pass(struct end *from, size_t max)
{
	size_t n, room;
	const uint8_t *out = conn_out_buf(from->conn, &n);

	conn_in_buf(from->peer->conn, &room);
	n = min_size(min_size(n, max), room);
	if (n == 0)
		return false;
	FUZZ_ASSERT(end_give(from->peer, out, n));
	conn_out_ack(from->conn, n);
	return true;
}

/* Gives m->present in place of the `taken` bytes that `from` has to say. */
static void
pass_changed(struct meddler *m, struct end *from, struct end *to, size_t taken)
{
	if (!end_give(to, m->present.data, m->present.size))
		return;
	m->touched = true;
	conn_out_ack(from->conn, taken);
}

static void
change_byte(struct meddler *m, struct end *from)
{
	if (!look_at_unit(m, from))
		return;
	size_t at = choose_below(&m->choices, m->present.size);
	uint8_t change = choose_u8(&m->choices);
	m->present.data[at] ^= change > 0 ? change : 1;
	pass_changed(m, from, from->peer, m->present.size);
}

/* Keeps the front of a unit and puts the input's next line in place of the rest. */
static void
replace_rest(struct meddler *m, struct end *from)
{
	if (!look_at_unit(m, from))
		return;
	size_t taken = m->present.size, at = choose_below(&m->choices, m->present.size);
	struct span text = choose_line(&m->choices);
	size_t n = min_size(text.size, LINE_SIZE_MAX - 1);
	memcpy(m->present.data + at, text.data, n);
	m->present.data[at + n] = '\n';
	m->present.size = at + n + 1;
	pass_changed(m, from, from->peer, taken);
}

/* Says something that nobody has sent: a line (or a part of one), or a record. */
static void
insert(struct meddler *m, struct end *from, bool record)
{
	struct span s = record ? choose_bytes(&m->choices, choose_u8(&m->choices))
			       : choose_line(&m->choices);

	m->present.size = min_size(s.size, LINE_SIZE_MAX);
	memcpy(m->present.data, s.data, m->present.size);
	if (!record)
		m->present.data[m->present.size++] = '\n';
	pass_changed(m, from, from->peer, 0);
}

static void
cut(struct meddler *m, struct end *from)
{
	if (!look_at_unit(m, from))
		return;
	size_t taken = m->present.size;
	m->present.size -= choose_below(&m->choices, taken);
	pass_changed(m, from, from->peer, taken);
}

/* Keeps a unit for later (drops it if there is no later). */
static void
keep(struct meddler *m, struct end *from)
{
	if (!look_at_unit(m, from))
		return;
	memcpy(m->kept.data, m->present.data, m->present.size);
	m->kept.size = m->present.size;
	m->touched = true;
	conn_out_ack(from->conn, m->kept.size);
}

static void
give_kept(struct meddler *m, struct end *to)
{
	if (m->kept.size > 0 && end_give(to, m->kept.data, m->kept.size))
		m->touched = true;
}

static void
repeat(struct meddler *m, struct end *from)
{
	if (!look_at_unit(m, from))
		return;
	memcpy(m->kept.data, m->present.data, m->present.size);
	m->kept.size = m->present.size;
	pass_changed(m, from, from->peer, m->present.size);
	give_kept(m, from->peer);
}

static void
reflect(struct meddler *m, struct end *from)
{
	if (look_at_unit(m, from))
		pass_changed(m, from, from, m->present.size);
}

static void
end_early(struct meddler *m, struct end *e)
{
	m->touched = true;
	if (choose_u8(&m->choices) & 1)
		conn_in_end(e->conn);
	else
		conn_fail(e->conn, SC_ERR_TIMEOUT); /* the owner's deadline */
}

/* ---- choosing ---- */

#define STEP(letter) (letter) & 31

/* The letter says what is done: a capital, to what end 0 says or is; a small one, to end 1. */
static void
step_under_way(struct meddler *m, struct end *from, uint8_t choice)
{
	switch (choice & 31) {
	case STEP('A'):
		pass(from, SIZE_MAX);
		break;
	case STEP('B'):
		pass(from, 1 + choose_u8(&m->choices));
		break;
	case STEP('C'):
		if (look_at_unit(m, from))
			pass(from, m->present.size);
		break;
	case STEP('F'):
		change_byte(m, from);
		break;
	case STEP('G'):
		replace_rest(m, from);
		break;
	case STEP('H'):
		insert(m, from, false);
		break;
	case STEP('I'):
		insert(m, from, true);
		break;
	case STEP('J'):
		cut(m, from);
		break;
	case STEP('K'):
		keep(m, from);
		break;
	case STEP('L'):
		give_kept(m, from->peer);
		break;
	case STEP('M'):
		repeat(m, from);
		break;
	case STEP('N'):
		reflect(m, from);
		break;
	default:
		break;
	}
}

static void
step(struct meddler *m)
{
	uint8_t choice = choose_u8(&m->choices);
	struct end *from = &m->ends[choice & 0x20 ? 1 : 0];

	switch (choice & 31) {
	case STEP('D'):
		end_run_job(from);
		break;
	case STEP('E'):
		end_finish_job(from);
		break;
	case STEP('O'):
		end_send_record(from, CHANNEL_PROTOCOL, choose_u8(&m->choices));
		break;
	case STEP('P'):
		end_send_record(from, CHANNEL_DATA, choose_u8(&m->choices) * 4u);
		break;
	case STEP('Q'):
		end_send_record(from, CHANNEL_DATA, choose_u16(&m->choices));
		break;
	case STEP('R'):
		end_renew(from);
		break;
	case STEP('T'):
		meddler_pass_time(m);
		break;
	case STEP('U'):
		meddler_send_hostile(m, from);
		break;
	case STEP('V'):
		end_age(from);
		break;
	case STEP('W'):
		meddler_spoil_hello(m, from);
		break;
	case STEP('Y'):
		meddler_replace_hello(m, from);
		break;
	case STEP('X'):
		end_early(m, from);
		break;
	default:
		step_under_way(m, from, choice);
	}
}

/* Whatever still moves, moves. */
static void
settle(struct meddler *m)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < 2; i++) {
			struct end *e = &m->ends[i];
			end_receive(e);
			conn_tick(e->conn, e->now);
			end_run_job(e);
			moved |= end_finish_job(e);
			end_check(e);
			moved |= pass(e, SIZE_MAX);
		}
	}
}

void
meddler_run(struct meddler *m)
{
	while (choices_left(&m->choices)) {
		step(m);
		for (size_t i = 0; i < 2; i++) {
			end_receive(&m->ends[i]);
			end_check(&m->ends[i]);
		}
	}
	settle(m);
}
