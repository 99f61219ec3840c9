/* Two connections in one process, with verified keys of each other, and what moves bytes and jobs
   between them. */
#ifndef SC_TESTS_CONN_PAIR_H
#define SC_TESTS_CONN_PAIR_H

#include "unit.h"

#include "secureconn/conn.h"

#define PAIR_LIST_MAX 8
#define LIST(...)     ((const char *const[]){__VA_ARGS__, NULL})

/* One end: keys, lists, and what its accept_key does. */
struct pair_end {
	struct conn *conn;
	struct conn_config config;
	struct conn_key keys[PAIR_LIST_MAX];
	uint8_t public_keys[PAIR_LIST_MAX][ASYM_PUBLIC_MAX],
		private_keys[PAIR_LIST_MAX][ASYM_PRIVATE_MAX];
	const struct bulk_impl *bulk[PAIR_LIST_MAX];
	bool refuse_key;   /* accept_key says no */
	struct conn_memory memory;
	unsigned asked;    /* how often accept_key was called */
	struct pair_end *peer;
	uint8_t *sent;     /* every byte that this end has sent, if pair.record is set */
	size_t sent_size;
};

struct pair {
	struct pair_end ends[2]; /* 0: initiator, 1: responder */
	struct seeded_random random;
	uint64_t now;
	bool record;
	/* May change what is under way from end `from`, or swallow it by returning fewer bytes
	   (tests of attacks). May be NULL. */
	size_t (*meddle)(struct pair *p, int from, uint8_t *data, size_t n);
	size_t flip_at, flip_seen; /* of pair_flip */
	int flip_from;
	size_t chunk_max; /* bytes moved at once, a random number up to this; 0: all */
};

/* One bit of the byte at place `at` of all that end `from` sends from now on is changed on the
   way. */
void
pair_flip(struct pair *p, int from, size_t at);

/* Both ends with the given lists of names (NULL-terminated; best first) and a key each. Nothing is
   started. */
void
pair_init(struct pair *p, uint64_t seed, const char *const *asym, const char *const *bulk);

/* Another list for one end, before pair_start. */
void
pair_set_asym(struct pair *p, int end, const char *const *names);

void
pair_set_bulk(struct pair *p, int end, const char *const *names);

/* Lets the initiator suggest SecureConn 1.1 for the first names of its lists. */
void
pair_remember(struct pair *p);

void
pair_start(struct pair *p);

/* Runs the job of one end, if one waits, and moves what it has to say to the other. True if there
   was anything to do. */
bool
pair_step(struct pair *p, int end);

/* Runs every waiting job and moves bytes both ways until nothing moves any more. True if anything
   did. */
bool
pair_run(struct pair *p);

/* pair_start and pair_run; fails the test unless both are up. */
void
pair_up(struct pair *p);

void
pair_fini(struct pair *p);

/* Sends one frame as a record: DATA of stream 1 on the data channel, anything else of stream 0 on
   the protocol channel. */
enum sc_error
pair_send(struct pair *p, int from, enum frame_type type, const void *payload, size_t n);

/* Moves all bytes, and takes records at one end until a frame comes that is not the connection's
   own business: returns its type and payload, or 0 if none comes. Gives the others to the
   connection, as the tunnel would. */
unsigned
pair_receive(struct pair *p, int at, struct span *payload);

/* Sends a DATA frame and fails the test unless it arrives as it was. */
void
pair_assert_exchange(struct pair *p, int from, const char *text);

/* Changes every step-th byte of a handshake, one at a time and in each direction: the end that gets
   it must never be up. init makes the pair. */
void
pair_check_flips(struct pair *p, size_t step, void (*init)(struct pair *p));

/* Gives one end a text as if it had come from the network. */
void
pair_type(struct pair *p, int end, const char *text);

/* Fails the test unless the end has exactly this to send; takes it. */
void
pair_assert_says(struct pair *p, int end, const char *text);

/* Fails the test unless the end has failed with this error. */
void
pair_assert_failed(struct pair *p, int end, enum sc_error expected);

#endif
