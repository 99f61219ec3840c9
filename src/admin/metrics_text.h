/* The picture of a node in the text format of Prometheus. Knows no sockets. */
#ifndef SC_ADMIN_METRICS_TEXT_H
#define SC_ADMIN_METRICS_TEXT_H

#include <stdio.h>

#include "config/config.h"
#include "proxy/status.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void
metrics_text(FILE *out, const struct status *status, const struct config *config);

#endif
