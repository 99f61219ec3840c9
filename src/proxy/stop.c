/* Knows the order in which a node ends; the parts know how. */
#include "proxy/stop.h"

#include "base/log.h"
#include "proxy/callers.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/route.h"

#define RESOLVER_PATIENCE (3 * NS_PER_S) /* for look-ups that are under way in the end */

static void
on_term(uv_signal_t *signal, int number)
{
	struct node *n = signal->data;

	(void)number;
	if (n->state == NODE_RUNNING)
		stop_drain(n);
	else
		stop_now(n, true);
}

static void
on_hup(uv_signal_t *signal, int number)
{
	(void)signal;
	(void)number;
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "reload_ignored");
	log_str(&line, "hint", "this version does not read its configuration again: restart it");
	log_end(&line);
}

void
stop_watch_signals(struct node *n)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(n->signals); i++) {
		uv_signal_cb fn = numbers[i] == SIGHUP ? on_hup : on_term;
		uv_signal_start(&n->signals[i], fn, numbers[i]);
	}
}

static void
on_drained(void *owner)
{
	stop_now(owner, false);
}

/* Whoever waits for a link will not get one any more. */
static void
end_waiting(struct node *n)
{
	list_for_each (it, &n->peers) {
		struct peer *p = container_of(it, struct peer, node);
		struct list *first;

		dial_stop(p);
		while ((first = list_first(&p->waiting)))
			local_fail(container_of(first, struct local, at), LOCAL_REFUSED,
				CODE_SHUTTING_DOWN, NULL, "this node is stopping");
	}
}

void
stop_drain(struct node *n)
{
	struct log_line line = log_begin(LOG_LEVEL_INFO, "drain_begin");
	size_t connections = 0;

	list_for_each (it, &n->locals)
		connections++;
	log_u64(&line, "connections", connections);
	log_u64(&line, "drain_ms", n->config->node.drain / NS_PER_MS);
	log_end(&line);

	n->state = NODE_DRAINING;
	callers_stop(n);
	routes_stop(n);
	alarm_free(n->tick);
	n->tick = NULL;
	alarm_free(n->end);
	n->end = alarm_new(&n->loop, on_drained, n);
	end_waiting(n);
	list_for_each_safe (it, &n->links)
		link_drain(container_of(it, struct link, node));
	if (n->end)
		alarm_set(n->end, node_now() + n->config->node.drain);
	else
		stop_now(n, false);
}

static void
on_patience(void *owner)
{
	struct node *n = owner;
	uv_stop(&n->loop);
}

void
stop_now(struct node *n, bool hurry)
{
	n->state = NODE_STOPPING;
	alarm_free(n->end);
	n->end = alarm_new(&n->loop, on_patience, n);
	if (n->end)
		alarm_set(n->end, node_now() + LINGER_DEADLINE + RESOLVER_PATIENCE);
	list_for_each_safe (it, &n->links) {
		struct link *l = container_of(it, struct link, node);
		link_close(l, CODE_SHUTTING_DOWN);
		if (hurry && l->state == LINK_ENDING) {
			link_write(l);
			link_kill(l);
		}
	}
}
