/* Knows how to run one piece of public-key work; knows nothing of the handshake that wants it. */
#include "secureconn/job.h"

#include <stdio.h>
#include <string.h>

void
job_set_label(struct conn_job *job, unsigned index, const uint8_t *sender,
	const uint8_t *recipient)
{
	size_t size = job->asym->algorithm->public_size;

	job->index = index;
	memcpy(job->label_keys, sender, size);
	memcpy(job->label_keys + size, recipient, size);
}

void
job_set_roll_label(
	struct conn_job *job, const uint8_t hh[HASH_SIZE], char letter, const uint8_t *public_key)
{
	static const char head[] = "SecureConn KEYROLL"; /* with the 0x00 */

	memcpy(job->label_head, head, sizeof(head));
	memcpy(job->label_head + sizeof(head), hh, HASH_SIZE);
	job->label_head[sizeof(head) + HASH_SIZE] = (uint8_t)letter;
	job->label_head_size = sizeof(head) + HASH_SIZE + 1;
	memcpy(job->label_keys, public_key, job->asym->algorithm->public_size);
}

void
job_take_prepared(struct conn_job *job, const struct conn_config *config)
{
	job->has_prepared = config->take_prepared &&
		config->take_prepared(config->arg, job->asym, job->public_key, job->prepared);
}

void
job_want_ephemeral(struct conn_job *job, const struct conn_config *config)
{
	job->make_ephemeral = true;
	job->has_ephemeral = config->take_ephemeral &&
		config->take_ephemeral(config->arg, job->ephemeral_private, job->ephemeral_public);
}

void
job_wipe(struct conn_job *job)
{
	wipe(job, sizeof(*job));
}

static int
run_crypt(struct conn_job *job)
{
	const struct asym_impl *asym = job->asym;
	char head[sizeof("SecureConn SYM-KEY-") + 10];
	int n = snprintf(head, sizeof(head), "SecureConn SYM-KEY-%u", job->index);
	struct span label[2] = {
		{(const uint8_t *)head, (size_t)n + 1}, /* with the 0x00 */
		{job->label_keys, 2 * asym->algorithm->public_size},
	};

	if (job->label_head_size > 0) {
		label[0] = (struct span){job->label_head, job->label_head_size};
		label[1].size = asym->algorithm->public_size;
	}
	const struct span message = {job->message, job->message_size};

	if (job->kind == JOB_ENCRYPT && job->has_prepared) {
		job->has_prepared = false;
		return asym->encrypt_prepared(asym, &job->random, job->prepared, label, message,
			job->ciphertext);
	}
	if (job->kind != JOB_DECRYPT)
		return asym->encrypt(asym, &job->random, job->public_key, label, message,
			job->ciphertext);
	return asym->decrypt(asym, &job->random, job->private_key, label,
		(struct span){job->ciphertext, job->ciphertext_size}, job->message,
		job->message_size);
}

void
conn_job_run(struct conn_job *job)
{
	int result = -1;

	switch (job->kind) {
	case JOB_NONE:
		break;
	case JOB_CHECK_KEY:
		result = job->asym->check_public(job->asym, job->public_key);
		break;
	case JOB_CHALLENGE:
		result = job->asym->check_public(job->asym, job->public_key);
		if (result == 0)
			result = run_crypt(job);
		break;
	case JOB_ENCRYPT:
	case JOB_DECRYPT:
		result = run_crypt(job);
		break;
	case JOB_AGREE:
		result = x25519_shared(job->shared, job->ephemeral_private, job->peer_ephemeral);
		break;
	case JOB_EPHEMERAL:
		result = 0;
		break;
	}
	if (job->make_ephemeral && !job->has_ephemeral)
		x25519_generate(&job->random, job->ephemeral_private, job->ephemeral_public);
	job->failed = result != 0;
}
