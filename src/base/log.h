/* The log: one line an event, as key=value text or as a JSON object, on standard error or to the
   system's log daemon. */
#ifndef SC_BASE_LOG_H
#define SC_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* Sets what is shown (that level and the graver ones) and how. Process-wide; before any thread
   starts, or from the main loop. Default: info, text, to file descriptor 2. */
void
log_setup(enum log_level level, enum log_format format, int fd);

/* The same for the level or the format alone, from any thread. */
void
log_set_level(enum log_level level);

void
log_set_format(enum log_format format);

/* Where lines go. LOG_TO_SYSLOG: to the daemon at syslog_path (SYSLOG_PATH; it is not copied), a
   text line without time and level, which the daemon notes itself; a line that it does not take
   goes to the descriptor of log_setup, whole. From any thread. */
void
log_set_target(enum log_target target, const char *syslog_path);

/* The one that is set. */
enum log_level
log_get_level(void);

/* "error", "warning", "info" or "debug" */
const char *
log_level_name(enum log_level level);

/* The level of that name. False: there is none. */
bool
log_level_find(enum log_level *level, const char *name);

bool
log_enabled(enum log_level level);

/* A line under construction, on the caller's stack:

	struct log_line l = log_begin(LOG_LEVEL_INFO, "link_up");
	log_str(&l, "peer", name);
	log_u64(&l, "streams", n);
	log_end(&l);

   Values are escaped as the format needs; anything outside 0x20-0x7e never reaches the log as it
   is. A line that grows past its buffer is cut, still well formed. Below the level set nothing is
   formatted. Lines of several threads do not mix. Nobody waits for the descriptor while a thread
   writes (base/log_writer.h). */
struct log_line {
	bool on, full, json; /* json: a line ends in the form in which it began */
	enum log_level level;
	size_t event; /* where its name begins, behind time and level; JSON: 0 */
	size_t used;
	char text[2048];
};

struct log_line
log_begin(enum log_level level, const char *event);

void
log_str(struct log_line *l, const char *key, const char *value);

/* The same for n bytes that need not be text. */
void
log_bytes(struct log_line *l, const char *key, const void *value, size_t n);

void
log_u64(struct log_line *l, const char *key, uint64_t value);

void
log_fmt(struct log_line *l, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void
log_end(struct log_line *l);

/* Ends its text, l->used bytes, for somebody who writes it himself. */
void
log_close(struct log_line *l);

#endif
