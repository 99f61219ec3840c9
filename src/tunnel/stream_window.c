/* Knows how many bytes the peer may have under way to a stream: by what the stream takes in a round
   trip, and by what the node's budget has left; knows nothing of when that is said. */
#include "tunnel/trunk_internal.h"

#define WINDOW_MIN  4096            /* with no budget left */
#define WINDOW_MAX  (1u << 30)
#define ROUND_MIN   (NS_PER_MS / 2) /* where the way is shorter, what the two ends need counts */
#define ROUND_BRISK (NS_PER_MS / 8) /* while trunk_brisk */
#define BRISK_MOST  (64 * 1024)     /* then, and on such a way: a few bytes wait behind that */
#define WORK        (2 * NS_PER_MS) /* or, with a slow cipher, this long, */
#define WORK_SLOW   (512u * 1024)   /* but not more bytes: both ends have some records to work on */
#define WORK_FAST   (256u * 1024)   /* nor than this where that takes half a millisecond */
#define PING_EVERY  NS_PER_S        /* while windows are measured */
#define STEP        (128 * 1024)

/* The time in which a window should be used up: the last round trip. What lengthens it beyond twice
   the least are queues, and larger windows would only lengthen these. */
static uint64_t
round_time(const struct trunk *t)
{
	uint64_t rtt = min_u64(t->ping.rtt, 2 * t->ping.least);

	return max_u64(rtt, t->brisk ? ROUND_BRISK : ROUND_MIN);
}

uint32_t
stream_window(const struct stream *s)
{
	const struct trunk *t = s->trunk;
	size_t share = chunk_pool_share(t->config.chunks);
	size_t window = min_size(s->recv.window, share > WINDOW_MIN ? share : WINDOW_MIN);

	if (t->brisk && t->ping.least > 0 && round_time(t) < ROUND_MIN)
		window = min_size(window, BRISK_MOST);
	return (uint32_t)window;
}

uint64_t
stream_window_step(const struct stream *s)
{
	uint64_t last = s->recv.limit - s->recv.announced;

	return min_u64(last / 2, last / 8 + STEP);
}

/* The window is twice what comes in one round trip: then the next WINDOW is there before the last
   is used up. It doubles at most, and goes down by half where it is far too large. */
static void
adapt(struct stream *s, uint64_t in_round)
{
	struct stream_recv *recv = &s->recv;
	uint64_t window = recv->window, least = s->trunk->config.window;

	if (2 * in_round > window)
		window = min_u64(min_u64(2 * in_round, 2 * window), WINDOW_MAX);
	else if (8 * in_round < window && window > least)
		window = window / 2 > least ? window / 2 : least;
	recv->window = (uint32_t)window;
}

/* How much both ends are to have under way for their own sake, by what comes in WORK. A slow cipher
   needs its bytes, so that neither end waits while the scheduler moves it about; a fast one has
   enough with fewer, of which more are still in the cache when their turn comes. */
static uint64_t
work(uint64_t in_work)
{
	if (in_work <= WORK_SLOW)
		return in_work;
	return max_u64((uint64_t)WORK_SLOW * WORK_SLOW / in_work, WORK_FAST);
}

void
stream_window_measure(struct stream *s)
{
	struct stream_recv *recv = &s->recv;
	struct trunk *t = s->trunk;
	uint64_t round = round_time(t);
	uint64_t elapsed = t->now - recv->round_at, bytes = recv->consumed - recv->round_from;

	if (t->ping.least == 0 || elapsed < round)
		return;
	uint64_t in_round = bytes * (round >> 10) / (elapsed >> 10);
	uint64_t in_work = bytes * (WORK >> 10) / (elapsed >> 10);
	adapt(s, t->brisk ? in_round : max_u64(in_round, work(in_work)));
	recv->round_at = t->now;
	recv->round_from = recv->consumed;
	if (!t->ping.out && t->now - t->ping.sealed_at >= PING_EVERY)
		t->ping.wanted = true;
}

void
stream_window_promise(struct stream *s)
{
	struct stream_recv *recv = &s->recv;
	uint64_t open = s->over || recv->fin ? 0 : recv->limit - recv->received;
	uint64_t promised = open > s->trunk->config.window ? open - s->trunk->config.window : 0;

	if (promised != recv->promised)
		chunk_pool_promise(s->trunk->config.chunks,
			(int64_t)promised - (int64_t)recv->promised);
	recv->promised = promised;
}
