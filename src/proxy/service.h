/* Services: streams that peers open become connections to local targets. */
#ifndef SC_PROXY_SERVICE_H
#define SC_PROXY_SERVICE_H

#include "proxy/link.h"

/* The peer of the link asks for a service: connects to its target, or refuses. One that the peer
   may not use and one that does not exist get the same answer. */
void
service_open(struct link *link, struct stream *stream, const struct stream_request *request);

/* Says in the log which services show clients' own addresses, if this process may not do that. */
void
service_check_privilege(const struct config *config);

#endif
