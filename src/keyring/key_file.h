/* One key as a file of text: the form that the state folder and `key export` share. */
#ifndef SC_KEYRING_KEY_FILE_H
#define SC_KEYRING_KEY_FILE_H

#include "keyring/keyring.h"

#define KEY_FILE_MAX 8192 /* bytes; more than the longest needs */

enum key_kind {
	/* a pair of this node, in use or former: of those for one purpose the youngest is in use */
	KIND_OWN,
	KIND_VERIFIED, /* of a peer, as enum key_state */
	KIND_PENDING,
	KIND_EXPECTED,
	KIND_PUBLIC,  /* exported */
	KIND_REVOKED, /* of a peer */
	KIND_NEXT,    /* a pair of this node that is not in use yet */
	KIND_RETIRED, /* the public half of one that is not in use any more */
	KIND_ANSWER,  /* what a peer has said to a next pair */
	KEY_KINDS
};

extern const char *const key_kind_names[KEY_KINDS];
extern const char *const keyroll_answer_names[KEYROLL_ANSWERS];

/* The fields that a kind of file has; every one has the fingerprint. */
enum key_field {
	FIELD_FINGERPRINT = 0,
	FIELD_PEER = 1,
	FIELD_IDENTITY = 2, /* may be missing */
	FIELD_KEY = 4,      /* algorithm and public key */
	FIELD_TIME = 8,
	FIELD_SOURCE = 16, /* and the key beside which it is, which may be missing */
	FIELD_PRIVATE = 32,
	FIELD_ANSWER = 64,
};

bool
key_kind_has(enum key_kind kind, enum key_field field);

/* What such a file says; fields that its kind has not are empty. */
struct key_record {
	enum key_kind kind;
	struct peer_key key;
	char identity[PEER_NAME_SIZE]; /* "": the node's own */
	uint8_t private_key[ASYM_PRIVATE_MAX];
	enum keyroll_answer answer;
};

#define KEY_VERSION_LINE "SecureConn key 1"
#define KEY_NO_PEER      "?" /* no name can look like that */
#define KEY_CHECK_SIZE   8

/* Tells a pair that was damaged on disk before a peer does: nothing else ties the private key to
   the rest. */
void
key_pair_check(uint8_t check[KEY_CHECK_SIZE], const struct key_record *record);

/* Writes the text of a record, with a NUL. Its length, or 0 if it does not fit. */
size_t
key_record_format(char *out, size_t size, const struct key_record *record);

/* Reads size bytes. SC_OK, or SC_ERR_FORMAT with err set: torn, damaged, of another version, no
   such file at all. The fingerprint is computed anew and must agree. On errors the record is
   wiped. */
enum sc_error
key_record_parse(struct key_record *record, const char *text, size_t size, struct errmsg *err);

#endif
