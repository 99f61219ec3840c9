/* Tests secureconn/job.c: a session key there and back, and what another label, key or kind leads
   to. (The labels' bytes are held against recorded conversations in test_schedule.c.) */
#include "unit.h"

#include "secureconn/job.h"

static struct conn_job job;
static uint8_t private_key[ASYM_PRIVATE_MAX], public_key[ASYM_PUBLIC_MAX], sender[ASYM_PUBLIC_MAX];

static int
setup(void **state)
{
	const struct asym_impl *asym = asym_find("X25519");

	(void)state;
	assert_int_equal(asym->generate(asym, &random_system, private_key, sender), 0);
	assert_int_equal(asym->generate(asym, &random_system, private_key, public_key), 0);
	job_wipe(&job);
	job.asym = asym;
	job.random = random_system;
	job.private_key = private_key;
	memcpy(job.public_key, public_key, asym->algorithm->public_size);
	memset(job.message, 7, 32);
	job.message_size = 32;
	job.kind = JOB_ENCRYPT;
	job_set_label(&job, 1, sender, public_key);
	conn_job_run(&job);
	assert_false(job.failed);
	job.ciphertext_size = asym_ciphertext_size(asym->algorithm, 32);
	memset(job.message, 0, sizeof(job.message));
	job.kind = JOB_DECRYPT;
	return 0;
}

static void
test_there_and_back(void **state)
{
	(void)state;
	conn_job_run(&job);
	assert_false(job.failed);
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(job.message[i], 7);
}

static void
test_label_binds_index_and_keys(void **state)
{
	(void)state;
	job_set_label(&job, 2, sender, public_key);
	conn_job_run(&job);
	assert_true(job.failed);
	job_set_label(&job, 1, public_key, sender);
	conn_job_run(&job);
	assert_true(job.failed);
	job_set_label(&job, 1, sender, public_key);
	conn_job_run(&job);
	assert_false(job.failed);
}

static void
test_check_and_agree(void **state)
{
	(void)state;
	job.kind = JOB_CHECK_KEY;
	conn_job_run(&job);
	assert_false(job.failed);
	job.public_key[31] |= 0x80;
	conn_job_run(&job);
	assert_true(job.failed);
	job.kind = JOB_AGREE;
	job.make_ephemeral = true;
	memcpy(job.peer_ephemeral, public_key, X25519_SIZE);
	conn_job_run(&job); /* agrees with the pair of before, and makes the next */
	assert_false(job.failed);
	memset(job.peer_ephemeral, 0, X25519_SIZE);
	conn_job_run(&job);
	assert_true(job.failed);
}

static bool
take_prepared(void *arg, const struct asym_impl *asym, const uint8_t *key, uint8_t *prepared)
{
	unsigned *left = arg;

	if (*left == 0)
		return false;
	--*left;
	assert_memory_equal(key, public_key, asym->algorithm->public_size);
	return asym->prepare(asym, &random_system, key, prepared) == 0;
}

static bool
take_ephemeral(void *arg, uint8_t own_private[X25519_SIZE], uint8_t own_public[X25519_SIZE])
{
	unsigned *left = arg;

	if (*left == 0)
		return false;
	--*left;
	memset(own_private, 1, X25519_SIZE);
	memset(own_public, 2, X25519_SIZE);
	return true;
}

/* With what was prepared and without: it opens; what was taken is gone once it was used. */
static void
test_prepared(void **state)
{
	const uint8_t zero[ASYM_PREPARED_MAX] = {0};
	unsigned left = 1;
	const struct conn_config config = {.take_prepared = take_prepared, .arg = &left};
	(void)state;
	for (int i = 0; i < 2; i++) {
		job.kind = JOB_ENCRYPT;
		memset(job.message, 3 + i, 32);
		job_take_prepared(&job, &config);
		assert_int_equal(job.has_prepared, i == 0);
		assert_int_equal(left, 0);
		conn_job_run(&job);
		assert_false(job.failed || job.has_prepared);
		assert_memory_equal(job.prepared, zero, sizeof(zero));
		job.kind = JOB_DECRYPT;
		memset(job.message, 0, sizeof(job.message));
		conn_job_run(&job);
		assert_false(job.failed);
		assert_int_equal(job.message[31], 3 + i);
	}
}

static void
test_ephemeral(void **state)
{
	uint8_t one[X25519_SIZE], two[X25519_SIZE];
	unsigned left = 1;
	const struct conn_config config = {.take_ephemeral = take_ephemeral, .arg = &left};
	(void)state;
	memset(one, 1, sizeof(one));
	memset(two, 2, sizeof(two));
	job_wipe(&job);
	job.random = random_system;
	job.kind = JOB_EPHEMERAL;
	job_want_ephemeral(&job, &config);
	conn_job_run(&job);
	assert_memory_equal(job.ephemeral_private, one, X25519_SIZE);
	assert_memory_equal(job.ephemeral_public, two, X25519_SIZE);
	job_want_ephemeral(&job, &config); /* there is none any more: it is made */
	conn_job_run(&job);
	assert_memory_not_equal(job.ephemeral_private, one, X25519_SIZE);
	assert_memory_not_equal(job.ephemeral_public, two, X25519_SIZE);
}

int
main(void)
{
	asym_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_there_and_back, setup),
		cmocka_unit_test_setup(test_label_binds_index_and_keys, setup),
		cmocka_unit_test_setup(test_check_and_agree, setup),
		cmocka_unit_test_setup(test_prepared, setup),
		cmocka_unit_test_setup(test_ephemeral, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
