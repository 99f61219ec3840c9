/* Feeds a configuration, and one that it may include; asserts that an error says file and line in
   one line of text, and that what is taken is whole: names valid, endpoints parsed, references
   resolved, values in range. */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#define INCLUDED "\n;;;;\n" /* what follows it in the input is the second file */

static struct {
	char folder[64], first[96], second[96];
} paths;

static void
remove_files(void)
{
	unlink(paths.first);
	unlink(paths.second);
	rmdir(paths.folder);
}

static void
make_folder(void)
{
	if (paths.folder[0] != '\0')
		return;
	/* Memory, where there is such a folder: two files are written in each execution. */
	bool shm = access("/dev/shm", W_OK) == 0;
	snprintf(paths.folder, sizeof(paths.folder), "%s/secureconn-fuzz-XXXXXX",
		shm ? "/dev/shm" : "/tmp");
	FUZZ_ASSERT(mkdtemp(paths.folder));
	snprintf(paths.first, sizeof(paths.first), "%s/first.ini", paths.folder);
	snprintf(paths.second, sizeof(paths.second), "%s/second.ini", paths.folder);
	atexit(remove_files);
}

static void
write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_ASSERT(fd >= 0);
	FUZZ_ASSERT(write(fd, data, size) == (ssize_t)size);
	close(fd);
}

/* Other files than the two are no part of the input. */
static bool
leaves_folder(const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;

	while (at && (at = memmem(at, (size_t)(end - at), "include", 7))) {
		const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
		if (memchr(at, '/', (size_t)((lf ? lf : end) - at)))
			return true;
		at += 7;
	}
	return false;
}

static void
check_endpoints(const struct endpoint_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct endpoint *e = &list->at[i];
		struct endpoint again;
		struct errmsg err;
		FUZZ_ASSERT(e->is_unix ? e->path[0] == '/' : e->host[0] != '\0');
		FUZZ_ASSERT(endpoint_parse(&again, e->text, true, &err) == SC_OK);
		FUZZ_ASSERT(again.is_unix == e->is_unix && again.port == e->port);
		FUZZ_ASSERT(strcmp(again.text, e->text) == 0);
	}
}

static void
check_taken(const struct config *c)
{
	FUZZ_ASSERT(config_name_valid(c->node.name) && c->node.state && c->node.state[0] != '\0');
	FUZZ_ASSERT(c->node.asymmetric.n > 0 && c->node.symmetric.n > 0 &&
		    c->node.implementations.n > 0);
	FUZZ_ASSERT(c->n_files >= 1 && c->n_files <= 3);
	check_endpoints(&c->node.listen);
	for (size_t i = 0; i < c->n_peers; i++) {
		FUZZ_ASSERT(config_peer_find(c, c->peers[i].name) == &c->peers[i]);
		FUZZ_ASSERT(config_name_valid(c->peers[i].name) && c->peers[i].keepalive > 0);
		check_endpoints(&c->peers[i].address);
	}
	for (size_t i = 0; i < c->n_routes; i++) {
		const struct config_route *r = &c->routes[i];
		FUZZ_ASSERT(r->peers.n > 0 && r->policy <= ROUTE_BALANCE && r->service[0] != '\0');
		for (size_t k = 0; k < r->peers.n; k++)
			FUZZ_ASSERT(config_peer_find(c, r->peers.at[k]));
		FUZZ_ASSERT(r->listen.n > 0 && r->max_connections > 0 && r->connect_timeout > 0);
		check_endpoints(&r->listen);
	}
	for (size_t i = 0; i < c->n_services; i++) {
		const struct config_service *s = &c->services[i];
		FUZZ_ASSERT(config_service_find(c, s->name, strlen(s->name)) == s);
		FUZZ_ASSERT(s->connect.n > 0 && s->connect_timeout > 0 && s->allow.n > 0);
		FUZZ_ASSERT(config_service_allows(
			s, strcmp(s->allow.at[0], "*") == 0 ? "anybody" : s->allow.at[0]));
		check_endpoints(&s->connect);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *mark =
		data && size > 0 ? memmem(data, size, INCLUDED, sizeof(INCLUDED) - 1) : NULL;
	size_t first = mark ? (size_t)(mark - data) : size;
	size_t second = mark ? size - first - (sizeof(INCLUDED) - 1) : 0;
	struct config *config = NULL;
	struct errmsg err = {""};

	if (leaves_folder(data, size))
		return 0;
	make_folder();
	write_file(paths.first, data, first);
	write_file(paths.second, mark ? mark + sizeof(INCLUDED) - 1 : data, second);
	enum sc_error error = config_load(&config, paths.first, &err);
	if (error == SC_OK) {
		check_taken(config);
	} else {
		FUZZ_ASSERT(!config && strncmp(err.text, paths.folder, strlen(paths.folder)) == 0);
		for (const char *p = err.text; *p; p++) /* a tab may be part of a quoted key */
			FUZZ_ASSERT(((unsigned char)*p >= 0x20 && *p != 0x7f) || *p == '\t');
	}
	config_free(config);
	return 0;
}
