/* One TCP connection between two nodes: moves bytes between a socket and a connection
   (secureconn/conn.h), and events from a trunk (tunnel/trunk.h) to those who have the streams. */
#ifndef SC_PROXY_LINK_H
#define SC_PROXY_LINK_H

#include "proxy/peer.h"
#include "proxy/sock.h"
#include "proxy/worker.h"

enum link_state {
	LINK_HANDSHAKE, /* nobody is authenticated */
	LINK_UP,        /* a trunk is there */
	LINK_ENDING,    /* the last bytes are written, then input is discarded until its end */
	LINK_DEAD       /* the socket is closed; the memory goes when no job is out */
};

struct link {
	struct list node;  /* on worker.links */
	struct list dirty; /* on worker.dirty */
	struct list up;    /* on peer.links, once it takes streams; own: on peer.own.links */
	struct list ready; /* on peer.own.ready */
	struct worker *owner;
	enum link_state state;
	bool dialed;
	bool own;               /* for one connection (own.h) */
	bool entered;           /* in its peer's branch */
	bool goes_on;           /* accepted: it has named a session that is there */
	struct session_id named; /* accepted, own: in node.session_ids */
	bool counts_as_dialing; /* in peer.own */
	struct peer *peer;             /* dialed: for whom; accepted: known once the key is */
	char key_peer[PEER_NAME_SIZE]; /* whose the accepted key is; "" before */
	struct sock *sock;
	struct conn *conn;
	struct key_set *key_set; /* what it was made with */
	struct held_key *under;  /* up: this node's key; `key_set` is settled then */
	struct conn_key *keys; /* dialed: the list that was made for this peer */
	bool session_up, rolls_begun;
	struct conn_key announced;    /* under way to the peer (rolls.h), */
	struct held_key *announced_key; /* and held; NULL: none is */
	unsigned announced_next;      /* how far the list of those to be announced has come */
	const struct conn_memory *memory; /* dialed: SecureConn 1.1 was suggested with this */
	struct session *session; /* LINK_UP; until it goes on elsewhere, or ends */
	struct alarm *alarm;
	struct job job;
	struct conn_job *conn_job; /* what `job` works on */
	struct source source;
	/* on its way to the worker of its peer, which it leaves for when nothing is under way */
	bool moving;
	int fd; /* meanwhile */
	struct post post;
	bool has_place; /* in node.limits */
	uint32_t place;
	uint64_t birth;      /* node.births when the TCP connection began */
	uint64_t since;      /* state began */
	size_t writing;      /* bytes of conn's output that libuv has */
	size_t ahead;        /* bytes that are sealed in a short time */
	uint64_t acknowledged; /* of the bytes sent, when that was last looked at */
	uint32_t max_streams; /* as its HELLO says */
	bool reading;
	bool shut;           /* LINK_ENDING: writing has been shut down */
	/* the other side has shut down writing; before LINK_ENDING: looked at when the job is
	   done */
	bool eof;
	bool goaway;         /* no new streams */
	uint16_t goaway_code;
	char address[ADDRESS_TEXT_SIZE];
	uint64_t bytes_in, bytes_out; /* on the wire since it is up */
	uint64_t renewals;            /* of the session keys, that were logged */
	uint64_t epochs[2][2];        /* sending and receiving, of both channels; likewise */
};

/* Takes the socket, whatever comes of it, and starts. peer: this node dialed it for that one, own:
   for one connection; NULL: accepted. NULL: out of memory. */
struct link *
link_new(struct worker *w, struct peer *peer, bool own, struct sock *sock,
	const struct sockaddr *address);

/* The place in node.limits that an accepted link has got; given back when it is authenticated or
   dead. */
void
link_set_place(struct link *l, uint32_t place);

/* Something is to be done for the link at the end of this turn of the loop. */
void
link_touch(struct link *l);

/* Does it: jobs, events, deadlines, sealing, writing. True: there is more, but others come
   first. */
bool
link_turn(struct link *l);

/* Frees a link that is LINK_DEAD and has no job out. True if it did. */
bool
link_reap(struct link *l);

/* Ends a link that is up with CLOSE(code), one in the handshake without a word; nothing for one
   that ends already. */
void
link_close(struct link *l, enum close_code code);

/* No new streams; when none is left, the link ends with CLOSE(0). One in the handshake ends now,
   unless connections wait for it. */
void
link_drain(struct link *l);

/* The same for one that has come up while the node drains, once those that wait have had their
   turn. */
void
link_drain_late(struct link *l);

/* Closes the socket at once, whatever still waits in it. */
void
link_kill(struct link *l);

/* At the end of a turn: goes to the worker of its peer, if it is to move and can. True: it is not
   here any more. */
bool
link_leave(struct link *l);

/* ---- between link.c and link_*.c ---- */

/* The own keys and the capabilities of a connection that have to do with keys. False: out of
   memory. */
bool
link_set_keys(struct link *l, struct conn_config *config);

/* The link is up: of this node's keys only its own one is held from now on. */
void
link_settle_keys(struct link *l);

void
link_release_keys(struct link *l);

/* The peer of an accepted link is authenticated and lives on another worker: the link goes there
   as soon as it can, and joins it there. */
void
link_move(struct link *l);

/* The peer of an accepted link is authenticated: finds, for one connection, the branch that has the
   session that it names, or one for a new session; and, where the peer has as many links as it may,
   whether a session goes on over this one. False: what it names has not come yet. */
bool
link_choose(struct link *l);

/* On the worker of its peer, which is authenticated: it takes streams from now on. */
void
link_join(struct link *l);

/* What a link has on its worker besides a socket. Without memory alarm is NULL. */
void
link_prepare(struct link *l);

/* After any call on conn: a job to run, a phase that is new, an error; events if there is a
   trunk. */
void
link_check(struct link *l);

/* Handles what the trunk has to tell. */
void
link_events(struct link *l);

void
link_enter(struct link *l, enum link_state state);

/* What the key ring says to a key that was shown here; name: for VERDICT_VERIFIED. */
enum key_verdict
link_verdict(const struct link *l, const struct asym_impl *asym, const uint8_t *public_key,
	char name[PEER_NAME_SIZE]);

/* The key that was shown here is to be noted in the key ring: in any case, or if `trust
   --fingerprint` waits for it. */
void
link_note_key(struct link *l);

void
link_note_expected(struct link *l);

/* It does not count among the unauthenticated any more. */
void
link_leave_place(struct link *l);

/* The handshake failed with conn_error: logged, an unknown key noted, the dialer told,
   LINK_ENDING. Nothing else of the peer is touched: nobody is authenticated. */
void
link_failed(struct link *l);

/* The link was up and is over: out of its peer, logged, LINK_ENDING. */
void
link_over(struct link *l, enum sc_error error, uint16_t code);

/* The link is lost by `error`, but its session is kept, with so many streams; LINK_ENDING. */
void
link_suspended(struct link *l, enum sc_error error, size_t streams);

/* Its session has gone on over a younger link: closed at once. */
void
link_superseded(struct link *l);

/* The transport is at its end, or broken. */
void
link_lost(struct link *l);

/* Socket options, and the first reading. */
void
link_io_start(struct link *l);

/* The link is up: what the socket needs to know of that. */
void
link_io_up(struct link *l);

/* The peer is silent: tells the trunk if the system still gets bytes over to it. */
void
link_look_at_transport(struct link *l, uint64_t now);

/* Starts reading, if it may. */
void
link_read(struct link *l);

/* Bytes have gone over the wire, one way or the other. */
void
link_count(struct link *l, size_t in, size_t out);

/* Seals and writes what is there. True: there is more, and it would go. */
bool
link_write(struct link *l);

#endif
