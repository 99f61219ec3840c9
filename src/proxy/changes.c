/* Knows how the system tells of files that change; what is in them is the key ring's. */
#include "proxy/changes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "proxy/alarm.h"

#define PAUSE (100 * NS_PER_MS) /* between two calls */

static const char *const folders[] = {"keys", "peers"};

struct changes {
	uv_fs_event_t events[ARRAY_SIZE(folders)];
	unsigned open; /* of these, handles that the loop has */
	struct alarm *alarm;
	uint64_t last; /* when fn was called */
	changes_fn *fn;
	void *owner;
};

static void
on_alarm(void *owner)
{
	struct changes *c = owner;
	c->last = uv_hrtime();
	c->fn(c->owner);
}

static void
on_event(uv_fs_event_t *event, const char *name, int what, int status)
{
	struct changes *c = event->data;

	(void)what;
	/* A file that is being written has a name with a dot, until it is whole. */
	if (status == 0 && name && name[0] != '.' && c->alarm)
		alarm_set_by(c->alarm, c->last + PAUSE);
}

static void
on_closed(uv_handle_t *handle)
{
	struct changes *c = handle->data;
	if (--c->open == 0)
		free(c);
}

void
changes_free(struct changes *c)
{
	if (!c)
		return;
	alarm_free(c->alarm);
	c->alarm = NULL;
	if (c->open == 0) {
		free(c);
		return;
	}
	for (unsigned i = c->open; i-- > 0;)
		uv_close((uv_handle_t *)&c->events[i], on_closed);
}

struct changes *
changes_new(uv_loop_t *loop, const char *state, changes_fn *fn, void *owner)
{
	struct changes *c = calloc(1, sizeof(*c));
	char path[600];
	bool ok;

	if (!c)
		return NULL;
	c->fn = fn;
	c->owner = owner;
	c->alarm = alarm_new(loop, on_alarm, c);
	ok = c->alarm != NULL;
	for (size_t i = 0; ok && i < ARRAY_SIZE(folders); i++) {
		ok = uv_fs_event_init(loop, &c->events[i]) == 0;
		c->events[i].data = c;
		if (ok)
			c->open++;
		snprintf(path, sizeof(path), "%s/%s", state, folders[i]);
		ok = ok && uv_fs_event_start(&c->events[i], on_event, path, 0) == 0;
	}
	if (!ok) {
		changes_free(c);
		return NULL;
	}
	return c;
}
