/* One key as a file of text: the form that the state folder and `key export` share. */
#ifndef SC_KEYRING_KEY_FILE_H
#define SC_KEYRING_KEY_FILE_H

#include "keyring/keyring.h"

#define KEY_FILE_MAX 8192 /* bytes; more than the longest needs */

enum key_kind {
	KIND_OWN,      /* a pair of this node */
	KIND_VERIFIED, /* the three of a peer, as enum key_state */
	KIND_PENDING,
	KIND_EXPECTED,
	KIND_PUBLIC /* exported */
};

/* What such a file says. For KIND_OWN and KIND_PUBLIC key.peer and key.source are empty, for
   KIND_PUBLIC key.time is 0. */
struct key_record {
	enum key_kind kind;
	struct peer_key key;
	uint8_t private_key[ASYM_PRIVATE_MAX]; /* KIND_OWN */
};

/* Writes the text of a record, with a NUL. Its length, or 0 if it does not fit. */
size_t
key_record_format(char *out, size_t size, const struct key_record *record);

/* Reads size bytes. SC_OK, or SC_ERR_FORMAT with err set: torn, damaged, of another version, no
   such file at all. The fingerprint is computed anew and must agree. On errors the record is
   wiped. */
enum sc_error
key_record_parse(struct key_record *record, const char *text, size_t size, struct errmsg *err);

#endif
