/* Runs files of a corpus through one fuzzer's LLVMFuzzerTestOneInput, in any compiler: seeds are
   regression tests. */
#include "fuzz.h"

#include <dirent.h>

#define SIZE_LIMIT ((size_t)1 << 20)

/* Runs the whole of it, and the fronts of it up to each byte: cheap, and what goes wrong goes wrong
   at an end. */
static void
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(SIZE_LIMIT);

	FUZZ_ASSERT(f && data);
	size_t size = fread(data, 1, SIZE_LIMIT, f);
	FUZZ_ASSERT(!ferror(f) && size > 0 && size < SIZE_LIMIT);
	fclose(f);
	printf("%s\n", path);
	fflush(stdout);
	for (size_t n = 0; n <= size; n++) {
		/* A block of its own size, so that a byte read behind the end is noticed. */
		uint8_t *front = malloc(n + 1);
		FUZZ_ASSERT(front);
		memcpy(front + 1, data, n);
		LLVMFuzzerTestOneInput(front + 1, n);
		free(front);
	}
	free(data);
}

int
main(int argc, char **argv)
{
	size_t files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		FUZZ_ASSERT(folder);
		for (struct dirent *entry; (entry = readdir(folder));) {
			char path[4096];
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			run_file(path);
			files++;
		}
		closedir(folder);
	}
	FUZZ_ASSERT(files > 0);
	return 0;
}
