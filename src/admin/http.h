/* As much of HTTP as somebody needs who fetches one page. Knows no sockets. */
#ifndef SC_ADMIN_HTTP_H
#define SC_ADMIN_HTTP_H

#include <stddef.h>

#define HTTP_REQUEST_MAX 4096 /* bytes of a request's line and headers; more is HTTP_LONG */
#define HTTP_HEAD_MAX    256

enum http_request {
	HTTP_MORE,  /* it is not whole yet */
	HTTP_GET,   /* of the page */
	HTTP_HEAD,  /* the same without the page */
	HTTP_OTHER_PAGE,
	HTTP_OTHER_METHOD,
	HTTP_LONG,
	HTTP_WRONG  /* this is no HTTP */
};

/* What the bytes that have come so far ask for; page: "/metrics". A query behind it is not looked
   at. */
enum http_request
http_parse(const char *data, size_t n, const char *page);

/* The head of the answer to a whole request, for a body of that size (0 unless it is HTTP_GET or
   HTTP_HEAD). Returns its size without the NUL. */
size_t
http_head(char out[HTTP_HEAD_MAX], enum http_request request, const char *type, size_t body);

#endif
