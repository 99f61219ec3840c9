/* A connection of a route that has no stream, on its way from one process of a node to the process
   that takes over from it (handover.h): where it came from, what it has said, its descriptor. */
#ifndef SC_PROXY_LETTER_H
#define SC_PROXY_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LETTER_TYPE 'c' /* the first byte of one */
/* It has room for all that a client can have said to a stream that was refused, and behind that
   while it waits (carry.h). */
#define LETTER_MAX (384 * 1024)

struct local;
struct node;

/* As handover_client, over a pair of sockets (pass.h). */
bool
letter_send(int to, struct local *l);

/* One that has come. False: it is none, and fd is still the caller's. True: fd has gone on, or is
   closed. */
bool
letter_take(struct node *node, const uint8_t *data, size_t n, int fd);

#endif
