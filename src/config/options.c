/* Knows every section, key, default and range there is; knows nothing of how values are read. */
#include "config/options.h"

#include <string.h>

#include "base/util.h"
#include "config/config.h"

#define NODE(member)    offsetof(struct config_node, member)
#define LIMITS(member)  offsetof(struct config_limits, member)
#define PEER(member)    offsetof(struct config_peer, member)
#define ROUTE(member)   offsetof(struct config_route, member)
#define SERVICE(member) offsetof(struct config_service, member)

#define NOW     APPLY_NOW
#define NEXT    APPLY_NEXT
#define RESTART APPLY_RESTART

#define MS  NS_PER_MS
#define S   NS_PER_S
#define MIN (60 * S)
#define H   (60 * MIN)
#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define TIB (1ull << 40)

/* section, key, type, when it applies, member, default, least, most, words, example, help */
const struct option config_options[OPTIONS_MAX] = {
	{SECTION_NODE, "name", VALUE_NAME, RESTART, NODE(name), "", 0, 0, NULL, "store-7",
		"shown to peers and in logs; the host's name if there is none"},
	{SECTION_NODE, "listen", VALUE_ENDPOINTS, NOW, NODE(listen), "", 0, 0, NULL,
		"0.0.0.0:7400, [::]:7400", "where peers reach this node; none: it only dials out"},
	{SECTION_NODE, "state", VALUE_PATH, RESTART, NODE(state), "/var/lib/secureconn", 0, 0, NULL,
		NULL, "the folder of keys and peers; relative to the folder of this file"},
	{SECTION_NODE, "user", VALUE_NAME, RESTART, NODE(user), "", 0, 0, NULL, "secureconn",
		"the user that the node becomes if root starts it; none: it stays who it is"},
	{SECTION_NODE, "asymmetric", VALUE_LIST, RESTART, NODE(asymmetric), "ElGamal 3072", 0, 0,
		NULL, NULL,
		"kinds of keys, best first; also X25519, ElGamal 2048, 4096, 6144, 8192"},
	{SECTION_NODE, "symmetric", VALUE_LIST, RESTART, NODE(symmetric),
		"AES 256, AES 128, ChaCha20-Poly1305, CAST-128", 0, 0, NULL, NULL,
		"ciphers, best first; also AES 256 OCB, AES 128 OCB; CAST-128 is always the last "
		"resort"},
	{SECTION_NODE, "implementations", VALUE_LIST, RESTART, NODE(implementations),
		"gcrypt, nettle", 0, 0, NULL, NULL, "the libraries that compute them, best first"},
	{SECTION_NODE, "allow_weak", VALUE_FLAG, NOW, NODE(allow_weak), "no", 0, 0, "no|yes", NULL,
		"whether ElGamal 1024 may be used: for machines that know nothing else"},
	{SECTION_NODE, "log", VALUE_CHOICE, NOW, NODE(log_level), "info", 0, 0,
		"error|warning|info|debug", NULL, "error, warning, info or debug"},
	{SECTION_NODE, "log_format", VALUE_CHOICE, NOW, NODE(log_format), "text", 0, 0, "text|json",
		NULL, "text or json"},
	{SECTION_NODE, "log_to", VALUE_CHOICE, NOW, NODE(log_to), "stderr", 0, 0, "stderr|syslog",
		NULL, "stderr: standard error; syslog: the system's log daemon, at /dev/log"},
	{SECTION_NODE, "rekey_after", VALUE_TIME, NEXT, NODE(rekey_after), "24h", S, 48 * H, NULL,
		NULL, "session keys are renewed after so long"},
	{SECTION_NODE, "rekey_bytes", VALUE_SIZE, NEXT, NODE(rekey_bytes), "64G", 0, 1024 * TIB,
		NULL, NULL, "and after so many bytes; 0: by time alone"},
	{SECTION_NODE, "workers", VALUE_NUMBER, RESTART, NODE(workers), "auto", 1, 64, "auto", NULL,
		"event loops, one thread each; auto: as many as processors, at most 4"},
	{SECTION_NODE, "drain", VALUE_TIME, NOW, NODE(drain), "30s", 0, H, NULL, NULL,
		"how long open connections may finish after SIGTERM"},
	{SECTION_NODE, "control", VALUE_UNIX, RESTART, NODE(control), "", 0, 0, NULL,
		"/run/secureconn/control.sock",
		"where `secureconn status` and other commands reach the running node; empty: "
		"nowhere"},
	{SECTION_NODE, "metrics", VALUE_SOCKETS, RESTART, NODE(metrics), "", 0, 0, NULL,
		"127.0.0.1:9740",
		"where Prometheus reads figures of the running node, over HTTP; none: nowhere"},
	{SECTION_NODE, "include", VALUE_PATTERN, NOW, 0, "", 0, 0, NULL, "conf.d/*.ini",
		"more files to read, relative to the folder of this one"},

	{SECTION_PEER, "address", VALUE_ENDPOINTS, NEXT, PEER(address), "", 0, 0, NULL,
		"hq.example.com:7400", "where to dial it; none: it dials us"},
	{SECTION_PEER, "connect", VALUE_FLAG, NOW, PEER(on_demand), "always", 0, 0, "always|demand",
		NULL, "always: keep a link up; demand: when a connection needs it"},
	{SECTION_PEER, "survive", VALUE_TIME, NEXT, PEER(survive), "60s", 0, 12 * H, NULL, NULL,
		"local connections outlive a lost link this long; 0: they are reset at once"},
	{SECTION_PEER, "keepalive", VALUE_TIME, NEXT, PEER(keepalive), "15s", 100 * MS, H, NULL,
		NULL, "a silent link is asked for a sign of life this often"},
	{SECTION_PEER, "identity", VALUE_NAME, NEXT, PEER(identity), "", 0, 0, NULL, "for-hq",
		"a set of key pairs for this peer, and others that say so; none: the node's own"},
	{SECTION_PEER, "accept_rolls", VALUE_FLAG, NOW, PEER(accept_rolls), "no", 0, 0, "no|yes",
		NULL, "yes: a new key that the peer's old one vouches for counts as verified"},
	{SECTION_PEER, "sources", VALUE_PREFIXES, NEXT, PEER(sources), "", 0, 0, NULL,
		"10.1.0.0/16, 2001:db8::/32",
		"addresses of clients that it may claim, for services that pass them on; none: no "
		"claim is believed"},

	{SECTION_ROUTE, "listen", VALUE_SOCKETS, NOW, ROUTE(listen), NULL, 0, 0, NULL,
		"127.0.0.1:5432",
		"where local programs connect to: host:port or /path/to.sock, several allowed"},
	{SECTION_ROUTE, "peer", VALUE_PEERS, NEXT, ROUTE(peers), NULL, 0, 0, NULL, "hq",
		"the peer that has the service; several, where each of them has it"},
	{SECTION_ROUTE, "policy", VALUE_CHOICE, NEXT, ROUTE(policy), "failover", 0, 0,
		"failover|balance", NULL,
		"of several peers: failover: the first that is there; balance: all in turn"},
	{SECTION_ROUTE, "service", VALUE_SERVICE, NEXT, ROUTE(service), "", 0, 0, NULL, "inventory",
		"its name there; the route's name if there is none"},
	{SECTION_ROUTE, "link", VALUE_FLAG, NEXT, ROUTE(own), "shared", 0, 0, "shared|own", NULL,
		"shared: connections share the link to the peer; own: each has a link for itself "
		"(bulk)"},
	{SECTION_ROUTE, "spare", VALUE_NUMBER, NEXT, ROUTE(spare), "1", 0, 16, NULL, NULL,
		"with link = own: so many links are kept ready for connections to come"},
	{SECTION_ROUTE, "connect_timeout", VALUE_TIME, NEXT, ROUTE(connect_timeout), "10s", 10 * MS,
		10 * MIN, NULL, NULL, "how long a connection waits for the peer and its service"},
	{SECTION_ROUTE, "idle", VALUE_TIME, NEXT, ROUTE(idle), "0", 0, 720 * H, NULL, NULL,
		"close a connection that was silent for so long; 0: never"},
	{SECTION_ROUTE, "max_connections", VALUE_NUMBER, NOW, ROUTE(max_connections), "4096", 1,
		1000000, NULL, NULL, "at once"},
	{SECTION_ROUTE, "plaintext", VALUE_FLAG, NOW, ROUTE(plaintext), "refuse", 0, 0,
		"refuse|allow", NULL, "allow: listen may leave this host, unprotected"},

	{SECTION_SERVICE, "connect", VALUE_SOCKETS, NEXT, SERVICE(connect), NULL, 0, 0, NULL,
		"127.0.0.1:5432",
		"the local program: host:port or /path/to.sock; several are tried in order"},
	{SECTION_SERVICE, "allow", VALUE_PEERS, NOW, SERVICE(allow), NULL, 0, 0, NULL,
		"store-7, store-8", "peers that may use it; *: every verified peer"},
	{SECTION_SERVICE, "connect_timeout", VALUE_TIME, NEXT, SERVICE(connect_timeout), "10s",
		10 * MS, 10 * MIN, NULL, NULL, "how long to wait for the local program"},
	{SECTION_SERVICE, "send_proxy", VALUE_CHOICE, NEXT, SERVICE(send_proxy), "off", 0, 0,
		"off|v1|v2", NULL,
		"v1, v2: the target is told the client's address first (PROXY protocol)"},
	{SECTION_SERVICE, "source", VALUE_FLAG, NEXT, SERVICE(original), "node", 0, 0,
		"node|original", NULL,
		"original: the target sees the client's own address; needs a privilege and "
		"routing"},
	{SECTION_SERVICE, "plaintext", VALUE_FLAG, NEXT, SERVICE(plaintext), "refuse", 0, 0,
		"refuse|allow", NULL, "allow: connect may leave this host, unprotected"},

	{SECTION_LIMITS, "handshake", VALUE_TIME, NEXT, LIMITS(handshake), "10s", 100 * MS, 5 * MIN,
		NULL, NULL, "a connection must be authenticated in this time"},
	{SECTION_LIMITS, "handshake_line", VALUE_SIZE, NEXT, LIMITS(handshake_line), "8192", 4352,
		8192, NULL, NULL, "bytes of a line that the other side sends meanwhile"},
	{SECTION_LIMITS, "handshake_lines", VALUE_NUMBER, NEXT, LIMITS(handshake_lines), "64", 32,
		64, NULL, NULL, "lines that it sends"},
	{SECTION_LIMITS, "handshake_bytes", VALUE_SIZE, NEXT, LIMITS(handshake_bytes), "512K",
		32 * KIB, 512 * KIB, NULL, NULL, "bytes of all these lines"},
	{SECTION_LIMITS, "unauthenticated", VALUE_NUMBER, NOW, LIMITS(unauthenticated), "256", 1,
		1000, NULL, NULL, "connections of peers that are not authenticated yet, at once"},
	{SECTION_LIMITS, "reserved", VALUE_NUMBER, NOW, LIMITS(reserved), "64", 0, 1000, NULL, NULL,
		"of these, only for known sources: where a peer was authenticated before"},
	{SECTION_LIMITS, "source", VALUE_NUMBER, NOW, LIMITS(source), "16", 1, 1000, NULL, NULL,
		"of one source (an IPv4 address, an IPv6 /64) at once"},
	{SECTION_LIMITS, "source_rate", VALUE_NUMBER, NOW, LIMITS(source_rate), "20", 1, 1000000,
		NULL, NULL, "of one source in a second"},
	{SECTION_LIMITS, "known_source", VALUE_NUMBER, NOW, LIMITS(known_source), "64", 1, 1000,
		NULL, NULL, "of a known source at once"},
	{SECTION_LIMITS, "known_source_rate", VALUE_NUMBER, NOW, LIMITS(known_source_rate), "200",
		1, 1000000, NULL, NULL, "of a known source in a second"},
	{SECTION_LIMITS, "known_for", VALUE_TIME, NOW, LIMITS(known_for), "720h", 0, 8760 * H, NULL,
		NULL, "a source stays known so long"},
	{SECTION_LIMITS, "pending_keys", VALUE_NUMBER, NOW, LIMITS(pending_keys), "64", 1, 10000,
		NULL, NULL, "keys of unknown callers that wait for `verify`"},
	{SECTION_LIMITS, "pending_keys_source", VALUE_NUMBER, NOW, LIMITS(pending_keys_source), "4",
		1, 10000, NULL, NULL, "of these, from one source"},
	{SECTION_LIMITS, "announce_again", VALUE_TIME, NOW, LIMITS(announce_again), "15m", 100 * MS,
		24 * H, NULL, NULL,
		"a peer is asked this often whether it knows this node's new key"},
	{SECTION_LIMITS, "expected_keys", VALUE_TIME, NOW, LIMITS(expected_keys), "168h", MIN,
		8760 * H, NULL, NULL, "a fingerprint given to `trust` waits so long for its key"},
	{SECTION_LIMITS, "links", VALUE_NUMBER, NEXT, LIMITS(links), "1024", 1, 1000000, NULL, NULL,
		"links of a peer that may be up at once; one that it dials beyond is closed"},
	{SECTION_LIMITS, "connections", VALUE_NUMBER, NOW, LIMITS(connections), "32768", 1, 1000000,
		NULL, NULL, "local connections of this node, of all routes and services, at once"},
	{SECTION_LIMITS, "streams", VALUE_NUMBER, NEXT, LIMITS(streams), "8192", 1, 1000000, NULL,
		NULL, "connections that a peer may have open over one link"},
	{SECTION_LIMITS, "memory", VALUE_SIZE, RESTART, LIMITS(memory), "256M", MIB, TIB, NULL,
		NULL, "for bytes under way, shared by all connections"},
	{SECTION_LIMITS, "rekey_gap", VALUE_TIME, NEXT, LIMITS(rekey_gap), "60s", 0, H, NULL, NULL,
		"session keys are not renewed again before"},
	{SECTION_LIMITS, "rekey_deadline", VALUE_TIME, NEXT, LIMITS(rekey_deadline), "120s", S, H,
		NULL, NULL, "a renewal that takes longer ends the link"},
	{SECTION_LIMITS, "rekey_per_hour", VALUE_NUMBER, NEXT, LIMITS(rekey_per_hour), "69", 1,
		1000000, NULL, NULL, "renewals that a peer may begin"},
	{SECTION_LIMITS, "ratchet_bytes", VALUE_SIZE, NEXT, LIMITS(ratchet_bytes), "0", 0, TIB,
		NULL, NULL, "bytes under one key before it steps; 0: as many as the cipher allows"},
	{SECTION_LIMITS, "ratchet_records", VALUE_NUMBER, NEXT, LIMITS(ratchet_records), "0", 0,
		1048576, NULL, NULL, "the same for records"},
	{.key = NULL},
};

#define FORM(type)                                                                                 \
	sizeof(struct type), sizeof(((struct type *)0)->name), offsetof(struct type, name),        \
		offsetof(struct type, line), offsetof(struct type, file)

const struct section_form section_forms[SECTION_COUNT] = {
	[SECTION_NODE] = {"node", false, FORM(config_node), "This node.", ""},
	[SECTION_PEER] = {"peer", true, FORM(config_peer), "Another node.", "hq"},
	[SECTION_ROUTE] = {"route", true, FORM(config_route),
		"A local port that leads to a service at a peer.", "inventory"},
	[SECTION_SERVICE] = {"service", true, FORM(config_service), "What peers may reach here.",
		"inventory"},
	[SECTION_LIMITS] = {"limits", false, sizeof(struct config_limits), 0, 0,
		offsetof(struct config_limits, line), offsetof(struct config_limits, file),
		"Bounds that protect this node. The defaults are right for nearly everybody.", ""},
};

const struct option *
option_find(enum section_id section, const char *key)
{
	for (const struct option *o = config_options; o->key; o++)
		if (o->section == section && strcmp(o->key, key) == 0)
			return o;
	return NULL;
}

int
words_find(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (int i = 0;; i++) {
		size_t length = strcspn(words, "|");
		if (length == n && memcmp(words, word, n) == 0)
			return i;
		if (words[length] == '\0')
			return -1;
		words += length + 1;
	}
}
