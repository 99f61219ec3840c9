/* Knows how names in the configuration become algorithms of this build; knows nothing of keys and
   links. */
#include "cli/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/nearest.h"

#define LAST_RESORT "CAST-128" /* every node supports it (protocol.md 2) */

/* "file:line: [node] key: why". A default that is wrong is the section's. */
static enum sc_error
refuse(const struct config *config, const struct name_list *list, const char *key, const char *why,
	struct errmsg *err)
{
	bool set = list->line != 0;
	return errmsg_set(err, SC_ERR_INVALID, "%s:%u: [node] %s: %s",
		set ? list->file : config->files[0], set ? list->line : config->node.line, key,
		why);
}

static void
list_name(char *known, size_t size, const char *name)
{
	size_t used = strlen(known);
	snprintf(known + used, size - used, "%s%s", used ? ", " : "", name);
}

static enum sc_error
unknown(struct errmsg *err, const char *name, const char *near, const char *known)
{
	char shown[60];
	escape_text(shown, sizeof(shown), name, strlen(name));
	if (near)
		return errmsg_set(err, SC_ERR_INVALID, "\"%s\" is not known; did you mean \"%s\"?",
			shown, near);
	return errmsg_set(err, SC_ERR_INVALID, "\"%s\" is not known; there are %s", shown, known);
}

const struct asym_impl *
settings_find_asym(const char *name, bool allow_weak, struct errmsg *err)
{
	const struct asym_impl *asym = asym_find(name);
	const char *near = NULL;
	char known[200] = "";

	if (asym && (allow_weak || !asym->algorithm->weak))
		return asym;
	if (asym) {
		errmsg_set(err, SC_ERR_INVALID,
			"\"%s\" is weak; use ElGamal 3072, or say allow_weak = yes in [node] if a "
			"peer knows nothing else",
			name);
		return NULL;
	}
	for (size_t i = 0; asym_impls[i]; i++) {
		nearest_consider(&near, name, asym_impls[i]->algorithm->name);
		list_name(known, sizeof(known), asym_impls[i]->algorithm->name);
	}
	unknown(err, name, near, known);
	return NULL;
}

static enum sc_error
check_asymmetric(struct settings *s, const struct config *config, struct errmsg *err)
{
	const struct name_list *names = &config->node.asymmetric;
	struct errmsg why;

	if (names->n > SETTINGS_MAX)
		return refuse(config, names, "asymmetric", "has too many names", err);
	for (size_t i = 0; i < names->n; i++) {
		const struct asym_impl *asym =
			settings_find_asym(names->at[i], config->node.allow_weak, &why);
		if (!asym)
			return refuse(config, names, "asymmetric", why.text, err);
		if (asym_self_test(asym) != 0) {
			snprintf(why.text, sizeof(why.text),
				"%s fails its self-test here; the library on this host is damaged, "
				"or not the one that this program was built for",
				names->at[i]);
			return refuse(config, names, "asymmetric", why.text, err);
		}
		s->asym[s->n_asym++] = asym;
	}
	return SC_OK;
}

/* The default names libraries that a build need not have. */
static enum sc_error
check_implementations(const struct config *config, struct errmsg *err)
{
	const struct name_list *names = &config->node.implementations;
	struct errmsg why;
	const char *near = NULL;
	char known[100] = "";

	for (size_t i = 0; bulk_impls[i]; i++) {
		if (!strstr(known, bulk_impls[i]->name))
			list_name(known, sizeof(known), bulk_impls[i]->name);
	}
	for (size_t i = 0; names->line != 0 && i < names->n; i++) {
		if (bulk_impl_name_known(names->at[i]))
			continue;
		for (size_t k = 0; bulk_impls[k]; k++)
			nearest_consider(&near, names->at[i], bulk_impls[k]->name);
		unknown(&why, names->at[i], near, known);
		return refuse(config, names, "implementations", why.text, err);
	}
	return SC_OK;
}

static bool
has_bulk(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_bulk; i++)
		if (strcmp(s->bulk[i]->algorithm->name, name) == 0)
			return true;
	return false;
}

static void
self_test_failed(const struct bulk_impl *impl)
{
	struct log_line line = log_begin(LOG_LEVEL_ERROR, "self_test_failed");
	log_str(&line, "symmetric", impl->algorithm->name);
	log_str(&line, "implementation", impl->name);
	log_str(&line, "hint",
		"it is not used; the library on this host is damaged, or not the one that this "
		"program was built for");
	log_end(&line);
}

/* Two nodes may share a configuration where only one has the library: the name is not offered. */
static void
unavailable(const char *name)
{
	struct log_line line = log_begin(LOG_LEVEL_WARNING, "symmetric_unavailable");
	log_str(&line, "symmetric", name);
	log_str(&line, "hint",
		"none of the implementations has it here: it is not offered to peers");
	log_end(&line);
}

static enum sc_error
add_bulk(struct settings *s, const struct config *config, const char *name, struct errmsg *err)
{
	const struct name_list *order = &config->node.implementations;
	const struct bulk_algorithm *algorithm = bulk_algorithm_find(name);
	const char *near = NULL;
	char known[200] = "";

	if (!algorithm) {
		for (size_t i = 0; bulk_algorithms[i]; i++) {
			nearest_consider(&near, name, bulk_algorithms[i]->name);
			list_name(known, sizeof(known), bulk_algorithms[i]->name);
		}
		return unknown(err, name, near, known);
	}
	const struct bulk_impl *impl =
		bulk_choose(algorithm, (const char *const *)order->at, order->n, self_test_failed);
	if (impl)
		s->bulk[s->n_bulk++] = impl;
	else
		unavailable(name);
	return SC_OK;
}

static enum sc_error
check_symmetric(struct settings *s, const struct config *config, struct errmsg *err)
{
	const struct name_list *names = &config->node.symmetric;
	struct errmsg why;
	enum sc_error error = SC_OK;

	if (names->n >= SETTINGS_MAX)
		return refuse(config, names, "symmetric", "has too many names", err);
	for (size_t i = 0; error == SC_OK && i < names->n; i++)
		error = add_bulk(s, config, names->at[i], &why);
	if (error == SC_OK && !has_bulk(s, LAST_RESORT))
		error = add_bulk(s, config, LAST_RESORT, &why);
	if (error == SC_OK && s->n_bulk == 0)
		error = errmsg_set(&why, SC_ERR_INVALID,
			"none of the ciphers can be computed here; see implementations");
	return error == SC_OK ? SC_OK : refuse(config, names, "symmetric", why.text, err);
}

enum sc_error
settings_check(struct settings *settings, const struct config *config, struct errmsg *err)
{
	enum sc_error error;

	memset(settings, 0, sizeof(*settings));
	error = check_asymmetric(settings, config, err);
	if (error == SC_OK)
		error = check_implementations(config, err);
	if (error == SC_OK)
		error = check_symmetric(settings, config, err);
	return error;
}
