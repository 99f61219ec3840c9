/* Where routes listen, by endpoints: of thousands each is found at once. */
#ifndef SC_CONFIG_LISTENS_H
#define SC_CONFIG_LISTENS_H

#include "config/config.h"

/* Once, when all routes are there. False: out of memory. */
bool
listens_index(struct config *config);

#endif
