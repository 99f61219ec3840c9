/* Knows how records are sealed and opened and how much a key may protect; names neither a cipher
   nor a library. */
#include "secureconn/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

/* Parts below this size are copied together first: a call into the library costs more than the
   copy. */
#define GATHER_SMALL 512

enum sc_error
record_half_init(struct record_half *half, const struct bulk_impl *impl)
{
	memset(half, 0, sizeof(*half));
	half->impl = impl;
	for (size_t i = 0; i < 2; i++) {
		struct record_channel *ch = &half->channels[i];
		ch->context = calloc(1, impl->context_size);
		if (!ch->context || impl->init(ch->context) != 0)
			return SC_ERR_MEMORY;
	}
	return SC_OK;
}

void
record_half_fini(struct record_half *half)
{
	for (size_t i = 0; i < 2; i++) {
		struct record_channel *ch = &half->channels[i];
		if (ch->context)
			half->impl->fini(ch->context);
		free(ch->context);
	}
	wipe(half, sizeof(*half));
}

static struct record_channel *
channel_of(struct record_half *half, uint8_t channel)
{
	return &half->channels[channel - 1];
}

enum sc_error
record_set_secret(struct record_half *half, uint8_t channel, const uint8_t secret[HASH_SIZE],
	uint64_t epoch, uint64_t now)
{
	struct record_channel *ch = channel_of(half, channel);
	struct bulk_keys keys;

	if (secret != ch->secret)
		memcpy(ch->secret, secret, HASH_SIZE);
	ch->epoch = epoch;
	ch->since = now;
	ch->used = (struct record_usage){0, 0, 0};
	schedule_keys(&keys, ch->secret, half->impl->algorithm);
	int result = half->impl->set_keys(ch->context, &keys);
	wipe(&keys, sizeof(keys));
	return result == 0 ? SC_OK : SC_ERR_INTERNAL;
}

enum sc_error
record_ratchet(struct record_half *half, uint8_t channel, uint64_t now)
{
	struct record_channel *ch = channel_of(half, channel);

	schedule_ratchet(ch->secret);
	return record_set_secret(half, channel, ch->secret, ch->epoch + 1, now);
}

static uint64_t
blocks_of(const struct bulk_algorithm *algorithm, size_t n)
{
	return (n + algorithm->block_size - 1) / algorithm->block_size;
}

static bool
within(uint64_t used, uint64_t more, uint64_t limit)
{
	return used <= limit && more <= limit - used;
}

bool
record_fits(const struct record_half *half, uint8_t channel, size_t n, unsigned extra_records,
	const struct record_usage *limit)
{
	const struct bulk_algorithm *a = half->impl->algorithm;
	const struct record_usage *used = &half->channels[channel - 1].used;
	size_t extra = extra_records * 16u; /* a KEY_UPDATE record holds 10 bytes */
	uint64_t records = a->max_records, bytes = a->max_bytes;

	if (limit && limit->records > 0)
		records = min_u64(records, limit->records);
	if (limit && limit->bytes > 0)
		bytes = min_u64(bytes, limit->bytes);
	return within(used->records, 1 + extra_records, records) &&
		within(used->bytes, n + extra, bytes) &&
		within(used->blocks, blocks_of(a, n) + blocks_of(a, extra), a->max_blocks);
}

static void
count_record(const struct record_half *half, struct record_channel *ch, size_t n)
{
	ch->used.records++;
	ch->used.bytes += n;
	ch->used.blocks += blocks_of(half->impl->algorithm, n);
}

/* The associated data: the head as it stands, and the sequence number. */
static void
make_aad(uint8_t aad[BULK_AAD_SIZE], const uint8_t head[RECORD_HEAD_SIZE], uint64_t seq)
{
	memcpy(aad, head, RECORD_HEAD_SIZE);
	put_u64(aad + RECORD_HEAD_SIZE, seq);
}

/* Seals scattered parts to one place. Small ones are gathered at the place itself and sealed there;
   of a large one only the bytes around the cipher's blocks are. */
static int
seal_parts(const struct bulk_impl *impl, void *context, const struct span *parts, size_t n_parts,
	uint8_t *out)
{
	size_t block = impl->granularity, gathered = 0;

	for (size_t i = 0; i < n_parts; i++) {
		struct span part = parts[i];
		if (part.size >= GATHER_SMALL) {
			size_t top = (block - gathered % block) % block;
			memcpy(out + gathered, part.data, top);
			if (gathered + top > 0)
				impl->seal_update(context, gathered + top, out, out);
			out += gathered + top;
			size_t whole = (part.size - top) / block * block;
			impl->seal_update(context, whole, out, part.data + top);
			out += whole;
			part = (struct span){part.data + top + whole, part.size - top - whole};
			gathered = 0;
		}
		if (part.size > 0)
			memcpy(out + gathered, part.data, part.size);
		gathered += part.size;
	}
	return impl->seal_final(context, gathered, out, out, out + gathered);
}

enum sc_error
record_seal(struct record_half *half, uint8_t channel, const struct span *parts, size_t n_parts,
	uint8_t *out)
{
	struct record_channel *ch = channel_of(half, channel);
	uint8_t aad[BULK_AAD_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < n_parts; i++)
		n += parts[i].size;
	out[0] = channel;
	out[1] = (uint8_t)ch->epoch;
	put_u16(out + 2, (uint16_t)n);
	make_aad(aad, out, half->seq++);
	half->impl->seal_begin(ch->context, aad);
	if (seal_parts(half->impl, ch->context, parts, n_parts, out + RECORD_HEAD_SIZE) != 0)
		return SC_ERR_INTERNAL;
	count_record(half, ch, n);
	return SC_OK;
}

enum sc_error
record_read_head(const struct record_half *half, const uint8_t head[RECORD_HEAD_SIZE],
	struct record_head *out)
{
	out->channel = head[0];
	out->size = get_u16(head + 2);
	if (out->channel != 1 && out->channel != 2)
		return SC_ERR_RECORD_CHANNEL;
	if (head[1] != (uint8_t)half->channels[out->channel - 1].epoch)
		return SC_ERR_RECORD_EPOCH;
	if (out->size < RECORD_PLAINTEXT_MIN)
		return SC_ERR_RECORD_LENGTH;
	if (!record_fits(half, out->channel, out->size, 0, NULL))
		return SC_ERR_KEY_VOLUME;
	return SC_OK;
}

enum sc_error
record_open(struct record_half *half, const struct record_head *head, uint8_t *record)
{
	struct record_channel *ch = channel_of(half, head->channel);
	uint8_t aad[BULK_AAD_SIZE];
	uint8_t *data = record + RECORD_HEAD_SIZE;

	make_aad(aad, record, half->seq++);
	if (half->impl->open(ch->context, aad, head->size, data, data + head->size) != 0)
		return SC_ERR_RECORD_TAG;
	count_record(half, ch, head->size);
	return SC_OK;
}
