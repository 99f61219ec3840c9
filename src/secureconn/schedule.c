/* Knows the strings and the order of the key schedule; keeps nothing. */
#include "secureconn/schedule.h"

#include <string.h>

#define TEXT_SPAN(text) ((struct span){(const uint8_t *)(text), sizeof(text) - 1})

void
transcript_init(struct transcript *t)
{
	hash_init(&t->initiator);
	hash_init(&t->responder);
}

void
transcript_add(struct transcript *t, bool by_initiator, struct span line)
{
	struct hash *h = by_initiator ? &t->initiator : &t->responder;

	hash_update(h, line.data, line.size);
	hash_update(h, "\n", 1);
}

void
transcript_digest(const struct transcript *t, uint8_t th[HASH_SIZE])
{
	uint8_t of_initiator[HASH_SIZE], of_responder[HASH_SIZE];

	hash_peek(&t->initiator, of_initiator);
	hash_peek(&t->responder, of_responder);
	struct span parts[] = {
		{(const uint8_t *)"SecureConn transcript", sizeof("SecureConn transcript")},
		{of_initiator, HASH_SIZE},
		{of_responder, HASH_SIZE},
	};
	hash_parts(th, parts, ARRAY_SIZE(parts));
}

void
transcript_renewal_digest(const struct transcript *t, const uint8_t renew_i[HASH_SIZE],
	const uint8_t renew_r[HASH_SIZE], uint8_t th[HASH_SIZE])
{
	uint8_t of_initiator[HASH_SIZE], of_responder[HASH_SIZE];

	hash_peek(&t->initiator, of_initiator);
	hash_peek(&t->responder, of_responder);
	struct span parts[] = {
		{(const uint8_t *)"SecureConn renewal", sizeof("SecureConn renewal")},
		{renew_i, HASH_SIZE},
		{renew_r, HASH_SIZE},
		{of_initiator, HASH_SIZE},
		{of_responder, HASH_SIZE},
	};
	hash_parts(th, parts, ARRAY_SIZE(parts));
}

void
schedule_renew(uint8_t secret[HASH_SIZE], struct span key_i, struct span key_3,
	const uint8_t shared[HASH_SIZE], const uint8_t th[HASH_SIZE])
{
	struct span ikm[] = {key_i, key_3, {shared, HASH_SIZE}, {th, HASH_SIZE}};

	hkdf_extract(secret, secret, HASH_SIZE, ikm, ARRAY_SIZE(ikm));
}

void
schedule_start(struct schedule *s, const uint8_t th[HASH_SIZE],
	uint8_t keys[SESSION_KEYS][BULK_KEY_MAX], size_t key_size)
{
	static const char direction[2] = {'I', 'R'};
	char info[] = "SecureConn channel..";
	uint8_t base[HASH_SIZE];
	size_t n = sizeof(info) - 1;

	for (size_t channel = 0; channel < 2; channel++) {
		struct span ikm[] = {{keys[channel], key_size}, {keys[2], key_size}};
		hkdf_extract(base, th, HASH_SIZE, ikm, ARRAY_SIZE(ikm));
		for (size_t d = 0; d < 2; d++) {
			info[n - 2] = (char)(channel + 1);
			info[n - 1] = direction[d];
			hkdf_expand(s->secret[channel][d], HASH_SIZE, base, info, n);
		}
	}
	wipe(base, sizeof(base));
}

void
schedule_hello_hash(
	uint8_t hh[HASH_SIZE], struct span payload_of_initiator, struct span payload_of_responder)
{
	struct span payloads[] = {payload_of_initiator, payload_of_responder};

	hash_parts(hh, payloads, ARRAY_SIZE(payloads));
}

void
schedule_hello(struct schedule *s, const uint8_t ee[HASH_SIZE], struct span payload_of_initiator,
	struct span payload_of_responder)
{
	uint8_t hh[HASH_SIZE];

	schedule_hello_hash(hh, payload_of_initiator, payload_of_responder);
	struct span ikm[] = {{ee, HASH_SIZE}, {hh, HASH_SIZE}};
	for (size_t channel = 0; channel < 2; channel++)
		for (size_t d = 0; d < 2; d++) {
			uint8_t *secret = s->secret[channel][d];
			hkdf_extract(secret, secret, HASH_SIZE, ikm, ARRAY_SIZE(ikm));
		}
}

void
schedule_ratchet(uint8_t secret[HASH_SIZE])
{
	struct span info = TEXT_SPAN("SecureConn next");

	hkdf_expand(secret, HASH_SIZE, secret, info.data, info.size);
}

void
schedule_keys(struct bulk_keys *keys, const uint8_t secret[HASH_SIZE],
	const struct bulk_algorithm *algorithm)
{
	hkdf_expand(keys->key, algorithm->key_size, secret, "key", 3);
	hkdf_expand(keys->iv, algorithm->iv_size, secret, "iv", 2);
	if (algorithm->mac_size > 0)
		hkdf_expand(keys->mac, algorithm->mac_size, secret, "mac", 3);
}
