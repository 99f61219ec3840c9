/* Knows threads and getaddrinfo; knows nothing of who asks, nor of what was answered before. */
#include "proxy/lookups.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/list.h"

#define IDLE_S     10 /* a thread without work ends */
#define STACK_SIZE (512 * 1024)

struct lookup {
	struct list node;
	char host[LOOKUP_HOST_SIZE];
	int error;
	struct sockaddr_storage addresses[LOOKUP_ADDRESSES_MAX];
	size_t n;
};

/* What the threads and their owner share; the last one frees it. */
struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct list asked, answered; /* struct lookup */
	unsigned threads, idle, waiting; /* waiting: on `asked` */
	uv_async_t *wake;            /* NULL: there is no owner any more */
	lookup_fn *fn;
	void *arg;
};

struct lookups {
	uv_async_t wake;
	struct shared *shared;
	unsigned out; /* asked and not answered: so long the loop goes on */
	lookup_done_fn *done;
	void *owner;
};

/* ---- on a thread ---- */

static int
error_of(int error)
{
	switch (error) {
	case EAI_AGAIN:
		return UV_EAI_AGAIN;
	case EAI_FAIL:
		return UV_EAI_FAIL;
	case EAI_MEMORY:
		return UV_EAI_MEMORY;
	case EAI_NODATA:
		return UV_EAI_NODATA;
	case EAI_ADDRFAMILY:
		return UV_EAI_ADDRFAMILY;
	case EAI_SYSTEM:
		return UV_EAI_FAIL;
	default:
		return UV_EAI_NONAME;
	}
}

static int
ask_system(void *arg, const char *host, struct sockaddr_storage *addresses, size_t *n)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;

	(void)arg;
	*n = 0;
	int error = getaddrinfo(host, NULL, &hints, &found);
	if (error != 0)
		return error_of(error);
	for (struct addrinfo *a = found; a && *n < LOOKUP_ADDRESSES_MAX; a = a->ai_next)
		if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
			memcpy(&addresses[(*n)++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(found);
	return *n > 0 ? 0 : UV_EAI_NODATA;
}

static void
free_all(struct list *list)
{
	list_for_each_safe (it, list)
		free(container_of(it, struct lookup, node));
	list_init(list);
}

/* With the mutex, which it gives back. */
static void
leave(struct shared *s)
{
	bool last = s->threads == 0 && !s->wake;

	pthread_mutex_unlock(&s->mutex);
	if (!last)
		return;
	free_all(&s->asked);
	free_all(&s->answered);
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* With the mutex. NULL: none came in a while, or there is no owner any more. */
static struct lookup *
next(struct shared *s)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += IDLE_S;
	s->idle++;
	while (s->wake && list_empty(&s->asked))
		if (pthread_cond_timedwait(&s->work, &s->mutex, &end) != 0)
			break;
	s->idle--;
	struct list *first = s->wake ? list_first(&s->asked) : NULL;
	if (!first)
		return NULL;
	list_remove(first);
	s->waiting--;
	return container_of(first, struct lookup, node);
}

static void *
on_thread(void *arg)
{
	struct shared *s = arg;
	struct lookup *l;

	pthread_mutex_lock(&s->mutex);
	while ((l = next(s))) {
		pthread_mutex_unlock(&s->mutex);
		l->error = s->fn(s->arg, l->host, l->addresses, &l->n);
		pthread_mutex_lock(&s->mutex);
		list_insert_tail(&s->answered, &l->node);
		if (s->wake)
			uv_async_send(s->wake);
	}
	s->threads--;
	leave(s);
	return NULL;
}

/* ---- on the loop ---- */

/* With the mutex. */
static bool
start_thread(struct shared *s)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&thread, &attributes, on_thread, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	s->threads += ok;
	return ok;
}

int
lookups_start(struct lookups *l, const char *host)
{
	struct shared *s = l->shared;
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return UV_ENOMEM;
	snprintf(lookup->host, sizeof(lookup->host), "%s", host);
	pthread_mutex_lock(&s->mutex);
	bool ok = s->idle > s->waiting || s->threads == LOOKUP_THREADS_MAX || start_thread(s) ||
		s->threads > 0;
	if (ok) {
		list_insert_tail(&s->asked, &lookup->node);
		s->waiting++;
		pthread_cond_signal(&s->work);
	}
	pthread_mutex_unlock(&s->mutex);
	if (!ok)
		free(lookup);
	else if (l->out++ == 0)
		uv_ref((uv_handle_t *)&l->wake);
	return ok ? 0 : UV_ENOMEM;
}

static void
on_wake(uv_async_t *wake)
{
	struct lookups *l = wake->data;
	struct shared *s = l->shared;
	struct list *first;

	pthread_mutex_lock(&s->mutex);
	while ((first = list_first(&s->answered))) {
		struct lookup *lookup = container_of(first, struct lookup, node);
		list_remove(first);
		pthread_mutex_unlock(&s->mutex);
		if (--l->out == 0)
			uv_unref((uv_handle_t *)wake);
		l->done(l->owner, lookup->host, lookup->error, lookup->addresses,
			lookup->error ? 0 : lookup->n);
		free(lookup);
		pthread_mutex_lock(&s->mutex);
	}
	pthread_mutex_unlock(&s->mutex);
}

struct lookups *
lookups_new(uv_loop_t *loop, lookup_fn *fn, void *arg, lookup_done_fn *done, void *owner)
{
	struct lookups *l = calloc(1, sizeof(*l));
	struct shared *s = calloc(1, sizeof(*s));

	if (!l || !s || uv_async_init(loop, &l->wake, on_wake) != 0) {
		free(l);
		free(s);
		return NULL;
	}
	uv_unref((uv_handle_t *)&l->wake);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->work, NULL);
	list_init(&s->asked);
	list_init(&s->answered);
	s->wake = &l->wake;
	s->fn = fn ? fn : ask_system;
	s->arg = arg;
	l->wake.data = l;
	l->shared = s;
	l->done = done;
	l->owner = owner;
	return l;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
lookups_free(struct lookups *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->shared->mutex);
	l->shared->wake = NULL;
	pthread_cond_broadcast(&l->shared->work);
	leave(l->shared);
	uv_close((uv_handle_t *)&l->wake, on_closed);
}

const char *
lookup_error_text(int error)
{
	switch (error) {
	case UV_EAI_AGAIN:
		return "the name cannot be looked up just now";
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
	case UV_EAI_ADDRFAMILY:
		return "the name has no address";
	case UV_EAI_FAIL:
		return "the name cannot be looked up";
	default:
		return uv_strerror(error);
	}
}
