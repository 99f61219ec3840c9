/* Tests a connection where memory runs out, at each place where that can be: it is up, or has ended
   with an error. */
#include "conn_pair.h"
#include "faults.h"

struct trial {
	const char *asym, *bulk;
	bool flight; /* SecureConn 1.1 */
};

/* Either it goes on or it says why not. */
static void
assert_in_order(const struct conn *c)
{
	if (c)
		assert_true((conn_phase(c) == CONN_FAILED) == (conn_error(c) != SC_OK));
}

/* Handshake, records, new session keys, a new key of the initiator. */
static void
use(struct pair *p, const struct conn_key *announced)
{
	struct span payload;

	for (int i = 0; i < 2; i++)
		if (!(p->ends[i].conn = conn_new(&p->ends[i].config, p->now)))
			return;
	pair_run(p);
	if (conn_phase(p->ends[0].conn) != CONN_UP || conn_phase(p->ends[1].conn) != CONN_UP)
		return;
	conn_renew(p->ends[0].conn);
	conn_announce(p->ends[0].conn, announced, p->now);
	for (int from = 0; from < 2; from++)
		if (pair_send(p, from, FRAME_DATA, "data", 4) == SC_OK)
			pair_receive(p, 1 - from, &payload);
	pair_receive(p, 0, &payload);
	pair_receive(p, 1, &payload);
}

static void
try_use(void *arg)
{
	const struct trial *t = arg;
	struct pair p;

	pair_init(&p, 7, LIST(t->asym), LIST(t->bulk));
	if (t->flight)
		pair_remember(&p);
	/* Its own key stands for the new one: what the other side answers does not matter here. */
	const struct conn_key announced = p.ends[0].keys[0];
	faults_begin();
	use(&p, &announced);
	bool failed = faults_end();
	for (int i = 0; i < 2; i++)
		assert_in_order(p.ends[i].conn);
	for (int i = 0; !failed && i < 2; i++)
		assert_int_equal(conn_phase(p.ends[i].conn), CONN_UP);
	pair_fini(&p);
}

static void
test_use(void **state)
{
	faults_each(FAULT_MEMORY, try_use, *state);
}

#define TRIAL(asym, bulk, flight)                                                                  \
	{asym " " bulk, test_use, NULL, NULL, &(struct trial){asym, bulk, flight}}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TRIAL("X25519", "CAST-128", false),
		TRIAL("X25519", "AES 128", true),
		TRIAL("X25519", "ChaCha20-Poly1305", true),
		TRIAL("ElGamal 1024", "CAST-128", false),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
