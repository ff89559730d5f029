/* file: see file.h */

/* system */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "conf/file.h"

#define READ_STEP 16384 /* bytes */
#define FILES_MAX 1000

static int read_all(int fd, struct mr_buf *b)
{
	for (;;) {
		size_t room = b->max - b->n < READ_STEP ? b->max - b->n : READ_STEP;
		char *p = room ? mr_buf_reserve(b, room) : NULL;
		char beyond;
		ssize_t got = read(fd, p ? p : &beyond, p ? room : 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		if (!p)
			return -EFBIG;
		mr_buf_filled(b, (size_t)got);
	}
}

int mr_conf_file_read(const char *path, struct mr_buf *b, struct mr_diag *diag)
{
	/* Not blocking: opening a pipe must not hang. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	struct stat st;

	if (fd < 0)
		return mr_diag_set(diag, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) /* /dev/null is fine */
		err = -EINVAL;
	else
		err = read_all(fd, b);
	close(fd);
	return err < 0 ? mr_diag_set(diag, err, "%s: %s", path, strerror(-err)) : 0;
}

static int is_conf(const struct dirent *d)
{
	struct mr_slice name = mr_slice_of(d->d_name), suffix = MR_LIT(".conf");

	return name.p[0] != '.' && name.n > suffix.n && mr_slice_eq(mr_slice_from(name, name.n - suffix.n), suffix);
}

/* Not alphasort(), which asks the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int mr_conf_folder_list(const char *folder, char ***names, size_t *n, struct mr_diag *diag)
{
	struct dirent **found = NULL;
	int count = scandir(folder, &found, is_conf, by_bytes), err = count < 0 ? -errno : 0;

	if (err == -ENOENT)
		err = count = 0;
	if (count > FILES_MAX)
		err = -E2BIG;
	if (err == 0) {
		*names = mr_new(char *, (size_t)count);
		*n = (size_t)count;
	}
	for (int i = 0; i < count; i++) {
		if (err == 0)
			(*names)[i] = mr_strdup(found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return err < 0 ? mr_diag_set(diag, err, "%s: %s", folder, strerror(-err)) : 0;
}
