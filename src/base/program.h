/* How this program must be called to mean the same node: for what people are advised to type. */
#ifndef SC_BASE_PROGRAM_H
#define SC_BASE_PROGRAM_H

/* Sets it: "secureconn -c FILE". Process-wide; before any thread starts. What is longer than there
   is room for is not taken. */
void
program_set_name(const char *name);

/* What was set; "secureconn" before that. */
const char *
program_name(void);

#endif
