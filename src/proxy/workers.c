/* Knows how many workers there are and how all of them come to do the same thing. */
#include "proxy/workers.h"

#include <stdlib.h>

#include "base/processors.h"

#define JOBS_EACH 1 /* public-key work at once, of each worker but the node's own */

/* A processor is left for the loops, if there are two. */
static unsigned
job_threads(void)
{
	unsigned n = processors_available();

	return n > 1 ? n - 1 : 1;
}

bool
workers_init(struct node *n, struct errmsg *err)
{
	unsigned wants = config_workers(n->config);

	n->workers = calloc(wants, sizeof(*n->workers));
	if (!n->workers) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	n->threads = threads_new(job_threads());
	if (!n->threads) {
		errmsg_set(err, SC_ERR_MEMORY,
			"cannot start the threads for public-key work: the system has none left "
			"for this user");
		return false;
	}
	for (; n->n_workers < wants; n->n_workers++) {
		unsigned jobs = n->n_workers == 0 ? job_threads() : JOBS_EACH;
		if (worker_init(&n->workers[n->n_workers], n, n->n_workers, jobs))
			continue;
		errmsg_set(err, SC_ERR_MEMORY,
			"cannot start the event loop of worker %u: out of memory or descriptors "
			"(see `workers`)",
			n->n_workers);
		return false;
	}
	return true;
}

bool
workers_thread(struct node *n, struct errmsg *err)
{
	for (unsigned i = 1; i < n->n_workers; i++) {
		if (worker_thread(&n->workers[i]))
			continue;
		errmsg_set(err, SC_ERR_MEMORY,
			"cannot start the thread of worker %u: the system has none left for this "
			"user (see `workers`)",
			i);
		return false;
	}
	return true;
}

struct worker *
workers_choose(struct node *n)
{
	struct worker *best = &n->workers[0];

	for (unsigned i = 1; i < n->n_workers; i++)
		if (n->workers[i].given < best->given)
			best = &n->workers[i];
	best->given++;
	return best;
}

void
workers_start(struct node *n)
{
	for (unsigned i = 1; i < n->n_workers; i++)
		worker_post(&n->workers[i], &n->workers[i].start);
	worker_start(node_main(n));
}

void
workers_drain(struct node *n)
{
	for (unsigned i = 1; i < n->n_workers; i++)
		worker_post(&n->workers[i], &n->workers[i].drain);
	worker_drain(node_main(n));
}

void
workers_stop(struct node *n, bool hurry)
{
	atomic_store(&n->hurry, hurry);
	for (unsigned i = 1; i < n->n_workers; i++)
		worker_post(&n->workers[i], &n->workers[i].stop);
	worker_stop(node_main(n));
}

void
workers_end_links(struct node *n)
{
	for (unsigned i = 1; i < n->n_workers; i++)
		worker_post(&n->workers[i], &n->workers[i].watch);
	watch_end_links(node_main(n));
}

void
workers_close(struct node *n)
{
	for (unsigned i = 1; i < n->n_workers; i++) {
		if (n->workers[i].threaded)
			worker_post(&n->workers[i], &n->workers[i].finish);
		else
			worker_close(&n->workers[i]);
	}
	if (n->n_workers > 0)
		worker_close(node_main(n));
}

bool
workers_rest(const struct node *n)
{
	/* A client that goes from one to another is on neither; one that rested has it afterwards.
	   That all rest is true if each was on no way when the looking began, and none has gone
	   since. */
	uint64_t arrived = atomic_load(&n->arrived);

	for (unsigned i = 1; i < n->n_workers; i++)
		if (!atomic_load(&n->workers[i].told))
			return false;
	return worker_rests(node_main(n)) && atomic_load(&n->sent) == arrived;
}

void
workers_client_goes(struct node *n)
{
	atomic_fetch_add(&n->sent, 1);
}

bool
workers_client_comes(struct worker *w)
{
	if (w->state == WORKER_STOPPING || uv_is_closing((uv_handle_t *)&w->idle))
		return false;
	atomic_store(&w->told, false);
	return true;
}

void
workers_client_came(struct worker *w)
{
	/* behind what it has changed: see workers_rest */
	atomic_fetch_add(&w->node->arrived, 1);
	if (w->number > 0 && atomic_load(&w->told)) /* the node may have waited for this one */
		worker_post(node_main(w->node), &w->rests);
}

unsigned
workers_connections(const struct node *n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n->n_workers; i++)
		sum += atomic_load(&n->workers[i].connections);
	return sum;
}

void
workers_join(struct node *n)
{
	for (unsigned i = 1; i < n->n_workers; i++)
		worker_join(&n->workers[i]);
}

void
workers_fini(struct node *n)
{
	threads_free(n->threads);
	/* the node's own last: what the others still post there is done */
	for (unsigned i = n->n_workers; i-- > 0;)
		worker_fini(&n->workers[i]);
	free(n->workers);
}
