/* `secureconn run`: makes a process fit for a node, and runs one until a signal ends it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/log.h"
#include "base/log_writer.h"
#include "base/program.h"
#include "base/syslog.h"
#include "cli/cli.h"
#include "cli/user.h"
#include "proxy/early.h"
#include "proxy/inherit.h"
#include "proxy/node.h"
#include "proxy/signals.h"
#include "proxy/upgrade.h"

#define LOCKED_MAX (64u << 20)
#define LOG_END_MS 2000 /* that whoever reads the log may take for its last lines */

static const struct cli_option options[] = {{0}};

static const struct cli_usage usage = {
	.command = "run",
	.arguments = "",
	.text = "Runs the node in the foreground and logs to standard error. SIGTERM lets open\n"
		"connections finish (`drain` in the configuration) and ends it, a second one\n"
		"ends it at once. SIGHUP: the configuration is read again; what it does not\n"
		"change goes on. SIGUSR2: another process, of a newer program perhaps, takes\n"
		"over.\n",
	.options = options,
};

/* Said once: where the limit on locked memory is low, keys may be swapped out. */
static void
check_locked(const struct keyring *ring)
{
	if (keyring_is_locked(ring))
		return;
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "memory_not_locked");
	log_str(&line, "hint",
		"private keys may be swapped to disk: raise the limit on locked memory "
		"(LimitMEMLOCK of a systemd unit, ulimit -l), or switch swap off");
	log_end(&line);
}

/* A keyring_problem_fn: while the node runs one may come at any time. */
static void
log_unusable(void *arg, const char *text)
{
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "state_file_unusable");

	(void)arg;
	log_str(&line, "error", text);
	log_end(&line);
}

/* Each local connection takes a descriptor: as many as the system allows. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* node_setup.load: the file, checked as at the start. */
static const struct config *
load_again(void *arg, struct errmsg *err)
{
	const struct cli *cli = arg;
	struct settings settings;
	struct config *config;

	if (config_load(&config, cli->config_path, err) != SC_OK)
		return NULL;
	if (settings_check(&settings, config, err) == SC_OK)
		return config;
	config_free(config);
	return NULL;
}

/* ---- `user` ---- */

static bool
shows_clients(const struct config *config)
{
	for (size_t i = 0; i < config->n_services; i++)
		if (config->services[i].original)
			return true;
	return false;
}

/* Private keys are locked in memory; root had no limit on that. */
static void
raise_locked(void)
{
	const struct rlimit enough = {LOCKED_MAX, LOCKED_MAX};
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	if (limit.rlim_max < LOCKED_MAX)
		setrlimit(RLIMIT_MEMLOCK, &enough);
	else if (limit.rlim_cur < LOCKED_MAX)
		setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){LOCKED_MAX, limit.rlim_max});
}

/* What root may read and the user may not shows only at the next reload. */
static void
check_readable(const struct config *config)
{
	for (size_t i = 0; i < config->n_files; i++) {
		if (access(config->files[i], R_OK) == 0)
			continue;
		struct log_line line = log_begin(LOG_LEVEL_WARNING, "config_unreadable");
		log_str(&line, "file", config->files[i]);
		log_fmt(&line, "hint",
			"user %s cannot read it: a reload will fail (chgrp, chmod 640)",
			config->node.user);
		log_end(&line);
	}
}

/* With `user`: opens the ports, then goes on as that user. */
static int
stop_being_root(const struct cli *cli, const struct config *config, struct inherited *inherited)
{
	struct user user;
	struct errmsg err;
	int status = user_find(&user, cli, config);

	if (status != CLI_GO_ON)
		return status;
	if (!user.wanted)
		return user_check(cli, config);
	if (early_ports(inherited, config, user.uid, user.gid, &err) != SC_OK)
		return cli_fail(cli, CLI_FAILED, "%s", err.text);
	user_give_control(&user, config);
	raise_locked();
	status = user_become(&user, cli, config, shows_clients(config));
	if (status == CLI_GO_ON)
		check_readable(config);
	return status;
}

/* A file system without locks keeps no node from running. */
static int
claim(const struct cli *cli, struct keyring *ring, bool successor)
{
	struct errmsg err;
	enum sc_error error = keyring_claim(ring, successor, &err);

	if (error == SC_ERR_EXISTS)
		return cli_fail(cli, CLI_FAILED, "%s", err.text);
	if (error != SC_OK) {
		struct log_line line = log_begin(LOG_LEVEL_WARNING, "state_not_locked");
		log_str(&line, "error", err.text);
		log_str(&line, "hint",
			"see that no other node runs with it: two would take each other's links");
		log_end(&line);
	}
	return CLI_GO_ON;
}

/* Who reads the log need not be where this was started: the file with its whole path. */
static void
set_name(const struct cli *cli)
{
	struct cli there = *cli;
	char path[1000], name[1100];

	if (cli->config_path[0] != '/' && getcwd(path, sizeof(path))) {
		size_t n = strlen(path);
		if ((size_t)snprintf(path + n, sizeof(path) - n, "/%s", cli->config_path) <
			sizeof(path) - n)
			there.config_path = path;
	}
	program_set_name(cli_name(&there, name, sizeof(name)));
}

static int
run_node(const struct cli *cli, const struct node_setup *setup)
{
	struct errmsg err;
	struct admin admin;

	log_writer_start(STDERR_FILENO);
	struct node *node = node_new(setup, &err);
	bool open = node && admin_open(&admin, node, setup->inherited, &err);
	inherited_fini(setup->inherited);
	if (!open) {
		node_free(node);
		log_writer_stop(LOG_END_MS);
		return cli_fail(cli, CLI_FAILED, "%s", err.text);
	}
	/* A thread may still wait for the system's resolver; the C library would wait for it. */
	if (!node_run(node)) {
		admin_close(&admin);
		log_writer_stop(LOG_END_MS);
		_Exit(CLI_DONE);
	}
	node_free(node);
	log_writer_stop(LOG_END_MS);
	return CLI_DONE;
}

int
cmd_run(const struct cli *cli, int argc, char **argv)
{
	struct config *config;
	struct settings settings;
	struct keyring *ring = NULL;
	struct inherited inherited;
	struct legacy legacy;
	int status = cli_parse(cli, &usage, argc, argv, NULL);

	if (status != CLI_GO_ON)
		return status;
	set_name(cli);
	raise_descriptors();
	signal(SIGPIPE, SIG_IGN);
	signals_block();
	status = cli_load(cli, &config, &settings);
	if (status != CLI_GO_ON)
		return status;
	log_setup((enum log_level)config->node.log_level,
		(enum log_format)config->node.log_format, 2);
	log_set_target((enum log_target)config->node.log_to, SYSLOG_PATH);
	if (!legacy_init(&legacy, &inherited) ||
		(!legacy.there && !inherited_from_systemd(&inherited)))
		status = cli_fail(cli, CLI_FAILED, "out of memory");
	if (status == CLI_GO_ON)
		status = stop_being_root(cli, config, &inherited);
	if (status == CLI_GO_ON)
		status = cli_open_ring_with(cli, config, log_unusable, NULL, &ring);
	if (status == CLI_GO_ON)
		check_locked(ring);
	if (status == CLI_GO_ON)
		status = claim(cli, ring, legacy.there);
	if (status == CLI_GO_ON) {
		const struct node_setup setup = {
			.config = config,
			.ring = ring,
			.asym = settings.asym,
			.n_asym = settings.n_asym,
			.bulk = settings.bulk,
			.n_bulk = settings.n_bulk,
			.load = load_again,
			.load_arg = (void *)cli,
			.inherited = &inherited,
			.legacy = &legacy,
		};
		status = run_node(cli, &setup);
	} else {
		inherited_drop(&inherited);
	}
	keyring_free(ring);
	config_free(config);
	return status;
}
