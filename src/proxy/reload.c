/* Knows the steps from a file that was changed to a node that does what it says, and that nothing
   may change before all of them are sure to succeed. */
#include "proxy/reload.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/program.h"
#include "base/syslog.h"
#include "config/diff.h"
#include "proxy/apply.h"
#include "proxy/notify.h"
#include "proxy/peer.h"
#include "proxy/ports.h"
#include "proxy/route.h"
#include "proxy/service.h"

#define CHANGES_SHOWN 200 /* one by one in the log */
#define AT_ONCE       16  /* peers, before the time is looked at */

struct reload {
	struct node *n;
	uv_work_t work;
	const struct config *before, *config;
	struct config_diff diff; /* of the two */
	struct slice slice;
	size_t n_checked, n_made; /* of the peers: those that the node has keys for, and knows */
	struct ports_known known;
	struct list fresh;
	struct list waiters;
	enum sc_error error;
	struct errmsg err;
};

static void begin(struct node *n);

/* ---- the end of one ---- */

static void
tell(struct list *waiters, const char *error, const struct config_diff *diff)
{
	size_t restart = diff ? config_diff_count(diff, APPLY_RESTART) : 0;
	struct list *first;

	while ((first = list_first(waiters))) {
		struct reload_waiter *w = container_of(first, struct reload_waiter, node);
		list_remove(first);
		w->restart_needed = restart;
		w->changes = diff ? diff->n - restart : 0;
		w->fn(w, error);
	}
}

static void
log_ignored(const char *reason)
{
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "reload_ignored");
	log_str(&line, "reason", reason);
	log_end(&line);
}

static void
log_failed(const char *error)
{
	struct log_line line = log_begin(LOG_LEVEL_ERROR, "reload_failed");
	log_str(&line, "error", error);
	log_fmt(&line, "hint", "nothing has changed; `%s check` tells the same", program_name());
	log_end(&line);
}

static void
reload_free(struct reload *r)
{
	listeners_close(&r->fresh);
	ports_forget(&r->known);
	config_diff_fini(&r->diff);
	config_free(r->before);
	config_free(r->config);
	free(r);
}

/* ---- what has changed ---- */

static void
log_change(const struct config_change *change)
{
	static const char *const kinds[] = {
		[CHANGE_CAME] = "came", [CHANGE_WENT] = "went", [CHANGE_VALUE] = "value"};
	bool restart = change->option && change->option->apply == APPLY_RESTART;
	bool next = change->option && change->option->apply == APPLY_NEXT;
	struct log_line line = log_begin(restart ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		restart ? "restart_needed" : "config_changed");
	char title[400];

	config_change_title(title, sizeof(title), change);
	log_str(&line, "what", title);
	if (!restart)
		log_str(&line, "change", kinds[change->kind]);
	if (change->at.line)
		log_fmt(&line, "at", "%s:%u", change->at.file, change->at.line);
	if (restart)
		log_str(&line, "hint", "takes effect after a restart; until then it is as it was");
	else
		log_str(&line, "applies", next ? "to new connections and links" : "now");
	log_end(&line);
}

static void
log_done(const struct config_diff *diff)
{
	for (size_t i = 0; i < diff->n && i < CHANGES_SHOWN; i++)
		log_change(&diff->changes[i]);
	if (diff->n > CHANGES_SHOWN) {
		struct log_line line = log_begin(LOG_LEVEL_INFO, "config_changed");
		log_u64(&line, "more", diff->n - CHANGES_SHOWN);
		log_end(&line);
	}
	size_t restart = config_diff_count(diff, APPLY_RESTART);
	struct log_line line = log_begin(LOG_LEVEL_INFO, "reload_done");
	log_u64(&line, "changes", diff->n - restart);
	log_u64(&line, "restart_needed", restart);
	log_end(&line);
}

/* ---- the change ---- */

/* Somebody may have set a level on the running node: that counts until the file says another. */
static void
take_log(const struct config_node *now, const struct config_node *before)
{
	if (now->log_level != before->log_level)
		log_set_level((enum log_level)now->log_level);
	log_set_format((enum log_format)now->log_format);
	log_set_target((enum log_target)now->log_to, SYSLOG_PATH);
}

static void
take(struct reload *r, struct routes *routes, struct news **news)
{
	struct node *n = r->n;
	const struct config *before = n->config;
	struct routes old_routes = n->routes;

	n->config = config_hold(r->config);
	n->routes = *routes;
	take_log(&n->config->node, &before->node);
	node_set_limits(n);
	/* The workers first: who connects to a new port must find the peers there. */
	news_send(news, n);
	ports_settle(n, &r->fresh);
	routes_free(&old_routes);
}

/* On the node's own thread, with everything checked and open. False: out of memory, and nothing
   has changed. */
static bool
commit(struct reload *r)
{
	struct node *n = r->n;
	const struct config *before = n->config;
	struct routes routes;
	struct news **news = NULL;

	if (routes_make(&routes, n, r->config))
		news = news_new(n, r->config);
	if (news) {
		take(r, &routes, news);
		log_done(&r->diff);
		service_check_privilege(n->config);
		config_free(before);
	} else {
		routes_free(&routes);
	}
	return news != NULL;
}

static void
finish(struct reload *r)
{
	struct node *n = r->n;
	const char *error = NULL;

	if (node_main(n)->state != WORKER_RUNNING) {
		error = "the node is stopping";
		log_ignored(error);
	} else {
		if (r->error == SC_OK && !commit(r))
			r->error = errmsg_set(&r->err, SC_ERR_MEMORY, "out of memory");
		error = r->error == SC_OK ? NULL : r->err.text;
		if (error)
			log_failed(error);
		notify_send("READY=1");
	}
	n->reload = NULL;
	if (n->reload_again && node_main(n)->state == WORKER_RUNNING)
		begin(n);
	else
		list_take(&r->waiters, &n->reload_waiters);
	tell(&r->waiters, error, error ? NULL : &r->diff);
	reload_free(r);
}

/* ---- the peers ---- */

static bool
has_identity(struct reload *r, const struct config_peer *peer)
{
	if (node_has_identity(r->n, peer, &r->err))
		return true;
	watch_look(r->n); /* `init` may have made keys a moment ago */
	return node_has_identity(r->n, peer, &r->err);
}

/* With all of them checked, makes those that the node does not know yet; until their worker takes
   the configuration they have no section. Some of them. */
static bool
on_slice(struct slice *slice)
{
	struct reload *r = container_of(slice, struct reload, slice);
	const struct config_peer *peers = r->config->peers;
	size_t n = r->config->n_peers;
	bool more = node_main(r->n)->state == WORKER_RUNNING;

	for (unsigned i = 0; more && i < AT_ONCE && r->error == SC_OK; i++) {
		if (r->n_made == n)
			more = false;
		else if (r->n_checked < n && !has_identity(r, &peers[r->n_checked++]))
			r->error = SC_ERR_NOT_FOUND;
		else if (r->n_checked == n && !peer_find(r->n, peers[r->n_made++].name, true))
			r->error = errmsg_set(&r->err, SC_ERR_MEMORY, "out of memory");
	}
	if (more && r->error == SC_OK)
		return true;
	finish(r);
	return false;
}

/* ---- the thread ---- */

static void
on_thread(uv_work_t *work)
{
	struct reload *r = container_of(work, struct reload, work);
	struct node *n = r->n;

	r->config = n->load(n->load_arg, &r->err);
	r->error = r->config ? SC_OK : SC_ERR_INVALID;
	if (r->config)
		r->error = ports_open(&r->fresh, r->config, &r->known, NULL, &r->err);
	if (r->error == SC_OK && !config_diff_init(&r->diff, n->started, r->before, r->config))
		r->error = errmsg_set(&r->err, SC_ERR_MEMORY, "out of memory");
}

static void
on_done(uv_work_t *work, int status)
{
	struct reload *r = container_of(work, struct reload, work);

	if (status != 0)
		r->error = errmsg_set(&r->err, SC_ERR_INTERNAL, "%s", uv_strerror(status));
	if (r->error == SC_OK)
		slice_start(&node_main(r->n)->slices, &r->slice);
	else
		finish(r);
}

static void
begin(struct node *n)
{
	struct reload *r = calloc(1, sizeof(*r));
	bool ok = false;

	n->reload_again = false;
	if (r) {
		r->n = n;
		r->before = config_hold(n->config); /* nobody but a reload changes it */
		slice_init(&r->slice, on_slice);
		list_init(&r->fresh);
		list_init(&r->waiters);
		ok = ports_look(&r->known, n) &&
			uv_queue_work(&node_main(n)->loop, &r->work, on_thread, on_done) == 0;
	}
	if (!ok) {
		log_failed("out of memory or descriptors");
		tell(&n->reload_waiters, "out of memory or descriptors", NULL);
		if (r)
			reload_free(r);
		return;
	}
	list_take(&r->waiters, &n->reload_waiters);
	n->reload = r;
	notify_reloading();
	struct log_line line = log_begin(LOG_LEVEL_INFO, "reload_begin");
	log_end(&line);
}

void
reload_ask(struct node *n, struct reload_waiter *waiter)
{
	const char *reason = node_main(n)->state != WORKER_RUNNING ? "the node is stopping"
		: n->upgrade ? "another process takes over: it reads the configuration" : NULL;

	if (reason) {
		log_ignored(reason);
		if (waiter)
			waiter->fn(waiter, reason);
		return;
	}
	if (waiter)
		list_insert_tail(&n->reload_waiters, &waiter->node);
	if (n->reload)
		n->reload_again = true;
	else
		begin(n);
}
