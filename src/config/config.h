/* The configuration: what secureconn.ini says, checked whole, as plain structs. */
#ifndef SC_CONFIG_CONFIG_H
#define SC_CONFIG_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/prefix.h"

#define CONFIG_DEFAULT_FILE "/etc/secureconn/secureconn.ini"
#define CONFIG_OPTIONS_MAX  96
#define CONFIG_ROUTE_PEERS  32 /* most peers of a route */
#define CONFIG_NAME_SIZE    65 /* of nodes, peers, routes: 64 characters and a NUL */

/* Where to listen or to connect: a TCP host and port, or (for plaintext sides only) a Unix
   socket. */
struct endpoint {
	bool is_unix;
	char host[256]; /* a name or an address without brackets; TCP only */
	uint16_t port;
	char path[108]; /* Unix only */
	char text[272]; /* as shown: "127.0.0.1:5432", "[::1]:5432", "/run/x.sock" */
};

struct endpoint_list {
	struct endpoint *at;
	size_t n;
	unsigned line; /* where it is set; 0 and NULL: a default. The same below */
	const char *file;
};

/* A list of names, each a NUL-terminated string. */
struct name_list {
	char **at;
	size_t n;
	unsigned line;
	const char *file;
};

struct config_node {
	char name[CONFIG_NAME_SIZE]; /* at most 63 of it go into HELLO */
	struct endpoint_list listen; /* may be empty: the node only dials out */
	char *state;                 /* folder */
	char user[CONFIG_NAME_SIZE]; /* that it becomes if root starts it; "": it stays who it is */
	struct name_list asymmetric, symmetric, implementations; /* in order of preference */
	bool allow_weak;
	unsigned log_level, log_format, log_to; /* enums log_level, log_format, log_target */
	uint64_t rekey_after, rekey_bytes; /* session keys are renewed; bytes 0: never by volume */
	uint32_t workers;               /* event loops; 0: auto */
	uint64_t drain;                 /* nanoseconds, as all times here */
	char *control;                  /* Unix socket; "": none */
	bool control_is_default;        /* the file says nothing of it */
	struct endpoint_list metrics;   /* on this host; may be empty */
	unsigned line; /* of its section; 0 and NULL: there is none. The same below */
	const char *file;
};

/* Bounds that protect a node, and those of keys (protocol.md 6, 9, 11). */
struct config_limits {
	uint64_t handshake;       /* for a whole handshake */
	uint32_t handshake_lines; /* that the other side may send in it */
	uint64_t handshake_line, handshake_bytes; /* bytes of each, and of all */
	uint32_t unauthenticated; /* connections at once */
	uint32_t reserved;        /* of these, only for known sources */
	uint32_t source, source_rate;             /* at once, and a second, of one source */
	uint32_t known_source, known_source_rate; /* the same of a known one */
	uint64_t known_for; /* a source stays known */
	uint32_t pending_keys, pending_keys_source;
	uint64_t announce_again; /* a new key of this node, to a peer that has not verified it */
	uint64_t expected_keys; /* a fingerprint given to `trust` waits for its key */
	uint32_t links;         /* that a peer may have up, dialed by it */
	uint32_t connections;   /* local ones of the whole node, at once */
	uint32_t streams;       /* that a peer may have open on one link */
	uint64_t memory;        /* for the bytes of all streams together */
	uint64_t rekey_gap, rekey_deadline;
	uint32_t rekey_per_hour;
	uint64_t ratchet_bytes; /* under one key; 0: as much as the cipher allows */
	uint32_t ratchet_records;
	unsigned line;
	const char *file;
};

struct config_peer {
	char name[CONFIG_NAME_SIZE];
	struct endpoint_list address; /* empty: it dials us */
	bool on_demand;               /* connect = demand */
	uint64_t survive;
	uint64_t keepalive;
	char identity[CONFIG_NAME_SIZE]; /* of the key pairs that it is shown; "": the node's own */
	bool accept_rolls;
	struct prefix_list sources;   /* addresses of clients that it may claim */
	unsigned line;
	const char *file;
};

/* The words of a route's `policy`, in the table's order. */
enum route_policy {
	ROUTE_FAILOVER, /* the first that can take it */
	ROUTE_BALANCE   /* the one with the fewest connections */
};

struct config_route {
	char name[CONFIG_NAME_SIZE];
	struct endpoint_list listen;
	struct name_list peers;   /* which have the service: at least one */
	unsigned policy;          /* enum route_policy: which of them gets a connection */
	char service[256];        /* at most 255 bytes on the wire */
	bool own;                 /* link = own: each connection has a link for itself */
	uint32_t spare;           /* of these, so many are kept ready */
	uint64_t connect_timeout; /* a connection waits so long for link and service */
	uint64_t idle;            /* 0: none */
	uint32_t max_connections;
	bool plaintext; /* plaintext = allow */
	unsigned line;
	const char *file;
};

/* The words of a service's `send_proxy`, in the table's order. */
enum proxy_header { PROXY_OFF, PROXY_V1, PROXY_V2 };

struct config_service {
	char name[256];
	struct endpoint_list connect; /* tried in order */
	struct name_list allow;       /* peer names, or "*" */
	uint64_t connect_timeout;
	unsigned send_proxy; /* enum proxy_header: what the target is told first */
	bool original;       /* source = original: it sees the client's address */
	bool plaintext;
	unsigned line;
	const char *file;
};

/* Where a route listens. */
struct config_listen {
	const struct endpoint *at;
	const struct config_route *route;
};

/* Read-only once it is loaded: threads share it. */
struct config {
	atomic_uint owners;
	struct config_node node;
	struct config_limits limits;
	struct config_peer *peers;
	size_t n_peers;
	struct config_route *routes;
	size_t n_routes;
	struct config_service *services;
	size_t n_services;
	size_t *by_name[3]; /* of peers, routes, services: their places, in the order of names */
	struct config_listen *listens; /* of all routes, in the order of endpoints */
	size_t n_listens;
	/* of the keys of sections without names, by their place in the table; 0: not set */
	unsigned lines[CONFIG_OPTIONS_MAX];
	char **files; /* the files read: config_peer.file etc. point here */
	size_t n_files;
};

/* Reads a file and those it includes, fills in defaults and checks everything that can be checked
   without the network: names known, values in range, references (a route's peer) resolved, no
   plaintext endpoint off the host without `plaintext = allow`. Algorithm names are only split: this
   folder does not know them. SC_OK and *config (to be given to config_free), or an error; then err
   holds "file:line: [section] key: what is wrong; what would be right" for the first problem found.
   SC_ERR_NOT_FOUND: there is no such file. */
enum sc_error
config_load(struct config **config, const char *path, struct errmsg *err);

/* One more owner, who gives it up with config_free. From any thread. */
const struct config *
config_hold(const struct config *config);

/* Gives it up; the last owner frees it. NULL is fine. */
void
config_free(const struct config *config);

/* Parses "host:port", "[v6]:port" or, where allow_unix, "/path". SC_OK or SC_ERR_INVALID with err
   set (no file:line in it). */
enum sc_error
endpoint_parse(struct endpoint *endpoint, const char *text, bool allow_unix, struct errmsg *err);

/* The section's entry of that name, or NULL. */
const struct config_peer *
config_peer_find(const struct config *config, const char *name);

/* The identity of the i-th peer, or NULL: it has none, or a peer before it has the same. So each is
   there once. */
const char *
config_identity_at(const struct config *config, size_t i);

/* For many sections one after the other: where the last one was, and how far from the one before.
   All zero at first. */
struct config_walk {
	size_t last, stride;
};

/* The same as config_peer_find, and faster where the names come in the order of the sections, or
   as each one in so many of them. */
const struct config_peer *
config_peer_walk(const struct config *config, struct config_walk *walk, const char *name);

const struct config_route *
config_route_find(const struct config *config, const char *name);

/* The route that listens there, the first one that does; NULL: none. */
const struct config_route *
config_listener(const struct config *config, const struct endpoint *endpoint);

/* name is n bytes and need not be text. */
const struct config_service *
config_service_find(const struct config *config, const char *name, size_t n);

/* True if the text may be the name of a node, peer or route: 1-64 letters, digits, '.', '_', '-',
   not '.' first. */
bool
config_name_valid(const char *name);

/* How many event loops `workers` means on this machine. */
unsigned
config_workers(const struct config *config);

/* True if the service may be used by that peer. */
bool
config_service_allows(const struct config_service *service, const char *peer);

#endif
