/* Knows the order in which a node ends; the parts know how. */
#include "proxy/stop.h"

#include <signal.h>

#include "base/log.h"
#include "proxy/link.h"
#include "proxy/notify.h"
#include "proxy/ports.h"
#include "proxy/reload.h"
#include "proxy/upgrade.h"
#include "proxy/workers.h"

#define LOOKUPS_PATIENCE (3 * NS_PER_S) /* for look-ups that are under way in the end */

static void
on_term(struct node *n)
{
	if (node_main(n)->state == WORKER_RUNNING)
		stop_drain(n);
	else
		stop_now(n, true);
}

void
stop_on_signal(void *owner, int number)
{
	if (number == SIGTERM || number == SIGINT)
		on_term(owner);
	else if (number == SIGHUP)
		reload_ask(owner, NULL);
	else if (number == SIGUSR2)
		upgrade_start(owner);
}

static void
on_drained(void *owner)
{
	stop_now(owner, false);
}

void
stop_drain(struct node *n)
{
	struct log_line line = log_begin(LOG_LEVEL_INFO, "drain_begin");

	log_u64(&line, "connections", workers_connections(n));
	log_u64(&line, "drain_ms", n->config->node.drain / NS_PER_MS);
	log_end(&line);

	upgrade_cancel(n);
	if (!n->succeeded)
		notify_send("STOPPING=1\nSTATUS=open connections may finish");
	if (n->succeeded)
		ports_close(n);
	else
		ports_close_routes(n);
	alarm_free(n->tick);
	n->tick = NULL;
	workers_drain(n);
	alarm_set(n->end, node_now() + n->config->node.drain);
}

void
stop_look(struct node *n)
{
	struct worker *w = node_main(n);

	if (w->state == WORKER_RUNNING || list_empty(&n->ports) || workers_connections(n) > 0)
		return;
	ports_close(n);
	list_for_each_safe (it, &w->links) {
		struct link *l = container_of(it, struct link, node);
		if (l->state == LINK_HANDSHAKE)
			link_kill(l);
	}
}

static void
on_patience(void *owner)
{
	struct node *n = owner;
	uv_stop(&node_main(n)->loop);
}

void
stop_now(struct node *n, bool hurry)
{
	ports_close(n);
	alarm_set(n->end, UINT64_MAX);
	alarm_set(n->patience, node_now() + LINGER_DEADLINE + LOOKUPS_PATIENCE);
	workers_stop(n, hurry);
}

/* Made at the start: an end has its deadlines also where there is no memory any more. */
bool
stop_init(struct node *n)
{
	n->end = alarm_new(&node_main(n)->loop, on_drained, n);
	n->patience = alarm_new(&node_main(n)->loop, on_patience, n);
	return n->end && n->patience;
}
