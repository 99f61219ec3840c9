/* Knows how a local connection begins and ends, and what the log says of it; how its bytes move
   is local.c's. */
#include "proxy/local.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/client.h"
#include "proxy/connect.h"
#include "proxy/failover.h"
#include "proxy/peer.h"
#include "proxy/route.h"

/* What was given to libuv or to the system may still go out, to a reader that takes its time: that
   is activity too. */
static void
look_at_socket(struct local *l, uint64_t now)
{
	uint64_t when = now, moved = sock_moved(l->sock, &when);

	if (moved != l->moved)
		l->active = max_u64(l->active, when);
	l->moved = moved;
}

static void
on_alarm(void *owner)
{
	struct local *l = owner;
	uint64_t now = node_now();

	if (l->opened && l->idle)
		look_at_socket(l, now);
	if (!l->opened && l->route && !l->stream) {
		route_look(l);
	} else if (!l->opened) {
		l->why = TALLY_TARGET_TIMEOUT;
		local_fail(l, LOCAL_REFUSED, CODE_CONNECT_TIMEOUT, "no answer in time",
			"no answer in time");
	} else if (l->idle && now - l->active >= l->idle) {
		local_fail(l, LOCAL_BROKEN, CODE_IDLE, "idle timeout", "idle timeout");
	} else if (l->idle) {
		alarm_set(l->alarm, l->active + l->idle);
	}
}

struct local *
local_new(struct worker *w, struct peer *peer)
{
	struct local *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->alarm = alarm_new(&w->loop, on_alarm, l);
	if (!l->alarm) {
		free(l);
		return NULL;
	}
	l->owner = w;
	l->peer = peer;
	l->began = node_now();
	list_init(&l->at);
	l->why = TALLY_OTHER;
	list_insert_tail(&w->locals, &l->node);
	atomic_fetch_add(&w->connections, 1);
	return l;
}

bool
local_tally(struct local *l, enum tally_kind kind, const char *name)
{
	l->tally = tally_get(&l->owner->tallies, kind, name);
	if (!l->tally)
		return false;
	l->tally->now++;
	l->tally->total++;
	return true;
}

void
local_id(char out[LOCAL_ID_SIZE], const struct session *session, const struct stream *stream)
{
	char id[9];

	hex_encode(id, trunk_session_id(session->trunk), 4);
	snprintf(out, LOCAL_ID_SIZE, "%s-%u", id, stream_id(stream));
}

void
local_attach(struct local *l, struct session *session, struct stream *stream)
{
	l->session = session;
	l->stream = stream;
	l->peer->home->counts.streams++;
	stream_set_user(stream, l);
	list_insert_tail(&session->locals, &l->at);
	local_id(l->id, session, stream);
	session_touch(session);
}

void
local_forget_session(struct local *l)
{
	list_remove(&l->at);
	l->session = NULL;
}

/* ---- the log ---- */

const char *
code_text(unsigned code)
{
	static const char *const texts[] = {
		[CODE_NONE] = "done",
		[CODE_PROTOCOL_ERROR] = "protocol error",
		[CODE_INTERNAL_ERROR] = "internal error",
		[CODE_DENIED] = "denied",
		[CODE_REFUSED] = "connection refused",
		[CODE_CONNECT_TIMEOUT] = "connect timed out",
		[CODE_NOT_FOUND] = "address not found",
		[CODE_IDLE] = "idle timeout",
		[CODE_RESET_BY_APPLICATION] = "reset by the application",
		[CODE_SHUTTING_DOWN] = "shutting down",
		[CODE_TOO_MANY_STREAMS] = "too many streams",
		[CODE_LINK_LOST] = "link lost",
		[CODE_OPTION_NOT_SUPPORTED] = "option not supported",
	};
	return code < ARRAY_SIZE(texts) && texts[code] ? texts[code] : "unknown code";
}

struct log_line
local_log(enum log_level level, const char *event, const struct local *l)
{
	char source[ADDRESS_TEXT_SIZE];
	struct log_line line = log_begin(level, event);

	stream_address_text(source, &l->source);
	if (l->id[0])
		log_str(&line, "id", l->id);
	if (l->route)
		log_str(&line, "route", l->route->config->name);
	log_str(&line, "service", l->route ? l->route->config->service : l->service->name);
	log_str(&line, "peer", l->peer->name);
	log_str(&line, "source", source[0] ? source : "unix");
	return line;
}

static void
log_end_of(const struct local *l, enum local_end how, const char *reason, const struct span *text)
{
	struct flood *flood = &l->owner->floods[l->route ? FLOOD_ROUTE : FLOOD_SERVICE];
	bool refused = how == LOCAL_REFUSED;

	if (refused && !flood_pass(flood, node_now()))
		return;
	struct log_line line = local_log(refused ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		refused ? "connection_refused" : "connection_closed", l);
	if (!refused) {
		log_u64(&line, "bytes_in", l->bytes_in);
		log_u64(&line, "bytes_out", l->bytes_out);
	}
	log_u64(&line, "duration_ms", (node_now() - l->began) / NS_PER_MS);
	log_str(&line, "reason", reason);
	bool news = text && (text->size != strlen(reason) ||
				    memcmp(text->data, reason, text->size) != 0);
	if (news && text->size > 0)
		log_bytes(&line, "text", text->data, text->size);
	log_end(&line);
}

/* ---- the end ---- */

void
local_free(struct local *l)
{
	if (l->attempt && l->session) {
		trunk_attempt_ended(l->session->trunk);
		session_touch(l->session);
	}
	list_remove(&l->at);
	list_remove(&l->node);
	carry_fini(&l->carry);
	atomic_fetch_sub(&l->owner->connections, 1);
	free(l);
}

void
local_forget(struct local *l)
{
	alarm_free(l->alarm);
	if (l->tally) { /* it counts where it goes to */
		l->tally->now--;
		l->tally->total--;
	}
	local_free(l);
}

void
local_finish(struct local *l, enum local_end how, const char *reason, const struct span *text)
{
	log_end_of(l, how, reason, text);
	/* first, so that who sees the end finds the place free */
	if (l->route) {
		client_left(l->route, l->peer);
		route_left(l->route);
	}
	if (l->tally) {
		l->tally->now--;
		l->tally->refused[l->why] += how == LOCAL_REFUSED;
	}
	if (how == LOCAL_CLEAN)
		sock_close(l->sock);
	else
		sock_reset(l->sock);
	l->sock = NULL;
	alarm_free(l->alarm);
	l->alarm = NULL;
	l->over = true;
	if (l->connector)
		connect_cancel(l->connector); /* local_free when it calls back */
	else
		local_free(l);
}

void
local_fail(struct local *l, enum local_end how, enum close_code code, const char *told,
	const char *reason)
{
	struct stream *stream = l->stream;

	l->stream = NULL;
	if (l->why == TALLY_OTHER)
		l->why = tally_reason_of(code);
	if (stream) {
		stream_reset(stream, code, told);
		session_touch(l->session);
	}
	local_finish(l, how, reason, NULL);
}

void
local_reset(struct local *l, uint16_t code, struct span text)
{
	bool refused = l->route && !l->opened;

	if (refused && failover_refused(l, code))
		return;
	l->stream = NULL;
	l->attempt = l->connector != NULL;
	l->why = tally_reason_of(code);
	local_finish(l, refused ? LOCAL_REFUSED : LOCAL_BROKEN, code_text(code), &text);
}
