/* How nobody waits for whoever reads the log: a pipe that nobody empties, a terminal that was
   stopped. A line that a pipe, a file or a socket takes goes there at once; else a thread waits.
   What that does not get rid of is kept within bounds; beyond them lines are dropped and counted,
   and how many it were is said as soon as the log moves again; so it is with lines that cannot be
   written, to a disk that is full. Process-wide. */
#ifndef SC_BASE_LOG_WRITER_H
#define SC_BASE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of whole lines that wait; as many again may be under way. Ten thousand peers that go at
   once have room. */
#define LOG_WRITER_ROOM (2u << 20)

/* From now on log_writer_put writes its lines to fd, or has a thread do so. To be called where the
   thread may inherit what it is to have: the user, blocked signals. False: the system has no thread
   left; lines are written as before. */
bool
log_writer_start(int fd);

/* A whole line with its newline. False: there is no such thread, and the line is the caller's to
   write. Never waits for the descriptor. From any thread. */
bool
log_writer_put(const char *line, size_t n);

/* Lines that were dropped since the start. From any thread. */
uint64_t
log_writer_dropped(void);

/* Ends it when all is written, or after so many milliseconds; what is left then is lost, and so is
   every line after it: whoever would write it would wait. Fine if it was never started. */
void
log_writer_stop(unsigned ms);

#endif
