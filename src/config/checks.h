/* What one line alone cannot tell: whether sections fit together. */
#ifndef SC_CONFIG_CHECKS_H
#define SC_CONFIG_CHECKS_H

#include "config/config.h"

/* Peers that routes and services name exist; nothing is listened on twice; no plaintext leaves the
   host without `plaintext = allow`. SC_OK, or SC_ERR_INVALID with err set. */
enum sc_error
config_check(const struct config *config, struct errmsg *err);

#endif
