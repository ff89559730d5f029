/* generation: see generation.h */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "rt/generation.h"

#define MODE           0640
#define PATH_MAX_BYTES 512

struct page {
	_Atomic uint64_t number;
};

struct mr_generation {
	struct page *page;
};

static struct mr_generation *map(int fd, int how)
{
	struct page *page = mmap(NULL, sizeof(*page), how, MAP_SHARED, fd, 0);
	struct mr_generation *g;

	if (page == MAP_FAILED)
		return NULL;
	g = mr_alloc(sizeof(*g));
	g->page = page;
	return g;
}

/* Half of all numbers are above it: it is not raised that often. */
static uint64_t first_number(void)
{
	uint64_t n = 0;

	mr_random(&n, sizeof(n));
	return (n >> 1) + 1;
}

static int make(const char *path, struct mr_generation **out)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE), err = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, MODE) < 0 || ftruncate(fd, sizeof(struct page)) < 0 || (*out = map(fd, PROT_READ | PROT_WRITE)) == NULL)
		err = -errno;
	close(fd);
	return err;
}

int mr_generation_new(const char *path, struct mr_generation **out, struct mr_diag *diag)
{
	char made[PATH_MAX_BYTES];
	struct mr_generation *g = NULL;
	int err = snprintf(made, sizeof(made), "%s.new", path) < (int)sizeof(made) ? 0 : -ENAMETOOLONG;

	if (err == 0 && unlink(made) < 0 && errno != ENOENT)
		err = -errno;
	if (err == 0)
		err = make(made, &g);
	if (err == 0) {
		g->page->number = first_number();
		err = rename(made, path) < 0 ? -errno : 0;
	}
	if (err < 0) {
		mr_generation_free(g);
		return mr_diag_set(diag, err, "%s: %s", path, strerror(-err));
	}
	*out = g;
	return 0;
}

void mr_generation_raise(struct mr_generation *g)
{
	if (g)
		atomic_fetch_add(&g->page->number, 1);
}

struct mr_generation *mr_generation_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct mr_generation *g = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(struct page))
		g = map(fd, PROT_READ);
	close(fd);
	return g;
}

uint64_t mr_generation_now(const struct mr_generation *g)
{
	return atomic_load(&g->page->number);
}

void mr_generation_free(struct mr_generation *g)
{
	if (!g)
		return;
	munmap(g->page, sizeof(*g->page));
	free(g);
}
