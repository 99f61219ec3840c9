/* Listening sockets, TCP and Unix: opened, accepted from, closed. What is accepted is the
   owner's affair. */
#ifndef SC_PROXY_LISTEN_H
#define SC_PROXY_LISTEN_H

#include <sys/socket.h>

#include "base/list.h"
#include "config/config.h"
#include "proxy/address.h"
#include "proxy/flood.h"

#include <uv.h>

/* A connection came: fd is the callee's now. address: where from. */
typedef void accept_fn(void *owner, int fd, bool is_unix, const struct sockaddr *address);

struct listener {
	struct list node; /* on the list given to listeners_open */
	uv_poll_t poll;
	struct alarm *pause;
	struct flood *errors;
	accept_fn *fn;
	void *owner;
	int fd;
	bool is_unix;
	dev_t device; /* of a Unix socket's file, so that only that one is removed */
	ino_t inode;
	char path[sizeof(((struct endpoint *)0)->path)];
	/* where it listens really, with the port */
	char text[sizeof(((struct endpoint *)0)->text)];
};

/* Opens an endpoint and puts a listener on `list` for each address that its name has. Looks
   names up at once: for the start of a node. A stale Unix socket (nobody answers it) is
   replaced. errors counts failures of accept. SC_OK, or an error with err set; what was put on
   the list stays there. */
enum sc_error
listeners_open(struct list *list, uv_loop_t *loop, const struct endpoint *endpoint,
	struct flood *errors, struct errmsg *err);

/* From now on fn is called, from the loop. */
void
listener_start(struct listener *l, accept_fn *fn, void *owner);

/* Closes all on the list and removes their Unix sockets. */
void
listeners_close(struct list *list);

/* Closes an accepted connection with a reset (TCP). */
void
accepted_reset(int fd);

#endif
