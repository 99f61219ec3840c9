/* Feeds a handshake: raw bytes to one end of either role (which must never come up), or a meddler
   between two real ends, which the input tells what to do with each line and record. Asserts that
   two ends left alone come up, that an end which comes up has agreed with the other on everything
   and takes nothing but what that one has sent, that errors stick, that memory is bounded, and that
   nothing is ever stuck. */
#include "meddler.h"

/* ---- raw bytes ---- */

static void
settle_jobs(struct end *e)
{
	while (end_run_job(e))
		end_finish_job(e);
}

/* No choice of bytes makes up for the private key that the peer ought to have. */
static void
run_raw(struct choices *c, struct end *e)
{
	uint8_t flags = choose_u8(c);
	size_t piece = choose_u8(c) & 63;

	e->accept_all = flags & 1;
	if (flags & 2)
		end_remember(e);
	end_set_bulk(e, flags >> 2);
	end_start(e);
	settle_jobs(e);
	end_check(e);
	while (choices_left(c) && conn_phase(e->conn) != CONN_FAILED) {
		struct span bytes = choose_bytes(c, piece > 0 ? piece : 4096);
		size_t n;
		if (!end_give(e, bytes.data, bytes.size))
			break;
		settle_jobs(e);
		end_check(e);
		FUZZ_ASSERT(conn_phase(e->conn) != CONN_UP);
		conn_out_buf(e->conn, &n);
		conn_out_ack(e->conn, n);
	}
	conn_in_end(e->conn);
	end_check(e);
}

/* ---- two ends ---- */

static bool
have_common(const struct end ends[2])
{
	for (size_t i = 0; i < ends[0].config.n_bulk; i++)
		for (size_t k = 0; k < ends[1].config.n_bulk; k++)
			if (ends[0].bulk[i]->algorithm == ends[1].bulk[k]->algorithm)
				return true;
	return false;
}

/* Two ends that were left alone agree, or find what keeps them from it. */
static void
check_untouched(const struct end ends[2])
{
	bool refused = ends[0].refuse || ends[1].refuse;

	for (size_t i = 0; i < 2; i++) {
		enum sc_error error = conn_error(ends[i].conn);
		if (!have_common(ends))
			FUZZ_ASSERT(error == SC_ERR_NO_SYMMETRIC);
		else if (refused) /* or, in 1.1, it was the other end that did, and simply goes */
			FUZZ_ASSERT(error == SC_ERR_KEY_NOT_VERIFIED ||
				    error == SC_ERR_KEY_REJECTED || error == SC_OK);
		else
			FUZZ_ASSERT(conn_phase(ends[i].conn) == CONN_UP &&
				    ends[i].n_received == ends[1 - i].n_sent);
	}
	if (refused)
		FUZZ_ASSERT(
			conn_phase(ends[0].conn) != CONN_UP || conn_phase(ends[1].conn) != CONN_UP);
}

/* An end that is up knows that the other one has seen the same conversation, even if that one has
   failed since. */
static void
check_result(struct meddler *m)
{
	struct end *ends = m->ends;

	if (!m->touched)
		check_untouched(ends);
	if (!m->touched && conn_phase(ends[0].conn) == CONN_UP)
		ends_check_agreement(ends);
	for (size_t i = 0; i < 2; i++) {
		struct conn_info info, other;
		conn_get_info(ends[i].conn, &info);
		conn_get_info(ends[1 - i].conn, &other);
		if (conn_phase(ends[i].conn) != CONN_UP && ends[i].n_received == 0)
			continue;
		FUZZ_ASSERT(ends[i].asked > 0 && ends[1 - i].asked > 0 && !ends[i].refuse);
		FUZZ_ASSERT(memcmp(info.peer_public, ends[1 - i].public_key, 32) == 0);
		FUZZ_ASSERT(info.bulk->algorithm == other.bulk->algorithm);
		FUZZ_ASSERT(info.asym == other.asym);
	}
}

static void
run_pair(struct meddler *m)
{
	uint8_t limits;

	for (size_t i = 0; i < 2; i++)
		end_set_bulk(&m->ends[i], choose_u8(&m->choices));
	limits = choose_u8(&m->choices);
	for (size_t i = 0; i < 2; i++) {
		struct end *e = &m->ends[i];
		e->config.ratchet_records = limits & 3;
		e->config.ratchet_bytes = (limits >> 2 & 3) * 100u;
		e->refuse = limits & (i == 0 ? 0x10 : 0x20);
		/* Bit 6: I suggests 1.1; bit 7: R knows it. */
		if (limits & (i == 0 ? 0x40 : 0x80))
			end_remember(e);
		end_start(e);
	}
	meddler_run(m);
	check_result(m);
}

/* The first byte: I or R for raw bytes to that end, anything else for the meddler. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct meddler m;
	struct choices c = {data, data + size};
	uint8_t mode = choose_u8(&c);

	meddler_init(&m, c);
	if (mode == 'I' || mode == 'R')
		run_raw(&c, &m.ends[mode == 'I' ? 0 : 1]);
	else
		run_pair(&m);
	meddler_fini(&m);
	return 0;
}
