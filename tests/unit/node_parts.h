/* What a node is made from, in a folder of its own, for tests that need a whole one. */
#ifndef SC_TESTS_NODE_PARTS_H
#define SC_TESTS_NODE_PARTS_H

#include "proxy/node.h"
#include "scratch.h"

struct node_parts {
	struct scratch scratch;
	struct config *config;
	struct keyring *ring;
	const struct asym_impl *asym[1];
	const struct bulk_impl *bulk[1];
	struct node_setup setup;
};

/* text: the configuration, whose state folder is `state`; each %s in it is the folder of the
   test. From here on only errors are logged. */
void
node_parts_init(struct node_parts *p, const char *text);

void
node_parts_fini(struct node_parts *p);

#endif
