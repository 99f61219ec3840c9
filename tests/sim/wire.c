/* Knows how bytes travel: in pieces, late, and in their order. */
#include "sim.h"

#define PIECES 4096

struct piece {
	size_t size;
	uint64_t arrives;
};

void
wire_init(struct wire *w, struct seeded_random *random)
{
	static const size_t pieces[] = {3, 50, 1000, 20000, 200000, 1000000};
	static const size_t capacities[] = {500, 10000, 100000, 1000000};

	w->random = random;
	w->piece_max = pieces[seeded_random_below(random, ARRAY_SIZE(pieces))];
	w->capacity = capacities[seeded_random_below(random, ARRAY_SIZE(capacities))];
	w->delay = seeded_random_below(random, 40) * NS_PER_MS;
	w->jitter = 1 + seeded_random_below(random, 20) * NS_PER_MS;
	w->data = malloc(w->capacity);
	w->pieces = calloc(PIECES, sizeof(*w->pieces));
	CHECK(w->data && w->pieces);
}

void
wire_fini(struct wire *w)
{
	free(w->data);
	free(w->pieces);
}

bool
wire_write(struct wire *w, struct conn *from, uint64_t now)
{
	size_t n, end;
	const uint8_t *out = conn_out_buf(from, &n);

	n = min_size(n, w->capacity - w->used);
	n = min_size(n, 1 + seeded_random_below(w->random, w->piece_max));
	if (n == 0 || w->n_pieces == PIECES)
		return false;
	end = (w->start + w->used) % w->capacity;
	n = min_size(n, w->capacity - end);
	memcpy(w->data + end, out, n);
	conn_out_ack(from, n);
	w->used += n;

	uint64_t arrives = now + w->delay + seeded_random_next(w->random) % w->jitter;
	if (w->n_pieces > 0) {
		struct piece *last = &w->pieces[(w->first_piece + w->n_pieces - 1) % PIECES];
		if (arrives < last->arrives)
			arrives = last->arrives;
	}
	w->pieces[(w->first_piece + w->n_pieces++) % PIECES] = (struct piece){n, arrives};
	return true;
}

/* n bytes of the first piece have left. */
static void
drop(struct wire *w, size_t n)
{
	struct piece *piece = &w->pieces[w->first_piece];

	w->start = (w->start + n) % w->capacity;
	w->used -= n;
	piece->size -= n;
	if (piece->size == 0) {
		w->first_piece = (w->first_piece + 1) % PIECES;
		w->n_pieces--;
	}
}

void
wire_discard(struct wire *w, uint64_t now)
{
	while (wire_next(w) <= now)
		drop(w, w->pieces[w->first_piece].size);
}

bool
wire_read(struct wire *w, struct conn *to, uint64_t now)
{
	struct piece *piece = &w->pieces[w->first_piece];
	size_t room;
	uint8_t *in = conn_in_buf(to, &room);

	if (w->n_pieces == 0 || piece->arrives > now || room == 0)
		return false;
	size_t n = min_size(min_size(piece->size, room), w->capacity - w->start);
	memcpy(in, w->data + w->start, n);
	conn_in_ack(to, n, now);
	drop(w, n);
	return true;
}

uint64_t
wire_next(const struct wire *w)
{
	return w->n_pieces > 0 ? w->pieces[w->first_piece].arrives : UINT64_MAX;
}

void
wire_cut(struct wire *w)
{
	size_t keep = seeded_random_below(w->random, w->used + 1), kept = 0;

	w->used = keep;
	for (size_t i = 0; i < w->n_pieces; i++) {
		struct piece *piece = &w->pieces[(w->first_piece + i) % PIECES];
		piece->size = min_size(piece->size, keep);
		keep -= piece->size;
		kept += piece->size > 0;
	}
	w->n_pieces = kept;
}

bool
wire_flip(struct wire *w)
{
	if (w->used == 0)
		return false;
	size_t at = seeded_random_below(w->random, w->used);
	w->data[(w->start + at) % w->capacity] ^= (uint8_t)(1 << seeded_random_below(w->random, 8));
	return true;
}
