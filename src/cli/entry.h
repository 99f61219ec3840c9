/* A fingerprint as it is typed: which characters count, how it looks meanwhile, what is wrong with
   the last one. Knows no terminal. */
#ifndef SC_CLI_ENTRY_H
#define SC_CLI_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/asym.h"

#define ENTRY_LETTERS 32
#define ENTRY_NOTE    48 /* narrow: it stands below the entry on any terminal */

struct entry {
	char letters[ENTRY_LETTERS];
	size_t n;
	char note[ENTRY_NOTE]; /* why the last character was refused; "" */
	unsigned skip;         /* bytes of a character beyond ASCII that are still to come */
	enum { ENTRY_TEXT, ENTRY_ESCAPE, ENTRY_SEQUENCE } state;
};

enum entry_result {
	ENTRY_GOES_ON,
	ENTRY_DONE, /* Enter, behind something */
	ENTRY_END   /* the end of input, on an empty entry */
};

void
entry_init(struct entry *e);

/* The next byte. Letters and digits of a fingerprint count, as they read (O as 0); spaces and
   dashes, the long ones too, and keys that move the cursor count for nothing; backspace, ^W and ^U
   take back. Anything else is refused with a note. */
enum entry_result
entry_byte(struct entry *e, unsigned char byte);

/* What the entry looks like: the letters in their groups, and "_" for each that is missing. *cursor
   is the column behind the last letter. */
void
entry_show(const struct entry *e, char out[FINGERPRINT_SIZE], size_t *cursor);

/* What was typed, in its groups, without what is missing. */
void
entry_text(const struct entry *e, char out[FINGERPRINT_SIZE]);

#endif
