/* standalone: runs the seeds of a fuzz target as an ordinary test: fuzz-NAME CORPUS-FOLDER; see README.md */

/* system */
#include <dirent.h>
#include <errno.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "fuzz.h"

#define SEED_MAX   (1u << 20) /* bytes */
#define VARIED_MAX 600        /* variations of each kind of one seed */

/* From memory of exactly this size, so that a sanitizer sees one byte too far. */
static void run(const uint8_t *data, size_t n)
{
	mr_autofree uint8_t *exact = mr_realloc(NULL, n);

	if (n)
		memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
}

static void vary(uint8_t *seed, size_t n)
{
	static const uint8_t bytes[] = { 0, '\n', '%', '9', 0xff };
	size_t step = n / VARIED_MAX + 1;

	for (size_t i = 0; i < n; i += step) {
		uint8_t kept = seed[i];

		run(seed, i);
		seed[i] = bytes[i / step % sizeof(bytes)];
		run(seed, n);
		seed[i] = kept;
	}
}

/* Bytes read, or -1. */
static long read_seed(const char *folder, const char *name, uint8_t *seed)
{
	mr_autofree char *path = NULL;
	FILE *f = asprintf(&path, "%s/%s", folder, name) > 0 ? fopen(path, "rb") : NULL;
	long n = f ? (long)fread(seed, 1, SEED_MAX, f) : -1;

	if (f)
		fclose(f);
	else
		fprintf(stderr, "%s/%s: %s\n", folder, name, strerror(errno));
	return n;
}

int main(int argc, char **argv)
{
	mr_autofree uint8_t *seed = mr_alloc(SEED_MAX);
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	size_t seeds = 0, goals = 0;
	struct dirent *d;
	long n = 0;

	while (folder && n >= 0 && (d = readdir(folder))) {
		if (d->d_name[0] == '.')
			continue;
		n = read_seed(argv[1], d->d_name, seed);
		if (n < 0)
			continue;
		fuzz_goals = 0;
		run(seed, (size_t)n);
		goals += fuzz_goals;
		vary(seed, (size_t)n);
		seeds++;
	}
	if (folder)
		closedir(folder);
	printf("%zu seeds, %zu reached the goal\n", seeds, goals);
	if (goals == 0)
		fprintf(stderr, "no seed reached the goal: the target tests nothing\n");
	return goals > 0 && n >= 0 ? 0 : 1;
}
