/* rules-cache: see rules-cache.h. */

/* system */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rules-cache.h"

#define DATABASE_MAX (256u << 20)
#define ENDING       ".prefilter"
#define UNUSED_S     (7 * 24 * 3600)

static char *path_of(const struct mr_rules *r, size_t i, const char *folder, struct mr_arena *arena)
{
	struct mr_slice key;

	mr_rules_prefilter_key(r, i, arena, &key);
	return mr_arena_printf(arena, "%s/%.*s" ENDING, folder, (int)key.n, key.p);
}

static bool load_one(struct mr_rules *r, size_t i, const char *path)
{
	struct mr_buf bytes = MR_BUF(DATABASE_MAX);
	struct mr_diag diag = { 0 };
	bool good = mr_file_read(path, &bytes, &diag) == 0 && mr_rules_prefilter_load(r, i, mr_buf_slice(&bytes), &diag) == 0;

	if (good)
		utimensat(AT_FDCWD, path, NULL, 0); /* in use */
	mr_buf_done(&bytes);
	return good;
}

bool mr_rules_cache_load(struct mr_rules *r, const char *folder)
{
	mr_autoarena arena = mr_arena_new(0);
	bool all = true;

	for (size_t i = 0; i < mr_rules_prefilters(r); i++)
		all &= load_one(r, i, path_of(r, i, folder, arena));
	return all;
}

/* Others' rules may be in the same folder: a configuration that is tried, one that comes back. */
static void remove_unused(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)))
		if (mr_slice_iends(mr_slice_of(e->d_name), MR_LIT(ENDING)) && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
		    st.st_mtime + UNUSED_S < mr_wall())
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

static int build_one(struct mr_rules *r, size_t i, const char *path, struct mr_diag *diag)
{
	struct mr_buf bytes = MR_BUF(DATABASE_MAX);
	int err = mr_rules_prefilter_build(r, i, &bytes, diag);

	if (err == 0)
		err = mr_file_write(path, 0600, mr_buf_slice(&bytes), diag);
	mr_buf_done(&bytes);
	return err;
}

int mr_rules_cache_build(struct mr_rules *r, const char *folder, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	int err = mkdir(folder, 0700) < 0 && errno != EEXIST ? mr_diag_set(diag, -errno, "%s: %s", folder, strerror(errno)) : 0;

	for (size_t i = 0; err == 0 && i < mr_rules_prefilters(r); i++) {
		const char *path = path_of(r, i, folder, arena);

		if (!load_one(r, i, path))
			err = build_one(r, i, path, diag);
	}
	if (err == 0)
		remove_unused(folder);
	return err;
}
