/* Feeds the plaintext of a HELLO's record; asserts that what is taken is within its bounds and says
   the same when it is written and read again, and that no part of it is taken. */
#include "fuzz.h"

#include "secureconn/frame.h"
#include "secureconn/hello.h"

static void
check_taken(const struct hello *hello)
{
	uint8_t frame[HELLO_RECORD_MAX];
	struct hello again;

	FUZZ_ASSERT(hello->window >= HELLO_WINDOW_MIN);
	FUZZ_ASSERT(memchr(hello->name, 0, sizeof(hello->name)) != NULL);
	FUZZ_ASSERT(hello->has_instance || hello->hold == 0);
	size_t size = hello_encode(frame, hello);
	FUZZ_ASSERT(size > FRAME_HEAD_SIZE && size <= sizeof(frame));
	FUZZ_ASSERT(hello_decode(&again, frame, size) == SC_OK);
	FUZZ_ASSERT(memcmp(hello->key, again.key, sizeof(again.key)) == 0);
	FUZZ_ASSERT(hello->window == again.window && hello->max_streams == again.max_streams);
	FUZZ_ASSERT(strcmp(hello->name, again.name) == 0);
	FUZZ_ASSERT(hello->has_instance == again.has_instance && hello->hold == again.hold);
	FUZZ_ASSERT(memcmp(hello->instance, again.instance, sizeof(again.instance)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello hello;

	if (size > HELLO_RECORD_MAX)
		return 0; /* refused by the record's head already */
	/* A block of its own, so that a byte read behind the end is noticed. */
	uint8_t *copy = malloc(size + 1);
	FUZZ_ASSERT(copy);
	memcpy(copy + 1, data, size);
	enum sc_error error = hello_decode(&hello, copy + 1, size);
	FUZZ_ASSERT(error == SC_OK || error == SC_ERR_HELLO);
	if (error == SC_OK) {
		check_taken(&hello);
		for (size_t n = 0; n < size; n++)
			FUZZ_ASSERT(hello_decode(&hello, copy + 1, n) == SC_ERR_HELLO);
	}
	free(copy);
	return 0;
}
