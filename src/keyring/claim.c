/* Knows which process is the node of a state folder; knows nothing of keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "keyring/ring.h"

#define CLAIM_NAME "running" /* holds the number of the process that has it locked */

/* True: no other process has it. So it is too where it cannot be told: a file system without
   locks. */
static bool
take(struct keyring *ring)
{
	char text[24];

	if (flock(ring->claim, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return false;
	ring->claim_waits = false;
	ssize_t n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(ring->claim, 0) != 0 || pwrite(ring->claim, text, (size_t)n, 0) != n)
		return true; /* it serves a message only */
	return true;
}

static enum sc_error
taken(const struct keyring *ring, struct errmsg *err)
{
	char text[24] = "";
	long pid = 0;

	if (pread(ring->claim, text, sizeof(text) - 1, 0) <= 0 || sscanf(text, "%ld", &pid) != 1)
		pid = 0;
	return errmsg_set(err, SC_ERR_IO,
		"%s: another node runs with this state folder (process %ld), and the two would "
		"take each other's links; stop that one, or give this one a `state` of its own",
		ring->store.path, pid);
}

enum sc_error
keyring_claim(struct keyring *ring, bool successor, struct errmsg *err)
{
	const int how = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;

	ring->claim = openat(ring->store.folder, CLAIM_NAME, how, 0600);
	if (ring->claim < 0 || take(ring))
		return SC_OK; /* also in a folder that cannot be written */
	ring->claim_waits = successor;
	return successor ? SC_OK : taken(ring, err);
}

void
ring_claim_again(struct keyring *ring)
{
	if (ring->claim_waits)
		take(ring);
}
