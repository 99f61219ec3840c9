/* Knows the defaults that no table can hold; knows nothing of files. */
#include "config/derive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/read.h"

#define STATE_DEFAULT   "/var/lib/secureconn" /* as in the table of options */
#define CONTROL_DEFAULT "/run/secureconn/control.sock"
#define CONTROL_BESIDE  "control.sock"

/* Several nodes on one host have a state folder each, and must not share the socket. */
static enum sc_error
derive_control(struct config_node *node, struct errmsg *err)
{
	if (node->control)
		return SC_OK;
	node->control_is_default = true;
	if (strcmp(node->state, STATE_DEFAULT) == 0)
		node->control = strdup(CONTROL_DEFAULT);
	else if (asprintf(&node->control, "%s/%s", node->state, CONTROL_BESIDE) < 0)
		node->control = NULL;
	return node->control ? SC_OK : errmsg_set(err, SC_ERR_MEMORY, "out of memory");
}

static enum sc_error
derive_name(struct config *config, struct errmsg *err)
{
	struct config_node *node = &config->node;

	if (node->name[0] != '\0')
		return SC_OK;
	if (gethostname(node->name, sizeof(node->name) - 1) == 0 && config_name_valid(node->name))
		return SC_OK;
	return place_error(err, SC_ERR_INVALID, (struct place){config->files[0], node->line},
		"[node] name: is missing, and the name of this host cannot be used; add name = "
		"NAME");
}

enum sc_error
config_derive(struct config *config, struct errmsg *err)
{
	for (size_t i = 0; i < config->n_routes; i++) {
		struct config_route *route = &config->routes[i];
		if (route->service[0] == '\0')
			snprintf(route->service, sizeof(route->service), "%s", route->name);
	}
	enum sc_error error = derive_control(&config->node, err);
	return error == SC_OK ? derive_name(config, err) : error;
}
