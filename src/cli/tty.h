/* A fingerprint typed on a terminal: shown in its groups while it is typed. The terminal is left as
   it was found, whatever ends the program short of SIGKILL. */
#ifndef SC_CLI_TTY_H
#define SC_CLI_TTY_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/entry.h"

struct tty;

/* NULL: in or out is no terminal, or one that cannot move its cursor, or is too narrow; lines are
   to be read as they come. */
struct tty *
tty_open(FILE *in, FILE *out);

/* Restores the terminal. NULL is fine. */
void
tty_close(struct tty *t);

/* Lets the user type one; out gets it in its groups, however much of it there is. False: the end of
   input, or an error. What was typed behind Enter is kept for the next call. */
bool
tty_read(struct tty *t, char out[FINGERPRINT_SIZE]);

#endif
