/* Knows which error is whose limit. */
#include "proxy/reached.h"

const char *
reached_key(enum reached limit)
{
	static const char *const keys[] = {
#define X(symbol, key) [symbol] = key,
		REACHED_LIMITS(X)
#undef X
	};
	return keys[limit];
}

enum reached
reached_of(enum sc_error error)
{
	switch (error) {
	case SC_ERR_TIMEOUT:
		return REACHED_HANDSHAKE;
	case SC_ERR_LINE_LONG:
		return REACHED_HANDSHAKE_LINE;
	case SC_ERR_LINE_COUNT:
		return REACHED_HANDSHAKE_LINES;
	case SC_ERR_LINE_TOTAL:
		return REACHED_HANDSHAKE_BYTES;
	case SC_ERR_RENEWAL:
		return REACHED_REKEY_DEADLINE;
	case SC_ERR_RENEWAL_COUNT:
		return REACHED_REKEY_PER_HOUR;
	default:
		return REACHED_COUNT;
	}
}
