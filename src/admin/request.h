/* What is asked on the control socket, and how it is written: one JSON object a line, both ways.
   Knows no sockets and no node. */
#ifndef SC_ADMIN_REQUEST_H
#define SC_ADMIN_REQUEST_H

#include <stdbool.h>

#include <json.h>

#include "base/log.h"
#include "keyring/keyring.h"

#define REQUEST_LINE_MAX 1024 /* bytes of a request with its LF */

enum request_kind {
	REQUEST_STATUS,
	REQUEST_VERSION,
	REQUEST_RELOAD,
	REQUEST_DRAIN,
	REQUEST_STOP,
	REQUEST_RENEW, /* of the session keys of `peer` */
	REQUEST_LOG,   /* the level from now on */
	REQUEST_KEYS,  /* the state folder has changed: look now */
	REQUEST_KINDS /* how many there are */
};

struct request {
	enum request_kind kind;
	char peer[PEER_NAME_SIZE]; /* REQUEST_RENEW */
	enum log_level level;      /* REQUEST_LOG */
};

/* As it is written: "status". */
const char *
request_name(enum request_kind kind);

/* A line without its LF, from anybody. SC_OK, or SC_ERR_INVALID with err saying what would be
   right. */
enum sc_error
request_parse(struct request *request, const char *line, size_t n, struct errmsg *err);

/* The line for it, with its LF and a NUL. out is REQUEST_LINE_MAX bytes; more is never needed. The
   number of bytes without the NUL. */
size_t
request_format(char out[REQUEST_LINE_MAX], const struct request *request);

/* Lines out of a stream of bytes that may be cut anywhere. */
struct request_reader {
	size_t used;
	char line[REQUEST_LINE_MAX];
};

enum request_more {
	REQUEST_NONE, /* all is taken, no line is whole */
	REQUEST_LINE, /* line holds one of *size bytes, without LF, until the next call */
	REQUEST_LONG  /* it is too long: the end of the dialog */
};

/* Takes bytes from *data (*n of them), and moves both on behind what it has taken. */
enum request_more
request_read(struct request_reader *r, const char **data, size_t *n, size_t *size);

/* {"ok": true}, to be added to. NULL: out of memory, here as in what follows. */
struct json_object *
answer_new(void);

/* {"ok": false, "error": text} */
struct json_object *
answer_error(const char *text);

/* One more member. json-c itself would end the process where there is no object. */
void
answer_add(struct json_object *answer, const char *key, struct json_object *value);

#endif
