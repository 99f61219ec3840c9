/* Tests admin/json_text.c: what it writes is what json-c writes, byte by byte. */
#include "unit.h"

#include <json.h>

#include "admin/json_text.h"
#include "base/util.h"

/* json-c reads it and writes the same. */
static void
expect_same(struct text *out)
{
	text_add(out, "", 1);
	assert_false(out->failed);
	struct json_object *o = json_tokener_parse(out->data);
	assert_non_null(o);
	assert_string_equal(out->data, json_object_to_json_string_ext(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void
test_values(void **state)
{
	struct text out;
	struct json_text j = {.out = &out};
	(void)state;

	text_init(&out);
	json_open(&j, JSON_NO_KEY, '{');
	json_number(&j, JSON_KEY("none"), 0);
	json_number(&j, JSON_KEY("most"), UINT64_MAX);
	json_flag(&j, JSON_KEY("yes"), true);
	json_flag(&j, JSON_KEY("no"), false);
	json_string(&j, JSON_KEY("null"), NULL);
	json_string(&j, JSON_KEY("empty"), "");
	json_open(&j, JSON_KEY("nothing"), '[');
	json_close(&j, ']');
	json_open(&j, JSON_KEY("list"), '[');
	json_string(&j, JSON_NO_KEY, "a/b");
	json_open(&j, JSON_NO_KEY, '{');
	json_close(&j, '}');
	json_number(&j, JSON_NO_KEY, 1234567890);
	json_close(&j, ']');
	json_number(&j, JSON_KEY("last"), 10);
	json_close(&j, '}');
	expect_same(&out);
	assert_string_equal(out.data, "{\"none\":0,\"most\":18446744073709551615,\"yes\":true,"
		"\"no\":false,\"null\":null,\"empty\":\"\",\"nothing\":[],"
		"\"list\":[\"a/b\",{},1234567890],\"last\":10}");
	text_fini(&out);
}

/* Each character, alone and between others. */
static void
test_characters(void **state)
{
	struct text out;
	struct json_text j = {.out = &out};
	(void)state;

	text_init(&out);
	json_open(&j, JSON_NO_KEY, '[');
	for (int c = 1; c < 256; c++) {
		char one[] = {(char)c, '\0'}, more[] = {'a', (char)c, 'b', (char)c, '\0'};
		/* json-c looks at no bytes beyond ASCII either, but reads only UTF-8 */
		if (c >= 0x80)
			continue;
		json_string(&j, JSON_NO_KEY, one);
		json_string(&j, JSON_NO_KEY, more);
	}
	json_string(&j, JSON_NO_KEY, "gr\xc3\xbc\xc3\x9f\x65");
	json_close(&j, ']');
	expect_same(&out);
	text_clear(&out);
	json_string(&j, JSON_NO_KEY, "\xff");
	assert_memory_equal(out.data, ",\"\xff\"", 4);
	text_fini(&out);
}

/* Memory is made room for before it is written to: of every size that it has left. */
static void
test_room(void **state)
{
	(void)state;
	for (size_t before = 0; before < 600; before++) {
		struct text out;
		struct json_text j = {.out = &out, .follows = true};

		text_init(&out);
		for (size_t i = 0; i < before; i++)
			text_add(&out, "x", 1);
		json_string(&j, JSON_KEY("k"), "\x01\x02\x03");
		json_flag(&j, JSON_KEY("k"), false);
		json_number(&j, JSON_KEY("k"), UINT64_MAX);
		json_string(&j, JSON_KEY("k"), NULL);
		json_open(&j, JSON_KEY("k"), '[');
		static const char all[] =
			",\"k\":\"\\u0001\\u0002\\u0003\",\"k\":false,"
			"\"k\":18446744073709551615,\"k\":null,\"k\":[";
		assert_int_equal(out.size, before + sizeof(all) - 1);
		assert_memory_equal(out.data + before, all, sizeof(all) - 1);
		text_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
