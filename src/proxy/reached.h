/* How often the bounds of [limits] were met since the start: one worker's part, touched by that
   worker alone. What is said in the log is said where that happens. */
#ifndef SC_PROXY_REACHED_H
#define SC_PROXY_REACHED_H

#include "base/error.h"

/* X(symbol, the key of [limits]) */
#define REACHED_LIMITS(X)                                                                          \
	X(REACHED_HANDSHAKE, "handshake")                                                          \
	X(REACHED_HANDSHAKE_LINE, "handshake_line")                                                \
	X(REACHED_HANDSHAKE_LINES, "handshake_lines")                                              \
	X(REACHED_HANDSHAKE_BYTES, "handshake_bytes")                                              \
	X(REACHED_UNAUTHENTICATED, "unauthenticated")                                              \
	X(REACHED_RESERVED, "reserved")                                                            \
	X(REACHED_SOURCE, "source")                                                                \
	X(REACHED_SOURCE_RATE, "source_rate")                                                      \
	X(REACHED_KNOWN_SOURCE, "known_source")                                                    \
	X(REACHED_KNOWN_SOURCE_RATE, "known_source_rate")                                          \
	X(REACHED_PENDING_KEYS, "pending_keys")                                                    \
	X(REACHED_PENDING_KEYS_SOURCE, "pending_keys_source")                                      \
	X(REACHED_LINKS, "links")                                                                  \
	X(REACHED_CONNECTIONS, "connections")                                                      \
	X(REACHED_STREAMS, "streams")                                                              \
	X(REACHED_REKEY_DEADLINE, "rekey_deadline")                                                \
	X(REACHED_REKEY_PER_HOUR, "rekey_per_hour")

enum reached {
#define X(symbol, key) symbol,
	REACHED_LIMITS(X)
#undef X
	REACHED_COUNT
};

const char *
reached_key(enum reached limit);

/* The limit that a connection has ended by, or REACHED_COUNT. */
enum reached
reached_of(enum sc_error error);

#endif
