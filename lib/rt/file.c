/* file: whole files. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/file.h"

#define READ_CHUNK      16384
#define SECRET_FILE_MAX 65536

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define autoclose __attribute__((cleanup(close_fd))) int

static int fail(const char *path, int err, struct mr_diag *diag)
{
	return mr_diag_set(diag, -err, "%s: %s", path, strerror(err));
}

static int read_all(int fd, const char *path, struct mr_buf *b, struct mr_diag *diag)
{
	for (;;) {
		size_t room = b->max - b->n < READ_CHUNK ? b->max - b->n : READ_CHUNK;
		char *to = room ? mr_buf_reserve(b, room) : NULL;
		char beyond;
		ssize_t n = to ? read(fd, to, room) : read(fd, &beyond, 1);

		if (n < 0)
			return fail(path, errno, diag);
		if (n == 0)
			return 0;
		if (!to)
			return mr_diag_set(diag, -EFBIG, "%s: larger than %zu bytes", path, b->max);
		mr_buf_filled(b, (size_t)n);
	}
}

int mr_file_read(const char *path, struct mr_buf *b, struct mr_diag *diag)
{
	autoclose fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fail(path, errno, diag) : read_all(fd, path, b, diag);
}

int mr_file_secret(const char *path, struct mr_buf *b, struct mr_diag *diag)
{
	autoclose fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(path, errno, diag);
	if (st.st_mode & (S_IROTH | S_IWOTH))
		return mr_diag_set(diag, -EPERM, "%s: a secret that everybody may read or write (mode %03o)", path, st.st_mode & 0777);
	rc = read_all(fd, path, b, diag);
	if (rc < 0)
		return rc;
	while (b->n > 0 && (b->p[b->n - 1] == '\n' || b->p[b->n - 1] == '\r'))
		b->p[--b->n] = '\0';
	return b->n > 0 ? 0 : mr_diag_set(diag, -EINVAL, "%s: empty", path);
}

static int write_all(int fd, struct mr_slice content)
{
	while (content.n > 0) {
		ssize_t n = write(fd, content.p, content.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		content = mr_slice_from(content, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int mr_file_write(const char *path, unsigned mode, struct mr_slice content, struct mr_diag *diag)
{
	mr_autofree char *copy = mr_strdup(path);
	struct mr_buf temp = MR_BUF(PATH_MAX);
	autoclose folder = -1;
	int fd = -1, rc = mr_buf_printf(&temp, "%s.XXXXXX", path);

	if (rc < 0) {
		rc = fail(path, ENAMETOOLONG, diag);
		goto out;
	}
	folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = folder < 0 ? -1 : mkostemp(temp.p, O_CLOEXEC);
	if (fd < 0) {
		rc = fail(path, errno, diag);
		goto out;
	}
	rc = fchmod(fd, mode) < 0 ? -errno : write_all(fd, content);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temp.p, path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temp.p);
		rc = fail(path, -rc, diag);
	} else if (fsync(folder) < 0) {
		rc = fail(path, errno, diag);
	}
out:
	mr_buf_done(&temp);
	return rc;
}

int mr_keyring_load(const char *path, struct mr_keyring *out, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(SECRET_FILE_MAX);
	unsigned line = 0;
	int rc = mr_file_secret(path, &text, diag);

	if (rc == 0) {
		rc = mr_keyring_parse(mr_buf_slice(&text), out, &line);
		if (rc < 0)
			mr_diag_set(diag, rc, "%s:%u: not a key: \"ID BASE64KEY\" is wanted", path, line);
	}
	if (text.p)
		mr_wipe(text.p, text.cap);
	mr_buf_done(&text);
	return rc;
}
