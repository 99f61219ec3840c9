/* Listening sockets that were open before this process was: of the process that it replaces, or of
   a service manager. */
#ifndef SC_PROXY_INHERIT_H
#define SC_PROXY_INHERIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define INHERIT_MAX 1024

struct inherited {
	int *fds;
	size_t n;
	/* files of Unix sockets among them are this process's to remove in the end */
	bool owned;
};

/* Takes n descriptors from the first one on. Those that are no listening stream sockets are named
   in the log and left alone. The others are closed with inherited_fini unless somebody takes
   them. False: out of memory. */
bool
inherited_init(struct inherited *in, int first, size_t n, bool owned);

/* Those of systemd's socket activation, as sd_listen_fds(3) has it: LISTEN_PID must name this
   process. The variables are removed. None: in->n is 0. */
bool
inherited_from_systemd(struct inherited *in);

/* One that is bound to exactly this address: the caller's from now on; -1: there is none. in may
   be NULL. */
int
inherited_take(struct inherited *in, const struct sockaddr *address, socklen_t size);

/* One more, which listens. False: out of memory, and it is closed. */
bool
inherited_add(struct inherited *in, int fd);

/* Closes them without a word. */
void
inherited_drop(struct inherited *in);

/* Closes what nobody has taken, and says so in the log. */
void
inherited_fini(struct inherited *in);

#endif
