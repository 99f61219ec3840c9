/* Knows how work passes from one thread to another; knows nothing of what it is. */
#include "proxy/inbox.h"

#include "base/util.h"

#define AT_ONCE 256 /* in one turn of the loop */

/* The oldest one, or NULL. */
static struct post *
take(struct inbox *inbox)
{
	struct post *post = NULL;

	uv_mutex_lock(&inbox->lock);
	struct list *first = list_first(&inbox->posts);
	if (first) {
		list_remove(first);
		post = container_of(first, struct post, node);
		post->queued = false;
	}
	uv_mutex_unlock(&inbox->lock);
	return post;
}

static void
on_async(uv_async_t *async)
{
	struct inbox *inbox = async->data;
	struct post *post;

	for (int i = 0; i < AT_ONCE; i++) {
		post = take(inbox);
		if (!post)
			return;
		post->fn(inbox->owner, post);
	}
	if (!uv_is_closing((uv_handle_t *)async))
		uv_async_send(async);
}

bool
inbox_init(struct inbox *inbox, uv_loop_t *loop, struct worker *owner)
{
	inbox->owner = owner;
	list_init(&inbox->posts);
	if (uv_mutex_init(&inbox->lock) != 0)
		return false;
	if (uv_async_init(loop, &inbox->async, on_async) != 0) {
		uv_mutex_destroy(&inbox->lock);
		return false;
	}
	inbox->async.data = inbox;
	return true;
}

void
inbox_post(struct inbox *inbox, struct post *post)
{
	uv_mutex_lock(&inbox->lock);
	if (!post->queued) {
		post->queued = true;
		list_insert_tail(&inbox->posts, &post->node);
	}
	/* under the lock, so that nobody wakes a loop whose inbox is closed */
	if (!uv_is_closing((uv_handle_t *)&inbox->async))
		uv_async_send(&inbox->async);
	uv_mutex_unlock(&inbox->lock);
}

static void
do_all(struct inbox *inbox)
{
	struct post *post;

	while ((post = take(inbox)))
		post->fn(inbox->owner, post);
}

void
inbox_close(struct inbox *inbox)
{
	uv_mutex_lock(&inbox->lock);
	uv_close((uv_handle_t *)&inbox->async, NULL);
	uv_mutex_unlock(&inbox->lock);
	do_all(inbox);
}

void
inbox_fini(struct inbox *inbox)
{
	do_all(inbox);
	uv_mutex_destroy(&inbox->lock);
}
