/* Knows how news get to the node's own thread; knows nothing of what made them. */
#include "proxy/report.h"

#include <stdio.h>
#include <stdlib.h>

struct key_report {
	struct post post;
	const struct asym_impl *asym;
	char peer[PEER_NAME_SIZE]; /* "": an unknown caller */
	char address[ADDRESS_TEXT_SIZE];
	uint8_t public_key[ASYM_PUBLIC_MAX];
};

static void
on_key(struct worker *main, struct post *post)
{
	struct key_report *r = container_of(post, struct key_report, post);
	struct node *n = main->node;
	const char *peer = r->peer[0] ? r->peer : NULL;

	if (n->notes)
		notes_add(n->notes, peer, r->asym, r->public_key, r->address,
			peer && shared_ring_has_verified(&n->ring, peer, NULL));
	free(r);
}

void
report_key(struct worker *w, const char *peer, const struct asym_impl *asym,
	const uint8_t *public_key, const char *address)
{
	struct worker *main = node_main(w->node);
	struct key_report *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	r->post.fn = on_key;
	r->asym = asym;
	snprintf(r->peer, sizeof(r->peer), "%s", peer ? peer : "");
	snprintf(r->address, sizeof(r->address), "%s", address);
	memcpy(r->public_key, public_key, asym->algorithm->public_size);
	if (w == main)
		on_key(main, &r->post);
	else
		worker_post(main, &r->post);
}

struct source_report {
	struct post post;
	struct source source;
};

static void
on_source(struct worker *main, struct post *post)
{
	struct source_report *r = container_of(post, struct source_report, post);

	limits_remember(main->node->limits, &r->source, node_now(), 0);
	free(r);
}

void
report_source(struct worker *w, const struct source *source)
{
	struct worker *main = node_main(w->node);
	struct source_report *r;

	if (w == main) {
		limits_remember(main->node->limits, source, node_now(), 0);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->post.fn = on_source;
	r->source = *source;
	worker_post(main, &r->post);
}
