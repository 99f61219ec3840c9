/* Knows the bytes of HELLO; knows nothing of the keys that protect it. */
#include "secureconn/hello.h"

#include <string.h>

#include "secureconn/frame.h"

#define TAG_INSTANCE      1
#define TAG_INSTANCE_SIZE (2 + HELLO_INSTANCE_SIZE)

size_t
hello_encode(uint8_t out[HELLO_RECORD_MAX], const struct hello *hello)
{
	const size_t room = HELLO_RECORD_MAX - FRAME_HEAD_SIZE;
	struct wire_writer w = wire_writer(out + FRAME_HEAD_SIZE, room);
	size_t name_size = strlen(hello->name);

	wire_put_u8(&w, HELLO_VERSION);
	wire_put(&w, hello->key, X25519_SIZE);
	wire_put_u32(&w, hello->window);
	wire_put_u32(&w, hello->max_streams);
	wire_put_u8(&w, (uint8_t)name_size);
	wire_put(&w, hello->name, name_size);
	if (hello->has_instance) {
		wire_put_u8(&w, TAG_INSTANCE);
		wire_put_u8(&w, TAG_INSTANCE_SIZE);
		wire_put_u16(&w, hello->hold);
		wire_put(&w, hello->instance, HELLO_INSTANCE_SIZE);
	}
	frame_head_put(out, FRAME_HELLO, (uint16_t)wire_written(&w), 0);
	return FRAME_HEAD_SIZE + wire_written(&w);
}

/* A peer's name as a C string: what is in it is for the log alone. */
static void
copy_name(char out[HELLO_NAME_SIZE], const uint8_t *name, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; name && i < size; i++)
		if (name[i] != '\0')
			out[n++] = (char)name[i];
	out[n] = '\0';
}

static enum sc_error
decode_options(struct hello *hello, struct wire_reader *r)
{
	while (wire_left(r) > 0) {
		uint8_t tag = wire_u8(r);
		uint8_t size = wire_u8(r);
		const uint8_t *value = wire_bytes(r, size);

		if (!value)
			return SC_ERR_HELLO;
		if (tag != TAG_INSTANCE)
			continue;
		if (size != TAG_INSTANCE_SIZE || hello->has_instance)
			return SC_ERR_HELLO;
		hello->has_instance = true;
		hello->hold = get_u16(value);
		memcpy(hello->instance, value + 2, HELLO_INSTANCE_SIZE);
	}
	return SC_OK;
}

enum sc_error
hello_decode(struct hello *hello, const uint8_t *plaintext, size_t size)
{
	struct wire_reader r = wire_reader(plaintext, size);
	uint8_t type = wire_u8(&r), zero = wire_u8(&r);
	uint16_t length = wire_u16(&r);
	uint32_t stream = wire_u32(&r);

	if (r.failed || type != FRAME_HELLO || zero != 0 || stream != 0 || length != wire_left(&r))
		return SC_ERR_HELLO;
	memset(hello, 0, sizeof(*hello));
	uint8_t version = wire_u8(&r); /* a higher one than ours is taken as ours */
	const uint8_t *key = wire_bytes(&r, X25519_SIZE);
	hello->window = wire_u32(&r);
	hello->max_streams = wire_u32(&r);
	uint8_t name_size = wire_u8(&r);
	const uint8_t *name = wire_bytes(&r, name_size);
	if (r.failed || version == 0 || hello->window < HELLO_WINDOW_MIN)
		return SC_ERR_HELLO;
	memcpy(hello->key, key, X25519_SIZE);
	copy_name(hello->name, name, name_size);
	return decode_options(hello, &r);
}
