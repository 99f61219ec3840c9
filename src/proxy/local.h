/* One local connection and its stream: bytes both ways, half-closes, resets. The same for a
   client of a route and for the target of a service; where the two come from is route.c's and
   service.c's. */
#ifndef SC_PROXY_LOCAL_H
#define SC_PROXY_LOCAL_H

#include "base/log.h"
#include "proxy/carry.h"
#include "proxy/ration.h"
#include "proxy/session.h"
#include "proxy/tally.h"

struct route;
struct connector;

#define LOCAL_ID_SIZE 32

struct local {
	struct list node; /* on worker.locals */
	struct list at;   /* on session.locals, or on peer.waiting */
	struct worker *owner;
	struct peer *peer;
	struct route *route;                  /* a client; or */
	const struct config_service *service; /* a target */
	struct session *session;     /* NULL: none, or it is gone */
	struct stream *stream;       /* NULL: not yet, or over */
	struct sock *sock;           /* NULL: not connected */
	struct connector *connector; /* a target being connected to */
	struct alarm *alarm; /* opening, then idle; NULL: open, and idle as long as it likes */
	struct stream_address source, destination;
	char id[LOCAL_ID_SIZE]; /* the same at both ends; "" without a stream so far */
	uint64_t began, active; /* active: when data moved last */
	uint64_t idle;          /* 0: no limit */
	uint64_t moved;         /* what sock_moved said at the last look */
	struct talk talk;
	struct tally *tally;
	enum tally_reason why; /* it is refused */
	uint64_t bytes_in, bytes_out; /* read from the local socket, and written to it */
	size_t writing;               /* bytes of the stream that libuv has */
	struct carry carry; /* a client's: read, and not yet in a stream */
	uint32_t tried;     /* peers of the route that refused it, a bit for each */
	bool opened;  /* the target has accepted */
	bool reading;
	bool bounded; /* what its socket may keep of what is not read yet */
	bool eof;     /* the local side sends no more */
	bool fin;     /* the peer sends no more */
	bool shut;    /* and the local side was told so */
	bool attempt; /* the stream is gone, but the connector still counts as one in the session */
	bool over;    /* only the connector is still there */
};

/* How it ended, for the log and the socket. */
enum local_end {
	LOCAL_CLEAN,  /* both sides have ended in their time */
	LOCAL_BROKEN, /* a reset, either way */
	LOCAL_REFUSED /* it never came to be open */
};

/* NULL: out of memory. On no list of a link or peer. */
struct local *
local_new(struct worker *w, struct peer *peer);

/* It is of this route or service, whatever becomes of it. False: out of memory. */
bool
local_tally(struct local *l, enum tally_kind kind, const char *name);

/* What both ends call the connection of that stream in their logs. */
void
local_id(char out[LOCAL_ID_SIZE], const struct session *session, const struct stream *stream);

/* Binds it to its stream. */
void
local_attach(struct local *l, struct session *session, struct stream *stream);

/* Its session's memory goes. */
void
local_forget_session(struct local *l);

/* Starts reading from the local socket, and writes what has come already. */
void
local_start(struct local *l);

/* A client without a stream: reads what it says, as far as that is kept, so that its end is
   noticed. */
void
local_wait(struct local *l);

/* Over: logs, closes or resets the socket, frees. The stream is over already. text: said by the
   peer, may be NULL. */
void
local_finish(struct local *l, enum local_end how, const char *reason, const struct span *text);

/* Over: the stream is reset, with a text for the peer's log (or NULL), then as local_finish. */
void
local_fail(struct local *l, enum local_end how, enum close_code code, const char *told,
	const char *reason);

/* Frees one that is over, once its connector has called back. */
void
local_free(struct local *l);

/* Frees one that has no stream, no socket and no connector, without a word: it lives on
   elsewhere. */
void
local_forget(struct local *l);

/* From the trunk. */
void
local_opened(struct local *l);

void
local_data(struct local *l);

void
local_fin(struct local *l);

void
local_writable(struct local *l);

void
local_reset(struct local *l, uint16_t code, struct span text);

void
local_end(struct local *l);

/* Begins a connection_* line, with what all of them say. */
struct log_line
local_log(enum log_level level, const char *event, const struct local *l);

/* What a code means, as a clause. */
const char *
code_text(unsigned code);

#endif
