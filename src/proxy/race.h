/* Which of several addresses to try when, sans I/O (RFC 8305): the next one is started before the
   one under way has failed, and the first that answers wins. Addresses come in groups: those of
   one endpoint, in the order of preference. */
#ifndef SC_PROXY_RACE_H
#define SC_PROXY_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define RACE_MAX 32 /* addresses of all groups together */

struct race_rules {
	uint64_t stagger;  /* from one attempt to the next of the same group */
	uint64_t next;     /* the same to one of another group */
	uint64_t patience; /* so long from the beginning a group waits for the names before it */
	uint64_t attempt;  /* the longest that one may take */
	uint64_t deadline; /* the last moment for all of them */
};

enum race_state {
	RACE_READY,
	RACE_UNDER_WAY,
	RACE_BUSY, /* counts as under way, and is to be started again */
	RACE_OVER
};

struct race {
	struct race_rules rules;
	size_t n, groups;
	uint64_t unknown; /* a bit per group whose addresses are not known yet */
	uint64_t began, started; /* started: the last attempt */
	size_t group;            /* of that */
	bool hurry;              /* one has failed since */
	struct {
		enum race_state state;
		size_t group;
		size_t last;     /* as race_add was told */
		uint64_t when;   /* under way: since; busy: until */
	} at[RACE_MAX];
};

enum race_action {
	RACE_START, /* begin an attempt with *which */
	RACE_STOP,  /* *which took too long: it is over */
	RACE_WAIT,  /* until *wake, or until something happens */
	RACE_FAILED /* nothing is under way and nothing left to try, or the time is over */
};

/* groups: at most 64; of none the addresses are known. */
void
race_init(struct race *r, const struct race_rules *rules, size_t groups, uint64_t now);

/* One more address of a group. last: 0, or it led nowhere before and comes after all others, those
   with a higher number after those with a lower one. Returns its number, from 0 without gaps;
   RACE_MAX: there is no room for it. */
size_t
race_add(struct race *r, size_t group, size_t last);

/* All addresses of the group have been added, be it none. */
void
race_known(struct race *r, size_t group);

/* What to do now; to be called again after RACE_START (which counts as begun) and RACE_STOP. */
enum race_action
race_next(struct race *r, uint64_t now, size_t *which, uint64_t *wake);

/* An attempt has failed. */
void
race_failed(struct race *r, size_t which);

/* An attempt could not be made just now: RACE_START comes again for it. */
void
race_busy(struct race *r, size_t which, uint64_t until);

/* Puts addresses in an order in which IPv6 and IPv4 take turns, each in the order in which it was,
   the family of the first one first (RFC 8305, 4). */
void
race_interleave(struct sockaddr_storage *addresses, size_t n);

#endif
