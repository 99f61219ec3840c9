/* Knows how one process hands over to the next; that it drains then is stop.c's. */
#include "proxy/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/handover.h"
#include "proxy/listen.h"
#include "proxy/notify.h"
#include "proxy/stop.h"
#include "proxy/workers.h"

#define VARIABLE  "SECURECONN_UPGRADE" /* pid of the parent, number of sockets, instance */
#define FIRST     3                    /* descriptor of the sockets; the channel comes after them */
#define PATIENCE  (30 * NS_PER_S)
#define ARGUMENTS 4096

struct upgrade {
	struct node *n;
	uv_process_t process;
	uv_poll_t poll;
	struct alarm *alarm;
	int fd;           /* this process's end of the channel */
	bool spawned;     /* `process` is a handle of the loop, be it of no process */
	bool late;        /* it was killed for that; its end is still to come */
	unsigned handles; /* to be closed before the memory goes */
};

/* ---- the new process ---- */

bool
legacy_init(struct legacy *legacy, struct inherited *in)
{
	const char *text = getenv(VARIABLE);
	char hex[2 * HELLO_INSTANCE_SIZE + 1] = "", end;
	unsigned parent = 0, n = 0;
	struct stat st;

	*legacy = (struct legacy){.ready = -1};
	*in = (struct inherited){.fds = NULL};
	bool valid = text && sscanf(text, "%9u %4u %32[0-9a-f]%c", &parent, &n, hex, &end) == 3 &&
		parent == (unsigned)getppid() && n <= INHERIT_MAX &&
		hex_decode(legacy->instance, HELLO_INSTANCE_SIZE, hex, strlen(hex)) == 0;
	unsetenv(VARIABLE);
	int ready = FIRST + (int)n;
	if (!valid || fstat(ready, &st) != 0 || !S_ISSOCK(st.st_mode))
		return true;
	legacy->there = true;
	legacy->ready = ready;
	fcntl(ready, F_SETFD, FD_CLOEXEC);
	return inherited_init(in, FIRST, n, true);
}

void
legacy_ready(struct legacy *legacy, struct handover *h)
{
	if (!legacy || legacy->ready < 0)
		return;
	if (handover_say_ready(legacy->ready))
		handover_elder(h, legacy->ready);
	else
		close(legacy->ready);
	legacy->ready = -1;
}

/* ---- the end of an attempt ---- */

static void
on_closed(uv_handle_t *handle)
{
	struct upgrade *u = handle->data;

	if (--u->handles == 0)
		free(u);
}

static void
upgrade_close(struct upgrade *u)
{
	u->n->upgrade = NULL;
	alarm_free(u->alarm);
	uv_poll_stop(&u->poll);
	close(u->fd);
	u->handles = u->spawned ? 2 : 1;
	uv_close((uv_handle_t *)&u->poll, on_closed);
	if (u->spawned)
		uv_close((uv_handle_t *)&u->process, on_closed);
}

static void
failed(const char *reason)
{
	struct log_line line = log_begin(LOG_LEVEL_ERROR, "upgrade_failed");
	log_str(&line, "reason", reason);
	log_str(&line, "hint", "this process goes on as before");
	log_end(&line);
	notify_send("READY=1");
}

void
upgrade_cancel(struct node *n)
{
	if (!n->upgrade)
		return;
	uv_process_kill(&n->upgrade->process, SIGKILL);
	upgrade_close(n->upgrade);
}

static void
on_ended(uv_process_t *process, int64_t status, int signal)
{
	struct upgrade *u = process->data;
	char reason[80];

	if (u->late)
		snprintf(reason, sizeof(reason),
			"the new process was not ready in time; it was ended");
	else
		snprintf(reason, sizeof(reason),
			"the new process ended with %s %d before it was ready",
			signal ? "signal" : "status", signal ? signal : (int)status);
	upgrade_close(u);
	failed(reason);
}

/* Only its end takes it out of the system's table of processes. */
static void
on_late(void *owner)
{
	struct upgrade *u = owner;

	u->late = true;
	uv_poll_stop(&u->poll); /* a last word of it comes too late */
	uv_process_kill(&u->process, SIGKILL);
}

/* ---- handing over ---- */

/* It has all of the sockets, and accepts. */
static void
hand_over(struct upgrade *u)
{
	struct node *n = u->n;
	int pid = u->process.pid;
	struct log_line line = log_begin(LOG_LEVEL_INFO, "upgrade_done");

	log_u64(&line, "pid", (uint64_t)pid);
	log_end(&line);
	uv_poll_stop(&u->poll);
	int channel = fcntl(u->fd, F_DUPFD_CLOEXEC, 0); /* libuv polls this one until it closes */
	upgrade_close(u);
	if (channel >= 0)
		handover_heir(n->handover, channel);
	notify_send("MAINPID=%d\nREADY=1", pid);
	list_for_each (it, &n->ports)
		listener_release(container_of(it, struct listener, node));
	for (unsigned i = 0; i < n->n_more_ports; i++) {
		list_for_each (it, n->more_ports[i])
			listener_release(container_of(it, struct listener, node));
		listeners_close(n->more_ports[i]);
	}
	n->succeeded = true;
	stop_drain(n);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct upgrade *u = poll->data;
	char word[8];

	(void)status;
	(void)events;
	ssize_t r = recv(u->fd, word, sizeof(word), 0);
	if (r > 0 && handover_is_ready(word, (size_t)r))
		hand_over(u);
	else if (r == 0) /* on_ended says why */
		uv_poll_stop(poll);
}

/* ---- the beginning ---- */

static size_t
count(const struct list *list)
{
	size_t sum = 0;

	list_for_each (it, list)
		sum++;
	return sum;
}

static size_t
put(uv_stdio_container_t *out, size_t n, const struct list *list)
{
	list_for_each (it, list) {
		out[n].flags = UV_INHERIT_FD;
		out[n++].data.fd = container_of(it, struct listener, node)->fd;
	}
	return n;
}

/* The arguments of this process, as a list that ends with NULL, to be freed; text has room for
   them. NULL: *error says why. */
static char **
own_arguments(char text[ARGUMENTS], int *error)
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, ARGUMENTS - 1);
	char **args = NULL;
	size_t n = 0;

	*error = size < 0 ? uv_translate_sys_error(errno) : UV_E2BIG;
	if (fd >= 0)
		close(fd);
	if (size <= 0 || size == ARGUMENTS - 1)
		return NULL;
	text[size] = '\0';
	args = calloc((size_t)size + 1, sizeof(*args));
	*error = UV_ENOMEM;
	for (char *at = text; args && at < text + size; at += strlen(at) + 1)
		args[n++] = at;
	return args;
}

/* This process's environment and one more; to be freed. */
static char **
environment_with(char *entry)
{
	size_t n = 0;

	while (environ[n])
		n++;
	char **env = calloc(n + 2, sizeof(*env));
	if (env) {
		memcpy(env, environ, n * sizeof(*env));
		env[n] = entry;
	}
	return env;
}

/* 0, or libuv's error. channel: the new process's end. */
static int
spawn(struct upgrade *u, int channel)
{
	struct node *n = u->n;
	char arguments[ARGUMENTS], entry[128], hex[2 * HELLO_INSTANCE_SIZE + 1];
	size_t sockets = count(&n->ports);
	int r;

	for (unsigned i = 0; i < n->n_more_ports; i++)
		sockets += count(n->more_ports[i]);
	hex_encode(hex, n->hello.instance, HELLO_INSTANCE_SIZE);
	snprintf(entry, sizeof(entry), VARIABLE "=%d %zu %s", (int)getpid(), sockets, hex);
	char **args = own_arguments(arguments, &r), **env = environment_with(entry);
	uv_stdio_container_t *stdio = calloc(FIRST + sockets + 1, sizeof(*stdio));
	if (args && (!env || !stdio))
		r = UV_ENOMEM;
	if (args && env && stdio) {
		for (int i = 0; i < FIRST; i++)
			stdio[i] = (uv_stdio_container_t){UV_INHERIT_FD, {.fd = i}};
		size_t at = put(stdio, FIRST, &n->ports);
		for (unsigned i = 0; i < n->n_more_ports; i++)
			at = put(stdio, at, n->more_ports[i]);
		stdio[at] = (uv_stdio_container_t){UV_INHERIT_FD, {.fd = channel}};
		const uv_process_options_t options = {
			.exit_cb = on_ended,
			.file = args[0],
			.args = args,
			.env = env,
			.stdio_count = (int)at + 1,
			.stdio = stdio,
		};
		u->spawned = true;
		r = uv_spawn(&node_main(n)->loop, &u->process, &options);
	}
	free(args);
	free(env);
	free(stdio);
	return r;
}

static void
begin(struct upgrade *u, int channel)
{
	struct node *n = u->n;

	u->alarm = alarm_new(&node_main(n)->loop, on_late, u);
	u->poll.data = u->process.data = u;
	n->upgrade = u;
	int r = u->alarm ? spawn(u, channel) : UV_ENOMEM;
	u->process.data = u;
	if (r != 0) {
		upgrade_close(u);
		failed(uv_strerror(r));
		return;
	}
	uv_poll_start(&u->poll, UV_READABLE, on_readable);
	alarm_set(u->alarm, node_now() + PATIENCE);
	struct log_line line = log_begin(LOG_LEVEL_INFO, "upgrade_begin");
	log_u64(&line, "pid", (uint64_t)u->process.pid);
	log_end(&line);
}

/* NULL: it may be done now. */
static const char *
objection(const struct node *n)
{
	if (node_main(n)->state != WORKER_RUNNING)
		return "the node is stopping";
	if (n->upgrade)
		return "one is under way";
	if (n->reload)
		return "the configuration is being read; try again";
	if (getpid() == 1)
		return "a container ends with its first process: replace the container";
	return NULL;
}

void
upgrade_start(struct node *n)
{
	const char *why_not = objection(n);
	struct upgrade *u = why_not ? NULL : calloc(1, sizeof(*u));
	int fds[2];

	if (!u || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
		struct log_line line = log_begin(LOG_LEVEL_WARNING, "upgrade_ignored");
		log_str(&line, "reason", why_not ? why_not : u ? strerror(errno) : "out of memory");
		log_end(&line);
		free(u);
		return;
	}
	u->n = n;
	u->fd = fds[0];
	int r = uv_poll_init(&node_main(n)->loop, &u->poll, u->fd);
	if (r == 0) {
		begin(u, fds[1]);
	} else {
		close(u->fd);
		free(u);
		failed(uv_strerror(r));
	}
	close(fds[1]);
}
