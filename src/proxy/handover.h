/* What two processes of one node pass each other while the one before lets its connections finish:
   clients that have no stream yet go to the new one, which has the routes; and links of peers go to
   the one before, which may have their sessions.

   A peer calls the new process, and says over the link that is up then with which session it goes
   on. If the new one has never heard of it, it ends that link without a word, as if the network
   had: the peer dials again at once, and its next connection goes to the process before, as it
   comes. Which of these that is they are asked meanwhile; one that does not answer has its turns
   before the new one says that it does not know the session. */
#ifndef SC_PROXY_HANDOVER_H
#define SC_PROXY_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/address.h"

struct handover;
struct local;
struct node;

/* NULL: out of memory. */
struct handover *
handover_new(struct node *n);

/* No news from other processes any more. On the node's own thread. */
void
handover_close(struct handover *h);

/* After that, and after all threads. NULL is fine. */
void
handover_free(struct handover *h);

/* What a new process says when it serves. */
bool
handover_say_ready(int fd);

/* The same, at the other end: what was read there says so. */
bool
handover_is_ready(const char *word, size_t n);

/* fd, which it takes: the other end is the process before, or the new one. On the node's own
   thread; the loop turns, or will. */
void
handover_elder(struct handover *h, int fd);

void
handover_heir(struct handover *h, int fd);

/* A connection of a route that has no stream, on no list or on that of those that wait, goes to the
   new process. False: there is none, or it takes none now; nothing has changed. True: l is gone. */
bool
handover_client(struct local *l);

/* It may be tried again. From any thread. */
bool
handover_has_heir(const struct node *n);

/* This process does not know a session of this id: another one may. From any thread. */
bool
handover_elsewhere(struct node *n, const uint8_t *session);

/* A link from there was ended for that: the next one is for the next of the processes before. From
   any thread. */
void
handover_note(struct node *n, const struct source *source, const uint8_t *session);

/* A peer calls, on the node's own thread: if it is for a process before, it goes there. True: it
   went, and fd is closed here. */
bool
handover_link(struct node *n, const struct source *source, int fd);

#endif
