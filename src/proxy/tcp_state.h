/* What the system says of a TCP connection, and how much it keeps of it. In a file of its own: the
   kernel's header and libc's do not go together. */
#ifndef SC_PROXY_TCP_STATE_H
#define SC_PROXY_TCP_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_state {
	uint64_t acknowledged;  /* bytes that were sent and have arrived at the other system */
	uint64_t since_last_ms; /* since the last sign that some have */
};

/* False: it is no TCP socket, or the system does not tell. */
bool
tcp_state_get(int fd, struct tcp_state *state);

/* Where the way from the other system is very short (the same host, or the next one), bytes that
   have come wait in the system for as long as nobody reads them, and its buffer for them grows
   without use: what lies there has left the processor's cache, and is memory that all connections
   of the host share. So the buffer is bounded there, to twice `bytes` as the system counts, or to
   what it allows if that is less; over a longer way it goes on growing by itself. True: it is
   bounded. Any descriptor is fine. */
bool
tcp_bound_received(int fd, int bytes);

#endif
