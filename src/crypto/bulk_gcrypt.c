/* Knows how libgcrypt is readied before its first use. */
#include "crypto/bulk_gcrypt.h"

#include <pthread.h>
#include <stdbool.h>

static bool ready;

static void
setup(void)
{
	/* Somebody else in this process may have done it; then it is to be left as it is. */
	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		if (!gcry_check_version(GCRYPT_VERSION))
			return;
		/* Locked memory is scarce, and the keys are in other memory too. */
		gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	ready = true;
}

int
gcrypt_setup(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, setup);
	return ready ? 0 : -1;
}
