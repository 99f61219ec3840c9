/* What every connection of a node is made with: own key pairs, bulk ciphers, what HELLO says. */
#ifndef SC_PROXY_MATERIAL_H
#define SC_PROXY_MATERIAL_H

#include "proxy/node.h"

/* Fills in node.pairs, keys, bulk and hello from the configuration and the key ring; runs self-tests. False with err set: a name is
   not known, a key is missing. */
bool
material_init(struct node *n, struct errmsg *err);

/* Wipes them. */
void
material_fini(struct node *n);

#endif
