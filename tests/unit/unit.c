/* Knows the form of the vector files and two sources of predictable "random" bytes. */
#include "unit.h"

#ifndef VECTORS_DIR
#error "meson defines VECTORS_DIR"
#endif

struct vector_entry {
	char *key, *value;
	uint8_t *bytes; /* filled at the first vector_bytes */
	size_t size;
};

struct vector_section {
	char *name;
	struct vector_entry *entries;
	size_t n;
};

struct vectors {
	char *text;
	struct vector_section *sections;
	size_t n;
};

static char *
read_whole(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("cannot open %s", path);
	fseek(f, 0, SEEK_END);
	long size = ftell(f);
	rewind(f);
	char *text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, f), (size_t)size);
	fclose(f);
	return text;
}

static void
add_section(struct vectors *v, char *name)
{
	v->sections = realloc(v->sections, (v->n + 1) * sizeof(*v->sections));
	assert_non_null(v->sections);
	v->sections[v->n++] = (struct vector_section){.name = name};
}

static void
add_entry(struct vector_section *s, char *key, char *value)
{
	s->entries = realloc(s->entries, (s->n + 1) * sizeof(*s->entries));
	assert_non_null(s->entries);
	s->entries[s->n++] = (struct vector_entry){.key = key, .value = value};
}

static void
parse_line(struct vectors *v, char *line)
{
	if (line[0] == '[') {
		line[strcspn(line, "]")] = '\0';
		add_section(v, line + 1);
	} else if (line[0] != ';' && line[0] != '\0') {
		char *equals = strchr(line, '=');
		assert_non_null(equals);
		assert_true(v->n > 0 && equals > line);
		char *value = equals[1] == ' ' ? equals + 2 : equals + 1;
		char *end = equals;
		while (end > line && end[-1] == ' ')
			end--;
		*end = '\0';
		add_entry(&v->sections[v->n - 1], line, value);
	}
}

struct vectors *
vectors_open(const char *file_name)
{
	char path[512];
	struct vectors *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR, file_name);
	v->text = read_whole(path);
	char *rest = v->text;
	for (char *line; (line = strsep(&rest, "\n"));)
		parse_line(v, line);
	assert_true(v->n > 0);
	return v;
}

void
vectors_close(struct vectors *v)
{
	for (size_t i = 0; i < v->n; i++) {
		for (size_t k = 0; k < v->sections[i].n; k++)
			free(v->sections[i].entries[k].bytes);
		free(v->sections[i].entries);
	}
	free(v->sections);
	free(v->text);
	free(v);
}

const struct vector_section *
vectors_section(const struct vectors *v, size_t i)
{
	return i < v->n ? &v->sections[i] : NULL;
}

const char *
vector_name(const struct vector_section *s)
{
	return s->name;
}

static struct vector_entry *
find_entry(const struct vector_section *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->entries[i].key, key) == 0)
			return &s->entries[i];
	return NULL;
}

const char *
vector_text(const struct vector_section *s, const char *key)
{
	struct vector_entry *e = find_entry(s, key);
	return e ? e->value : NULL;
}

const uint8_t *
vector_bytes(const struct vector_section *s, const char *key, size_t *size)
{
	struct vector_entry *e = find_entry(s, key);
	if (!e)
		fail_msg("[%s] has no %s", s->name, key);
	if (!e->bytes) {
		size_t digits = strlen(e->value);
		e->size = digits / 2;
		e->bytes = malloc(e->size + 1);
		assert_non_null(e->bytes);
		if (hex_decode(e->bytes, e->size, e->value, digits) != 0)
			fail_msg("[%s] %s is no hex", s->name, key);
	}
	*size = e->size;
	return e->bytes;
}

unsigned long
vector_number(const struct vector_section *s, const char *key)
{
	const char *text = vector_text(s, key);
	if (!text)
		fail_msg("[%s] has no %s", s->name, key);
	return strtoul(text, NULL, 10);
}

uint64_t
seeded_random_next(struct seeded_random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
seeded_fill(void *arg, uint8_t *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)seeded_random_next(arg);
}

void
seeded_random_init(struct seeded_random *r, uint64_t seed)
{
	r->state = seed;
	r->source = (struct random_source){seeded_fill, r};
}

size_t
seeded_random_below(struct seeded_random *r, size_t n)
{
	return (size_t)(seeded_random_next(r) % n);
}

static void
scripted_fill(void *arg, uint8_t *dst, size_t n)
{
	struct scripted_random *r = arg;
	assert_true(n <= r->size - r->used);
	memcpy(dst, r->data + r->used, n);
	r->used += n;
}

void
scripted_random_init(struct scripted_random *r, const uint8_t *data, size_t size)
{
	r->data = data;
	r->size = size;
	r->used = 0;
	r->source = (struct random_source){scripted_fill, r};
}

void
mapping_flags(const void *p, char *out, size_t size)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool here = false;
	char line[512];

	out[0] = '\0';
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from <= (unsigned long)p && (unsigned long)p < to;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(out, size, "%s", line);
	}
	fclose(maps);
}

void
assert_secret_place(const void *p)
{
	char flags[512];

	mapping_flags(p, flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd"));
#ifndef WITHOUT_MLOCK
	assert_non_null(strstr(flags, " lo"));
#endif
}
