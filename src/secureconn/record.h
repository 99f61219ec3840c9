/* Records (protocol.md 7): one direction of a connection, two channels under keys of their own, one
   sequence. */
#ifndef SC_SECURECONN_RECORD_H
#define SC_SECURECONN_RECORD_H

#include "base/error.h"
#include "crypto/bulk.h"
#include "secureconn/schedule.h"

#define RECORD_HEAD_SIZE     4
#define RECORD_OVERHEAD      (RECORD_HEAD_SIZE + BULK_TAG_SIZE)
#define RECORD_PLAINTEXT_MIN 8
#define RECORD_PLAINTEXT_MAX 65535

/* What has gone through under the present key. */
struct record_usage {
	uint64_t records, bytes, blocks;
};

struct record_channel {
	void *context; /* of the implementation */
	uint8_t secret[HASH_SIZE];
	uint64_t epoch;
	struct record_usage used;
	uint64_t since; /* when the epoch began, in the owner's nanoseconds */
};

/* Either the sending or the receiving half of a connection. */
struct record_half {
	const struct bulk_impl *impl;
	uint64_t seq;
	struct record_channel channels[2];
};

/* What the head of a record says. */
struct record_head {
	uint8_t channel; /* 1 or 2 */
	size_t size;     /* n: bytes of ciphertext without the tag */
};

/* SC_OK, or SC_ERR_MEMORY; record_half_fini is to be called either way. */
enum sc_error
record_half_init(struct record_half *half, const struct bulk_impl *impl);

/* Wipes all keys. A zeroed half is fine. */
void
record_half_fini(struct record_half *half);

/* Puts a channel (1 or 2) under a secret, as that epoch. */
enum sc_error
record_set_secret(struct record_half *half, uint8_t channel, const uint8_t secret[HASH_SIZE],
	uint64_t epoch, uint64_t now);

/* Steps a channel's key: epoch + 1. */
enum sc_error
record_ratchet(struct record_half *half, uint8_t channel, uint64_t now);

/* True if a record of n bytes, and extra_records small ones besides, still fit under the channel's
   key by the algorithm's limits, and by those of the caller (0: none of the caller's). */
bool
record_fits(const struct record_half *half, uint8_t channel, size_t n, unsigned extra_records,
	const struct record_usage *limit);

/* Seals the parts as one record into out (RECORD_OVERHEAD + the sum of the parts' sizes, which is 8
   to 65,535). */
enum sc_error
record_seal(struct record_half *half, uint8_t channel, const struct span *parts, size_t n_parts,
	uint8_t *out);

/* Reads a head. SC_OK, or the error by which the link ends. */
enum sc_error
record_read_head(const struct record_half *half, const uint8_t head[RECORD_HEAD_SIZE],
	struct record_head *out);

/* Opens a record whose head was read, in place: its plaintext is then at record +
   RECORD_HEAD_SIZE. */
enum sc_error
record_open(struct record_half *half, const struct record_head *head, uint8_t *record);

#endif
