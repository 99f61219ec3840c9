/* Knows what each byte does to a fingerprint that is being typed; knows no terminal and no key. */
#include "cli/entry.h"

#include <stdio.h>
#include <string.h>

#define GROUP 4

void
entry_init(struct entry *e)
{
	memset(e, 0, sizeof(*e));
}

static void
note_refused(struct entry *e, unsigned char byte)
{
	if (byte > 0x20 && byte < 0x7f)
		snprintf(e->note, sizeof(e->note), "\"%c\" is in no fingerprint", byte);
	else
		snprintf(e->note, sizeof(e->note), "only letters and digits count");
}

static void
take_letter(struct entry *e, char letter)
{
	if (e->n < ENTRY_LETTERS)
		e->letters[e->n++] = letter;
	else
		snprintf(e->note, sizeof(e->note), "that is the whole of it: press Enter");
}

/* The byte after ESC, and what belongs to the key or the paste that it stands for. */
static void
take_sequence(struct entry *e, unsigned char byte)
{
	if (e->state == ENTRY_ESCAPE && (byte == '[' || byte == 'O'))
		e->state = ENTRY_SEQUENCE;
	else if (e->state == ENTRY_ESCAPE || (byte >= 0x40 && byte <= 0x7e))
		e->state = ENTRY_TEXT;
}

/* The rest of a character beyond ASCII. Dashes that a program has made long are as good as short
   ones. */
static void
take_beyond(struct entry *e, unsigned char byte)
{
	/* "–" and others like it; the space that does not break */
	bool dash = byte == 0xe2 || byte == 0xc2;

	e->skip = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
	if (!dash)
		note_refused(e, byte);
}

static void
take_back(struct entry *e, size_t n)
{
	e->n -= n < e->n ? n : e->n;
}

enum entry_result
entry_byte(struct entry *e, unsigned char byte)
{
	char letter = fingerprint_letter((char)byte);

	if (e->skip > 0 && byte >= 0x80 && byte < 0xc0) {
		e->skip--;
		return ENTRY_GOES_ON;
	}
	e->skip = 0;
	if (e->state != ENTRY_TEXT) {
		take_sequence(e, byte);
		return ENTRY_GOES_ON;
	}
	e->note[0] = '\0';
	if ((byte == '\r' || byte == '\n') && e->n > 0)
		return ENTRY_DONE;
	if (byte == 0x04 && e->n == 0) /* ^D */
		return ENTRY_END;
	if (byte == '\r' || byte == '\n') /* a paste may end in both: that is one answer, not two */
		snprintf(e->note, sizeof(e->note), "nothing is typed yet");
	else if (letter)
		take_letter(e, letter);
	else if (byte == 0x7f || byte == '\b')
		take_back(e, 1);
	else if (byte == 0x15) /* ^U */
		take_back(e, e->n);
	else if (byte == 0x17) /* ^W */
		take_back(e, e->n % GROUP ? e->n % GROUP : GROUP);
	else if (byte == 0x1b)
		e->state = ENTRY_ESCAPE;
	else if (byte >= 0x80)
		take_beyond(e, byte);
	else if (byte != ' ' && byte != '-' && byte != '\t')
		note_refused(e, byte);
	return ENTRY_GOES_ON;
}

void
entry_show(const struct entry *e, char out[FINGERPRINT_SIZE], size_t *cursor)
{
	size_t used = 0;

	*cursor = 0;
	for (size_t i = 0; i < ENTRY_LETTERS; i++) {
		if (i > 0 && i % GROUP == 0)
			out[used++] = '-';
		if (i == e->n)
			*cursor = used;
		out[used++] = i < e->n ? e->letters[i] : '_';
	}
	out[used] = '\0';
	if (e->n == ENTRY_LETTERS)
		*cursor = used;
}

void
entry_text(const struct entry *e, char out[FINGERPRINT_SIZE])
{
	size_t end;

	entry_show(e, out, &end);
	out[end] = '\0';
}
