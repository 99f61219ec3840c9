/* Renewal of the session keys on a live link (the paper's 1.6 and 3.3, protocol.md 9): RENEW both
   ways, the lines of section 4 inside LINE frames, KEY_UPDATE for both channels. Internal to
   secureconn/. */
#ifndef SC_SECURECONN_RENEWAL_H
#define SC_SECURECONN_RENEWAL_H

#include "secureconn/conn.h"
#include "secureconn/outbuf.h"

/* One is under way from its first RENEW sent or received until all four KEY_UPDATEs have passed. */
struct renewal {
	uint64_t last;  /* when the last one was done; first the time of CONN_UP */
	uint64_t done;  /* how many */
	uint64_t bytes; /* both ways since the last one */
	bool last_here; /* the last one was begun by this side */
	uint64_t took;
	bool wanted;    /* the operator's word, or volume */
	uint64_t hour;  /* since when `asked` is counted */
	unsigned asked; /* renewals that the peer began in that hour */

	bool under_way;
	uint64_t began;
	bool begun_here;
	bool own_ready, own_sent, peer_came, agreed;
	uint8_t own_private[X25519_SIZE], own[X25519_SIZE], peer[X25519_SIZE], shared[X25519_SIZE];
	struct outbuf lines_out; /* lines to be sent, each with its LF */
	struct outbuf lines_in;  /* lines that came while a job was under way, likewise */
	bool keys_ready; /* the line that allows the KEY_UPDATEs has been sent or received */
	uint8_t th[HASH_SIZE];
	unsigned updates_sent, updates_received; /* KEY_UPDATE(1, 1), then (2, 1) */
};

/* The link is up. */
void
renewal_init(struct renewal *r, uint64_t now);

/* Wipes. */
void
renewal_fini(struct renewal *r);

/* This side or the other begins: leaves a job. */
enum sc_error
renewal_begin(struct conn *c);

/* RENEW, LINE and KEY_UPDATE(channel, 1) from the peer; results as conn_control's. */
enum sc_error
renewal_take_renew(struct conn *c, struct span payload);

enum sc_error
renewal_take_line(struct conn *c, struct span payload);

enum sc_error
renewal_take_key_update(struct conn *c, uint8_t channel);

/* The job that the renewal had left is done. */
enum sc_error
renewal_job_done(struct conn *c);

/* Goes on as far as room and jobs allow: seals RENEW, lines, KEY_UPDATEs. */
enum sc_error
renewal_flush(struct conn *c);

/* True if KEY_UPDATEs are due before any other record. */
bool
renewal_holds_output(const struct conn *c);

#endif
