/* Tests keyring/key_file.c. */
#include "unit.h"

#include "keyring/key_file.h"

static struct key_record
make_record(enum key_kind kind, const char *algorithm, uint64_t seed)
{
	struct key_record r;
	struct seeded_random random;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.key.state = kind == KIND_PENDING    ? KEY_PENDING
		      : kind == KIND_EXPECTED ? KEY_EXPECTED
					      : KEY_VERIFIED;
	seeded_random_init(&random, seed);
	uint8_t private_key[ASYM_PRIVATE_MAX] = {0};
	r.key.asym = asym_find(algorithm);
	assert_non_null(r.key.asym);
	assert_int_equal(
		r.key.asym->generate(r.key.asym, &random.source, private_key, r.key.public_key), 0);
	fingerprint_of(r.key.fingerprint, r.key.asym->algorithm, r.key.public_key);
	if (key_kind_has(kind, FIELD_PRIVATE))
		memcpy(r.private_key, private_key, sizeof(private_key));
	if (kind == KIND_REVOKED)
		r.key.state = KEY_REVOKED;
	if (!key_kind_has(kind, FIELD_KEY)) {
		r.key.asym = NULL;
		memset(r.key.public_key, 0, sizeof(r.key.public_key));
	}
	if (key_kind_has(kind, FIELD_PEER))
		snprintf(r.key.peer, sizeof(r.key.peer), "store-7");
	if (kind == KIND_VERIFIED || kind == KIND_PENDING)
		snprintf(r.key.source, sizeof(r.key.source), "[2001:db8::1]:7400");
	if (kind != KIND_PUBLIC)
		r.key.time = 1785240000;
	return r;
}

static void
check_round_trip(const struct key_record *r)
{
	struct key_record again;
	struct errmsg err;
	char text[KEY_FILE_MAX];
	size_t n = key_record_format(text, sizeof(text), r);

	assert_true(n > 0 && n == strlen(text));
	if (key_record_parse(&again, text, n, &err) != SC_OK)
		fail_msg("%s in\n%s", err.text, text);
	assert_int_equal(again.kind, r->kind);
	assert_int_equal(again.key.state, r->key.state);
	assert_ptr_equal(again.key.asym, r->key.asym);
	assert_string_equal(again.key.peer, r->key.peer);
	assert_string_equal(again.key.fingerprint, r->key.fingerprint);
	assert_string_equal(again.key.source, r->key.source);
	assert_true(again.key.time == r->key.time);
	assert_memory_equal(again.key.public_key, r->key.public_key, sizeof(again.key.public_key));
	assert_memory_equal(again.private_key, r->private_key, sizeof(again.private_key));
	assert_string_equal(again.identity, r->identity);
	assert_string_equal(again.key.beside, r->key.beside);
	assert_true(again.key.used == r->key.used && again.answer == r->answer);
}

static void
test_round_trip(void **state)
{
	(void)state;
	for (enum key_kind kind = KIND_OWN; kind < KEY_KINDS; kind++) {
		struct key_record r = make_record(kind, "X25519", 1);
		check_round_trip(&r);
		r = make_record(kind, "ElGamal 1024", 2);
		check_round_trip(&r);
	}
	struct key_record caller = make_record(KIND_PENDING, "X25519", 3);
	caller.key.peer[0] = caller.key.source[0] = '\0';
	check_round_trip(&caller);
	/* What may be there or not. */
	struct key_record other = make_record(KIND_NEXT, "X25519", 5);
	snprintf(other.identity, sizeof(other.identity), "for-hq");
	check_round_trip(&other);
	memcpy(caller.key.beside, other.key.fingerprint, sizeof(caller.key.beside));
	check_round_trip(&caller);
	struct key_record rolled = make_record(KIND_VERIFIED, "X25519", 6);
	memcpy(rolled.key.beside, other.key.fingerprint, sizeof(rolled.key.beside));
	check_round_trip(&rolled);
	rolled.key.used = 1785240001;
	check_round_trip(&rolled);
	struct key_record answer = make_record(KIND_ANSWER, "X25519", 7);
	answer.answer = KEYROLL_REFUSED;
	check_round_trip(&answer);
	struct key_record longest = make_record(KIND_OWN, "ElGamal 8192", 4);
	check_round_trip(&longest);
}

static void
test_no_room(void **state)
{
	struct key_record r = make_record(KIND_OWN, "X25519", 1);
	char text[KEY_FILE_MAX];
	size_t n = key_record_format(text, sizeof(text), &r);
	(void)state;
	assert_int_equal(key_record_format(text, n + 1, &r), n);
	assert_int_equal(key_record_format(text, n, &r), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(text[i], 0); /* no part of a private key is left */
}

/* Whatever is cut off, the file is refused. */
static void
test_torn(void **state)
{
	struct errmsg err;
	char text[KEY_FILE_MAX];
	(void)state;

	for (enum key_kind kind = KIND_OWN; kind <= KIND_PUBLIC; kind++) {
		struct key_record r = make_record(kind, "X25519", 5), again;
		size_t n = key_record_format(text, sizeof(text), &r);
		for (size_t i = 0; i + 1 < n; i++) {
			assert_int_equal(key_record_parse(&again, text, i, &err), SC_ERR_FORMAT);
			assert_memory_equal(err.text, "line ", 5);
		}
		/* Only the last newline may be missing. */
		assert_int_equal(key_record_parse(&again, text, n - 1, &err), SC_OK);
	}
}

/* Whatever letter or digit of a key changes, the file is refused. */
static void
test_damaged(void **state)
{
	struct key_record r = make_record(KIND_OWN, "X25519", 6), again;
	struct errmsg err;
	char text[KEY_FILE_MAX];
	size_t n = key_record_format(text, sizeof(text), &r);
	(void)state;

	for (char *c = strstr(text, "\npublic:"); c < text + n - 5; c++) {
		char before = *c;
		if (!strchr("0123456789abcdef", before))
			continue;
		*c = before == '0' ? '1' : '0';
		assert_int_equal(key_record_parse(&again, text, n, &err), SC_ERR_FORMAT);
		*c = before;
	}
	assert_int_equal(key_record_parse(&again, text, n, &err), SC_OK);
}

static void
expect_message(
	const struct key_record *r, const char *find, const char *replace, const char *message)
{
	struct key_record again;
	struct errmsg err;
	char text[KEY_FILE_MAX], changed[KEY_FILE_MAX];

	assert_true(key_record_format(text, sizeof(text), r) > 0);
	char *at = strstr(text, find);
	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, replace,
		at + strlen(find));
	assert_int_equal(key_record_parse(&again, changed, strlen(changed), &err), SC_ERR_FORMAT);
	assert_string_equal(err.text, message);
}

static void
test_messages(void **state)
{
	struct key_record r = make_record(KIND_VERIFIED, "X25519", 7);
	(void)state;

	expect_message(
		&r, "SecureConn key 1", "hello", "line 1: this is no key file of secureconn");
	expect_message(&r, "SecureConn key 1", "SecureConn key 2",
		"line 1: the file is of a newer version of secureconn (\"SecureConn key 2\")");
	expect_message(&r, "kind:", "sort:", "line 2: \"kind:\" is expected here");
	expect_message(&r, "kind: verified", "kind: cursed",
		"line 2: this kind of key is not known to this version");
	expect_message(&r, "store-7", "../x", "line 3: this is no name for a peer");
	expect_message(&r, "store-7", "?", "line 3: this is no name for a peer");
	expect_message(&r, "X25519", "X448", "line 4: this algorithm is not known to this version");
	expect_message(
		&r, "fingerprint: ", "fingerprint: 0", "line 5: the fingerprint is too long");
	expect_message(&r, "time: 2026-", "time: 2026-1313-", "line 6: the time is too long");
	expect_message(&r, "T12:", "T25:", "line 6: this is no time");
	expect_message(&r, "public:", "public: 00", "line 8: the public is too long");
	expect_message(&r, "end\n", "end \x01\n", "line 10: it holds a byte that is no text");
	expect_message(&r, "end\n", "tail\n", "line 10: \"end\" is expected here");
	expect_message(
		&r, "end\n", "  00\nend\n", "line 8: public must be 64 hex digits, and is not");
}

/* Mail programs change line ends, and add spaces and empty lines. */
static void
test_export(void **state)
{
	struct key_record own = make_record(KIND_OWN, "X25519", 8);
	struct key_pair pair = {.asym = own.key.asym};
	const struct asym_impl *asym;
	uint8_t public_key[ASYM_PUBLIC_MAX];
	struct errmsg err;
	char text[KEY_FILE_MAX], mailed[KEY_FILE_MAX] = "\r\n";
	(void)state;

	memcpy(pair.fingerprint, own.key.fingerprint, sizeof(pair.fingerprint));
	memcpy(pair.public_key, own.key.public_key, sizeof(pair.public_key));
	assert_int_equal(key_file_export(text, sizeof(text), &pair), SC_OK);
	assert_null(strstr(text, "private"));
	size_t used = strlen(mailed);
	for (const char *c = text; *c; c++)
		used += (size_t)snprintf(
			mailed + used, sizeof(mailed) - used, *c == '\n' ? "  \r\n\r\n" : "%c", *c);
	assert_int_equal(key_file_parse(mailed, used, &asym, public_key, &err), SC_OK);
	assert_ptr_equal(asym, pair.asym);
	assert_memory_equal(public_key, pair.public_key, 32);
	assert_int_equal(key_file_export(text, 20, &pair), SC_ERR_LIMIT);

	key_record_format(text, sizeof(text), &own);
	assert_int_equal(
		key_file_parse(text, strlen(text), &asym, public_key, &err), SC_ERR_FORMAT);
	assert_string_equal(err.text, "it is a file of a state folder, of kind \"own\"; use what "
				      "`secureconn key export` writes at the peer");
}

static void
test_times(void **state)
{
	char text[TIME_TEXT_SIZE];
	(void)state;
	time_text(text, 0);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	time_text(text, INT64_MIN);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	time_text(text, INT64_MAX);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void
test_random_input(void **state)
{
	struct key_record r = make_record(KIND_OWN, "X25519", 9), again;
	struct seeded_random random;
	const struct asym_impl *asym;
	uint8_t public_key[ASYM_PUBLIC_MAX];
	struct errmsg err;
	char good[KEY_FILE_MAX], text[KEY_FILE_MAX];
	size_t n = key_record_format(good, sizeof(good), &r);
	(void)state;

	seeded_random_init(&random, 10);
	for (int round = 0; round < 20000; round++) {
		size_t size = round % 2 ? n : seeded_random_below(&random, 600);
		memcpy(text, good, sizeof(text));
		if (round % 4 == 0)
			random_fill(&random.source, (uint8_t *)text, size);
		for (int i = 0; i <= round % 5; i++)
			text[seeded_random_below(&random, n)] =
				"\n :-0\0\xff aZ"[seeded_random_below(&random, 10)];
		err.text[0] = '\0';
		if (key_record_parse(&again, text, size, &err) != SC_OK)
			assert_memory_equal(err.text, "line ", 5);
		assert_int_equal(
			key_file_parse(text, size, &asym, public_key, &err), SC_ERR_FORMAT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_export),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_random_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
