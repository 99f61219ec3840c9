/* The key schedule (protocol.md 6): from the transcript and the session keys to the secrets of each
   channel and direction, and from a secret to the keys of an epoch. */
#ifndef SC_SECURECONN_SCHEDULE_H
#define SC_SECURECONN_SCHEDULE_H

#include <stdbool.h>

#include "crypto/bulk.h"
#include "crypto/hash.h"

#define SESSION_KEYS 3 /* SYM-KEY-1: protocol channel, -2: data channel, -3: of both */

/* The lines that each side has sent, hashed. */
struct transcript {
	struct hash initiator, responder;
};

void
transcript_init(struct transcript *t);

/* Adds a line, without its LF, that I or R sent. */
void
transcript_add(struct transcript *t, bool by_initiator, struct span line);

/* th */
void
transcript_digest(const struct transcript *t, uint8_t th[HASH_SIZE]);

/* The present secrets, by channel (0: protocol, 1: data) and direction (0: sent by I, 1: sent by
   R). Wiped by the owner. */
struct schedule {
	uint8_t secret[2][2][HASH_SIZE];
};

/* Epoch 0. keys: key_1..key_3, key_size bytes each. */
void
schedule_start(struct schedule *s, const uint8_t th[HASH_SIZE],
	uint8_t keys[SESSION_KEYS][BULK_KEY_MAX], size_t key_size);

/* hh: the hash of the HELLOs' payloads (frame heads left out). */
void
schedule_hello_hash(
	uint8_t hh[HASH_SIZE], struct span payload_of_initiator, struct span payload_of_responder);

/* Epoch 1: mixes in the X25519 result of the HELLOs and their payloads (frame heads left out). */
void
schedule_hello(struct schedule *s, const uint8_t ee[HASH_SIZE], struct span payload_of_initiator,
	struct span payload_of_responder);

/* th' of a renewal: the RENEW keys of I and R, and the transcript of its lines. */
void
transcript_renewal_digest(const struct transcript *t, const uint8_t renew_i[HASH_SIZE],
	const uint8_t renew_r[HASH_SIZE], uint8_t th[HASH_SIZE]);

/* The next epoch's secret by a renewal, in place: key_i of its channel, key_3, the X25519 result of
   the RENEWs, th'. */
void
schedule_renew(uint8_t secret[HASH_SIZE], struct span key_i, struct span key_3,
	const uint8_t shared[HASH_SIZE], const uint8_t th[HASH_SIZE]);

/* The next epoch's secret by a ratchet, in place. */
void
schedule_ratchet(uint8_t secret[HASH_SIZE]);

/* The keys of a secret's epoch. The caller wipes them. */
void
schedule_keys(struct bulk_keys *keys, const uint8_t secret[HASH_SIZE],
	const struct bulk_algorithm *algorithm);

#endif
