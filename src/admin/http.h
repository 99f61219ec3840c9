/* As much of HTTP as somebody needs who fetches one page. Knows no sockets. */
#ifndef SC_ADMIN_HTTP_H
#define SC_ADMIN_HTTP_H

#include <stdbool.h>
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
   at. *chunks: for HTTP_GET and HTTP_HEAD, whether whoever asks knows of chunks (HTTP/1.1). */
enum http_request
http_parse(const char *data, size_t n, const char *page, bool *chunks);

/* The head of the answer to a whole request. The page comes in chunks, or ends with the connection;
   of what is no page there is nothing. Returns its size without the NUL. */
size_t
http_head(char out[HTTP_HEAD_MAX], enum http_request request, const char *type, bool chunks);

#define HTTP_CHUNK_HEAD 10 /* bytes in front of a chunk's */
#define HTTP_CHUNK_TAIL "\r\n"
#define HTTP_CHUNKS_END "0\r\n\r\n"

/* For a chunk of n bytes, more than none; no NUL. */
void
http_chunk_head(char out[HTTP_CHUNK_HEAD], size_t n);

#endif
