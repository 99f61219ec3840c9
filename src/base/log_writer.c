/* Knows how lines get to a descriptor that may keep its writer waiting; knows nothing of what is in
   them. */
#include "base/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define PAGE 4096         /* at least; LOG_WRITER_ROOM is a multiple of any */
#define KEPT (64u * 1024) /* bytes of a half; the rest of it is the system's when it is empty */
/* Bytes that a pipe takes in one piece: lines of several processes do not mix. */
#define WRITE_MAX 4096

/* Lines that could not be written, of which nobody has been told yet. */
struct loss {
	uint64_t lines;
	int error;     /* why the last of them could not */
	bool mid_line; /* the last byte that was written does not end a line */
};

/* The lock guards all of it but, while the thread is busy, the half that it is writing and the
   loss. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	pthread_t thread;
	int fd;
	bool is_socket, is_pipe;
	bool takes_pieces; /* a terminal takes the half of one, and then its writer waits */
	bool running, ending, busy, stuck;
	bool full; /* until the halves change places: what comes later must not overtake what was
		      dropped */
	uint64_t dropped; /* lines since then */
	uint64_t total;   /* and since the start, with those that were lost */
	struct loss loss;
	unsigned filling; /* the half that takes lines */
	size_t used;      /* of it */
	_Alignas(PAGE) char halves[2][LOG_WRITER_ROOM];
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

/* ---- the thread ---- */

/* Somebody else may have made the descriptor one that does not wait. */
static bool
may_go_on(int fd)
{
	struct pollfd out = {.fd = fd, .events = POLLOUT};

	if (errno == EAGAIN)
		poll(&out, 1, -1);
	return errno == EINTR || errno == EAGAIN;
}

/* How much of it was written: all, or the error is in errno. */
static size_t
write_piece(int fd, const char *text, size_t n, bool *mid_line)
{
	size_t at = 0;

	while (at < n) {
		ssize_t done = write(fd, text + at, n - at);
		if (done < 0 && !may_go_on(fd))
			return at;
		if (done > 0) {
			at += (size_t)done;
			*mid_line = text[at - 1] != '\n';
		}
	}
	return n;
}

/* As many whole lines as go in one piece; a line is shorter than that. */
static size_t
piece_of(const char *text, size_t n)
{
	size_t piece = min_size(n, WRITE_MAX);

	while (piece > 0 && text[piece - 1] != '\n')
		piece--;
	return piece > 0 ? piece : n;
}

/* A log that cannot be written must not stop the node: what fails is lost. How many lines that
   were. */
static uint64_t
write_lines(int fd, const char *text, size_t n, struct loss *loss)
{
	uint64_t lost = 0;

	for (size_t at = 0, piece; at < n; at += piece) {
		piece = piece_of(text + at, n - at);
		size_t done = write_piece(fd, text + at, piece, &loss->mid_line);
		if (done == piece)
			continue;
		loss->error = errno;
		for (; done < piece; done++)
			lost += text[at + done] == '\n';
	}
	return lost;
}

/* True: it was written. */
static bool
write_dropped(int fd, uint64_t lines, const char *why, bool *mid_line)
{
	struct log_line line = log_begin(LOG_LEVEL_ERROR, "log_dropped");

	log_u64(&line, "lines", lines);
	log_fmt(&line, "hint", "%s", why);
	log_close(&line);
	if (*mid_line)
		write_piece(fd, "\n", 1, mid_line);
	return !*mid_line && write_piece(fd, line.text, line.used, mid_line) == line.used;
}

/* What was lost before, then the lines, then how many of those that came after them there was no
   room for. How many were lost of these. */
static uint64_t
write_half(int fd, const char *text, size_t n, uint64_t dropped, struct loss *loss)
{
	char why[200];

	snprintf(why, sizeof(why), "they could not be written: %s", strerror(loss->error));
	if (loss->lines > 0 && write_dropped(fd, loss->lines, why, &loss->mid_line))
		loss->lines = 0;
	uint64_t lost = write_lines(fd, text, n, loss);
	loss->lines += lost;
	snprintf(why, sizeof(why), "whoever reads the log did not take them in time");
	if (dropped > 0 && !write_dropped(fd, dropped, why, &loss->mid_line))
		loss->lines += dropped; /* in the total already */
	return lost;
}

static void *
on_thread(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "log", 0, 0, 0);
	pthread_mutex_lock(&writer.lock);
	for (;;) {
		while (writer.used == 0 && !writer.ending)
			pthread_cond_wait(&writer.filled, &writer.lock);
		if (writer.used == 0)
			break;
		char *text = writer.halves[writer.filling];
		size_t n = writer.used;
		uint64_t dropped = writer.dropped;
		writer.filling ^= 1;
		writer.used = 0;
		writer.dropped = 0;
		writer.full = false;
		writer.busy = true;
		pthread_mutex_unlock(&writer.lock);
		uint64_t lost = write_half(writer.fd, text, n, dropped, &writer.loss);
		if (n > KEPT)
			madvise(text + KEPT, LOG_WRITER_ROOM - KEPT, MADV_DONTNEED);
		pthread_mutex_lock(&writer.lock);
		writer.total += lost;
		writer.busy = false;
	}
	writer.running = false;
	pthread_cond_signal(&writer.emptied);
	pthread_mutex_unlock(&writer.lock);
	return NULL;
}

/* ---- everybody else ---- */

bool
log_writer_start(int fd)
{
	pthread_condattr_t clock;
	struct stat st;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&writer.emptied, &clock);
	pthread_condattr_destroy(&clock);
	pthread_mutex_lock(&writer.lock);
	writer.fd = fd;
	bool known = fstat(fd, &st) == 0;
	writer.is_socket = known && S_ISSOCK(st.st_mode);
	writer.is_pipe = known && S_ISFIFO(st.st_mode);
	writer.takes_pieces = writer.is_pipe || (known && S_ISREG(st.st_mode));
	writer.ending = writer.stuck = writer.full = false;
	writer.used = 0;
	writer.dropped = writer.total = 0;
	writer.loss = (struct loss){.lines = 0};
	writer.running = pthread_create(&writer.thread, NULL, on_thread, NULL) == 0;
	bool running = writer.running;
	pthread_mutex_unlock(&writer.lock);
	return running;
}

/* With the lock, while the thread rests. How much of a line is out without waiting. */
static size_t
write_now(int fd, const char *line, size_t n)
{
	struct pollfd out = {.fd = fd, .events = POLLOUT};

	if (n > WRITE_MAX || (!writer.takes_pieces && !writer.is_socket))
		return 0;
	if (writer.is_pipe && (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT)))
		return 0;
	ssize_t done = writer.is_socket ? send(fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL)
					: write(fd, line, n);
	if (done > 0)
		writer.loss.mid_line = line[done - 1] != '\n';
	return done > 0 ? (size_t)done : 0;
}

bool
log_writer_put(const char *line, size_t n)
{
	pthread_mutex_lock(&writer.lock);
	bool taken = writer.running || writer.stuck;
	if (writer.running && !writer.busy && writer.used == 0 && writer.loss.lines == 0) {
		size_t done = write_now(writer.fd, line, n);
		line += done;
		n -= done;
	}
	if (taken && n > 0) {
		writer.full = writer.full || writer.stuck || n > LOG_WRITER_ROOM - writer.used;
		if (writer.full) {
			writer.dropped++;
			writer.total++;
		} else {
			memcpy(writer.halves[writer.filling] + writer.used, line, n);
			/* While it writes it looks by itself when it is done. */
			if (writer.used == 0 && !writer.busy)
				pthread_cond_signal(&writer.filled);
			writer.used += n;
		}
	}
	pthread_mutex_unlock(&writer.lock);
	return taken;
}

void
log_writer_stop(unsigned ms)
{
	struct timespec end;
	int late = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	uint64_t ns = (uint64_t)end.tv_nsec + ms * NS_PER_MS;
	end.tv_sec += (time_t)(ns / NS_PER_S);
	end.tv_nsec = (long)(ns % NS_PER_S);
	pthread_mutex_lock(&writer.lock);
	bool there = writer.running;
	writer.ending = true;
	pthread_cond_signal(&writer.filled);
	while (writer.running && late == 0)
		late = pthread_cond_timedwait(&writer.emptied, &writer.lock, &end);
	writer.stuck = writer.running;
	bool stuck = writer.stuck;
	pthread_mutex_unlock(&writer.lock);
	if (stuck)
		pthread_detach(writer.thread);
	else if (there)
		pthread_join(writer.thread, NULL);
}

uint64_t
log_writer_dropped(void)
{
	pthread_mutex_lock(&writer.lock);
	uint64_t total = writer.total;
	pthread_mutex_unlock(&writer.lock);
	return total;
}
