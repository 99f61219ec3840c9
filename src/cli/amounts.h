/* Times and sizes as text for people: as exact as somebody wants to know them. */
#ifndef SC_CLI_AMOUNTS_H
#define SC_CLI_AMOUNTS_H

#include <stdint.h>

/* "5 s", "3 min 5 s", "2 h 3 min", "4 d 2 h" */
const char *
age_text(char out[32], uint64_t seconds);

/* "17 B", "1.5 KiB", "300 MiB" */
const char *
size_text(char out[32], uint64_t bytes);

#endif
