/* Knows the units in which people read times and sizes. */
#include "cli/amounts.h"

#include <stdio.h>

const char *
age_text(char out[32], uint64_t s)
{
	unsigned long long days = s / 86400, hours = s / 3600, minutes = s / 60;

	if (days > 0)
		snprintf(out, 32, "%llu d %llu h", days, hours % 24);
	else if (hours > 0)
		snprintf(out, 32, "%llu h %llu min", hours, minutes % 60);
	else if (minutes > 0)
		snprintf(out, 32, "%llu min %llu s", minutes, (unsigned long long)s % 60);
	else
		snprintf(out, 32, "%llu s", (unsigned long long)s);
	return out;
}

const char *
size_text(char out[32], uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	int unit = -1;

	while (value >= 1023.95 && unit < 5) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(out, 32, "%u B", (unsigned)bytes);
	else
		snprintf(out, 32, "%.*f %s", value < 99.95 ? 1 : 0, value, units[unit]);
	return out;
}
