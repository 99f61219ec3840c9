/* How many processors this process may use. */
#ifndef SC_BASE_PROCESSORS_H
#define SC_BASE_PROCESSORS_H

/* Those that it may run on (its affinity), and not more than the time that its control group is
   given (cpu.max of cgroup v2, rounded up). At least 1. */
unsigned
processors_available(void);

/* The whole processors that a text of cpu.max ("max 100000", "150000 100000") stands for, rounded
   up; 0: no limit, or no such text. */
unsigned
processors_of_quota(const char *text);

#endif
