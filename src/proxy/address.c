/* Knows the forms of socket addresses; knows nothing of who has them. */
#include "proxy/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct stream_address
address_to_stream(const struct sockaddr *address)
{
	struct stream_address out = {0};

	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		out.size = 4;
		memcpy(out.bytes, &in.sin_addr, 4);
		out.port = ntohs(in.sin_port);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof(in6));
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
		out.size = mapped ? 4 : 16;
		memcpy(out.bytes, in6.sin6_addr.s6_addr + (mapped ? 12 : 0), out.size);
		out.port = ntohs(in6.sin6_port);
	}
	return out;
}

void
stream_address_text(char out[ADDRESS_TEXT_SIZE], const struct stream_address *address)
{
	char host[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (address->size == 4 && inet_ntop(AF_INET, address->bytes, host, sizeof(host)))
		snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", host, address->port);
	if (address->size == 16 && inet_ntop(AF_INET6, address->bytes, host, sizeof(host)))
		snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", host, address->port);
}

void
address_text(char out[ADDRESS_TEXT_SIZE], const struct sockaddr *address)
{
	struct stream_address plain = address_to_stream(address);

	if (plain.size)
		stream_address_text(out, &plain);
	else
		snprintf(out, ADDRESS_TEXT_SIZE, "unix");
}

void
address_host_text(char out[ADDRESS_TEXT_SIZE], const struct sockaddr *address)
{
	struct stream_address plain = address_to_stream(address);

	if (!plain.size || !inet_ntop(plain.size == 4 ? AF_INET : AF_INET6, plain.bytes, out,
				   ADDRESS_TEXT_SIZE))
		snprintf(out, ADDRESS_TEXT_SIZE, "unix");
}

bool
address_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct stream_address x = address_to_stream((const struct sockaddr *)a);
	struct stream_address y = address_to_stream((const struct sockaddr *)b);

	if (x.size != y.size || memcmp(x.bytes, y.bytes, x.size) != 0)
		return false;
	if (a->ss_family != AF_INET6 || b->ss_family != AF_INET6)
		return true;
	return ((const struct sockaddr_in6 *)a)->sin6_scope_id ==
	       ((const struct sockaddr_in6 *)b)->sin6_scope_id;
}

bool
address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return address_same_host(a, b) && address_to_stream((const struct sockaddr *)a).port ==
		address_to_stream((const struct sockaddr *)b).port;
}

bool
address_is_loopback(const struct sockaddr *address)
{
	static const uint8_t v6[16] = {[15] = 1};
	struct stream_address plain = address_to_stream(address);

	return plain.size == 4 ? plain.bytes[0] == 127
			       : plain.size == 16 && memcmp(plain.bytes, v6, sizeof(v6)) == 0;
}

void
address_set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

static struct source
source_of(const uint8_t *bytes, uint8_t address_size)
{
	struct source s = {.size = address_size == 16 ? 8 : address_size};
	memcpy(s.bytes, bytes, s.size);
	return s;
}

struct source
address_source(const struct sockaddr *address)
{
	struct stream_address plain = address_to_stream(address);
	return source_of(plain.bytes, plain.size);
}

struct source
address_source_parse(const char *text)
{
	char host[ADDRESS_TEXT_SIZE];
	uint8_t bytes[16];
	bool bracket = text[0] == '[';
	const char *end = strrchr(text, bracket ? ']' : ':');
	size_t n;

	text += bracket;
	if (!end || end < text || (n = (size_t)(end - text)) >= sizeof(host))
		return (struct source){0};
	memcpy(host, text, n);
	host[n] = '\0';
	if (!bracket && inet_pton(AF_INET, host, bytes) == 1)
		return source_of(bytes, 4);
	if (bracket && inet_pton(AF_INET6, host, bytes) == 1)
		return source_of(bytes, 16);
	return (struct source){0};
}

bool
source_equal(const struct source *a, const struct source *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}
