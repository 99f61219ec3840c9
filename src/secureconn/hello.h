/* HELLO, the first record of each side (protocol.md 6 and 8): what it says, to and from bytes. */
#ifndef SC_SECURECONN_HELLO_H
#define SC_SECURECONN_HELLO_H

#include <stdbool.h>

#include "base/error.h"
#include "crypto/asym.h"

#define HELLO_VERSION       1
#define HELLO_RECORD_MAX    1024 /* n of a HELLO's record */
#define HELLO_WINDOW_MIN    4096
#define HELLO_NAME_SIZE     256
#define HELLO_INSTANCE_SIZE 16

struct hello {
	uint8_t key[X25519_SIZE];   /* fresh X25519 public key; conn fills in its own */
	uint32_t window;            /* W0: bytes a new stream may receive before any WINDOW */
	uint32_t max_streams;       /* most streams the other side may have open */
	char name[HELLO_NAME_SIZE]; /* for the log only; of a peer: hostile text, no NULs */
	bool has_instance;          /* tag 1 is there: */
	uint16_t hold;              /* seconds that streams outlive a link, 0: no resume */
	uint8_t instance[HELLO_INSTANCE_SIZE]; /* random, once per process start */
};

/* Writes the whole frame, head included, into out (HELLO_RECORD_MAX bytes). Returns its size. */
size_t
hello_encode(uint8_t out[HELLO_RECORD_MAX], const struct hello *hello);

/* Reads the plaintext of a HELLO's record: one frame and nothing after it. SC_OK, or
   SC_ERR_HELLO. */
enum sc_error
hello_decode(struct hello *hello, const uint8_t *plaintext, size_t size);

#endif
