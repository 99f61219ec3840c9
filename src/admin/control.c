/* Knows how the control socket is opened; what is said on its connections is dialog.c's. */
#include "admin/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/dialog.h"
#include "base/log.h"
#include "base/program.h"
#include "proxy/listen.h"
#include "proxy/worker.h"

struct control {
	struct node *node;
	struct list listeners;
	struct dialogs dialogs;
	struct flood errors;
};

static void
on_accept(void *owner, int fd, bool is_unix, const struct sockaddr *address)
{
	struct control *control = owner;

	(void)address;
	dialogs_accept(&control->dialogs, fd, is_unix);
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
			"another node is running with the control socket %s: stop that one, or "
			"give this one another `control`",
			path);
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
	dialogs_init(&c->dialogs, node);
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
	log_fmt(&line, "hint", "`%s status` and other commands cannot reach this node",
		program_name());
	log_end(&line);
	return true;
}

void
control_close(struct control *c)
{
	if (!c)
		return;
	dialogs_fini(&c->dialogs);
	listeners_close(&c->listeners);
	free(c);
}
