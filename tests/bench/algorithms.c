/* What the algorithms cost in one process: sealing and opening by cipher and library, public-key
   work and whole handshakes by kind of keys, and CAST-128 beside what Nettle alone makes of it. One
   JSON object a line for each measurement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nettle/cast128.h>
#include <nettle/ctr.h>
#include <nettle/nettle-meta.h>

#include "crypto/asym.h"
#include "crypto/bulk.h"
#include "secureconn/conn.h"

static double least_seconds = 0.2; /* that a measurement takes */

/* Of this thread. */
static double
cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "algorithms: %s\n", what);
	exit(1);
}

static void *
need(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}

/* ---- ciphers ---- */

#define RECORD_MAX 65536
static const size_t sizes[] = {64, 1024, 16384, 65000};
static uint8_t plain[RECORD_MAX], sealed[RECORD_MAX];

static void
set_seq(uint8_t aad[BULK_AAD_SIZE], uint64_t seq)
{
	memset(aad, 0, BULK_AAD_SIZE);
	for (int i = 0; i < 8; i++)
		aad[BULK_AAD_SIZE - 1 - i] = (uint8_t)(seq >> 8 * i);
}

static double
rate_of_sealing(const struct bulk_impl *impl, void *context, size_t n)
{
	uint8_t aad[BULK_AAD_SIZE], tag[BULK_TAG_SIZE];
	double start = cpu_seconds(), took;
	uint64_t seq = 0;

	do {
		for (int i = 0; i < 16; i++) {
			set_seq(aad, seq++);
			impl->seal_begin(context, aad);
			if (impl->seal_final(context, n, sealed, plain, tag) != 0)
				die("sealing failed");
		}
	} while ((took = cpu_seconds() - start) < least_seconds);
	return (double)seq * (double)n / took / 1e9;
}

/* A record opens once, in place: each round seals 16 records anew, and only the opening is
   timed. */
static double
rate_of_opening(const struct bulk_impl *impl, void *sealer, void *opener, size_t n)
{
	uint8_t aad[16][BULK_AAD_SIZE], tag[16][BULK_TAG_SIZE];
	uint8_t *records = need(malloc(16 * n));
	double took = 0;
	uint64_t seq = 0;

	while (took < least_seconds) {
		for (size_t i = 0; i < 16; i++) {
			set_seq(aad[i], seq++);
			impl->seal_begin(sealer, aad[i]);
			if (impl->seal_final(sealer, n, records + i * n, plain, tag[i]) != 0)
				die("sealing failed");
		}
		double start = cpu_seconds();
		for (size_t i = 0; i < 16; i++)
			if (impl->open(opener, aad[i], n, records + i * n, tag[i]) != 0)
				die("opening failed");
		took += cpu_seconds() - start;
	}
	free(records);
	return (double)seq * (double)n / took / 1e9;
}

static void *
new_context(const struct bulk_impl *impl, const struct bulk_keys *keys)
{
	void *context = need(calloc(1, impl->context_size));
	if (impl->init(context) != 0 || impl->set_keys(context, keys) != 0)
		die("a cipher does not start");
	return context;
}

static void
measure_cipher(const struct bulk_impl *impl)
{
	struct bulk_keys keys;

	if (bulk_self_test(impl) != 0)
		die("a self-test failed");
	random_fill(&random_system, (uint8_t *)&keys, sizeof(keys));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *a = new_context(impl, &keys);
		double seal = rate_of_sealing(impl, a, sizes[i]);
		impl->set_keys(a, &keys);
		void *b = new_context(impl, &keys);
		double open = rate_of_opening(impl, a, b, sizes[i]);
		printf("{\"what\": \"cipher\", \"algorithm\": \"%s\", \"implementation\": \"%s\", "
		       "\"bytes\": %zu, \"seal_gb_s\": %.4f, \"open_gb_s\": %.4f}\n",
			impl->algorithm->name, impl->name, sizes[i], seal, open);
		impl->fini(a);
		impl->fini(b);
		free(a);
		free(b);
	}
}

/* What CAST-128's sealing is held against: encryption by Nettle, with no tag. */
static void
measure_nettle_cast128(void)
{
	struct cast128_ctx ctx;
	uint8_t key[16], counter[CAST128_BLOCK_SIZE] = {0};

	random_fill(&random_system, key, sizeof(key));
	cast128_set_key(&ctx, key);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		double start = cpu_seconds(), took, n = 0;
		do {
			ctr_crypt(&ctx, nettle_cast128.encrypt, sizeof(counter), counter, sizes[i],
				sealed, plain);
			n += (double)sizes[i];
		} while ((took = cpu_seconds() - start) < least_seconds);
		printf("{\"what\": \"cipher\", \"algorithm\": \"CAST-128\", \"implementation\": "
		       "\"ctr_crypt\", \"bytes\": %zu, \"seal_gb_s\": %.4f}\n",
			sizes[i], n / took / 1e9);
	}
}

/* ---- public keys ---- */

static double
ms_of(void (*step)(void *), void *arg)
{
	double start = cpu_seconds(), took;
	unsigned n = 0;

	do {
		step(arg);
		n++;
	} while ((took = cpu_seconds() - start) < least_seconds);
	return took / n * 1e3;
}

struct keys {
	const struct asym_impl *asym;
	uint8_t private_key[ASYM_PRIVATE_MAX], public_key[ASYM_PUBLIC_MAX];
	uint8_t message[32], ciphertext[ASYM_CIPHERTEXT_MAX];
	uint8_t prepared[ASYM_PREPARED_MAX];
};

static const struct span label[2];

static void
check_step(void *arg)
{
	struct keys *k = arg;
	if (k->asym->check_public(k->asym, k->public_key) != 0)
		die("a key is not valid");
}

static void
encrypt_step(void *arg)
{
	struct keys *k = arg;
	if (k->asym->encrypt(k->asym, &random_system, k->public_key, label,
		    (struct span){k->message, sizeof(k->message)}, k->ciphertext) != 0)
		die("encryption failed");
}

/* What is left of it where the powers are there. Here they are used again and again, to no other
   end. */
static void
encrypt_prepared_step(void *arg)
{
	struct keys *k = arg;
	uint8_t prepared[ASYM_PREPARED_MAX];

	memcpy(prepared, k->prepared, sizeof(prepared));
	if (k->asym->encrypt_prepared(k->asym, &random_system, prepared, label,
		    (struct span){k->message, sizeof(k->message)}, k->ciphertext) != 0)
		die("encryption failed");
}

static void
decrypt_step(void *arg)
{
	struct keys *k = arg;
	size_t size = asym_ciphertext_size(k->asym->algorithm, sizeof(k->message));
	if (k->asym->decrypt(k->asym, &random_system, k->private_key, label,
		    (struct span){k->ciphertext, size}, k->message, sizeof(k->message)) != 0)
		die("decryption failed");
}

/* ---- whole handshakes: two ends, the time of each ---- */

struct end {
	struct keys keys;
	struct conn_key own;
	struct conn_memory memory;
	const struct bulk_impl *bulk[1];
	struct conn_config config;
	struct conn *conn;
	struct end *peer;
	double took;
};

static bool
accept_key(void *arg, const struct asym_impl *asym, const uint8_t *public_key)
{
	const struct end *e = arg;
	return memcmp(e->peer->keys.public_key, public_key, asym->algorithm->public_size) == 0;
}

static bool
find_key(void *arg, const struct asym_impl *asym, const char *fingerprint, uint8_t *public_key)
{
	const struct end *e = arg;
	char own[FINGERPRINT_SIZE];

	fingerprint_of(own, asym->algorithm, e->peer->keys.public_key);
	memcpy(public_key, e->peer->keys.public_key, asym->algorithm->public_size);
	return fingerprint_equal(own, fingerprint);
}

static void
end_init(struct end *e, const struct asym_impl *asym, bool initiator, struct end *peer)
{
	static const char *const order[] = {"gcrypt", "nettle"};

	*e = (struct end){.keys.asym = asym, .peer = peer};
	if (asym->generate(asym, &random_system, e->keys.private_key, e->keys.public_key) != 0)
		die("no key");
	e->own = (struct conn_key){asym, e->keys.public_key, e->keys.private_key};
	e->bulk[0] = bulk_choose(bulk_algorithm_find("AES 128"), order, ARRAY_SIZE(order), NULL);
	e->config = (struct conn_config){.initiator = initiator,
		.keys = &e->own,
		.n_keys = 1,
		.bulk = e->bulk,
		.n_bulk = 1,
		.random = random_system,
		.hello = {.window = 65536, .max_streams = 100},
		.renewal = renewal_rules_default,
		.accept_key = accept_key,
		.find_key = find_key,
		.arg = e};
}

/* Its job, and what it has to say. True if there was anything. */
static bool
end_turn(struct end *e)
{
	double start = cpu_seconds(), half;
	size_t n, room;
	struct conn_job *job = conn_job(e->conn);

	if (job) {
		conn_job_run(job);
		conn_job_done(e->conn, job, 0);
	}
	const uint8_t *out = conn_out_buf(e->conn, &n);
	half = cpu_seconds();
	uint8_t *in = conn_in_buf(e->peer->conn, &room);
	n = n < room ? n : room;
	if (n > 0)
		memcpy(in, out, n);
	conn_in_ack(e->peer->conn, n, 0);
	e->peer->took += cpu_seconds() - half;
	e->took += half - start;
	conn_out_ack(e->conn, n);
	return job || n > 0;
}

static void
handshake_step(void *arg)
{
	struct end *ends = arg;

	for (int i = 0; i < 2; i++)
		ends[i].conn = need(conn_new(&ends[i].config, 0));
	for (bool moved = true; moved;) {
		moved = end_turn(&ends[0]);
		moved |= end_turn(&ends[1]);
	}
	for (int i = 0; i < 2; i++) {
		if (conn_phase(ends[i].conn) != CONN_UP)
			die("a handshake failed");
		conn_free(ends[i].conn);
	}
}

static void
measure_handshake(struct end ends[2], const char *protocol)
{
	ends[0].took = ends[1].took = 0;
	double both = ms_of(handshake_step, ends);
	double share = ends[0].took / (ends[0].took + ends[1].took);
	printf("{\"what\": \"handshake\", \"algorithm\": \"%s\", \"protocol\": \"%s\", "
	       "\"initiator_ms\": %.3f, \"responder_ms\": %.3f}\n",
		ends[0].keys.asym->algorithm->name, protocol, both * share, both * (1 - share));
}

static void
measure_asym(const struct asym_impl *asym)
{
	struct end ends[2];

	for (int i = 0; i < 2; i++)
		end_init(&ends[i], asym, i == 0, &ends[1 - i]);
	struct keys *k = &ends[0].keys;
	double check = ms_of(check_step, k), encrypt = ms_of(encrypt_step, k),
	       decrypt = ms_of(decrypt_step, k);
	if (asym->prepare(asym, &random_system, k->public_key, k->prepared) != 0)
		die("preparing failed");
	double prepared = ms_of(encrypt_prepared_step, k);
	printf("{\"what\": \"public key\", \"algorithm\": \"%s\", \"implementation\": \"%s\", "
	       "\"check_ms\": %.3f, \"encrypt_ms\": %.3f, \"encrypt_prepared_ms\": %.3f, "
	       "\"decrypt_ms\": %.3f}\n",
		asym->algorithm->name, asym->name, check, encrypt, prepared, decrypt);
	measure_handshake(ends, "SecureConn 1.0");
	ends[0].memory.own = &ends[0].own;
	ends[0].memory.bulk = ends[0].bulk[0];
	memcpy(ends[0].memory.peer_public, ends[1].keys.public_key, ASYM_PUBLIC_MAX);
	ends[0].config.memory = &ends[0].memory;
	measure_handshake(ends, "SecureConn 1.1");
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5;

	if (argc > 2)
		least_seconds = atof(argv[2]) / 1e3;
	if (argc > 3 || rounds < 1 || least_seconds <= 0) {
		fputs("usage: algorithms [ROUNDS [MS]]\n", stderr);
		return 2;
	}
	asym_setup();
	for (int round = 0; round < rounds; round++) {
		measure_nettle_cast128();
		for (size_t i = 0; bulk_impls[i]; i++)
			measure_cipher(bulk_impls[i]);
		for (size_t i = 0; asym_impls[i]; i++)
			if (!asym_impls[i]->algorithm->weak)
				measure_asym(asym_impls[i]);
		fflush(stdout);
	}
	return 0;
}
