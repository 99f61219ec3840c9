/* Knows what descriptors are needed for besides local connections. */
#include "proxy/ceiling.h"

#include <sys/resource.h>

#include "base/log.h"
#include "base/util.h"
#include "proxy/node.h"
#include "proxy/workers.h"

#define FEW 1024 /* local connections that an operator should know of */
#define OWN 64 /* loops, listeners, files, links of some peers and their dialing */

uint32_t
ceiling_of(uint64_t descriptors, const struct config_limits *limits)
{
	uint64_t kept = OWN + min_u64(limits->unauthenticated, descriptors / 4);
	uint64_t left = descriptors > kept ? descriptors - kept : 1;

	return (uint32_t)min_u64(limits->connections, left);
}

void
ceiling_init(struct node *n)
{
	const struct config_limits *limits = &n->config->limits;
	struct rlimit files;

	n->descriptors = UINT64_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
		n->descriptors = files.rlim_cur;
	uint32_t most = ceiling_of(n->descriptors, limits);
	if (most == limits->connections)
		return;
	struct log_line line =
		log_begin(most < FEW ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "descriptors_few");
	log_u64(&line, "descriptors", n->descriptors);
	log_u64(&line, "connections", most);
	log_fmt(&line, "hint",
		"no more local connections than that are taken; raise the limit of open files "
		"(LimitNOFILE), or say so in `connections` of [limits], which is %u",
		limits->connections);
	log_end(&line);
}

bool
ceiling_reached(const struct worker *w)
{
	return workers_connections(w->node) >= ceiling_of(w->node->descriptors, &w->config->limits);
}
