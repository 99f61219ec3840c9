/* Calls into the C library that fail, one after the other: what a test tries is done again and
   again, first with its first such call failing, then with its second, until it gets through. Which
   calls those are: see faults.c. A test program has them by the dependency `faults` of meson. */
#ifndef SC_TESTS_FAULTS_H
#define SC_TESTS_FAULTS_H

#include <stdbool.h>

enum fault_kind {
	FAULT_MEMORY = 1, /* malloc and its kind: NULL */
	FAULT_FILES = 2,  /* what opens, reads, writes, lists and renames: -1, EIO */
	FAULT_SYSTEM = 4, /* threads, locks, sockets of libuv: their error */
};

/* Calls `once` for each call of these kinds between its faults_begin and faults_end: in the first
   round that call fails alone, in the second all that come after it do too. Ends when one of them
   meets no fault. Fails the test if not a single call was met. */
void
faults_each(unsigned kinds, void (*once)(void *arg), void *arg);

/* In `once`: from here on they count. */
void
faults_begin(void);

/* And not from here on. True: one has failed. */
bool
faults_end(void);

#endif
