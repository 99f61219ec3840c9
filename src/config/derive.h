/* Defaults that depend on other values or on this host. */
#ifndef SC_CONFIG_DERIVE_H
#define SC_CONFIG_DERIVE_H

#include "config/config.h"

/* After all files were read: fills in what they do not say and the table of options does not know.
   SC_ERR_INVALID: the name of this host cannot be the node's; SC_ERR_MEMORY. */
enum sc_error
config_derive(struct config *config, struct errmsg *err);

#endif
