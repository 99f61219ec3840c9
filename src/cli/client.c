/* Knows how a running node is reached and what is said when it is not; what is asked is the
   commands' affair. */
#include "cli/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define PATIENCE_S 15 /* for each step; the node itself gives up sooner */
#define ANSWER_MAX (64u << 20)

/* A connection to the socket, or -1 and errno. */
static int
reach(const struct config *config)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = PATIENCE_S};

	if (strlen(config->node.control) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, config->node.control);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
not_reached(const struct cli *cli, const struct config *config, int error)
{
	const char *path = config->node.control;
	char name[600];

	cli_name(cli, name, sizeof(name));
	if (error == ENOENT)
		return cli_fail(cli, CLI_FAILED,
			"no node is running with this configuration (there is no %s); start it "
			"with: %s run",
			path, name);
	if (error == ECONNREFUSED)
		return cli_fail(cli, CLI_FAILED,
			"no node is running with this configuration (nobody answers at %s, which "
			"one that ended badly has left); start it with: %s run", path, name);
	if (error == EACCES || error == EPERM)
		return cli_fail(cli, CLI_FAILED,
			"%s: permission denied; only the user that runs the node, and root, may "
			"ask it",
			path);
	return cli_fail(cli, CLI_FAILED, "%s: %s", path, strerror(error));
}

/* All of it. False and errno. */
static bool
send_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		data += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* One line without its LF, to be freed; NULL and errno (0: the connection ended; EMSGSIZE: the line
   does not). */
static char *
receive_line(int fd)
{
	char *line = NULL;
	size_t n = 0, size = 0;

	for (;;) {
		if (n == size) {
			char *grown = NULL;
			if (size < ANSWER_MAX)
				grown = realloc(line, size = size * 2 + 4096);
			else
				errno = EMSGSIZE;
			if (!grown)
				break;
			line = grown;
		}
		ssize_t got = recv(fd, line + n, size - n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got == 0 ? 0 : errno;
			break;
		}
		char *lf = memchr(line + n, '\n', (size_t)got);
		n += (size_t)got;
		if (lf) {
			*lf = '\0';
			return line;
		}
	}
	int error = errno;
	free(line);
	errno = error;
	return NULL;
}

/* The answer, to be put, or NULL and errno (0: the node said nothing that can be understood). */
static struct json_object *
converse(int fd, const struct request *request)
{
	char text[REQUEST_LINE_MAX];
	size_t n = request_format(text, request);

	/* A node that takes no more connections says so before it hears anything. */
	if (!send_all(fd, text, n) && errno != EPIPE && errno != ECONNRESET)
		return NULL;
	char *line = receive_line(fd);
	if (!line)
		return NULL;
	struct json_object *o = json_tokener_parse(line);
	free(line);
	errno = 0;
	if (o && json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	return NULL;
}

static bool
is_ok(struct json_object *answer)
{
	struct json_object *ok;
	return json_object_object_get_ex(answer, "ok", &ok) && json_object_get_boolean(ok);
}

int
client_ask(const struct cli *cli, const struct config *config, const struct request *request,
	struct json_object **answer)
{
	struct json_object *error;

	*answer = NULL;
	if (config->node.control[0] == '\0')
		return cli_fail(cli, CLI_FAILED,
			"`control` in [node] of %s is empty: a running node cannot be asked; give "
			"it a path and restart the node",
			cli->config_path);
	int fd = reach(config);
	if (fd < 0)
		return not_reached(cli, config, errno);
	*answer = converse(fd, request);
	int reason = errno;
	close(fd);
	if (!*answer)
		return cli_fail(cli, CLI_FAILED, "%s: the node gives no answer: %s",
			config->node.control,
			reason == EAGAIN ? "it took too long"
			: reason	 ? strerror(reason)
					 : "the connection ended");
	if (is_ok(*answer))
		return CLI_GO_ON;
	const char *text = json_object_object_get_ex(*answer, "error", &error)
				   ? json_object_get_string(error)
				   : "the node refuses, without a reason";
	cli_fail(cli, CLI_FAILED, "%s", text);
	json_object_put(*answer);
	*answer = NULL;
	return CLI_FAILED;
}

struct json_object *
client_question(const struct config *config, const struct request *request)
{
	int fd = config->node.control[0] ? reach(config) : -1;
	if (fd < 0)
		return NULL;
	struct json_object *answer = converse(fd, request);
	close(fd);
	if (answer && is_ok(answer))
		return answer;
	json_object_put(answer);
	return NULL;
}

bool
client_wait_end(const struct config *config, unsigned seconds)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (unsigned i = 0; i <= seconds * 50; i++) {
		int fd = reach(config);
		if (fd < 0)
			return true;
		close(fd);
		nanosleep(&pause, NULL);
	}
	return false;
}

uint64_t
client_number(struct json_object *o, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(o, key, &value) ? json_object_get_uint64(value) : 0;
}

int
client_run(const struct cli *cli, struct client_command *command)
{
	const int form = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	struct json_object *answer;
	struct config *config;
	int status = cli_load(cli, &config, NULL);

	if (status != CLI_GO_ON)
		return status;
	status = client_ask(cli, config, &command->request, &answer);
	if (status == CLI_GO_ON) {
		command->config = config;
		if (command->json)
			fprintf(cli->out, "%s\n", json_object_to_json_string_ext(answer, form));
		else
			command->show(cli, command, answer);
		json_object_put(answer);
		status = CLI_DONE;
	}
	config_free(config);
	return status;
}
