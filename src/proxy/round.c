/* Knows how a question goes round the workers; knows nothing of what is asked. */
#include "proxy/round.h"

#include <stdio.h>
#include <stdlib.h>

struct stop {
	struct post post;
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

/* On the thread of w. */
static void
on_asked(struct worker *w, struct post *post)
{
	struct stop *s = container_of(post, struct stop, post);

	s->round->question->ask(w, s->part, s->round->text);
	s->post.fn = on_back;
	worker_post(&s->round->node->workers[0], &s->post);
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
	for (unsigned i = 0; i < n->n_workers; i++)
		r->stops[i] = (struct stop){.post.fn = on_asked,
			.round = r,
			.worker = &n->workers[i],
			.part = r->parts + i * question->part_size};
	for (unsigned i = 1; i < n->n_workers; i++)
		worker_post(&n->workers[i], &r->stops[i].post);
	question->ask(&n->workers[0], r->stops[0].part, r->text);
	answered(r);
	return true;
}

void
round_forget(struct round *r)
{
	if (r)
		r->owner = NULL;
}
