/* Big-endian numbers on the wire: a cursor that reads or writes and remembers if it ran out of
   room. */
#ifndef SC_BASE_WIRE_H
#define SC_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void
put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put_u32(uint8_t *p, uint32_t v)
{
	put_u16(p, (uint16_t)(v >> 16));
	put_u16(p + 2, (uint16_t)v);
}

static inline void
put_u64(uint8_t *p, uint64_t v)
{
	put_u32(p, (uint32_t)(v >> 32));
	put_u32(p + 4, (uint32_t)v);
}

static inline uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)get_u16(p) << 16 | get_u16(p + 2);
}

static inline uint64_t
get_u64(const uint8_t *p)
{
	return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

/* Reads from a message. A read past the end gives zeros (or NULL) and sets `failed`, which sticks:
   a parser reads all its fields and looks at `failed` once. */
struct wire_reader {
	const uint8_t *at, *end;
	bool failed;
};

static inline struct wire_reader
wire_reader(const uint8_t *data, size_t size)
{
	return (struct wire_reader){data, data + size, false};
}

static inline size_t
wire_left(const struct wire_reader *r)
{
	return (size_t)(r->end - r->at);
}

/* n bytes in place, or NULL. */
static inline const uint8_t *
wire_bytes(struct wire_reader *r, size_t n)
{
	if (r->failed || wire_left(r) < n) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *p = r->at;
	r->at += n;
	return p;
}

static inline uint8_t
wire_u8(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 1);
	return p ? *p : 0;
}

static inline uint16_t
wire_u16(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 2);
	return p ? get_u16(p) : 0;
}

static inline uint32_t
wire_u32(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 4);
	return p ? get_u32(p) : 0;
}

static inline uint64_t
wire_u64(struct wire_reader *r)
{
	const uint8_t *p = wire_bytes(r, 8);
	return p ? get_u64(p) : 0;
}

/* Writes into a caller's buffer; a write past its end is dropped and sets `failed`, which
   sticks. */
struct wire_writer {
	uint8_t *start, *at, *end;
	bool failed;
};

static inline struct wire_writer
wire_writer(uint8_t *data, size_t size)
{
	return (struct wire_writer){data, data, data + size, false};
}

static inline size_t
wire_written(const struct wire_writer *w)
{
	return (size_t)(w->at - w->start);
}

static inline void
wire_put(struct wire_writer *w, const void *data, size_t n)
{
	if (w->failed || (size_t)(w->end - w->at) < n) {
		w->failed = true;
		return;
	}
	if (n > 0)
		memcpy(w->at, data, n);
	w->at += n;
}

static inline void
wire_put_u8(struct wire_writer *w, uint8_t v)
{
	wire_put(w, &v, 1);
}

static inline void
wire_put_u16(struct wire_writer *w, uint16_t v)
{
	uint8_t b[2];
	put_u16(b, v);
	wire_put(w, b, 2);
}

static inline void
wire_put_u32(struct wire_writer *w, uint32_t v)
{
	uint8_t b[4];
	put_u32(b, v);
	wire_put(w, b, 4);
}

static inline void
wire_put_u64(struct wire_writer *w, uint64_t v)
{
	uint8_t b[8];
	put_u64(b, v);
	wire_put(w, b, 8);
}

#endif
