/* Knows how a question goes round the workers; knows nothing of what is asked. */
#include "proxy/round.h"

#include <stdio.h>
#include <stdlib.h>

struct stop {
	struct post post;
	struct slice slice;
	struct round *round;
	struct worker *worker;
	void *part;
};

struct round {
	struct node *node;
	const struct round_question *question;
	char text[ROUND_TEXT_SIZE];
	void *owner;
	struct round **mine; /* the owner's pointer to this, cleared in the end */
	unsigned left;
	char *parts;
	struct stop stops[];
};

static void
answered(struct round *r)
{
	if (--r->left > 0)
		return;
	if (r->owner)
		*r->mine = NULL;
	r->question->done(r->owner, r->parts, r->node->n_workers);
	free(r->parts);
	free(r);
}

/* Back on the first worker. */
static void
on_back(struct worker *w, struct post *post)
{
	(void)w;
	answered(container_of(post, struct stop, post)->round);
}

/* The rest of these on the thread of the worker. */
static bool
on_slice(struct slice *slice)
{
	struct stop *s = container_of(slice, struct stop, slice);

	if (s->round->question->ask(s->worker, s->part, s->round->text))
		return true;
	s->post.fn = on_back;
	worker_post(node_main(s->round->node), &s->post);
	return false;
}

static void
on_asked(struct worker *w, struct post *post)
{
	slice_start(&w->slices, &container_of(post, struct stop, post)->slice);
}

bool
round_start(struct node *n, const struct round_question *question, const char *text, void *owner,
	struct round **round)
{
	struct round *r = calloc(1, sizeof(*r) + n->n_workers * sizeof(r->stops[0]));

	*round = NULL;
	if (!r || !(r->parts = calloc(n->n_workers, question->part_size))) {
		free(r);
		return false;
	}
	r->node = n;
	r->question = question;
	snprintf(r->text, sizeof(r->text), "%s", text);
	r->owner = owner;
	r->mine = round;
	r->left = n->n_workers;
	*round = r;
	for (unsigned i = 0; i < n->n_workers; i++) {
		struct stop *s = &r->stops[i];
		*s = (struct stop){.post.fn = on_asked,
			.round = r,
			.worker = &n->workers[i],
			.part = r->parts + i * question->part_size};
		slice_init(&s->slice, on_slice);
		worker_post(&n->workers[i], &s->post);
	}
	return true;
}

void
round_forget(struct round *r)
{
	if (r)
		r->owner = NULL;
}
