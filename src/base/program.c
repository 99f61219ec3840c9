/* Knows the words to call this program with; what they mean is cli's. */
#include "base/program.h"

#include <string.h>

static char program[1200] = "secureconn";

void
program_set_name(const char *name)
{
	size_t n = strlen(name);

	if (n < sizeof(program))
		memcpy(program, name, n + 1);
}

const char *
program_name(void)
{
	return program;
}
