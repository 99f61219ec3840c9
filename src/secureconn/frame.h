/* The head that every frame has, and the numbers of the frame types (protocol.md 8). What the
   frames mean is known to hello.h and conn.h (HELLO, KEY_UPDATE) and to tunnel/ (all others). */
#ifndef SC_SECURECONN_FRAME_H
#define SC_SECURECONN_FRAME_H

#include "base/wire.h"

#define FRAME_HEAD_SIZE  8
#define FRAME_DATA_MAX   65527 /* payload of one DATA or PAD frame */
#define CHANNEL_PROTOCOL 1
#define CHANNEL_DATA     2

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_OPEN = 2,
	FRAME_OPENED = 3,
	FRAME_DATA = 4,
	FRAME_FIN = 5,
	FRAME_RESET = 6,
	FRAME_WINDOW = 7,
	FRAME_PING = 8,
	FRAME_PONG = 9,
	FRAME_RENEW = 10,
	FRAME_LINE = 11,
	FRAME_KEY_UPDATE = 12,
	FRAME_GOAWAY = 13,
	FRAME_CLOSE = 14,
	FRAME_PAD = 15,
	FRAME_SESSION = 16,
	FRAME_STATE = 17,
	FRAME_KEYROLL = 18,
	FRAME_IGNORED_FROM = 128 /* unknown types from here on are skipped */
};

/* Codes of RESET, GOAWAY and CLOSE. */
enum close_code {
	CODE_NONE = 0,
	CODE_PROTOCOL_ERROR = 1,
	CODE_INTERNAL_ERROR = 2,
	CODE_DENIED = 3,
	CODE_REFUSED = 5,
	CODE_CONNECT_TIMEOUT = 6,
	CODE_NOT_FOUND = 7,
	CODE_IDLE = 8,
	CODE_RESET_BY_APPLICATION = 9,
	CODE_SHUTTING_DOWN = 10,
	CODE_TOO_MANY_STREAMS = 11,
	CODE_LINK_LOST = 12,
	CODE_OPTION_NOT_SUPPORTED = 13
};

static inline void
frame_head_put(uint8_t head[FRAME_HEAD_SIZE], enum frame_type type, uint16_t length,
	uint32_t stream)
{
	head[0] = (uint8_t)type;
	head[1] = 0;
	put_u16(head + 2, length);
	put_u32(head + 4, stream);
}

#endif
