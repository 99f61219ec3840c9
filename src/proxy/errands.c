/* Knows who is expected; knows nothing of processes or sockets. */
#include "proxy/errands.h"

#include <string.h>

#include "base/util.h"

#define EXPECTED_FOR (10 * NS_PER_S)

/* NULL: it was not asked for, or is forgotten. */
static struct errand *
errand_for(const struct errands *e, const uint8_t *session)
{
	for (unsigned i = 0; i < ERRANDS_MAX; i++)
		if (e->at[i].turns > 0 &&
			memcmp(e->at[i].session, session, TRUNK_SESSION_SIZE) == 0)
			return (struct errand *)&e->at[i];
	return NULL;
}

bool
errands_more(const struct errands *e, const uint8_t *session, unsigned n)
{
	const struct errand *errand = errand_for(e, session);

	return n > 0 && (!errand || (errand->denied < n && errand->turns < ERRANDS_TURNS * n));
}

void
errands_note(struct errands *e, const uint8_t *session, const struct source *source, uint64_t now)
{
	struct errand *errand = errand_for(e, session);

	if (!errand) {
		errand = &e->at[e->next++ % ERRANDS_MAX];
		errand->turns = 0;
		memcpy(errand->session, session, TRUNK_SESSION_SIZE);
	}
	errand->turns++;
	errand->source = *source;
	errand->until = now + EXPECTED_FOR;
	errand->with = NULL;
	errand->denied = 0;
}

void
errands_answer(struct errands *e, const uint8_t *session, const void *who, bool has, unsigned n)
{
	struct errand *errand = errand_for(e, session);

	if (!errand)
		return;
	if (has)
		errand->with = who;
	else if (++errand->denied >= n)
		errand->until = 0; /* its next connection is for nobody else */
}

bool
errands_take(struct errands *e, const struct source *source, uint64_t now, unsigned *turn,
	const void **with)
{
	struct errand *oldest = NULL;

	for (unsigned i = 0; i < ERRANDS_MAX; i++) {
		struct errand *errand = &e->at[i];
		if (errand->until > now && source_equal(&errand->source, source) &&
			(!oldest || errand->until < oldest->until))
			oldest = errand;
	}
	if (!oldest)
		return false;
	oldest->until = 0;
	*turn = oldest->turns - 1;
	*with = oldest->with;
	return true;
}
