/* Knows what counts as a sign of life, and when its lack is the end (protocol.md 8.1). */
#include "tunnel/trunk_internal.h"

static uint64_t
silent_since(const struct trunk *t)
{
	return t->idle ? t->idle_since : t->last_received;
}

uint64_t
alive_deadline(const struct trunk *t)
{
	uint64_t keepalive = t->config.keepalive;
	uint64_t deadline = silent_since(t) + keepalive;

	if (keepalive == 0)
		return UINT64_MAX;
	return t->crumbs ? min_u64(deadline, t->last_sent + keepalive / 2) : deadline;
}

void
alive_tick(struct trunk *t)
{
	uint64_t keepalive = t->config.keepalive;
	uint8_t pad[FRAME_HEAD_SIZE];

	if (keepalive == 0)
		return;
	if (t->crumbs && t->now >= t->last_sent + keepalive / 2) {
		t->crumbs = false;
		frame_head_put(pad, FRAME_PAD, 0, 0);
		trunk_queue(t, pad, sizeof(pad));
	}
	if (t->now < silent_since(t) + keepalive)
		return;
	if (t->idle) {
		trunk_fail(t, SC_ERR_TIMEOUT);
		return;
	}
	t->idle = true;
	t->idle_since = t->now;
	t->ping.wanted = !t->ping.out;
}

bool
trunk_silent(const struct trunk *t, uint64_t now)
{
	return !t->end.ended && t->conn && t->config.keepalive > 0 &&
		now >= silent_since(t) + t->config.keepalive;
}

void
trunk_heard(struct trunk *t, uint64_t now)
{
	t->last_received = now;
	t->idle = false;
	t->crumbs = true;
}

void
trunk_delivered(struct trunk *t, uint64_t when)
{
	if (t->idle)
		t->idle_since = max_u64(t->idle_since, when);
	else
		t->last_received = max_u64(t->last_received, when);
}
