/* Knows what the system said of each name, and when; how it is asked is lookups.c's. */
#include "proxy/resolver.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "proxy/address.h"
#include "proxy/alarm.h"

#define UNUSED_FOR (3600 * NS_PER_S) /* then a name is forgotten, if there are many */
#define MANY       64

struct name {
	struct list node; /* on resolver.names, the one used last at the end */
	char host[LOOKUP_HOST_SIZE];
	struct sockaddr_storage addresses[LOOKUP_ADDRESSES_MAX]; /* the last good answer */
	size_t n;
	uint64_t answered; /* when that came; 0: never */
	int error;         /* of the last answer */
	bool out;          /* the system is being asked */
	bool told;         /* the log says that it has no answer */
	uint64_t used;
	struct list questions;
};

struct resolver {
	struct lookups *lookups;
	struct alarm *alarm; /* questions that are to be answered with what is there */
	struct list names;
	size_t n_names;
};

/* ---- the log ---- */

static void
addresses_text(char *out, size_t size, const struct sockaddr_storage *addresses, size_t n)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++) {
		address_host_text(text, (const struct sockaddr *)&addresses[i]);
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", text);
	}
}

static void
log_changed(const struct name *name, const struct sockaddr_storage *now, size_t n)
{
	char text[512];
	struct log_line line = log_begin(LOG_LEVEL_INFO, "address_changed");

	log_str(&line, "name", name->host);
	addresses_text(text, sizeof(text), now, n);
	log_str(&line, "addresses", text);
	addresses_text(text, sizeof(text), name->addresses, name->n);
	log_str(&line, "before", text);
	log_end(&line);
}

/* The system has no answer, or has one again; once each time. error: 0: an answer. */
static void
log_failing(struct name *name, int error, uint64_t now)
{
	char text[512];

	if (name->told == (error != 0))
		return;
	name->told = error != 0;
	struct log_line line = log_begin(error ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		error ? "resolve_failed" : "resolve_again");
	log_str(&line, "name", name->host);
	if (error) {
		log_str(&line, "error", uv_strerror(error));
		addresses_text(text, sizeof(text), name->addresses, name->n);
		log_str(&line, "using", text);
		log_u64(&line, "age_s", (now - name->answered) / NS_PER_S);
	}
	log_end(&line);
}

/* ---- answers ---- */

static bool
has_old(const struct name *name, uint64_t now)
{
	return name->n > 0 && now - name->answered < RESOLVER_OLD;
}

static void
answer(const struct name *name, struct question *q, uint64_t now)
{
	bool good = q->settled || (!name->out && name->error == 0);
	struct resolver_answer a = {.old = !good};

	list_remove(&q->node);
	if (good || has_old(name, now)) {
		a.addresses = name->addresses;
		a.n = name->n;
	} else {
		a.error = name->error;
	}
	q->fn(q->owner, &a);
}

/* Answers those that need not wait any more. Returns when the next one is due. */
static uint64_t
settle(struct name *name, uint64_t now)
{
	struct list todo, *first;
	uint64_t due = UINT64_MAX;

	/* Whoever gets an answer may cancel other questions. */
	list_init(&todo);
	while ((first = list_first(&name->questions))) {
		list_remove(first);
		list_insert_tail(&todo, first);
	}
	while ((first = list_first(&todo))) {
		struct question *q = container_of(first, struct question, node);
		bool patient = name->out && !q->settled;
		if (patient && (!has_old(name, now) || now < q->asked + RESOLVER_PATIENCE)) {
			list_remove(first);
			list_insert_tail(&name->questions, first);
			if (has_old(name, now))
				due = min_u64(due, q->asked + RESOLVER_PATIENCE);
		} else {
			if (patient)
				log_failing(name, UV_ETIMEDOUT, now);
			answer(name, q, now);
		}
	}
	return due;
}

static void
on_alarm(void *owner)
{
	struct resolver *r = owner;
	uint64_t due = UINT64_MAX, now = uv_hrtime();

	list_for_each (it, &r->names)
		due = min_u64(due, settle(container_of(it, struct name, node), now));
	if (due != UINT64_MAX)
		alarm_set_by(r->alarm, due);
}

static bool
same(const struct name *name, const struct sockaddr_storage *addresses, size_t n)
{
	if (n != name->n)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool found = false;
		for (size_t k = 0; k < name->n; k++)
			found = found || address_same_host(&addresses[i], &name->addresses[k]);
		if (!found)
			return false;
	}
	return true;
}

static struct name *
find(struct resolver *r, const char *host)
{
	list_for_each (it, &r->names) {
		struct name *name = container_of(it, struct name, node);
		if (strcmp(name->host, host) == 0)
			return name;
	}
	return NULL;
}

static void
on_lookup(void *owner, const char *host, int error, const struct sockaddr_storage *addresses,
	size_t n)
{
	struct resolver *r = owner;
	struct name *name = find(r, host);
	uint64_t now = uv_hrtime();

	if (!name)
		return;
	name->out = false;
	name->error = error;
	if (error == 0) {
		if (name->n > 0 && !same(name, addresses, n))
			log_changed(name, addresses, n);
		memcpy(name->addresses, addresses, n * sizeof(*addresses));
		name->n = n;
		name->answered = now;
	}
	if (error == 0 || has_old(name, now))
		log_failing(name, error, now);
	settle(name, now);
}

/* ---- names ---- */

/* Forgets one that nobody has used for long. */
static void
make_room(struct resolver *r, uint64_t now)
{
	list_for_each_safe (it, &r->names) {
		struct name *name = container_of(it, struct name, node);
		if (r->n_names < MANY || now - name->used < UNUSED_FOR)
			return;
		if (name->out || !list_empty(&name->questions))
			continue;
		list_remove(&name->node);
		free(name);
		r->n_names--;
	}
}

/* NULL: there is no room. */
static struct name *
use(struct resolver *r, const char *host, uint64_t now)
{
	struct name *name = find(r, host);

	if (!name) {
		make_room(r, now);
		name = r->n_names < RESOLVER_NAMES_MAX ? calloc(1, sizeof(*name)) : NULL;
		if (!name)
			return NULL;
		snprintf(name->host, sizeof(name->host), "%s", host);
		list_init(&name->node);
		list_init(&name->questions);
		r->n_names++;
	}
	name->used = now;
	list_remove(&name->node);
	list_insert_tail(&r->names, &name->node);
	return name;
}

/* Asks the system, unless that is under way or was just done. */
static void
ask(struct resolver *r, struct name *name, uint64_t max_age, uint64_t now)
{
	bool young = name->answered && !name->error && now - name->answered < max_age;

	if (young || name->out)
		return;
	int error = lookups_start(r->lookups, name->host);
	name->out = error == 0;
	if (error != 0)
		name->error = error;
}

int
resolver_ask(struct resolver *r, const char *host, uint64_t max_age, struct question *q,
	answer_fn *fn, void *owner)
{
	uint64_t now = uv_hrtime();
	struct name *name = use(r, host, now);

	list_init(&q->node);
	if (!name)
		return UV_ENOMEM;
	ask(r, name, max_age, now);
	q->fn = fn;
	q->owner = owner;
	q->asked = now;
	q->settled = name->answered && !name->error && now - name->answered < max_age;
	list_insert_tail(&name->questions, &q->node);
	if (q->settled || !name->out)
		alarm_set(r->alarm, now);
	else if (has_old(name, now))
		alarm_set_by(r->alarm, now + RESOLVER_PATIENCE);
	return 0;
}

void
resolver_cancel(struct question *q)
{
	if (q->node.next)
		list_remove(&q->node);
}

void
resolver_refresh(struct resolver *r, const char *host, uint64_t max_age)
{
	uint64_t now = uv_hrtime();
	struct name *name = use(r, host, now);

	if (name)
		ask(r, name, max_age, now);
}

struct resolver *
resolver_new(uv_loop_t *loop, lookup_fn *lookup, void *arg)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	list_init(&r->names);
	r->alarm = alarm_new(loop, on_alarm, r);
	r->lookups = r->alarm ? lookups_new(loop, lookup, arg, on_lookup, r) : NULL;
	if (!r->lookups) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (!r)
		return;
	lookups_free(r->lookups);
	alarm_free(r->alarm);
	list_for_each_safe (it, &r->names) {
		struct name *name = container_of(it, struct name, node);
		list_for_each_safe (q, &name->questions)
			list_remove(q);
		free(name);
	}
	free(r);
}
