/* Knows the bytes of the header; knows nothing of who may claim what. */
#include "proxy/proxy_header.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

enum {
	COMMAND_LOCAL = 0x20,
	COMMAND_PROXY = 0x21,
	UNSPEC = 0x00,
	TCP_IPV4 = 0x11,
	TCP_IPV6 = 0x21
};

static const uint8_t signature[12] = {
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* An IPv4 address as IPv6 writes it. */
static void
widen(struct stream_address *a)
{
	const struct stream_address narrow = *a;

	if (a->size == 16)
		return;
	*a = (struct stream_address){.size = 16, .port = narrow.port};
	a->bytes[10] = a->bytes[11] = 0xff;
	memcpy(a->bytes + 12, narrow.bytes, 4);
}

static size_t
write_v1(uint8_t out[PROXY_HEADER_MAX], const struct stream_address *from,
	const struct stream_address *to)
{
	char a[INET6_ADDRSTRLEN] = "", b[INET6_ADDRSTRLEN] = "", text[PROXY_HEADER_MAX];
	int family = from->size == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, from->bytes, a, sizeof(a));
	inet_ntop(family, to->bytes, b, sizeof(b));
	int n = snprintf(text, sizeof(text), "PROXY TCP%c %s %s %u %u\r\n",
		from->size == 4 ? '4' : '6', a, b, from->port, to->port);
	memcpy(out, text, (size_t)n);
	return (size_t)n;
}

static size_t
write_v2(uint8_t out[PROXY_HEADER_MAX], const struct stream_address *from,
	const struct stream_address *to)
{
	struct wire_writer w = wire_writer(out, PROXY_HEADER_MAX);

	wire_put(&w, signature, sizeof(signature));
	wire_put_u8(&w, from ? COMMAND_PROXY : COMMAND_LOCAL);
	wire_put_u8(&w, !from ? UNSPEC : from->size == 4 ? TCP_IPV4 : TCP_IPV6);
	wire_put_u16(&w, from ? (uint16_t)(2 * from->size + 4) : 0);
	if (from) {
		wire_put(&w, from->bytes, from->size);
		wire_put(&w, to->bytes, to->size);
		wire_put_u16(&w, from->port);
		wire_put_u16(&w, to->port);
	}
	return wire_written(&w);
}

size_t
proxy_header_write(uint8_t out[PROXY_HEADER_MAX], enum proxy_header version,
	const struct stream_address *source, const struct stream_address *destination)
{
	static const char unknown[] = "PROXY UNKNOWN\r\n";
	struct stream_address from, to;

	if (!source && version == PROXY_V1) {
		memcpy(out, unknown, sizeof(unknown) - 1);
		return sizeof(unknown) - 1;
	}
	if (!source)
		return write_v2(out, NULL, NULL);
	from = *source;
	to = *destination;
	if (to.size == 0)
		to = (struct stream_address){.size = from.size};
	if (to.size != from.size) {
		widen(&from);
		widen(&to);
	}
	return version == PROXY_V1 ? write_v1(out, &from, &to) : write_v2(out, &from, &to);
}
