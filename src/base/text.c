/* Knows how memory for a text grows. */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 256

void
text_init(struct text *t)
{
	*t = (struct text){.data = NULL};
}

void
text_fini(struct text *t)
{
	free(t->data);
	text_init(t);
}

/* True if n bytes more have room. */
static bool
make_room(struct text *t, size_t n)
{
	size_t room = t->room ? t->room : ROOM_MIN;

	if (t->failed || n <= t->room - t->size)
		return !t->failed;
	while (room - t->size < n && room <= SIZE_MAX / 2)
		room *= 2;
	char *data = room - t->size < n ? NULL : realloc(t->data, room);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->room = room;
	return true;
}

void
text_add(struct text *t, const void *data, size_t n)
{
	if (n == 0 || !make_room(t, n))
		return;
	memcpy(t->data + t->size, data, n);
	t->size += n;
}

char *
text_room(struct text *t, size_t n)
{
	return make_room(t, n) ? t->data + t->size : NULL;
}

void
text_print(struct text *t, const char *format, ...)
{
	va_list args, again;
	size_t left = t->room - t->size;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(left ? t->data + t->size : NULL, left, format, args);
	va_end(args);
	/* vsnprintf wants room for a NUL, too */
	if (n >= 0 && (size_t)n >= left && make_room(t, (size_t)n + 1))
		vsnprintf(t->data + t->size, (size_t)n + 1, format, again);
	va_end(again);
	t->failed = t->failed || n < 0;
	if (!t->failed)
		t->size += (size_t)n;
}

void
text_clear(struct text *t)
{
	t->size = 0;
}
