/* Where random bytes come from: a capability, so that tests can give their own. */
#ifndef SC_CRYPTO_RANDOM_H
#define SC_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* fill writes n random bytes; it cannot fail. Must be callable from any thread if jobs run on
   threads. */
struct random_source {
	void (*fill)(void *arg, uint8_t *dst, size_t n);
	void *arg;
};

static inline void
random_fill(const struct random_source *random, uint8_t *dst, size_t n)
{
	random->fill(random->arg, dst, n);
}

/* getrandom(2). A system that has no random bytes is no place to run: aborts. Any thread. */
extern const struct random_source random_system;

#endif
