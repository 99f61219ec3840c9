/* Messages with a descriptor between two processes, over a pair of sockets that keep messages apart
   (SOCK_SEQPACKET). */
#ifndef SC_PROXY_PASS_H
#define SC_PROXY_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* A message of n parts, with a copy of a descriptor or without (-1). Never waits. False: it did not
   go. */
bool
pass_say(int to, const struct iovec *parts, size_t n, int fd);

/* One of a single byte. */
bool
pass_byte(int to, char byte, int fd);

/* As recv, without waiting. *fd: what came with it, the caller's, or -1. A message that is larger
   is an error. */
ssize_t
pass_hear(int from, uint8_t *data, size_t size, int *fd);

#endif
