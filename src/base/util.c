/* Knows hex digits and how to make foreign text printable. */
#include "base/util.h"

#include <stdlib.h>

/* Not inlined: it is to lie where those other functions have lain. */
__attribute__((noinline)) void
wipe_stack(void)
{
	char room[8192];
	wipe(room, sizeof(room));
}

void
wipe_free(void *p, size_t n)
{
	if (p)
		wipe(p, n);
	free(p);
}

void
hex_encode(char *out, const uint8_t *data, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[data[i] >> 4];
		out[2 * i + 1] = digit[data[i] & 15];
	}
	out[2 * n] = '\0';
}

int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
hex_decode(uint8_t *out, size_t n, const char *text, size_t digits)
{
	if (digits != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

void
escape_text(char *out, size_t size, const void *text, size_t n)
{
	const uint8_t *in = text;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = in[i];
		int plain = c >= 0x20 && c <= 0x7e && c != '\\';
		if (used + (plain ? 1 : 4) >= size)
			break;
		if (plain) {
			out[used++] = (char)c;
			continue;
		}
		char hex[3];
		hex_encode(hex, &c, 1);
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = hex[0];
		out[used++] = hex[1];
	}
	out[used] = '\0';
}
