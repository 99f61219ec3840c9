/* Knows the form of key fingerprints (protocol.md 5.3); knows nothing of where keys are kept. */
#include "crypto/asym.h"

#include "crypto/hash.h"

#define LETTERS 32 /* 160 bits, 5 in each */
#define GROUP   4

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Letters to groups of four joined by '-'. The rest of out is zeros, so that the whole of it can be
   compared. */
static void
format(char out[FINGERPRINT_SIZE], const char letters[LETTERS])
{
	memset(out, 0, FINGERPRINT_SIZE);
	for (size_t i = 0; i < LETTERS; i++) {
		if (i > 0 && i % GROUP == 0)
			*out++ = '-';
		*out++ = letters[i];
	}
}

void
fingerprint_of(char out[FINGERPRINT_SIZE], const struct asym_algorithm *algorithm,
	const uint8_t *public_key)
{
	static const char prefix[] = "SecureConn fingerprint"; /* hashed with its NUL */
	const struct span parts[] = {
		{(const uint8_t *)prefix, sizeof(prefix)},
		{(const uint8_t *)algorithm->name, strlen(algorithm->name) + 1},
		{public_key, algorithm->public_size},
	};
	uint8_t digest[HASH_SIZE];
	char letters[LETTERS];

	hash_parts(digest, parts, ARRAY_SIZE(parts));
	for (size_t i = 0; i < LETTERS; i++) {
		size_t bit = 5 * i;
		unsigned two_bytes = (unsigned)digest[bit / 8] << 8 | digest[bit / 8 + 1];
		letters[i] = alphabet[two_bytes >> (11 - bit % 8) & 31];
	}
	format(out, letters);
}

char
fingerprint_letter(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		return '0';
	if (c == 'I' || c == 'L')
		return '1';
	return c != '\0' && strchr(alphabet, c) ? c : '\0';
}

int
fingerprint_parse(char out[FINGERPRINT_SIZE], const char *typed)
{
	char letters[LETTERS];
	size_t n = 0;

	memset(out, 0, FINGERPRINT_SIZE);
	for (; *typed; typed++) {
		if (*typed == ' ' || *typed == '-')
			continue;
		char letter = fingerprint_letter(*typed);
		if (letter == '\0' || n == LETTERS)
			return -1;
		letters[n++] = letter;
	}
	if (n != LETTERS)
		return -1;
	format(out, letters);
	return 0;
}

bool
fingerprint_equal(const char a[FINGERPRINT_SIZE], const char b[FINGERPRINT_SIZE])
{
	return equal_constant_time(a, b, FINGERPRINT_SIZE);
}
