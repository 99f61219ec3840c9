/* Knows when session keys are to be renewed, and tells how old they are. */
#include "secureconn/conn_state.h"

void
conn_renew(struct conn *c)
{
	c->renewal.wanted = true;
}

uint64_t
conn_renewals(const struct conn *c)
{
	return c->renewal.done;
}

/* When the next renewal is to begin. */
static uint64_t
next_due(const struct conn *c)
{
	const struct renewal *r = &c->renewal;
	const struct renewal_rules *rules = &c->config.renewal;
	bool full = rules->bytes > 0 && r->bytes >= rules->bytes;
	uint64_t due = r->last + (r->wanted || full ? 0 : rules->after);

	return r->last + rules->gap > due ? r->last + rules->gap : due;
}

struct conn_keys
conn_get_keys(const struct conn *c)
{
	const struct renewal *r = &c->renewal;
	return (struct conn_keys){r->last, next_due(c), r->done, r->last_here, r->took};
}

uint64_t
conn_deadline(const struct conn *c)
{
	const struct renewal *r = &c->renewal;
	uint64_t latest = r->last + c->config.renewal.latest;

	if (c->phase != CONN_UP)
		return UINT64_MAX;
	return min_u64(latest, r->under_way ? r->began + c->config.renewal.deadline : next_due(c));
}

void
conn_tick(struct conn *c, uint64_t now)
{
	const struct renewal *r = &c->renewal;
	enum sc_error error = SC_OK;

	c->now = now;
	if (c->phase != CONN_UP)
		return;
	if (now >= r->last + c->config.renewal.latest ||
		(r->under_way && now >= r->began + c->config.renewal.deadline))
		error = SC_ERR_RENEWAL;
	else if (!r->under_way && now >= next_due(c)) {
		error = renewal_begin(c);
		c->renewal.begun_here = true;
	}
	if (error)
		conn_fail(c, error);
}
