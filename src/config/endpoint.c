/* Knows how addresses are written and which of them stay on this host; resolves nothing. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "config/value.h"

static enum sc_error
parse_path(struct endpoint *e, const char *text, struct errmsg *err)
{
	size_t n = strlen(text);
	if (n >= sizeof(e->path))
		return errmsg_set(err, SC_ERR_INVALID,
			"the path has %zu characters; a Unix socket's has at most %zu", n,
			sizeof(e->path) - 1);
	e->is_unix = true;
	memcpy(e->path, text, n + 1);
	memcpy(e->text, text, n + 1);
	return SC_OK;
}

static bool
host_is_v6(const char *host)
{
	struct in6_addr address;
	return inet_pton(AF_INET6, host, &address) == 1;
}

/* A name, or an IPv4 address: all digits and dots must be a real one. */
static bool
host_is_name(const char *host)
{
	struct in_addr address;
	size_t n = strlen(host);

	if (n == 0 || n > 253 || host[0] == '.' || host[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)host[i];
		if (!isalnum(c) && c != '.' && c != '-' && c != '_')
			return false;
	}
	if (strspn(host, "0123456789.") == n)
		return inet_pton(AF_INET, host, &address) == 1;
	return true;
}

static bool
parse_port(uint16_t *port, const char *text)
{
	unsigned long value = 0;
	size_t n = strlen(text);

	if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
		return false;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (unsigned long)(text[i] - '0');
	*port = (uint16_t)value;
	return value > 0 && value < 65536;
}

static enum sc_error
bad_endpoint(struct errmsg *err, const char *text, const char *what, bool allow_unix)
{
	char shown[80];
	escape_text(shown, sizeof(shown), text, strlen(text));
	return errmsg_set(err, SC_ERR_INVALID, "\"%s\" %s; write host:port or [IPv6]:port%s", shown,
		what, allow_unix ? " or /path/to.sock" : "");
}

enum sc_error
endpoint_parse(struct endpoint *endpoint, const char *text, bool allow_unix, struct errmsg *err)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (text[0] == '/' && allow_unix)
		return parse_path(endpoint, text, err);

	bool brackets = text[0] == '[';
	const char *start = text + brackets, *colon = strrchr(text, ':');
	const char *stop = brackets ? strchr(text, ']') : colon;
	if (!colon || !stop || (brackets && stop + 1 != colon))
		return bad_endpoint(err, text, "has no port", allow_unix);
	if ((size_t)(stop - start) >= sizeof(endpoint->host))
		return bad_endpoint(err, text, "has a host name that is too long", allow_unix);
	memcpy(endpoint->host, start, (size_t)(stop - start));
	if (brackets ? !host_is_v6(endpoint->host) : !host_is_name(endpoint->host))
		return bad_endpoint(err, text,
			host_is_v6(endpoint->host) ? "is an IPv6 address without brackets"
						   : "has no valid host name or address",
			allow_unix);
	if (!parse_port(&endpoint->port, colon + 1))
		return bad_endpoint(err, text, "has no port from 1 to 65535", allow_unix);
	snprintf(endpoint->text, sizeof(endpoint->text), brackets ? "[%s]:%u" : "%s:%u",
		endpoint->host, endpoint->port);
	return SC_OK;
}

int
endpoint_order(const struct endpoint *a, const struct endpoint *b)
{
	struct in6_addr x, y;

	if (a->is_unix != b->is_unix)
		return a->is_unix ? -1 : 1;
	if (a->is_unix)
		return strcmp(a->text, b->text);
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	bool x_is_v6 = inet_pton(AF_INET6, a->host, &x) == 1;
	bool y_is_v6 = inet_pton(AF_INET6, b->host, &y) == 1;
	if (x_is_v6 != y_is_v6)
		return x_is_v6 ? -1 : 1;
	if (x_is_v6)
		return memcmp(&x, &y, sizeof(x));
	return strcasecmp(a->host, b->host); /* an IPv4 address is written in one way */
}

bool
endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_order(a, b) == 0;
}

bool
endpoint_is_local(const struct endpoint *endpoint)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (endpoint->is_unix || strcasecmp(endpoint->host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, endpoint->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, endpoint->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
