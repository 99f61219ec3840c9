/* Knows all the ways in which a link ends, and what is told to whom then. */
#include <stdlib.h>

#include "base/log.h"
#include "base/program.h"
#include "proxy/branch.h"
#include "proxy/handover.h"
#include "proxy/link.h"
#include "proxy/local.h"
#include "proxy/report.h"
#include "proxy/session.h"

/* Both keys were shown, and one of the two nodes does not know the other's. */
static void
note_key(struct link *l)
{
	struct conn_info info;
	char name[PEER_NAME_SIZE];

	conn_get_info(l->conn, &info);
	if (!info.peer_public)
		return;
	if (link_verdict(l, info.asym, info.peer_public, name) == VERDICT_UNKNOWN)
		link_note_key(l);
	else
		link_note_expected(l);
}

void
link_leave_place(struct link *l)
{
	if (l->has_place)
		limits_leave(l->owner->node->limits, l->place);
	l->has_place = false;
}

static void
drop_job(struct link *l)
{
	if (l->job.state != JOB_WAITING)
		return;
	job_cancel(&l->job);
	conn_job_done(l->conn, l->conn_job, node_now());
}

void
link_kill(struct link *l)
{
	if (l->state == LINK_DEAD)
		return;
	if (l->state == LINK_UP) { /* its streams are told, and its peer */
		conn_fail(l->conn, SC_ERR_TRUNCATED);
		trunk_lost(l->session->trunk);
		link_events(l);
	}
	link_leave_place(l);
	conn_fail(l->conn, SC_ERR_TRUNCATED);
	drop_job(l);
	if (l->dialed && l->peer->dialer.link == l)
		l->peer->dialer.link = NULL;
	sock_close(l->sock);
	l->sock = NULL;
	link_enter(l, LINK_DEAD);
	link_touch(l);
	if (l->own && l->peer)
		own_dead(l);
}

static void
start_ending(struct link *l)
{
	l->moving = false;
	link_enter(l, LINK_ENDING);
	alarm_set(l->alarm, l->since + LINGER_DEADLINE);
	link_touch(l);
}

static struct log_line
log_down(const struct link *l)
{
	struct log_line line = log_begin(LOG_LEVEL_INFO, "link_down");
	log_str(&line, "peer", l->peer->name);
	log_str(&line, "address", l->address);
	log_u64(&line, "duration_ms", (node_now() - l->since) / NS_PER_MS);
	return line;
}

/* It is the peer's no more. */
static void
leave(struct link *l)
{
	list_remove(&l->up);
	l->peer->home->links_up--;
	peer_look(l->peer);
	start_ending(l);
}

void
link_over(struct link *l, enum sc_error error, uint16_t code)
{
	struct log_line line = log_down(l);

	l->owner->reached[reached_of(error)]++;
	if (error == SC_OK || error == SC_ERR_CLOSED)
		log_fmt(&line, "reason", "%s: %s", error ? "closed by the peer" : "closed here",
			code_text(code));
	else
		log_str(&line, "reason", sc_error_text(error));
	log_end(&line);

	bool lost = error != SC_OK && error != SC_ERR_CLOSED;
	uint64_t lasted = node_now() - l->since;
	if (error == SC_ERR_ELSEWHERE)
		handover_note(l->owner->node, &l->source, trunk_session_id(l->session->trunk));
	else if (lost)
		peer_error(l->peer, l->address, sc_error_text(error));
	bool at_once = l->goaway ? l->goaway_code == CODE_NONE : lost;
	leave(l);
	if (l->own)
		own_gone(l, at_once, lasted);
	else
		dial_lost(l->peer, at_once, lasted);
}

void
link_suspended(struct link *l, enum sc_error error, size_t streams)
{
	struct log_line line = log_down(l);
	uint64_t lasted = node_now() - l->since;

	l->owner->reached[reached_of(error)]++;
	log_str(&line, "reason", sc_error_text(error));
	log_u64(&line, "held_streams", streams);
	log_end(&line);
	peer_error(l->peer, l->address, sc_error_text(error));
	l->session = NULL;
	leave(l);
	if (l->own)
		own_gone(l, true, lasted);
	else
		dial_lost(l->peer, true, lasted);
}

void
link_superseded(struct link *l)
{
	struct log_line line = log_down(l);

	log_str(&line, "reason", sc_error_text(SC_ERR_STALE));
	log_end(&line);
	l->session = NULL;
	leave(l);
	link_kill(l);
}

/* What the operator can do about keys that do not fit, perhaps written to out; NULL: what else the
   log says is enough. */
static const char *
hint_of(const struct link *l, const struct conn_info *info, struct errmsg *out)
{
	char name[PEER_NAME_SIZE] = "";

	if (conn_error(l->conn) == SC_ERR_KEY_REJECTED)
		return "this node's key is not verified there: the operator of that node has to "
		       "run `secureconn verify NAME`, with the name that this one has there";
	if (conn_error(l->conn) != SC_ERR_KEY_NOT_VERIFIED || !info->peer_public)
		return NULL;
	switch (link_verdict(l, info->asym, info->peer_public, name)) {
	case VERDICT_OTHER:
		if (!l->dialed && !config_peer_find(l->owner->config, name))
			return "this key is verified, but there is no [peer] section for it";
		return "this key is verified for another peer: see `address` here";
	case VERDICT_OWN:
		return "this is a key of this node: `address` leads back here, or a state folder "
		       "was copied";
	case VERDICT_REVOKED:
		errmsg_set(out, SC_ERR_KEY_NOT_VERIFIED,
			"this key was revoked here: `%s trust %s --fingerprint F --again` would "
			"let it in again",
			program_name(), l->dialed ? l->peer->name : "PEER");
		return out->text;
	case VERDICT_WEAK:
		return "a weak key counts only with allow_weak, and from a peer that has no other "
		       "one";
	case VERDICT_VERIFIED:
	case VERDICT_UNKNOWN: /* key_pending says what to do */
		break;
	}
	return NULL;
}

void
link_failed(struct link *l)
{
	enum sc_error error = conn_error(l->conn);
	struct conn_info info;
	struct errmsg err;

	conn_get_info(l->conn, &info);
	l->owner->reached[reached_of(error)]++;
	struct flood *flood =
		l->dialed ? &l->peer->dialer.failures : &l->owner->floods[FLOOD_HANDSHAKE];
	if (flood_pass(flood, node_now())) {
		/* Who only tries whether the port answers is nothing to be warned of. */
		bool probe = !l->dialed && error == SC_ERR_TRUNCATED && !info.protocol;
		struct log_line line = log_begin(
			probe ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "handshake_failed");
		log_str(&line, "address", l->address);
		log_str(&line, "peer", l->dialed ? l->peer->name : l->key_peer);
		log_str(&line, "error", sc_error_name(error));
		log_str(&line, "text", sc_error_text(error));
		log_str(&line, "dialed", l->dialed ? "yes" : "no");
		const char *hint = hint_of(l, &info, &err);
		if (hint)
			log_str(&line, "hint", hint);
		log_end(&line);
	}
	if (error == SC_ERR_KEY_NOT_VERIFIED || error == SC_ERR_KEY_REJECTED)
		note_key(l);
	drop_job(l);
	start_ending(l);
	if (l->dialed && l->memory)
		dial_flight_failed(l->peer, error);
	if (l->own && l->dialed)
		own_failed(l, error, info.asym);
	else if (l->dialed)
		dial_failed(l->peer, error, info.asym);
}

void
link_close(struct link *l, enum close_code code)
{
	if (l->state == LINK_HANDSHAKE) {
		link_kill(l);
	} else if (l->state == LINK_UP) {
		trunk_close(l->session->trunk, code);
		link_events(l);
		link_touch(l);
	}
}

void
link_drain(struct link *l)
{
	bool waited_for = l->dialed && (!list_empty(&l->peer->waiting) || own_wanted(l->peer));

	if (l->state == LINK_HANDSHAKE && !waited_for) {
		link_kill(l);
	} else if (l->state == LINK_UP) {
		l->goaway = l->session->goaway = true;
		peer_look(l->peer);
		/* Another process is there already: the peer is to dial at once. */
		trunk_goaway(l->session->trunk,
			l->owner->node->succeeded ? CODE_NONE : CODE_SHUTTING_DOWN);
		link_touch(l);
	}
}

void
link_drain_late(struct link *l)
{
	/* The peer that has dialed is to say first with which session; whoever waits needs one. */
	bool ready = l->dialed || l->session_up || list_empty(&l->peer->waiting);

	if (l->owner->state != WORKER_RUNNING && l->state == LINK_UP && ready && !l->goaway)
		link_drain(l);
}

bool
link_reap(struct link *l)
{
	if (l->state != LINK_DEAD || l->job.state != JOB_IDLE)
		return false;
	if (l->session)
		session_free(l->session);
	conn_free(l->conn);
	alarm_free(l->alarm);
	list_remove(&l->dirty);
	list_remove(&l->node);
	link_release_keys(l);
	session_ids_remove(&l->owner->node->session_ids, &l->named);
	if (l->entered)
		branch_leave(l->peer);
	free(l);
	return true;
}
