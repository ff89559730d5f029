/* quarantine: see quarantine.h. */

/* system */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "quarantine.h"

#define NEW_PREFIX ".new-"

static void fd_auto(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define autofd __attribute__((cleanup(fd_auto))) int

static void remove_entry(int parent, const char *name)
{
	static const char *const files[] = { "message", "envelope" };
	autofd dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	for (size_t i = 0; dir >= 0 && i < MR_COUNT(files); i++)
		unlinkat(dir, files[i], 0);
	unlinkat(parent, name, AT_REMOVEDIR);
}

int mr_quarantine_open(const char *dir, struct mr_diag *diag)
{
	struct dirent *e;
	DIR *d;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return mr_diag_set(diag, -errno, "quarantine %s: %s", dir, strerror(errno));
	d = opendir(dir);
	if (!d)
		return mr_diag_set(diag, -errno, "quarantine %s: %s", dir, strerror(errno));
	while ((e = readdir(d)))
		if (strncmp(e->d_name, NEW_PREFIX, sizeof(NEW_PREFIX) - 1) == 0)
			remove_entry(dirfd(d), e->d_name);
	closedir(d);
	return 0;
}

static int make_id(const struct mr_quarantine_copy *c, char id[MR_QUARANTINE_ID_MAX])
{
	char queue_id[33];
	size_t n = 0;
	uint64_t r;
	int err = mr_random(&r, sizeof(r));

	for (size_t i = 0; i < c->queue_id.n && n < sizeof(queue_id) - 1; i++)
		if (isalnum((unsigned char)c->queue_id.p[i]))
			queue_id[n++] = c->queue_id.p[i];
	queue_id[n] = 0;
	snprintf(id, MR_QUARANTINE_ID_MAX, "%" PRId64 "-%s-%016" PRIx64, c->time, n ? queue_id : "none", r);
	return err;
}

static int write_file(int dir, const char *name, struct mr_slice content)
{
	autofd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	while (content.n) {
		ssize_t n = write(fd, content.p, content.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		content = mr_slice_from(content, (size_t)n);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int envelope(const struct mr_quarantine_copy *c, const char *id, struct mr_buf *out)
{
	struct mr_buf text = MR_BUF(MR_SYMBOLS_MAX * (MR_SYMBOL_NAME_MAX + 16));
	struct mr_wire_out w;

	mr_wire_begin(&w, "entry", id, 0);
	mr_wire_putu(&w, "time", (uint64_t)c->time);
	mr_wire_put(&w, "queue-id", c->queue_id);
	mr_wire_put(&w, "client", c->client);
	mr_wire_put(&w, "helo", c->helo);
	mr_wire_put(&w, "sender", c->sender);
	mr_wire_put(&w, "from", c->from);
	mr_wire_put(&w, "reason", c->reason);
	for (size_t i = 0; i < c->n_recipients; i++)
		mr_wire_put(&w, "recipient", c->recipients[i].address);
	if (c->scan) {
		mr_buf_printf(&text, "%.2f", c->scan->score);
		mr_wire_put(&w, "score", mr_buf_slice(&text));
		mr_buf_reset(&text);
		mr_symbols_text(c->scan, ",", &text);
		mr_wire_put(&w, "symbols", mr_buf_slice(&text));
	}
	mr_buf_done(&text);
	return mr_wire_end(&w, out);
}

static int fill_entry(int dir, const struct mr_quarantine_copy *c, const char *id)
{
	struct mr_buf env = MR_BUF(2 * MR_WIRE_MAX);
	int r = envelope(c, id, &env);

	if (r == 0)
		r = write_file(dir, "message", c->message);
	if (r == 0)
		r = write_file(dir, "envelope", mr_buf_slice(&env));
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	mr_buf_done(&env);
	return r;
}

static int store(int parent, const struct mr_quarantine_copy *c, const char *id)
{
	char tmp[MR_QUARANTINE_ID_MAX + sizeof(NEW_PREFIX)];
	int r;

	snprintf(tmp, sizeof(tmp), NEW_PREFIX "%s", id);
	if (mkdirat(parent, tmp, 0700) < 0)
		return -errno;
	{
		autofd dir = openat(parent, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = dir < 0 ? -errno : fill_entry(dir, c, id);
	}
	if (r == 0 && renameat(parent, tmp, parent, id) < 0)
		r = -errno;
	if (r < 0)
		remove_entry(parent, tmp);
	else if (fsync(parent) < 0)
		r = -errno;
	return r;
}

int mr_quarantine_store(const char *dir, const struct mr_quarantine_copy *c, char id[MR_QUARANTINE_ID_MAX], struct mr_diag *diag)
{
	autofd parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = parent < 0 ? -errno : make_id(c, id);

	if (r == 0)
		r = store(parent, c, id);
	return r < 0 ? mr_diag_set(diag, r, "quarantine %s: %s", dir, strerror(-r)) : 0;
}

int mr_quarantine_envelope(struct mr_slice file, struct mr_arena *arena, struct mr_wire *out)
{
	size_t used;

	return mr_wire_next(file, arena, out, &used) == 1 && used == file.n ? 0 : -EPROTO;
}
