/* quarantine: see quarantine.h. */

/* system */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "quarantine.h"

#define NEW_PREFIX  ".new-"
#define GONE_PREFIX ".gone-"
#define TOKEN_BYTES 16

static void fd_auto(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define autofd __attribute__((cleanup(fd_auto))) int

static void remove_entry(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(fd, e->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	unlinkat(parent, name, AT_REMOVEDIR);
}

static bool is_rest(const char *name)
{
	return strncmp(name, NEW_PREFIX, sizeof(NEW_PREFIX) - 1) == 0 || strncmp(name, GONE_PREFIX, sizeof(GONE_PREFIX) - 1) == 0;
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
		if (is_rest(e->d_name))
			remove_entry(dirfd(d), e->d_name);
	closedir(d);
	return 0;
}

bool mr_quarantine_id_ok(struct mr_slice id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!isalnum((unsigned char)id.p[i]) && id.p[i] != '-')
			return false;
	return id.n > 0 && id.n < MR_QUARANTINE_ID_MAX;
}

int mr_quarantine_each(const char *dir, int (*fn)(const char *id, void *arg), void *arg)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int r = 0;

	if (!d)
		return -errno;
	while (r >= 0 && (e = readdir(d)))
		if (mr_quarantine_id_ok(mr_slice_of(e->d_name)))
			r = fn(e->d_name, arg);
	closedir(d);
	return r < 0 ? r : 0;
}

int mr_quarantine_lock(const char *dir, struct mr_slice id)
{
	autofd parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mr_autofree char *name = mr_slice_dup(id);
	int fd, r;

	if (parent < 0 || !mr_quarantine_id_ok(id))
		return parent < 0 ? -errno : -ENOENT;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return r;
}

int mr_quarantine_remove(const char *dir, struct mr_slice id)
{
	autofd lock = mr_quarantine_lock(dir, id);
	autofd parent = lock < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mr_autofree char *name = mr_slice_dup(id);
	char gone[MR_QUARANTINE_ID_MAX + sizeof(GONE_PREFIX)];

	if (lock < 0 || parent < 0)
		return lock < 0 ? lock : -errno;
	snprintf(gone, sizeof(gone), GONE_PREFIX "%s", name);
	if (renameat(parent, name, parent, gone) < 0)
		return -errno;
	remove_entry(parent, gone);
	return fsync(parent) < 0 ? -errno : 0;
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

static int put_token(struct mr_wire_out *w)
{
	struct mr_buf text = MR_BUF(2 * TOKEN_BYTES + 1);
	char bytes[TOKEN_BYTES];
	int r = mr_random(bytes, sizeof(bytes));

	if (r == 0) {
		mr_hex_add(&text, (struct mr_slice){ bytes, sizeof(bytes) });
		mr_wire_put(w, "token", mr_buf_slice(&text));
	}
	mr_buf_done(&text);
	return r;
}

static void put_scan(struct mr_wire_out *w, const struct mr_scan_result *scan)
{
	struct mr_buf text = MR_BUF(MR_SYMBOLS_MAX * (MR_SYMBOL_NAME_MAX + 16));

	mr_buf_printf(&text, "%.2f", scan->score);
	mr_wire_put(w, "score", mr_buf_slice(&text));
	mr_buf_reset(&text);
	mr_symbols_text(scan, ",", &text);
	mr_wire_put(w, "symbols", mr_buf_slice(&text));
	mr_wire_put(w, "authres", scan->authres);
	mr_buf_done(&text);
}

int mr_quarantine_encode(const struct mr_quarantine_copy *c, const char *id, struct mr_buf *out)
{
	struct mr_wire_out w;
	int r, ended;

	mr_wire_begin(&w, "entry", id, 0);
	mr_wire_putu(&w, "time", (uint64_t)c->time);
	mr_wire_put(&w, "queue-id", c->queue_id);
	mr_wire_put(&w, "client", c->client);
	mr_wire_put(&w, "helo", c->helo);
	mr_wire_put(&w, "sender", c->sender);
	mr_wire_put(&w, "sender-parameters", c->sender_parameters);
	mr_wire_put(&w, "from", c->from);
	mr_wire_put(&w, "reason", c->reason);
	mr_wire_putu(&w, "outbound", c->outbound);
	for (size_t i = 0; i < c->n_recipients; i++) {
		mr_wire_put(&w, "recipient", c->recipients[i].address);
		mr_wire_put(&w, "parameters", c->recipients[i].esmtp);
		mr_wire_puts(&w, "why", c->recipients[i].why == MR_REJECT ? "reject" : "quarantine");
	}
	if (c->scan)
		put_scan(&w, c->scan);
	r = put_token(&w);
	ended = mr_wire_end(&w, out);
	return r < 0 ? r : ended;
}

static int fill_entry(int dir, const struct mr_quarantine_copy *c, const char *id)
{
	struct mr_buf env = MR_BUF(2 * MR_WIRE_MAX);
	int r = mr_quarantine_encode(c, id, &env);

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
