/* Knows which endpoints there are before there is a node; how one is opened is listen_open.c's. */
#include "proxy/early.h"

#include <unistd.h>

#include "proxy/listen.h"

static enum sc_error
open_list(struct list *open, const struct endpoint_list *endpoints, struct inherited *in,
	struct errmsg *err)
{
	enum sc_error error = SC_OK;

	for (size_t i = 0; error == SC_OK && i < endpoints->n; i++)
		if (!endpoints->at[i].is_unix)
			error = listeners_open(open, &endpoints->at[i], in, false, err);
	return error;
}

enum sc_error
early_ports(
	struct inherited *in, const struct config *config, uid_t uid, gid_t gid, struct errmsg *err)
{
	struct list open, *first;

	list_init(&open);
	enum sc_error error = open_list(&open, &config->node.listen, in, err);
	for (size_t i = 0; error == SC_OK && i < config->n_routes; i++)
		error = open_list(&open, &config->routes[i].listen, in, err);
	if (error == SC_OK)
		error = open_list(&open, &config->node.metrics, in, err);
	while (error == SC_OK && (first = list_first(&open))) {
		int fd = listener_take(container_of(first, struct listener, node));
		/* Whose a socket is counts when another one of the same port is opened
		   (ports.c). */
		(void)!fchown(fd, uid, gid);
		if (!inherited_add(in, fd))
			error = errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	}
	listeners_close(&open);
	return error;
}
