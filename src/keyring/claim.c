/* Knows which process is the node of a state folder; knows nothing of keys.

   Two things are locked. The folder itself, which is there also where nothing can be written or the
   file is no file; and a file in it, which holds the number of the process, and by which a network
   file system tells other hosts, too. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "keyring/ring.h"

#define CLAIM_NAME "running"

enum { CLAIM_FOLDER, CLAIM_FILE };

/* It serves a message only. */
static void
write_number(int fd)
{
	char text[24];
	ssize_t n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return;
}

/* *why: errno, for SC_ERR_IO. */
static enum sc_error
take(struct keyring *ring, int *why)
{
	bool locked = false;

	for (size_t i = 0; i < RING_CLAIMS; i++) {
		if (ring->claims[i] < 0)
			continue;
		if (flock(ring->claims[i], LOCK_EX | LOCK_NB) == 0)
			locked = true;
		else if (errno == EWOULDBLOCK)
			return SC_ERR_EXISTS;
		else
			*why = errno;
	}
	ring->claim_waits = false;
	if (ring->claims[CLAIM_FILE] >= 0)
		write_number(ring->claims[CLAIM_FILE]);
	return locked ? SC_OK : SC_ERR_IO;
}

static enum sc_error
taken(const struct keyring *ring, struct errmsg *err)
{
	char text[24] = "", process[40] = "";
	const int fd = ring->claims[CLAIM_FILE];
	long pid;

	if (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0 && sscanf(text, "%ld", &pid) == 1 &&
		pid > 0)
		snprintf(process, sizeof(process), " (process %ld)", pid);
	return errmsg_set(err, SC_ERR_EXISTS,
		"%s: another node runs with this state folder%s, and the two would take each "
		"other's links; stop that one, or give this one a `state` of its own",
		ring->store.path, process);
}

enum sc_error
keyring_claim(struct keyring *ring, bool successor, struct errmsg *err)
{
	const int folder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	const int file = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int why = 0;

	/* A descriptor of its own: a lock belongs to how it was opened. */
	if ((ring->claims[CLAIM_FOLDER] = openat(ring->store.folder, ".", folder)) < 0)
		why = errno;
	ring->claims[CLAIM_FILE] = openat(ring->store.folder, CLAIM_NAME, file, 0600);
	enum sc_error error = take(ring, &why);
	if (error == SC_ERR_EXISTS && successor) {
		ring->claim_waits = true;
		return SC_OK;
	}
	if (error == SC_ERR_EXISTS)
		return taken(ring, err);
	if (error != SC_OK)
		errmsg_set(err, error,
			"%s: cannot be locked (%s): whether another node runs with this state "
			"folder cannot be told",
			ring->store.path, strerror(why));
	return error;
}

void
ring_claim_again(struct keyring *ring)
{
	int why;

	if (ring->claim_waits)
		take(ring, &why);
}
