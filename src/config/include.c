/* Knows how a pattern becomes the names of files; knows nothing of what is in them. */
#include "config/include.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

#define FILES_MAX 1000
#define SPECIAL   "*?[\\" /* what is no plain character in a pattern */

/* value as seen from the folder of file, whose name is no pattern; to be freed. NULL: no memory. */
static char *
pattern_beside(const char *file, const char *value)
{
	const char *slash = strrchr(file, '/');
	size_t folder = slash && value[0] != '/' ? (size_t)(slash + 1 - file) : 0, used = 0;
	char *pattern = malloc(2 * folder + strlen(value) + 1);

	if (!pattern)
		return NULL;
	for (size_t i = 0; i < folder; i++) {
		if (strchr(SPECIAL, file[i]))
			pattern[used++] = '\\';
		pattern[used++] = file[i];
	}
	strcpy(pattern + used, value);
	return pattern;
}

/* For glob: that a folder is not there is fine; one that cannot be read is not: what is in it would
   be lost without a word. */
static int
on_folder_error(const char *folder, int error)
{
	(void)folder;
	return error != ENOENT && error != ENOTDIR;
}

enum sc_error
include_find(glob_t *found, const char *value, struct place at, struct errmsg *err)
{
	*found = (glob_t){.gl_pathc = 0};
	if (value[0] == '\0')
		return SC_OK;
	char *pattern = pattern_beside(at.file, value);
	int status = pattern ? glob(pattern, 0, on_folder_error, found) : GLOB_NOSPACE;
	free(pattern);
	if (status == GLOB_NOSPACE)
		return errmsg_set(err, SC_ERR_MEMORY, "out of memory");
	if (status == GLOB_NOMATCH && !strpbrk(value, SPECIAL))
		return place_error(err, SC_ERR_INVALID, at,
			"[node] include: there is no file %s; correct the name, or remove this "
			"line",
			value_show(value).text);
	if (status != 0 && status != GLOB_NOMATCH)
		return place_error(err, SC_ERR_IO, at,
			"[node] include: a folder of %s cannot be read", value_show(value).text);
	if (found->gl_pathc > FILES_MAX)
		return place_error(err, SC_ERR_LIMIT, at,
			"[node] include: names %zu files; at most %d", found->gl_pathc, FILES_MAX);
	return SC_OK;
}
