/* A relay that delays what passes by a fixed time each way and limits nothing else: a long line, on
   loopback. For each direction of each connection a thread that reads into a ring, and one that
   writes what is due. */
#include "net.h"

#include <pthread.h>
#include <stdbool.h>

#define RING  ((size_t)64 << 20) /* bytes under way in one direction: 10 Gbit/s for 50 ms */
#define PARTS ((size_t)65536)
#define PIECE ((size_t)256 << 10)

struct part {
	uint64_t due; /* ns */
	size_t size;  /* bytes; 0: the end */
};

/* One direction. Positions count up and are taken modulo the size. */
struct way {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int from, to;
	uint8_t *ring;
	struct part *parts;
	size_t in, out;     /* bytes */
	size_t first, last; /* parts */
	bool broken;        /* its sink takes no more */
};

static uint64_t delay;

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void *
reader(void *arg)
{
	struct way *w = arg;

	pthread_mutex_lock(&w->lock);
	for (bool ended = false; !ended && !w->broken;) {
		if (w->in - w->out == RING || w->last - w->first == PARTS) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		size_t at = w->in % RING;
		size_t room = least(least(RING - (w->in - w->out), RING - at), PIECE);
		pthread_mutex_unlock(&w->lock);
		ssize_t n = recv(w->from, w->ring + at, room, 0);
		pthread_mutex_lock(&w->lock);
		ended = n <= 0;
		w->in += ended ? 0 : (size_t)n;
		w->parts[w->last++ % PARTS] =
			(struct part){now_ns() + delay, ended ? 0 : (size_t)n};
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool
send_all(int fd, const uint8_t *data, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, data, n, 0);
		if (sent < 0)
			return false;
		data += sent;
		n -= (size_t)sent;
	}
	return true;
}

static void *
writer(void *arg)
{
	struct way *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		if (w->first == w->last) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		struct part part = w->parts[w->first % PARTS];
		struct timespec due = {.tv_sec = (time_t)(part.due / 1000000000),
			.tv_nsec = (long)(part.due % 1000000000)};
		pthread_mutex_unlock(&w->lock);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		if (part.size == 0 || !send_all(w->to, w->ring + w->out % RING, part.size))
			break;
		pthread_mutex_lock(&w->lock);
		w->out += part.size;
		w->first++;
		pthread_cond_signal(&w->changed);
	}
	shutdown(w->to, SHUT_WR);
	pthread_mutex_lock(&w->lock);
	w->broken = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void
start_thread(void *(*run)(void *), struct way *w)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, w) != 0)
		die("pthread_create");
	pthread_detach(thread);
}

/* What a connection took is given back when the program ends: a benchmark makes a few. */
static void
start_way(int from, int to)
{
	struct way *w = calloc(1, sizeof(*w));

	if (!w || !(w->ring = malloc(RING)) || !(w->parts = calloc(PARTS, sizeof(*w->parts))))
		die("malloc");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->from = from;
	w->to = to;
	start_thread(reader, w);
	start_thread(writer, w);
}

int
main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: relay PORT TARGET-PORT DELAY-MS\n", stderr);
		return 2;
	}
	load_setup();
	long target = number(argv[2], 1, 65535);
	int listener = listen_on(number(argv[1], 1, 65535));
	delay = (uint64_t)number(argv[3], 0, 10000) * 1000000;
	if (fcntl(listener, F_SETFL, 0) != 0)
		die("fcntl");
	for (int near; (near = accept(listener, NULL, NULL)) >= 0;) {
		int far = try_dial(target);
		if (far < 0) {
			close(near);
			continue;
		}
		set_option(near, IPPROTO_TCP, TCP_NODELAY, 1);
		start_way(near, far);
		start_way(far, near);
	}
	die("accept");
}
