/* Feeds key files: raw text, and files written of records that the input chooses, with a byte
   changed. Asserts that what is read says the same when it is written and read again, that a
   changed file never yields another key, and that a refused one leaves a reason and no secret. */
#include "fuzz.h"

#include "crypto/asym.h"
#include "keyring/key_file.h"

/* A record whose fields are the input's, as far as a ring would write them. */
static void
make_record(struct key_record *r, struct choices *c)
{
	size_t n = 0;

	memset(r, 0, sizeof(*r));
	while (asym_impls[n])
		n++;
	r->kind = (enum key_kind)choose_below(c, KIND_PUBLIC + 1);
	r->key.asym = asym_impls[choose_below(c, n)];
	memset(r->key.public_key, choose_u8(c), r->key.asym->algorithm->public_size);
	fingerprint_of(r->key.fingerprint, r->key.asym->algorithm, r->key.public_key);
	r->key.time = r->kind == KIND_PUBLIC ? 0 : choose_u16(c) * (int64_t)100000;
	if (r->kind == KIND_EXPECTED) {
		memset(r->key.public_key, 0, sizeof(r->key.public_key));
		r->key.asym = NULL;
	}
	if (r->kind == KIND_OWN)
		memset(r->private_key, choose_u8(c), r->key.asym->algorithm->private_size);
	if (r->kind == KIND_VERIFIED || r->kind == KIND_EXPECTED || r->kind == KIND_PENDING)
		snprintf(r->key.peer, sizeof(r->key.peer), "peer-%u", choose_u8(c));
	if (r->kind == KIND_VERIFIED || r->kind == KIND_PENDING)
		snprintf(r->key.source, sizeof(r->key.source), "[::1]:%u", choose_u16(c));
}

static bool
same_keys(const struct key_record *a, const struct key_record *b)
{
	return a->key.asym == b->key.asym && strcmp(a->key.fingerprint, b->key.fingerprint) == 0 &&
	       memcmp(a->key.public_key, b->key.public_key, sizeof(a->key.public_key)) == 0 &&
	       memcmp(a->private_key, b->private_key, sizeof(a->private_key)) == 0;
}

static void
check_again(const struct key_record *r)
{
	char text[KEY_FILE_MAX];
	struct key_record again;
	struct errmsg err;
	size_t size = key_record_format(text, sizeof(text), r);

	FUZZ_ASSERT(size > 0 && size < sizeof(text) && strlen(text) == size);
	FUZZ_ASSERT(key_record_parse(&again, text, size, &err) == SC_OK);
	FUZZ_ASSERT(again.kind == r->kind && again.key.time == r->key.time && same_keys(&again, r));
	FUZZ_ASSERT(strcmp(again.key.peer, r->key.peer) == 0);
	FUZZ_ASSERT(strcmp(again.key.source, r->key.source) == 0);
}

/* SC_OK and a record, or a reason. */
static bool
parse(struct key_record *r, const char *text, size_t size)
{
	static const struct key_record empty;
	struct errmsg err = {""};
	enum sc_error error;

	memset(r, 0xa5, sizeof(*r));
	error = key_record_parse(r, text, size, &err);
	if (error == SC_OK)
		return true;
	FUZZ_ASSERT(error == SC_ERR_FORMAT && strncmp(err.text, "line ", 5) == 0);
	FUZZ_ASSERT(!strchr(err.text, '\n') && memcmp(r, &empty, sizeof(*r)) == 0);
	return false;
}

static void
feed_text(struct span input)
{
	const struct asym_impl *asym = NULL;
	uint8_t public_key[ASYM_PUBLIC_MAX];
	struct errmsg err = {""};
	struct key_record r;
	const char *text = (const char *)input.data;
	bool taken = parse(&r, text, input.size);

	if (taken)
		check_again(&r);
	enum sc_error error = key_file_parse(text, input.size, &asym, public_key, &err);
	FUZZ_ASSERT((error == SC_OK) == (taken && r.kind == KIND_PUBLIC));
	if (error == SC_OK)
		FUZZ_ASSERT(asym == r.key.asym && memcmp(public_key, r.key.public_key,
							  asym->algorithm->public_size) == 0);
	else
		FUZZ_ASSERT(error == SC_ERR_FORMAT && err.text[0] != '\0');
}

static void
feed_changed(struct choices *c)
{
	struct key_record r, changed;
	char text[KEY_FILE_MAX];

	make_record(&r, c);
	check_again(&r);
	size_t size = key_record_format(text, sizeof(text), &r);
	FUZZ_ASSERT(!parse(&changed, text, choose_u16(c) % (size - 4)));
	while (choices_left(c)) {
		uint8_t *at = (uint8_t *)text + choose_u16(c) % size;
		*at = choose_u8(c);
		/* Of an expected key there is nothing but the fingerprint, and nothing to hold
		   against it. */
		if (parse(&changed, text, size) && r.kind != KIND_EXPECTED)
			FUZZ_ASSERT(same_keys(&changed, &r));
	}
}

/* The first byte: S, as of "SecureConn key 1", for text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices c = {data, data + size};

	if (size > 0 && data[0] == 'S') {
		feed_text((struct span){data, size});
	} else {
		(void)choose_u8(&c);
		feed_changed(&c);
	}
	return 0;
}
