/* Knows how prefixes of addresses are written, and which addresses nobody may claim; knows nothing
   of who has them. */
#include "config/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/config.h"

/* Protocol.md 8: loopback, link-local, multicast; and those that are nobody's. */
static const struct prefix never[] = {
	{4, 8, {0}, ""},         /* this host */
	{4, 8, {127}, ""},       /* loopback */
	{4, 16, {169, 254}, ""}, /* link-local */
	{4, 4, {224}, ""},       /* multicast */
	{4, 32, {255, 255, 255, 255}, ""}, {16, 128, {0}, ""},
	{16, 128, {[15] = 1}, ""},                /* loopback */
	{16, 10, {0xfe, 0x80}, ""},               /* link-local */
	{16, 8, {0xff}, ""},                      /* multicast */
	{16, 96, {[10] = 0xff, [11] = 0xff}, ""}, /* an IPv4 address in disguise */
};

/* The first bits of both are the same. */
static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool
prefix_has(const struct prefix *prefix, const uint8_t *address, size_t size)
{
	return prefix->size == size && same_bits(prefix->bytes, address, prefix->bits);
}

bool
prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && prefix_has(a, b->bytes, b->size);
}

bool
prefixes_have(const struct prefix_list *list, const uint8_t *address, size_t size)
{
	for (size_t i = 0; i < list->n; i++)
		if (prefix_has(&list->at[i], address, size))
			return true;
	return false;
}

bool
address_never_claimed(const uint8_t *address, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (prefix_has(&never[i], address, size))
			return true;
	return false;
}

static bool
all_never(const struct prefix *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (p->bits >= never[i].bits && prefix_has(&never[i], p->bytes, p->size))
			return true;
	return false;
}

static void
write_text(struct prefix *p)
{
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(p->size == 4 ? AF_INET : AF_INET6, p->bytes, host, sizeof(host));
	snprintf(p->text, sizeof(p->text), "%s/%u", host, p->bits);
}

/* Zeroes what is behind its bits. True if anything was there. */
static bool
cut(struct prefix *p)
{
	bool any = false;

	for (unsigned i = 0; i < p->size; i++) {
		unsigned left = p->bits > 8 * i ? p->bits - 8 * i : 0;
		uint8_t mask = (uint8_t)(0xff << (left >= 8 ? 0 : 8 - left));
		any = any || (p->bytes[i] & ~mask) != 0;
		p->bytes[i] &= mask;
	}
	return any;
}

/* "/16" or nothing: as many as there are. */
static bool
parse_bits(struct prefix *p, const char *slash)
{
	unsigned most = 8u * p->size;

	p->bits = (uint8_t)most;
	if (!slash)
		return true;
	size_t n = strlen(slash + 1);
	if (n == 0 || n > 3 || strspn(slash + 1, "0123456789") != n)
		return false;
	unsigned long bits = strtoul(slash + 1, NULL, 10);
	p->bits = (uint8_t)(bits < most ? bits : most);
	return bits <= most;
}

enum sc_error
prefix_parse(struct prefix *p, const char *text, struct errmsg *err)
{
	char host[INET6_ADDRSTRLEN] = "", shown[80];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	memset(p, 0, sizeof(*p));
	escape_text(shown, sizeof(shown), text, strlen(text));
	if (n < sizeof(host))
		memcpy(host, text, n);
	if (inet_pton(AF_INET, host, p->bytes) == 1)
		p->size = 4;
	else if (inet_pton(AF_INET6, host, p->bytes) == 1)
		p->size = 16;
	if (p->size == 0 || !parse_bits(p, slash))
		return errmsg_set(err, SC_ERR_INVALID,
			"\"%s\" is no prefix of addresses; write one like 10.1.0.0/16 or "
			"2001:db8::/32",
			shown);
	bool more = cut(p);
	write_text(p);
	if (more)
		return errmsg_set(err, SC_ERR_INVALID,
			"\"%s\" says more than its first %u bits; write %s, or a longer prefix",
			shown, p->bits, p->text);
	if (all_never(p))
		return errmsg_set(err, SC_ERR_INVALID,
			"no address in \"%s\" is ever used: not of loopback, link-local or "
			"multicast, and not an IPv4 address written as IPv6; remove it",
			shown);
	return SC_OK;
}
