/* Knows how to ask the kernel for random bytes; keeps no state and no pool of its own. */
#include "crypto/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

static void
system_fill(void *arg, uint8_t *dst, size_t n)
{
	(void)arg;
	while (n > 0) {
		ssize_t got = getrandom(dst, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		dst += got;
		n -= (size_t)got;
	}
}

const struct random_source random_system = {system_fill, NULL};
