/* The two halves of `doctor`. */
#ifndef SC_CLI_DOCTOR_H
#define SC_CLI_DOCTOR_H

#include "cli/probe.h"
#include "cli/report.h"

struct doctor {
	struct report *report;
	const struct config *config;
	const struct settings *settings;
	struct keyring *ring;
	const char *program;      /* as it must be called: "secureconn -c FILE" */
	struct json_object *picture; /* of the running node, NULL: none runs */
	struct json_object *peers;   /* what it says of each, by its name; NULL: nothing */
	bool damaged, damaged_key; /* a file of the state folder, or of a key of this node */
};

/* The state folder, clock, keys, ports, targets of services. */
void
doctor_node(const struct doctor *d);

/* From its keys and its name to the answers of the services that routes lead to. */
void
doctor_peer(const struct doctor *d, const struct config_peer *peer);

/* On the way to one peer. */
struct visit {
	const struct doctor *d;
	const struct config_peer *peer;
	struct report *report;
	const struct endpoint *endpoint; /* which is being tried */
};

/* What the handshake has shown, and what mends it if it failed. */
void
doctor_handshake(const struct visit *v, const struct probe_facts *facts);

/* Tries each service that a route leads to, over the link of p. */
void
doctor_services(const struct visit *v, struct probe *p);

/* The peer has a key in that state. */
bool
doctor_has_key(const struct doctor *d, const char *peer, enum key_state state);

/* "FILE:LINE" */
#define DOCTOR_PLACE 300

const char *
doctor_place(char out[DOCTOR_PLACE], const char *file, unsigned line);

/* The same of the peer's `address`. */
const char *
doctor_address(const struct visit *v, char out[DOCTOR_PLACE]);

/* "AGE ago" of Unix seconds, or "in the future". */
const char *
doctor_ago(char out[48], int64_t time);

#endif
