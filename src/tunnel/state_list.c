/* Knows how STATEs are kept and found; knows nothing of what they do. */
#include "tunnel/state_list.h"

#include <stdlib.h>

#define CAPACITY_MIN 16

int
state_list_add(struct state_list *list, const struct state *state)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : CAPACITY_MIN;
		struct state *at = realloc(list->at, capacity * sizeof(*at));
		if (!at)
			return -1;
		list->at = at;
		list->capacity = capacity;
	}
	list->at[list->n++] = *state;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct state *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

bool
state_list_sort(struct state_list *list)
{
	if (list->n > 1)
		qsort(list->at, list->n, sizeof(*list->at), compare);
	for (size_t i = 1; i < list->n; i++)
		if (list->at[i].id == list->at[i - 1].id)
			return false;
	return true;
}

const struct state *
state_list_find(const struct state_list *list, uint32_t id)
{
	const struct state wanted = {.id = id};

	if (list->n == 0)
		return NULL;
	return bsearch(&wanted, list->at, list->n, sizeof(*list->at), compare);
}

void
state_list_fini(struct state_list *list)
{
	free(list->at);
	*list = (struct state_list){0};
}
