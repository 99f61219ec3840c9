/* Knows which part of a node does what a request asks for. */
#include "admin/act.h"

#include <stdio.h>
#include <string.h>

#include "base/program.h"
#include "proxy/rolls.h"
#include "proxy/stop.h"

static void
answer(struct act *a, struct json_object *o)
{
	a->calls->answer(a->owner, o);
}

static void
fail(struct act *a, const char *text)
{
	answer(a, answer_error(text));
}

/* ---- status ---- */

static void
on_status(void *owner, struct status *status)
{
	struct act *a = owner;

	if (status)
		a->calls->picture(a->owner, status);
	else
		fail(a, "out of memory");
}

/* ---- renew ---- */

static void
on_renewed(void *owner, const struct renewed *renewed)
{
	struct act *a = owner;
	struct errmsg err;

	if (!renewed->known) {
		errmsg_set(&err, SC_ERR_NOT_FOUND, "there is no peer %s: see `%s status`",
			a->renewed_peer, program_name());
		fail(a, err.text);
	} else if (renewed->links == 0) {
		errmsg_set(&err, SC_ERR_NOT_FOUND,
			"%s has no link now, and so no session keys: the next link makes new ones",
			a->renewed_peer);
		fail(a, err.text);
	} else {
		struct json_object *o = answer_new();
		answer_add(o, "links", json_object_new_int64(renewed->links));
		answer_add(o, "wait_ms", json_object_new_uint64(renewed->wait / NS_PER_MS));
		answer(a, o);
	}
}

/* ---- reload ---- */

static void
on_reloaded(struct reload_waiter *waiter, const char *error)
{
	struct act *a = container_of(waiter, struct act, reload);

	if (error) {
		fail(a, error);
		return;
	}
	struct json_object *o = answer_new();
	answer_add(o, "changes", json_object_new_uint64(waiter->changes));
	answer_add(o, "restart_needed", json_object_new_uint64(waiter->restart_needed));
	answer(a, o);
}

/* ---- the others ---- */

static void
version(struct act *a)
{
	struct json_object *o = answer_new();

	answer_add(o, "version", json_object_new_string(SC_VERSION));
	answer_add(o, "name", json_object_new_string(a->node->config->node.name));
	answer(a, o);
}

static void
set_level(struct act *a, enum log_level level)
{
	log_set_level(level);
	answer(a, answer_new());
}

/* The answer goes first: there may be nobody to give it afterwards, and *a may be gone. */
static void
end(struct act *a, bool at_once)
{
	struct node *n = a->node;
	bool running = n->workers[0].state == WORKER_RUNNING;
	struct json_object *o = answer_new();

	answer_add(o, "drain_ms",
		json_object_new_uint64(at_once ? 0 : n->config->node.drain / NS_PER_MS));
	answer(a, o);
	if (running)
		stop_drain(n);
	if (at_once)
		stop_now(n, true);
}

static void
look_at_keys(struct act *a)
{
	watch_look(a->node);
	rolls_ask(a->node);
	answer(a, answer_new());
}

/* Who has changed what on a running node. */
static void
log_request(const struct request *r, const char *who)
{
	if (r->kind == REQUEST_STATUS || r->kind == REQUEST_VERSION || r->kind == REQUEST_KEYS)
		return;
	struct log_line line = log_begin(LOG_LEVEL_INFO, "control_request");
	log_str(&line, "request", request_name(r->kind));
	if (r->kind == REQUEST_RENEW)
		log_str(&line, "peer", r->peer);
	if (r->kind == REQUEST_LOG)
		log_str(&line, "to", log_level_name(r->level));
	log_str(&line, "by", who);
	log_end(&line);
}

void
act_init(struct act *a, struct node *node, const struct act_calls *calls, void *owner)
{
	*a = (struct act){.node = node, .calls = calls, .owner = owner};
	a->collector = (struct collector){.node = node, .fn = on_status, .owner = a};
	a->renewal = (struct renewal_order){.fn = on_renewed, .owner = a};
	a->reload.fn = on_reloaded;
	list_init(&a->reload.node);
}

void
act_on(struct act *a, const struct request *r, const char *who)
{
	log_request(r, who);
	switch (r->kind) {
	case REQUEST_STATUS:
		if (!collect_start(&a->collector))
			fail(a, "out of memory");
		break;
	case REQUEST_RENEW:
		memcpy(a->renewed_peer, r->peer, sizeof(a->renewed_peer));
		if (!renew_peer(a->node, r->peer, &a->renewal))
			fail(a, "out of memory");
		break;
	case REQUEST_VERSION:
		version(a);
		break;
	case REQUEST_LOG:
		set_level(a, r->level);
		break;
	case REQUEST_DRAIN:
		end(a, false);
		break;
	case REQUEST_STOP:
		end(a, true);
		break;
	case REQUEST_KEYS:
		look_at_keys(a);
		break;
	case REQUEST_RELOAD:
		reload_ask(a->node, &a->reload);
		break;
	case REQUEST_KINDS:
		break;
	}
}

void
act_stop(struct act *a)
{
	collect_stop(&a->collector);
	list_remove(&a->reload.node);
	round_forget(a->renewal.round);
	a->renewal.round = NULL;
}
