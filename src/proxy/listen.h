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

struct inherited;

struct listener {
	struct list node; /* on the list given to listeners_open, or wherever its owner puts it */
	uv_poll_t poll;
	bool started;
	struct alarm *pause;
	struct flood *errors;
	accept_fn *fn;
	void *owner;
	int fd;
	bool is_unix;
	/* of a Unix socket's file, so that only that one is removed; 0: it is somebody else's */
	dev_t device;
	ino_t inode;
	char path[sizeof(((struct endpoint *)0)->path)];
	struct endpoint endpoint; /* as the configuration has it */
	char owner_name[CONFIG_NAME_SIZE]; /* of the route it is for; "": none */
	/* where it listens really, with the port */
	char text[sizeof(((struct endpoint *)0)->text)];
};

/* Opens an endpoint and puts a listener on `list` for each address that its name has; it listens,
   but nobody accepts. Looks names up at once; uses no loop: any thread may call it. A socket
   among `inherited` (may be NULL) that is bound to the address is taken over; a stale Unix
   socket (nobody answers it) is replaced. share: other sockets of this process that allow it
   (SO_REUSEPORT) may have the port meanwhile. SC_OK, or an error with err set; what was put on
   the list stays there. */
enum sc_error
listeners_open(struct list *list, const struct endpoint *endpoint, struct inherited *inherited,
	bool share, struct errmsg *err);

/* From now on what comes goes to the one that listener_give has named, from the loop. errors
   counts failures of accept. False: out of memory; it is to be closed then. */
bool
listener_start(struct listener *l, uv_loop_t *loop, struct flood *errors);

/* Whoever gets what is accepted from now on. */
void
listener_give(struct listener *l, accept_fn *fn, void *owner);

/* Of one that was not started: its descriptor, which goes on listening; the rest is gone. */
int
listener_take(struct listener *l);

/* Also one that was not started. Removes its Unix socket. */
void
listener_close(struct listener *l);

/* Another process has the socket too: its file stays when this one closes it. */
void
listener_release(struct listener *l);

/* Closes all on the list. */
void
listeners_close(struct list *list);

/* Closes an accepted connection with a reset (TCP). */
void
accepted_reset(int fd);

#endif
