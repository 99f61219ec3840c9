/* Ports that are opened while the process is still root, for a node that will not be. */
#ifndef SC_PROXY_EARLY_H
#define SC_PROXY_EARLY_H

#include <sys/types.h>

#include "base/error.h"
#include "config/config.h"
#include "proxy/inherit.h"

/* Opens every TCP port on which the configuration listens, and puts it where the node looks for
   ports that came with the process; those that are there already are left. They become that user's.
   Unix sockets are not opened: that user makes them, so that it can remove them too. SC_OK, or an
   error with err set. */
enum sc_error
early_ports(struct inherited *in, const struct config *config, uid_t uid, gid_t gid,
	struct errmsg *err);

#endif
