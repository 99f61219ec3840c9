/* What the system says of a TCP connection. In a file of its own: the kernel's header and libc's do
   not go together. */
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

#endif
