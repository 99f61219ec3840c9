/* Knows what a node is made of and in which order that begins, turns and ends. */
#include "proxy/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/program.h"
#include "proxy/callers.h"
#include "proxy/ceiling.h"
#include "proxy/handover.h"
#include "proxy/notify.h"
#include "proxy/peer.h"
#include "proxy/ports.h"
#include "proxy/rolls.h"
#include "proxy/route.h"
#include "proxy/service.h"
#include "proxy/signals.h"
#include "proxy/stop.h"
#include "proxy/upgrade.h"
#include "proxy/workers.h"

#define TICK           (500 * NS_PER_MS)
#define HELLO_NAME_MAX 63

/* ---- the end ---- */

static void
close_handles(struct node *n)
{
	if (n->on_end)
		n->on_end(n->on_end_arg);
	n->on_end = NULL;
	upgrade_cancel(n);
	signals_free(n->signals);
	n->signals = NULL;
	alarm_free(n->tick);
	alarm_free(n->end);
	alarm_free(n->patience);
	n->tick = n->end = n->patience = NULL;
	changes_free(n->changes);
	n->changes = NULL;
	notes_free(n->notes);
	n->notes = NULL;
	stock_close(n->stock);
	handover_close(n->handover);
	workers_close(n);
}

void
node_rests(struct node *n)
{
	if (!workers_rest(n))
		return;
	ports_close(n);
	close_handles(n);
}

/* ---- now and then ---- */

void
node_log_summary(struct flood *flood, const char *peer)
{
	uint64_t more = flood_summary(flood, node_now());

	if (more == 0)
		return;
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "log_suppressed");
	log_str(&line, "of", flood->event);
	if (peer)
		log_str(&line, "peer", peer);
	log_u64(&line, "lines", more);
	log_u64(&line, "total", flood->total);
	log_end(&line);
}

static void
on_tick(void *owner)
{
	struct node *n = owner;

	watch_look(n);
	rolls_tick(n);
	stock_refill(n->stock);
	for (size_t i = 0; i < NODE_FLOODS; i++)
		node_log_summary(&n->floods[i], NULL);
	alarm_set(n->tick, node_now() + TICK);
}

/* ---- the beginning ---- */

static void
on_changes(void *owner)
{
	watch_look(owner);
}

/* Counts keys that went because others came, up to that many in all. */
static void
dropped(struct node *n, enum reached limit, uint64_t all)
{
	uint64_t *counted = &node_main(n)->reached[limit];

	for (; *counted < all; ++*counted) {
		if (!flood_pass(&n->floods[FLOOD_DROPPED], node_now()))
			continue;
		struct log_line line = log_begin(LOG_LEVEL_WARNING, "key_dropped");
		log_fmt(&line, "reason",
			"more keys of unknown callers are pending than `%s` of [limits]",
			reached_key(limit));
		log_end(&line);
	}
}

static void
on_noted(void *owner, bool verified, const struct keyring_dropped *gone)
{
	(void)verified;
	dropped(owner, REACHED_PENDING_KEYS_SOURCE, gone->by_source);
	dropped(owner, REACHED_PENDING_KEYS, gone->by_all);
	watch_look(owner);
}

static void
init_floods(struct node *n)
{
	static const struct flood kinds[NODE_FLOODS] = {
		[FLOOD_ACCEPT] = {.event = "accept_failed", .lines = 1},
		[FLOOD_REFUSED] = {.event = "caller_refused", .lines = 3},
		[FLOOD_PENDING] = {.event = "key_pending", .lines = 10},
		[FLOOD_DROPPED] = {.event = "key_dropped", .lines = 3},
	};
	memcpy(n->floods, kinds, sizeof(kinds));
}

static bool
init_handles(struct node *n)
{
	uv_loop_t *loop = &node_main(n)->loop;

	n->signals = signals_new(loop, stop_on_signal, n);
	n->tick = alarm_new(loop, on_tick, n);
	return stop_init(n) && n->signals && n->tick;
}

bool
node_has_identity(const struct node *n, const struct config_peer *peer, struct errmsg *err)
{
	if (key_identity_find(n->key_set, peer->identity))
		return true;
	errmsg_set(err, SC_ERR_NOT_FOUND,
		"%s:%u: [peer %s] identity: there are no keys of \"%s\": run `%s init`", peer->file,
		peer->line, peer->name, peer->identity, program_name());
	return false;
}

/* The own pairs as they are now, for the node and for all of its workers. */
static bool
load_keys(struct node *n, struct errmsg *err)
{
	n->key_store = key_store_new(n->asym, n->n_asym);
	if (!n->key_store) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	n->key_set = key_set_new(n->key_store, shared_ring_own(&n->ring), err);
	if (!n->key_set)
		return false;
	for (unsigned i = 0; i < n->n_workers; i++)
		n->workers[i].key_set = key_set_hold(n->key_set);
	bool ok = true;
	for (size_t i = 0; ok && i < n->config->n_peers; i++)
		ok = node_has_identity(n, &n->config->peers[i], err);
	return ok;
}

static void
init_hello(struct node *n)
{
	uint64_t window = min_u64(n->config->limits.memory / NODE_WINDOW_PART, NODE_WINDOW);

	n->hello = (struct hello){.window = (uint32_t)max_u64(window, NODE_WINDOW_MIN),
		.max_streams = n->config->limits.streams, .has_instance = true};
	snprintf(n->hello.name, sizeof(n->hello.name), "%.*s", HELLO_NAME_MAX,
		n->config->node.name);
	/* A process that takes over is the same instance to the peers: else they would end what the
	   one before still has. */
	if (n->legacy && n->legacy->there)
		memcpy(n->hello.instance, n->legacy->instance, sizeof(n->hello.instance));
	else
		random_fill(&n->random, n->hello.instance, sizeof(n->hello.instance));
}

static struct limits_config
limits_of(const struct config_limits *c)
{
	return (struct limits_config){
		.places = c->unauthenticated,
		/* Never all: a peer must be able to come for the first time. */
		.reserved = min_u32(c->reserved, c->unauthenticated / 2),
		.source_places = c->source,
		.source_rate = c->source_rate,
		.known_places = c->known_source,
		.known_rate = c->known_source_rate,
		.known_for = c->known_for,
	};
}

void
node_add_ports(struct node *n, struct list *listeners)
{
	if (n->n_more_ports < ARRAY_SIZE(n->more_ports))
		n->more_ports[n->n_more_ports++] = listeners;
}

void
node_set_limits(struct node *n)
{
	const struct config_limits *c = &n->config->limits;
	const struct limits_config limits = limits_of(c);

	limits_set(n->limits, &limits);
	shared_ring_set_limits(&n->ring, &(struct keyring_limits){
		.callers = c->pending_keys,
		.callers_source = c->pending_keys_source,
		.expected = (int64_t)(c->expected_keys / NS_PER_S),
	});
}

/* The parts that need memory and the state folder. False with err set. */
static bool
init_parts(struct node *n, const struct node_setup *setup, struct errmsg *err)
{
	const struct limits_config limits = limits_of(&n->config->limits);
	const struct ports_known none = {.n = 0};
	n->limits = limits_new(&limits, &n->random);
	n->stock = stock_new(&node_main(n)->jobs, &n->random);
	n->handover = handover_new(n);
	if (!init_handles(n) || !n->handover || !n->limits || !n->stock || !watch_init(n)) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	if (!load_keys(n, err))
		return false;
	watch_stock(n);
	init_hello(n);
	n->notes = notes_new(&node_main(n)->loop, shared_ring_own(&n->ring),
		&n->floods[FLOOD_PENDING], on_noted, n, err);
	if (!n->notes)
		return false;
	if (!peers_init(n)) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	if (!routes_make(&n->routes, n, n->config)) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	callers_remember(n);
	return ports_open(&n->fresh, n->config, &none, setup->inherited, err) == SC_OK;
}

/* What all threads use under a lock. */
static bool
init_shared(struct node *n, const struct node_setup *setup)
{
	n->random = random_system;
	if (!session_ids_init(&n->session_ids, &n->random))
		return false;
	if (shared_ring_init(&n->ring, setup->ring))
		return true;
	session_ids_fini(&n->session_ids);
	return false;
}

struct node *
node_new(const struct node_setup *setup, struct errmsg *err)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n || !init_shared(n, setup)) {
		free(n);
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return NULL;
	}
	n->started = setup->config;
	n->config = config_hold(setup->config);
	n->load = setup->load;
	n->load_arg = setup->load_arg;
	n->legacy = setup->legacy;
	n->asym = setup->asym;
	n->n_asym = setup->n_asym;
	n->bulk = setup->bulk;
	n->n_bulk = setup->n_bulk;
	ceiling_init(n);
	n->since = node_now();
	list_init(&n->ports);
	list_init(&n->fresh);
	list_init(&n->reload_waiters);
	init_floods(n);
	if (!workers_init(n, err)) {
		workers_close(n);
		workers_fini(n);
		shared_ring_fini(&n->ring);
		session_ids_fini(&n->session_ids);
		config_free(n->config);
		free(n);
		return NULL;
	}
	if (!init_parts(n, setup, err) || !workers_thread(n, err)) {
		node_free(n);
		return NULL;
	}
	return n;
}

bool
node_run(struct node *n)
{
	ports_settle(n, &n->fresh);
	service_check_privilege(n->config);

	struct log_line line = log_begin(LOG_LEVEL_INFO, "node_ready");
	log_str(&line, "name", n->config->node.name);
	log_str(&line, "version", SC_VERSION);
	log_u64(&line, "pid", (uint64_t)getpid());
	log_u64(&line, "workers", n->n_workers);
	log_end(&line);
	notify_send("READY=1\nSTATUS=serving");
	alarm_set(n->tick, node_now() + TICK);
	n->changes = changes_new(&node_main(n)->loop, n->config->node.state, on_changes, n);
	workers_start(n);
	watch_look(n); /* at what has changed before */

	legacy_ready(n->legacy, n->handover);

	bool rest = uv_run(&node_main(n)->loop, UV_RUN_DEFAULT) == 0;
	line = log_begin(LOG_LEVEL_INFO, "node_stopped");
	log_end(&line);
	return rest;
}

void
node_at_end(struct node *n, void (*fn)(void *arg), void *arg)
{
	n->on_end = fn;
	n->on_end_arg = arg;
}

void
node_free(struct node *n)
{
	if (!n)
		return;
	listeners_close(&n->fresh);
	ports_close(n);
	close_handles(n);
	workers_join(n);
	workers_fini(n);
	peers_free(n);
	shared_ring_fini(&n->ring);
	session_ids_fini(&n->session_ids);
	routes_free(&n->routes);
	watch_fini(n);
	stock_free(n->stock);
	limits_free(n->limits);
	handover_free(n->handover);
	key_set_release(n->key_set);
	key_store_free(n->key_store);
	config_free(n->config);
	free(n);
}
