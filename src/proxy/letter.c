/* Knows how a client that waits goes from one process of a node to the next; which one that is
   handover.c knows. */
#include "proxy/letter.h"

#include <stdlib.h>
#include <sys/uio.h>

#include "base/log.h"
#include "proxy/client.h"
#include "proxy/listen.h"
#include "proxy/local.h"
#include "proxy/pass.h"
#include "proxy/worker.h"

/* A client. Both processes run on the same machine, and FORMAT says that it is the same struct. */
struct letter {
	char type; /* LETTER_TYPE */
	char route[CONFIG_NAME_SIZE];
	bool is_unix, eof;
	struct stream_address source, destination;
	uint64_t began, bytes_in; /* the clock is the system's */
};

bool
letter_send(int to, struct local *l)
{
	struct carry *carry = &l->carry;
	int fd;
	size_t said = carry->end - carry->begin;
	struct letter letter = {.type = LETTER_TYPE,
		.eof = l->eof,
		.source = l->source,
		.destination = l->destination,
		.began = l->began,
		.bytes_in = l->bytes_in};

	if (!l->sock || sizeof(letter) + said > LETTER_MAX ||
		uv_fileno(&l->sock->uv.handle, &fd) != 0)
		return false;
	memcpy(letter.route, l->route->config->name, sizeof(letter.route));
	letter.is_unix = l->sock->is_unix;
	const struct iovec parts[] = {{&letter, sizeof(letter)},
		{said > 0 ? carry->data + carry->begin : NULL, said}};
	if (!pass_say(to, parts, said > 0 ? 2 : 1, fd))
		return false;
	sock_close(l->sock);
	l->sock = NULL;
	client_left(l->route, l->peer);
	route_left(l->route);
	local_forget(l);
	return true;
}

static void
log_no_route(const struct letter *letter)
{
	char source[ADDRESS_TEXT_SIZE];
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "connection_refused");

	stream_address_text(source, &letter->source);
	log_str(&line, "route", letter->route);
	log_str(&line, "source", source[0] ? source : "unix");
	log_str(&line, "reason", "it came by a route that the new configuration does not have");
	log_end(&line);
}

bool
letter_take(struct node *node, const uint8_t *data, size_t n, int fd)
{
	struct letter letter;

	if (fd < 0 || n < sizeof(letter))
		return false;
	memcpy(&letter, data, sizeof(letter));
	letter.route[sizeof(letter.route) - 1] = '\0';
	struct client c = {.fd = fd,
		.is_unix = letter.is_unix,
		.eof = letter.eof,
		.source = letter.source,
		.destination = letter.destination,
		.began = letter.began,
		.bytes_in = letter.bytes_in};
	size_t said = n - sizeof(letter);
	if (said > 0) {
		c.carry = (struct carry){malloc(said), said, 0, said};
		if (!c.carry.data) {
			accepted_reset(fd); /* a plain end would look as if all were done */
			return true;
		}
		memcpy(c.carry.data, data + sizeof(letter), said);
	}
	if (!route_take(node, letter.route, &c)) {
		log_no_route(&letter);
		carry_fini(&c.carry);
		accepted_reset(fd);
	}
	return true;
}
