/* The system's log daemon: one datagram a line, and nobody waits for it. */
#ifndef SC_BASE_SYSLOG_H
#define SC_BASE_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>

#define SYSLOG_PATH "/dev/log"

/* As in RFC 3164. */
enum syslog_severity { SYSLOG_ERROR = 3, SYSLOG_WARNING = 4, SYSLOG_INFO = 6, SYSLOG_DEBUG = 7 };

/* Hands a text of n bytes without a line end to the daemon that listens at path, with the severity,
   the time of day and the name and number of this process in front. From any thread; never blocks.
   False: there is no daemon, or it does not keep up: the text has gone nowhere. */
bool
syslog_send(const char *path, enum syslog_severity severity, const char *text, size_t n);

#endif
