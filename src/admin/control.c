/* Knows how the control socket is opened and its connections are kept within bounds; what is said
   on them is request.c's, what comes of it act.c's. */
#include "admin/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/act.h"
#include "base/log.h"
#include "proxy/listen.h"
#include "proxy/sock.h"

#define CLIENTS_MAX 16
#define IDLE        (30 * NS_PER_S) /* without a whole request */
#define PATIENCE    (10 * NS_PER_S) /* to take an answer */

struct control {
	struct node *node;
	struct list listeners, clients;
	unsigned n_clients;
	struct flood errors;
};

struct client {
	struct list node;
	struct control *control;
	struct sock *sock;
	struct alarm *alarm;
	struct act act;
	struct request_reader reader;
	char who[64];
	char in[REQUEST_LINE_MAX];
	const char *in_at; /* what came and was not looked at yet */
	size_t in_left;
	bool turning; /* turn is on the stack */
	bool busy;    /* the node works on a request */
	bool last;    /* the answer is the last one */
	bool eof;
	bool writing; /* libuv has the rest of the answer */
	char *answer; /* NULL: none */
	size_t answer_size;
};

static void
client_close(struct client *c)
{
	act_stop(&c->act);
	sock_close(c->sock);
	alarm_free(c->alarm);
	list_remove(&c->node);
	c->control->n_clients--;
	free(c->answer);
	free(c);
}

static void
on_alarm(void *owner)
{
	client_close(owner);
}

/* ---- answers ---- */

static void turn(struct client *c);

static void
set_answer(struct client *c, struct json_object *o)
{
	const int form = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	size_t n;
	const char *text = json_object_to_json_string_length(o, form, &n);

	c->busy = false;
	c->answer = malloc(n + 1);
	if (c->answer) {
		memcpy(c->answer, text, n);
		c->answer[n] = '\n';
	}
	c->answer_size = n + 1;
	c->last = c->last || !c->answer;
	json_object_put(o);
}

/* From act.c. */
static void
on_answer(void *owner, struct json_object *answer)
{
	struct client *c = owner;

	set_answer(c, answer);
	if (!c->turning)
		turn(c);
}

static void
on_written(void *owner, int status)
{
	struct client *c = owner;

	free(c->answer);
	c->answer = NULL;
	c->writing = false;
	c->last = c->last || status != 0;
	turn(c);
}

/* False: it cannot be sent. */
static bool
send_answer(struct client *c)
{
	const uint8_t *data = (const uint8_t *)c->answer;
	int sent = sock_try_write(c->sock, &(struct span){data, c->answer_size}, 1);

	if (sent < 0)
		return false;
	if ((size_t)sent < c->answer_size) {
		c->writing = true;
		return sock_write(c->sock, data + sent, c->answer_size - (size_t)sent,
			       on_written) == 0;
	}
	free(c->answer);
	c->answer = NULL;
	return true;
}

/* ---- requests ---- */

static void
take_line(struct client *c, size_t size)
{
	struct request request;
	struct errmsg err;

	c->busy = true;
	if (request_parse(&request, c->reader.line, size, &err) == SC_OK)
		act_on(&c->act, &request, c->who);
	else
		set_answer(c, answer_error(err.text));
}

/* Works on what has come until the node or the other side is to be waited for. False: it is
   over. */
static bool
work(struct client *c)
{
	size_t size;

	for (;;) {
		if (c->answer && !c->writing && !send_answer(c))
			return false;
		if (c->busy || c->writing)
			return true;
		if (c->last)
			return false;
		switch (request_read(&c->reader, &c->in_at, &c->in_left, &size)) {
		case REQUEST_LINE:
			take_line(c, size);
			break;
		case REQUEST_LONG:
			c->last = true;
			set_answer(c, answer_error("the line is too long"));
			break;
		case REQUEST_NONE:
			return !c->eof;
		}
	}
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct sock *s = handle->data;
	struct client *c = s->owner;

	(void)suggested;
	*buf = c ? uv_buf_init(c->in, sizeof(c->in)) : uv_buf_init(NULL, 0);
}

static void
on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct sock *s = stream->data;
	struct client *c = s->owner;

	(void)buf;
	if (!c || nread == 0)
		return;
	if (nread < 0) {
		c->eof = true;
	} else {
		c->in_at = c->in;
		c->in_left = (size_t)nread;
	}
	turn(c);
}

static void
turn(struct client *c)
{
	c->turning = true;
	bool goes_on = work(c);
	c->turning = false;
	if (!goes_on) {
		client_close(c);
		return;
	}
	/* Nothing is read while an answer is due: that bounds what waits here. */
	bool waits = c->busy || c->writing;
	if (waits || c->eof)
		uv_read_stop(&c->sock->uv.stream);
	else
		uv_read_start(&c->sock->uv.stream, on_alloc, on_read);
	alarm_set(c->alarm, node_now() + (waits ? PATIENCE : IDLE));
}

/* ---- the socket ---- */

static void
name_caller(struct client *c, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		snprintf(c->who, sizeof(c->who), "uid %u, pid %d", (unsigned)peer.uid,
			(int)peer.pid);
	else
		snprintf(c->who, sizeof(c->who), "unknown");
}

static void
on_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address)
{
	struct control *control = owner;
	static const char full[] = "{\"ok\":false,\"error\":\"too many connections to the "
				   "control socket; try again later\"}\n";
	uv_loop_t *loop = &control->node->workers[0].loop;

	(void)address;
	if (control->n_clients >= CLIENTS_MAX) {
		(void)!write(fd, full, sizeof(full) - 1); /* a fresh socket has room */
		close(fd);
		return;
	}
	struct client *c = calloc(1, sizeof(*c));
	if (c)
		c->alarm = alarm_new(loop, on_alarm, c);
	if (!c || !c->alarm) {
		free(c);
		close(fd);
		return;
	}
	name_caller(c, fd);
	c->control = control;
	control->n_clients++;
	list_insert_tail(&control->clients, &c->node);
	act_init(&c->act, control->node, on_answer, c);
	c->sock = sock_open(loop, fd, is_unix, c);
	if (c->sock)
		turn(c);
	else
		client_close(c);
}

/* The folder of a path, if it is missing; whether that works shows in opening. */
static void
make_folder(const char *path)
{
	char folder[sizeof(((struct endpoint *)0)->path)];

	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return;
	*slash = '\0';
	mkdir(folder, 0755);
}

static bool
somebody_answers(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	bool yes = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0)
		close(fd);
	return yes;
}

static bool
open_socket(struct control *c, const char *path, struct inherited *inherited, struct errmsg *err)
{
	struct endpoint endpoint = {.is_unix = true};
	struct errmsg why;

	if (strlen(path) >= sizeof(endpoint.path)) {
		errmsg_set(err, SC_ERR_INVALID,
			"%s is too long for the path of a Unix socket: set a shorter `control`",
			path);
		return false;
	}
	snprintf(endpoint.path, sizeof(endpoint.path), "%s", path);
	snprintf(endpoint.text, sizeof(endpoint.text), "%s", path);
	make_folder(path);
	mode_t before = umask(0177); /* nobody else, from the first moment */
	enum sc_error error = listeners_open(&c->listeners, &endpoint, inherited, false, &why);
	umask(before);
	if (error == SC_OK)
		return true;
	if (somebody_answers(path))
		errmsg_set(err, error,
			"another node is running with the control socket %s: stop that one, or give "
			"this one another `control`", path);
	else
		errmsg_set(err, error, "control: %s", why.text);
	return false;
}

static bool
start(struct control *c, struct errmsg *err)
{
	struct listener *l = container_of(c->listeners.next, struct listener, node);

	listener_give(l, on_accept, c);
	if (listener_start(l, &c->node->workers[0].loop, &c->errors)) {
		node_add_ports(c->node, &c->listeners);
		return true;
	}
	errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	return false;
}

bool
control_open(struct control **control, struct node *node, struct inherited *inherited,
	struct errmsg *err)
{
	const struct config_node *config = &node->config->node;
	struct control *c;

	*control = NULL;
	if (config->control[0] == '\0')
		return true;
	c = calloc(1, sizeof(*c));
	if (!c) {
		errmsg_set(err, SC_ERR_MEMORY, "out of memory");
		return false;
	}
	c->node = node;
	c->errors = (struct flood){.event = "accept_failed", .lines = 1};
	list_init(&c->listeners);
	list_init(&c->clients);
	if (open_socket(c, config->control, inherited, err) && start(c, err)) {
		*control = c;
		return true;
	}
	listeners_close(&c->listeners);
	free(c);
	if (!config->control_is_default)
		return false;
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "control_unavailable");
	log_str(&line, "error", err->text);
	log_str(&line, "hint", "`secureconn status` and other commands cannot reach this node");
	log_end(&line);
	return true;
}

void
control_close(struct control *c)
{
	if (!c)
		return;
	list_for_each_safe (it, &c->clients)
		client_close(container_of(it, struct client, node));
	listeners_close(&c->listeners);
	free(c);
}
