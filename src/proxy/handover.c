/* Knows what two processes of one node say to each other and which connection is for which; that
   one takes over from the other is upgrade.c's. */
#include "proxy/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/callers.h"
#include "proxy/errands.h"
#include "proxy/letter.h"
#include "proxy/local.h"
#include "proxy/pass.h"
#include "proxy/worker.h"

#define ELDERS      8
#define MESSAGE_MAX LETTER_MAX
#define WORDS_MAX   64 /* in one turn of the loop */

/* The first byte of a message. */
#define READY  'r' /* new to old; then FORMAT: which letters it reads */
#define CLIENT LETTER_TYPE /* old to new: a client, letter.h */
#define LINK   'l' /* new to old: the descriptor of a connection to the peer port */
#define ELDER  'e' /* old to new: the channel to the process before */
#define ASK    'q' /* new to old: the id of a session */
#define ANSWER 'a' /* old to new: that id, and a byte: 1, this process has it, or 0 */
#define FORMAT '1' /* of struct letter */

/* One end of the channel between two processes. */
struct channel {
	struct handover *owner;
	int fd;
	uv_poll_t poll;
	bool heir;
};

struct handover {
	struct node *n;
	atomic_int heir_fd; /* -1: there is no new process */
	struct channel *heir;
	uv_mutex_t lock; /* the rest: */
	struct channel *elders[ELDERS]; /* processes before this one */
	unsigned n_elders;
	struct errands errands;
};

struct handover *
handover_new(struct node *n)
{
	struct handover *h = calloc(1, sizeof(*h));

	if (!h || uv_mutex_init(&h->lock) != 0) {
		free(h);
		return NULL;
	}
	h->n = n;
	atomic_init(&h->heir_fd, -1);
	return h;
}

/* ---- clients ---- */

bool
handover_say_ready(int fd)
{
	char word[] = {READY, FORMAT};

	return send(fd, word, sizeof(word), MSG_NOSIGNAL) == sizeof(word);
}

bool
handover_is_ready(const char *word, size_t n)
{
	return n == 2 && word[0] == READY && word[1] == FORMAT;
}

bool
handover_has_heir(const struct node *n)
{
	return atomic_load(&n->handover->heir_fd) >= 0;
}

bool
handover_client(struct local *l)
{
	int to = atomic_load(&l->owner->node->handover->heir_fd);

	return to >= 0 && letter_send(to, l);
}

/* ---- links ---- */

static bool
take_link(struct handover *h, int fd)
{
	struct sockaddr_storage from = {0};
	socklen_t size = sizeof(from);

	if (fd < 0 || node_main(h->n)->state != WORKER_DRAINING ||
		getpeername(fd, (struct sockaddr *)&from, &size) != 0)
		return false;
	callers_accept(h->n, fd, false, (struct sockaddr *)&from);
	return true;
}

/* ASK, or ANSWER with what it says. */
static void
say_session(const struct channel *c, char word, const uint8_t *session, bool here)
{
	uint8_t last = here;
	const struct iovec parts[] = {
		{&word, 1}, {(void *)session, TRUNK_SESSION_SIZE}, {&last, 1}};

	pass_say(c->fd, parts, word == ASK ? 2 : 3, -1);
}

bool
handover_elsewhere(struct node *n, const uint8_t *session)
{
	struct handover *h = n->handover;

	if (handover_has_heir(n)) /* that one says so, when it has asked all */
		return true;
	uv_mutex_lock(&h->lock);
	bool more = errands_more(&h->errands, session, h->n_elders);
	uv_mutex_unlock(&h->lock);
	return more;
}

void
handover_note(struct node *n, const struct source *source, const uint8_t *session)
{
	struct handover *h = n->handover;

	uv_mutex_lock(&h->lock);
	errands_note(&h->errands, session, source, node_now());
	for (unsigned i = 0; i < h->n_elders; i++)
		say_session(h->elders[i], ASK, session, false);
	uv_mutex_unlock(&h->lock);
}

/* Before the peer has dialed again, most likely. */
static void
take_answer(struct channel *c, const uint8_t *data, size_t n)
{
	struct handover *h = c->owner;

	if (n != 1 + TRUNK_SESSION_SIZE + 1)
		return;
	uv_mutex_lock(&h->lock);
	errands_answer(&h->errands, data + 1, c, data[n - 1] == 1, h->n_elders);
	uv_mutex_unlock(&h->lock);
}

static void
answer(struct channel *c, const uint8_t *data, size_t n)
{
	if (n == 1 + TRUNK_SESSION_SIZE)
		say_session(c, ANSWER, data + 1,
			session_ids_live(&c->owner->n->session_ids, data + 1));
}

/* The one that has the session; but every other time another one, for it may be another session's
   link that takes the turn, again and again. */
static unsigned
whose(const struct handover *h, const struct channel *with, unsigned turn)
{
	for (unsigned i = 0; i < h->n_elders; i++)
		if (h->elders[i] == with) {
			unsigned next = h->n_elders > 1 ? 1 + turn / 2 % (h->n_elders - 1) : 0;
			return (i + (turn % 2 == 1 ? next : 0)) % h->n_elders;
		}
	return turn % h->n_elders;
}

bool
handover_link(struct node *n, const struct source *source, int fd)
{
	struct handover *h = n->handover;
	const void *with;
	unsigned turn;

	if (h->n_elders == 0) /* only this thread changes it */
		return false;
	uv_mutex_lock(&h->lock);
	bool expected = errands_take(&h->errands, source, node_now(), &turn, &with);
	uv_mutex_unlock(&h->lock);
	if (!expected)
		return false;
	if (!pass_byte(h->elders[whose(h, with, turn)]->fd, LINK, fd))
		return false;
	close(fd);
	return true;
}

/* ---- channels ---- */

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
channel_close(struct channel *c)
{
	uv_poll_stop(&c->poll);
	close(c->fd);
	c->fd = -1;
	uv_close((uv_handle_t *)&c->poll, on_closed);
}

/* The process there has ended, or it is another one's to ask now. */
static void
drop_elder(struct handover *h, struct channel *c)
{
	unsigned keep = 0;

	uv_mutex_lock(&h->lock);
	for (unsigned i = 0; i < h->n_elders; i++)
		if (h->elders[i] != c)
			h->elders[keep++] = h->elders[i];
	h->n_elders = keep;
	uv_mutex_unlock(&h->lock);
	channel_close(c);
}

/* Workers may be using the descriptor: it is closed in the end. Processes before that it has not
   heard of are told, by the end of their channels, that there is nobody who takes over. */
static void
drop_heir(struct handover *h)
{
	atomic_store(&h->heir_fd, -1);
	uv_poll_stop(&h->heir->poll);
	while (h->n_elders > 0)
		drop_elder(h, h->elders[0]);
}

static void on_ready(uv_poll_t *poll, int status, int events);

/* The new one knows better what to do with processes before this one: it gets the channels to them,
   the eldest first, as soon as there is room on the way to it. */
static void
pass_elders(struct handover *h)
{
	bool full = false;

	while (!full && h->n_elders > 0) {
		struct channel *c = h->elders[h->n_elders - 1];
		full = !pass_byte(h->heir->fd, ELDER, c->fd) && errno == EAGAIN;
		if (!full)
			drop_elder(h, c);
	}
	for (unsigned i = 0; i < h->n_elders; i++) /* what they say is for the new one to read */
		uv_poll_stop(&h->elders[i]->poll);
	uv_poll_start(&h->heir->poll, UV_READABLE | (full ? UV_WRITABLE : 0), on_ready);
}

static void
take(struct channel *c, const uint8_t *data, size_t n, int fd)
{
	struct handover *h = c->owner;
	bool taken = false;

	if (data[0] == CLIENT && !c->heir)
		taken = letter_take(h->n, data, n, fd);
	else if (data[0] == LINK && c->heir)
		taken = take_link(h, fd);
	else if (data[0] == ASK && c->heir)
		answer(c, data, n);
	else if (data[0] == ANSWER && !c->heir)
		take_answer(c, data, n);
	else if (data[0] == ELDER && !c->heir && fd >= 0) {
		handover_elder(h, fd);
		taken = true;
	}
	if (!taken && fd >= 0)
		close(fd);
}

static void
hear(struct channel *c)
{
	uint8_t *data = malloc(MESSAGE_MAX);
	ssize_t r = data ? 1 : -1;

	for (int i = 0; data && r > 0 && i < WORDS_MAX; i++) {
		int fd;
		r = pass_hear(c->fd, data, MESSAGE_MAX, &fd);
		if (r > 0)
			take(c, data, (size_t)r, fd);
		if (c->fd < 0) { /* it has made room for another one */
			free(data);
			return;
		}
	}
	free(data);
	if (r > 0 || (r < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM)))
		return;
	if (c->heir)
		drop_heir(c->owner);
	else
		drop_elder(c->owner, c);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct channel *c = poll->data;

	(void)status;
	if (events & UV_WRITABLE)
		pass_elders(c->owner);
	hear(c);
}

/* NULL: out of memory; fd is closed. */
static struct channel *
channel_new(struct handover *h, int fd, bool heir)
{
	struct channel *c = calloc(1, sizeof(*c));
	int room = 4 * MESSAGE_MAX;

	/* More than the system's limit where that is allowed, else as much as it has: by default
	   one message has room in that, and whoever finds none tries again. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (!c || uv_poll_init(&node_main(h->n)->loop, &c->poll, fd) != 0) {
		free(c);
		close(fd);
		return NULL;
	}
	c->owner = h;
	c->fd = fd;
	c->heir = heir;
	c->poll.data = c;
	uv_poll_start(&c->poll, UV_READABLE, on_ready);
	/* That it listens is no reason for a loop to go on. */
	uv_unref((uv_handle_t *)&c->poll);
	return c;
}

void
handover_elder(struct handover *h, int fd)
{
	if (h->heir && !handover_has_heir(h->n)) { /* nor is there anybody for whoever is there */
		close(fd);
		return;
	}
	if (h->n_elders == ELDERS)
		drop_elder(h, h->elders[ELDERS - 1]);
	struct channel *c = channel_new(h, fd, false);
	if (!c)
		return;
	uv_mutex_lock(&h->lock);
	memmove(h->elders + 1, h->elders, h->n_elders * sizeof(h->elders[0]));
	h->elders[0] = c;
	h->n_elders++;
	uv_mutex_unlock(&h->lock);
	if (h->heir)
		pass_elders(h);
}

void
handover_heir(struct handover *h, int fd)
{
	h->heir = channel_new(h, fd, true);
	if (!h->heir)
		return;
	pass_elders(h);
	atomic_store(&h->heir_fd, fd);
}

void
handover_close(struct handover *h)
{
	if (!h)
		return;
	while (h->n_elders > 0)
		drop_elder(h, h->elders[0]);
	if (!h->heir || uv_is_closing((uv_handle_t *)&h->heir->poll))
		return;
	drop_heir(h);
	uv_close((uv_handle_t *)&h->heir->poll, NULL);
}

void
handover_free(struct handover *h)
{
	if (!h)
		return;
	if (h->heir) {
		close(h->heir->fd);
		free(h->heir);
	}
	uv_mutex_destroy(&h->lock);
	free(h);
}
