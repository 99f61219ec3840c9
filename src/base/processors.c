/* Knows where Linux says how much of a machine this process has. */
#include "base/processors.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CGROUPS "/sys/fs/cgroup"

unsigned
processors_of_quota(const char *text)
{
	char *end;
	unsigned long long quota = strtoull(text, &end, 10);

	if (end == text || *end != ' ' || text[0] == '-')
		return 0;
	const char *second = end + 1;
	unsigned long long period = strtoull(second, &end, 10);
	if (end == second || *second == '-' || quota == 0 || period == 0)
		return 0;
	unsigned long long whole = quota / period + (quota % period != 0);
	return whole < UINT_MAX ? (unsigned)whole : 0;
}

/* The first line of a file without its end; "" if there is none. */
static void
first_line(char *out, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");

	out[0] = '\0';
	if (!f)
		return;
	if (!fgets(out, (int)size, f))
		out[0] = '\0';
	fclose(f);
	out[strcspn(out, "\n")] = '\0';
}

/* The least that this group and those above it are given; 0: no limit. */
static unsigned
group_quota(void)
{
	char group[512], path[600], text[64];
	unsigned least = 0;

	first_line(group, sizeof(group), "/proc/self/cgroup");
	if (strncmp(group, "0::/", 4) != 0)
		return 0;
	for (;;) {
		snprintf(path, sizeof(path), "%s%s/cpu.max", CGROUPS, group + 3);
		first_line(text, sizeof(text), path);
		unsigned n = processors_of_quota(text);
		if (n > 0 && (least == 0 || n < least))
			least = n;
		char *slash = strrchr(group + 3, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

unsigned
processors_available(void)
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	unsigned quota = group_quota();
	unsigned have = n > 0 ? (unsigned)n : 1;
	return quota > 0 && quota < have ? quota : have;
}
