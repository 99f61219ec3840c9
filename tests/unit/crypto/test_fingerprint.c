/* Tests crypto/fingerprint.c with asymmetric.ini, the typed ones of negative.ini, and edges. */
#include "unit.h"

#include "crypto/asym.h"

static void
test_vectors(void **state)
{
	struct vectors *v = vectors_open("asymmetric.ini");
	const struct vector_section *s;
	size_t cases = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++) {
		char name[32], out[FINGERPRINT_SIZE];
		size_t size;
		if (!vector_text(s, "fingerprint"))
			continue;
		snprintf(name, sizeof(name), "%s", vector_name(s));
		*strstr(name, " case") = '\0';
		const struct asym_impl *impl = asym_find(name);
		assert_non_null(impl);
		const uint8_t *public_key = vector_bytes(s, "public", &size);
		assert_int_equal(size, impl->algorithm->public_size);
		fingerprint_of(out, impl->algorithm, public_key);
		assert_string_equal(out, vector_text(s, "fingerprint"));
		cases++;
	}
	assert_int_equal(cases, 13);
	vectors_close(v);
}

static void
test_typed(void **state)
{
	struct vectors *v = vectors_open("negative.ini");
	const struct vector_section *s;
	size_t cases = 0;
	(void)state;
	for (size_t i = 0; (s = vectors_section(v, i)); i++) {
		char right[FINGERPRINT_SIZE], out[FINGERPRINT_SIZE];
		if (!vector_text(s, "typed"))
			continue;
		assert_int_equal(fingerprint_parse(right, vector_text(s, "fingerprint")), 0);
		assert_string_equal(right, vector_text(s, "fingerprint"));
		int parsed = fingerprint_parse(out, vector_text(s, "typed"));
		bool matches = parsed == 0 && fingerprint_equal(out, right);
		assert_int_equal(matches, strcmp(vector_text(s, "matches"), "yes") == 0);
		if (parsed != 0)
			assert_string_equal(out, "");
		cases++;
	}
	assert_int_equal(cases, 9);
	vectors_close(v);
}

/* What a person types becomes the form shown. */
static void
test_parse_normalises(void **state)
{
	static const char shown[] = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ";
	static const char *const typed[] = {
		"0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ",
		"0123456789abcdefghjkmnpqrstvwxyz",
		"o123 4567-89ab  cdef ghjk mnpq rstv wxyz ",
		"OI23 4567 89AB CDEF GHJK MNPQ RSTV WXYZ",
		"-- ol23 4567 89AB CDEFGHJK-MN-PQ RSTV WXYZ--",
	};
	static const char *const wrong[] = {
		"",
		"-",
		"0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXY",
		"0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ0",
		"0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXY\xc3\x96",
		"0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYu",
		"0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ.",
		"0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV\tWXYZ",
	};
	char out[FINGERPRINT_SIZE];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
		assert_int_equal(fingerprint_parse(out, typed[i]), 0);
		assert_string_equal(out, shown);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		memset(out, 'x', sizeof(out));
		assert_int_equal(fingerprint_parse(out, wrong[i]), -1);
		assert_string_equal(out, "");
	}
}

static void
test_equal(void **state)
{
	char a[FINGERPRINT_SIZE], b[FINGERPRINT_SIZE];
	(void)state;
	assert_int_equal(fingerprint_parse(a, "0123456789abcdefghjkmnpqrstvwxyz"), 0);
	for (size_t i = 0; i < FINGERPRINT_SIZE - 1; i++) {
		memcpy(b, a, sizeof(b));
		assert_true(fingerprint_equal(a, b));
		b[i] = '!';
		assert_false(fingerprint_equal(a, b));
	}
}

/* The name is part of it: the same bytes as a key of another algorithm have another fingerprint. */
static void
test_algorithm_counts(void **state)
{
	struct asym_algorithm other = *asym_find("X25519")->algorithm;
	const uint8_t key[X25519_SIZE] = {9};
	char a[FINGERPRINT_SIZE], b[FINGERPRINT_SIZE];
	(void)state;
	fingerprint_of(a, &other, key);
	other.name = "X25518";
	fingerprint_of(b, &other, key);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_typed),
		cmocka_unit_test(test_parse_normalises),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_algorithm_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
