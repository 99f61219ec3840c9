/* A stream socket on the loop, TCP or Unix: memory that lives until libuv has let go of it,
   whatever its owner does. */
#ifndef SC_PROXY_SOCK_H
#define SC_PROXY_SOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/util.h"

#define SOCK_PIECES 16 /* that one write takes */

/* What reads finds the socket in handle->data, and its owner there: NULL once it is closed, then
   there is nothing to be done. Of a node's memory these are a large part: what connecting and
   writing need is only there while they go on. */
struct sock {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	bool is_unix;
	uint32_t turn; /* of the loop, in which it has last read, */
	uint32_t left; /* and bytes that it may still read in that turn */
	void *owner;
};

/* How that ended which was begun: 0 or libuv's error. Not called any more once the socket is
   closed. */
typedef void sock_done_fn(void *owner, int status);

/* NULL: out of memory. Not connected. */
struct sock *
sock_new(uv_loop_t *loop, bool is_unix, void *owner);

/* For a descriptor that accept has given, which it takes over (closes it on failure). NULL:
   failed. */
struct sock *
sock_open(uv_loop_t *loop, int fd, bool is_unix, void *owner);

/* Before fd listens at the address or connects to it: within the host (on loopback) the system
   sends what it is given at once. There is no line to be found out or to be shared, but some kinds
   of congestion control (BBR) have timers for it. */
void
sock_unpaced(int fd, const struct sockaddr *address);

/* Connects to the address, or the path of a Unix socket. 0 or libuv's error: fn is not called
   then. */
int
sock_connect(struct sock *s, const struct sockaddr *address, const char *path, sock_done_fn *fn);

/* How many of n bytes the socket may read now. In each turn of the loop it may read `ration` bytes:
   so the turns stay short, and others have theirs soon. 0: no more in this turn; it is to be left
   reading and goes on in the next one. turn: a number that is another one in each. */
size_t
sock_may_read(struct sock *s, uint32_t turn, uint32_t ration, size_t n);

/* sock_may_read has nothing left in this turn. */
static inline bool
sock_is_done(const struct sock *s, uint32_t turn)
{
	return s->turn == turn && s->left == 0;
}

/* Closes, and forgets the owner: no callback finds it any more. Buffers given to sock_write may
   be freed at once. NULL is fine. */
void
sock_close(struct sock *s);

/* Closes, but not the connection: returns another descriptor of it, for a socket on another loop.
   -1: there is none (the connection is closed then). Nothing is being read or written. */
int
sock_take(struct sock *s);

/* The same with a TCP reset, so that the other side does not take it for a clean end. A Unix
   socket is just closed. */
void
sock_reset(struct sock *s);

/* Writes what the socket takes of the pieces at once. The number of bytes, 0 if it takes none now,
   or libuv's error. */
int
sock_try_write(struct sock *s, const struct span *pieces, size_t n);

/* Writes all of it; data stays where it is until fn is called or the socket closed. 0 or libuv's
   error. */
int
sock_write(struct sock *s, const uint8_t *data, size_t n, sock_done_fn *fn);

/* Ends writing, after all that was written. 0 or libuv's error. */
int
sock_shutdown(struct sock *s, sock_done_fn *fn);

/* What libuv called the end: UV_EOF, or the error it was in truth. When a reset comes with the last
   bytes libuv reads these and takes the hang-up for an end. */
int
sock_end(const struct sock *s);

/* After the end of what it sends: true if the other side cannot be written to any more either, as
   far as that can be known (of a Unix socket; of a TCP socket only when it was reset). */
bool
sock_hung_up(const struct sock *s);

/* A number that is another one when bytes that were written have gone on, out of this process or to
   the other side's system, and the same while nothing moves. *when is now; it becomes the time at
   which they did, where that is known. */
uint64_t
sock_moved(const struct sock *s, uint64_t *when);

/* The descriptor, for options. -1: none yet. */
int
sock_fd(const struct sock *s);

#endif
