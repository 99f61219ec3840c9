/* Whether this build can do what the configuration names: algorithms and their implementations. */
#ifndef SC_CLI_SETTINGS_H
#define SC_CLI_SETTINGS_H

#include "config/config.h"
#include "crypto/asym.h"
#include "crypto/bulk.h"

#define SETTINGS_MAX 32

/* In order of preference. */
struct settings {
	const struct asym_impl *asym[SETTINGS_MAX];
	size_t n_asym;
	const struct bulk_impl
		*bulk[SETTINGS_MAX]; /* with CAST-128, the last resort, wherever it is */
	size_t n_bulk;
};

/* Checks names and runs self-tests. SC_OK, or an error with err set in the form of config_load: a
   name that this build does not know, an algorithm that no implementation can be used for, ElGamal
   1024 without allow_weak. */
enum sc_error
settings_check(struct settings *settings, const struct config *config, struct errmsg *err);

/* The asymmetric algorithm of that name; or NULL, with err saying what there is. */
const struct asym_impl *
settings_find_asym(const char *name, bool allow_weak, struct errmsg *err);

#endif
