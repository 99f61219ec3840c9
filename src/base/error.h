/* Every error a session, a file or an input can end with: one table of names and texts. */
#ifndef SC_BASE_ERROR_H
#define SC_BASE_ERROR_H

/* X(symbol, name for logs and tests, text for people) */
#define SC_ERRORS(X)                                                                               \
	X(SC_OK, "ok", "no error")                                                                 \
	X(SC_ERR_MEMORY, "memory", "out of memory")                                                \
	X(SC_ERR_INTERNAL, "internal", "internal error")                                           \
	X(SC_ERR_INVALID, "invalid", "a value is not valid")                                       \
	X(SC_ERR_IO, "io", "reading or writing failed")                                            \
	X(SC_ERR_PERMISSION, "permission", "a file or folder is open to other users")              \
	X(SC_ERR_FORMAT, "format", "a file is not in the expected form")                           \
	X(SC_ERR_EXISTS, "exists", "it exists already")                                            \
	X(SC_ERR_NOT_FOUND, "not_found", "there is no such thing")                                 \
	X(SC_ERR_LIMIT, "limit", "a limit is reached")                                             \
	X(SC_ERR_TIMEOUT, "timeout", "the deadline has passed")                                    \
	/* lines and negotiation, protocol.md 1-3 */                                               \
	X(SC_ERR_LINE_LONG, "line_long", "a handshake line is longer than is allowed")             \
	X(SC_ERR_LINE_BYTE, "line_byte",                                                           \
		"a handshake line holds a byte that is not printable ASCII")                       \
	X(SC_ERR_LINE_EMPTY, "line_empty", "a handshake line is empty")                            \
	X(SC_ERR_LINE_COUNT, "line_count", "the peer sent more handshake lines than are allowed")  \
	X(SC_ERR_LINE_TOTAL, "line_total",                                                         \
		"the peer's handshake lines are more bytes than are allowed")                      \
	X(SC_ERR_LINE_UNEXPECTED, "line_unexpected",                                               \
		"a handshake line came that does not belong here")                                 \
	X(SC_ERR_SUGGESTED_TWICE, "suggested_twice", "the peer suggested the same name twice")     \
	X(SC_ERR_NO_PROTOCOL, "no_protocol", "no protocol in common with the peer")                \
	X(SC_ERR_NO_ASYMMETRIC, "no_asymmetric",                                                   \
		"no asymmetric algorithm in common with the peer")                                 \
	X(SC_ERR_NO_SYMMETRIC, "no_symmetric", "no symmetric algorithm in common with the peer")   \
	X(SC_ERR_PUBLIC_KEY, "public_key", "the peer's public key is not valid")                   \
	X(SC_ERR_KEY_NOT_VERIFIED, "key_not_verified", "the peer's key is not verified here")      \
	X(SC_ERR_KEY_RETIRED, "key_retired", "the peer has a newer key in place of this link's")   \
	X(SC_ERR_KEY_REJECTED, "key_rejected", "the peer has not verified this node's key")        \
	/* session keys, HELLO, records, protocol.md 4-7 */                                        \
	X(SC_ERR_SESSION_KEY, "session_key", "a session key from the peer does not open")          \
	X(SC_ERR_SESSION_KEY_REFUSED, "session_key_refused",                                       \
		"the peer could not open a session key")                                           \
	X(SC_ERR_HELLO, "hello", "the peer's HELLO is not valid")                                  \
	X(SC_ERR_RECORD_LENGTH, "record_length", "a record has a length that is not allowed")      \
	X(SC_ERR_RECORD_CHANNEL, "record_channel", "a record names a channel that does not exist") \
	X(SC_ERR_RECORD_EPOCH, "record_epoch",                                                     \
		"a record is of another epoch than the present one")                               \
	X(SC_ERR_RECORD_TAG, "record_tag", "a record is forged or damaged")                        \
	X(SC_ERR_KEY_VOLUME, "key_volume", "the peer sent more under one key than is allowed")     \
	X(SC_ERR_RENEWAL, "renewal", "the session keys were not renewed in time")                  \
	X(SC_ERR_RENEWAL_COUNT, "renewal_count", "the peer renewed the session keys too often")    \
	/* frames and streams, protocol.md 8 */                                                    \
	X(SC_ERR_FRAME, "frame", "a frame is not valid")                                           \
	X(SC_ERR_FRAME_PLACE, "frame_place", "a frame came where it is not allowed")               \
	X(SC_ERR_CREDIT, "credit", "the peer sent past the window")                                \
	X(SC_ERR_CONTROL_FULL, "control_full", "too many control frames wait to be sent")          \
	X(SC_ERR_CLOSED, "closed", "the peer closed the link")                                     \
	X(SC_ERR_TRUNCATED, "truncated", "the connection ended without a CLOSE")                   \
	/* sessions, protocol.md 8.1 */                                                            \
	X(SC_ERR_STALE, "stale", "the session has gone on over a younger connection")              \
	X(SC_ERR_ELSEWHERE, "elsewhere", "the session may be with the process before this one")    \
	X(SC_ERR_HOLD, "hold", "the link did not come back in time")

enum sc_error {
#define X(symbol, name, text) symbol,
	SC_ERRORS(X)
#undef X
	SC_ERROR_COUNT
};

/* The short name of an error, "internal" for a number that is none. Static storage. */
const char *
sc_error_name(enum sc_error error);

/* One clause for people, without a full stop. Static storage. */
const char *
sc_error_text(enum sc_error error);

/* A message that says what, where and what to do; filled in by whoever finds the error, shown by
   the command or logged by the node. One line, no final newline. */
struct errmsg {
	char text[512];
};

/* Writes a message, cut at the end of the buffer. err may be NULL. Returns code, so that callers
   can `return errmsg_set(err, SC_ERR_FORMAT, ...)`. */
enum sc_error
errmsg_set(struct errmsg *err, enum sc_error code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
