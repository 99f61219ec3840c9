/* A conversation with a peer, step by step, over a socket of its own: what `doctor` looks at. Runs
   the sans-I/O layers in place, without a node; notes nothing and changes nothing here. */
#ifndef SC_CLI_PROBE_H
#define SC_CLI_PROBE_H

#include <sys/socket.h>

#include "cli/cli.h"
#include "secureconn/conn.h"

struct probe;

struct probe_setup {
	const struct config *config;
	const struct settings *settings;
	const struct keyring *ring;
	const char *peer;
};

/* What is known when the handshake is over, well or not. */
struct probe_facts {
	enum sc_error error; /* SC_OK: the peer is authenticated */
	struct conn_info info;
	enum key_verdict verdict; /* of info.peer_public, where that is there */
	char first[64];    /* what it said first, escaped; "" */
	char name[4 * HELLO_NAME_SIZE]; /* in its HELLO, escaped */
	uint64_t took;     /* nanoseconds */
};

/* Own keys that a connection to the peer may use, in order; keys has room for SETTINGS_MAX. Returns
   how many: none, if those of the peer that are verified are all of other algorithms. */
size_t
probe_keys(const struct probe_setup *setup, struct conn_key *keys);

/* A TCP connection to one address, within a deadline. The descriptor, or -1 and errno. */
int
probe_connect(const struct sockaddr *address, socklen_t size, unsigned ms);

/* Takes the descriptor and goes through the handshake. NULL: out of memory. */
struct probe *
probe_start(const struct probe_setup *setup, int fd, unsigned ms, struct probe_facts *facts);

/* Opens a stream to a service of the peer and resets it at once when the answer is there. */
enum probe_answer {
	PROBE_OPENED,
	PROBE_RESET,   /* *code says why */
	PROBE_SILENT,  /* no answer in time */
	PROBE_LOST     /* the link has ended */
};

enum probe_answer
probe_service(struct probe *p, const char *service, unsigned ms, uint16_t *code);

/* Ends the link with CLOSE. NULL is fine. */
void
probe_end(struct probe *p);

#endif
