/* Feeds records between two ends that are up under fixed keys, by two libraries where there are
   two, with a meddler in between and hostile control frames. Asserts that nothing arrives but what
   was sent, in its order, that ends left alone never fail through any ratchet, renewal or age of a
   key, and hold the same keys in the end; that errors stick, memory is bounded and nothing is
   stuck. */
#include "meddler.h"

#include "crypto/bulk.h"

/* The i-th of the implementations, and another one of the same algorithm, if there is one. */
static void
set_impls(struct end ends[2], uint8_t choice)
{
	size_t n = 0;

	while (bulk_impls[n])
		n++;
	const struct bulk_impl *first = bulk_impls[choice % n], *second = first;
	for (size_t i = 0; i < n; i++)
		if (bulk_impls[i]->algorithm == first->algorithm && bulk_impls[i] != first)
			second = bulk_impls[i];
	ends[0].bulk[0] = first;
	ends[1].bulk[0] = second;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct meddler m;
	struct choices c = {data, data + size};
	uint8_t impl = choose_u8(&c), limits = choose_u8(&c);

	meddler_init(&m, c);
	set_impls(m.ends, impl);
	for (size_t i = 0; i < 2; i++) {
		m.ends[i].config.ratchet_records = limits & 7;
		m.ends[i].config.ratchet_bytes = (limits >> 3 & 3) * 100u;
		m.ends[i].config.renewal.bytes = (limits >> 5) * 1000u;
	}
	ends_start_up(m.ends);
	meddler_run(&m);
	if (!m.touched) {
		for (size_t i = 0; i < 2; i++)
			FUZZ_ASSERT(m.ends[i].n_received == m.ends[1 - i].n_sent);
		ends_check_agreement(m.ends);
	}
	meddler_fini(&m);
	return 0;
}
