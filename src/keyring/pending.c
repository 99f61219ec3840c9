/* Knows how many unverified keys are kept, and which ones go (protocol.md 11); knows nothing of
   verifying. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "keyring/ring.h"

void
pending_source_group(char out[KEY_SOURCE_SIZE], const char *source)
{
	const char *colon = strrchr(source, ':');
	size_t n = colon ? (size_t)(colon - source) : strlen(source);
	struct in6_addr v6;
	char host[KEY_SOURCE_SIZE];

	if (n > 1 && source[0] == '[' && source[n - 1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)(n - 2), source + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)n, source);
	char *scope = strchr(host, '%');
	if (scope)
		*scope = '\0';
	if (inet_pton(AF_INET6, host, &v6) != 1) {
		memcpy(out, host, KEY_SOURCE_SIZE);
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		inet_ntop(AF_INET, &v6.s6_addr[12], out, KEY_SOURCE_SIZE);
	else {
		memset(&v6.s6_addr[8], 0, 8);
		inet_ntop(AF_INET6, &v6, out, KEY_SOURCE_SIZE);
	}
}

/* A key that this peer showed before, of the same algorithm: the new one takes its place. */
static enum sc_error
make_room_dialed(struct keyring *ring, const struct key_record *record, struct errmsg *err)
{
	const struct ring_folder *pending = &ring->folders[STORE_PENDING];
	enum sc_error error = SC_OK;

	for (size_t i = 0; error == SC_OK && i < pending->n; i++) {
		const struct key_record *other = pending->files[i].record;
		if (other && strcmp(other->key.peer, record->key.peer) == 0 &&
			other->key.asym == record->key.asym &&
			strcmp(other->key.fingerprint, record->key.fingerprint) != 0)
			error = change_remove(ring, other, err);
	}
	return error;
}

static bool
in_group(const struct key_record *record, const char *group)
{
	char own[KEY_SOURCE_SIZE];
	pending_source_group(own, record->key.source);
	return strcmp(own, group) == 0;
}

/* Removes the oldest ones until at most `most` are left of those in the group (NULL: of all),
   besides the record. */
static enum sc_error
trim_callers(struct keyring *ring, const struct key_record *record, const char *group, size_t most,
	struct errmsg *err)
{
	struct ring_folder *callers = &ring->folders[STORE_CALLERS];
	enum sc_error error = SC_OK;

	for (;;) {
		struct ring_file *oldest = NULL;
		size_t count = 0;
		for (size_t i = 0; i < callers->n; i++) {
			struct ring_file *f = &callers->files[i];
			if (!f->record || (group && !in_group(f->record, group)) ||
				strcmp(f->record->key.fingerprint, record->key.fingerprint) == 0)
				continue;
			count++;
			if (!oldest || f->record->key.time < oldest->record->key.time)
				oldest = f;
		}
		if (count <= most || !oldest)
			return SC_OK;
		error = change_remove(ring, oldest->record, err);
		if (error != SC_OK)
			return error;
		++*(group ? &ring->dropped.by_source : &ring->dropped.by_all);
		if (!ring_scan(ring, STORE_CALLERS))
			return SC_OK; /* the folder cannot be read just now: with the next key */
	}
}

enum sc_error
pending_store(struct keyring *ring, const struct key_record *record, struct errmsg *err)
{
	char text[KEY_FILE_MAX], name[FILE_NAME_SIZE], group[KEY_SOURCE_SIZE];
	size_t n = key_record_format(text, sizeof(text), record);
	enum store_folder in = ring_file_name(name, record);
	enum sc_error error = store_write(&ring->store, in, name, text, n, err);

	if (error != SC_OK)
		return error;
	if (in == STORE_PENDING)
		return make_room_dialed(ring, record, err);
	pending_source_group(group, record->key.source);
	error = trim_callers(ring, record, group, ring->limits.callers_source - 1, err);
	if (error == SC_OK)
		error = trim_callers(ring, record, NULL, ring->limits.callers - 1, err);
	return error;
}
