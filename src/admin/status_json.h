/* The picture of a node as JSON: what the control socket answers and `status --json` shows. The
   names in it are documented in secureconn(1) and stay. Knows no sockets. */
#ifndef SC_ADMIN_STATUS_JSON_H
#define SC_ADMIN_STATUS_JSON_H

#include <json.h>

#include "config/config.h"
#include "proxy/status.h"

/* config: the one that the node has now. NULL: out of memory. To be put. */
struct json_object *
status_json(const struct status *status, const struct config *config);

#endif
