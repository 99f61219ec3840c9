/* Public-key work of a handshake as a plain struct: filled in on the connection's thread, run on
   any, read back on the connection's (conn.h's conn_job). */
#ifndef SC_SECURECONN_JOB_H
#define SC_SECURECONN_JOB_H

#include <stdbool.h>

#include "crypto/asym.h"
#include "crypto/hash.h"
#include "secureconn/conn.h"

enum job_kind {
	JOB_NONE,
	JOB_CHECK_KEY, /* is public_key valid? */
	JOB_ENCRYPT,   /* message -> ciphertext, to public_key */
	JOB_DECRYPT,   /* ciphertext -> message, with private_key */
	JOB_AGREE,     /* X25519 of ephemeral_private and peer_ephemeral -> shared */
	JOB_EPHEMERAL, /* nothing but make_ephemeral */
	JOB_CHALLENGE  /* JOB_CHECK_KEY, and then JOB_ENCRYPT */
};

/* Inputs and outputs. Everything in it is wiped by job_wipe. */
struct conn_job {
	enum job_kind kind;
	bool out;    /* handed to the owner */
	bool failed; /* the verdict */
	bool make_ephemeral; /* besides: a fresh X25519 pair, for HELLO or RENEW */
	bool has_ephemeral;  /* it is there already */
	bool has_prepared;   /* JOB_ENCRYPT: nearly done already; used up by running it */
	unsigned index;      /* of SYM-KEY-<index>: part of the label */
	const struct asym_impl *asym;
	struct random_source random;
	const uint8_t *private_key; /* the owner's, outlives the job */
	uint8_t label_head[64]; /* of KEYROLL's label, what stands before the key; */
	size_t label_head_size; /* 0: it is a session key's */
	uint8_t label_keys[2 * ASYM_PUBLIC_MAX]; /* the sender's public key, then the recipient's */
	uint8_t public_key[ASYM_PUBLIC_MAX];
	uint8_t message[ASYM_MESSAGE_MAX];
	size_t message_size;
	uint8_t ciphertext[ASYM_CIPHERTEXT_MAX];
	size_t ciphertext_size;
	uint8_t prepared[ASYM_PREPARED_MAX];
	uint8_t ephemeral_private[X25519_SIZE], ephemeral_public[X25519_SIZE];
	uint8_t peer_ephemeral[X25519_SIZE], shared[X25519_SIZE];
};

/* Sets the label of section 5: L = "SecureConn SYM-KEY-" || index || 0x00 || sender's public key ||
   recipient's. */
void
job_set_label(struct conn_job *job, unsigned index, const uint8_t *sender,
	const uint8_t *recipient);

/* Sets the label of section 12: L = "SecureConn KEYROLL" || 0x00 || hh || letter || new public
   key. */
void
job_set_roll_label(
	struct conn_job *job, const uint8_t hh[HASH_SIZE], char letter, const uint8_t *public_key);

/* A job that encrypts: takes what the owner may have prepared for public_key. */
void
job_take_prepared(struct conn_job *job, const struct conn_config *config);

/* Besides what it does, the job is to bring an X25519 pair: one that the owner may have ready, or a
   new one. */
void
job_want_ephemeral(struct conn_job *job, const struct conn_config *config);

/* The job as it was before it was ever filled in. */
void
job_wipe(struct conn_job *job);

#endif
