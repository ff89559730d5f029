/* quarantine-read: entries as they stand, and what it takes to release one exactly once: see quarantine.h. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "quarantine.h"
#include "rt/file.h"

#define ENVELOPE_MAX (2u * MR_WIRE_MAX)

/* One wire message, and nothing behind it. */
static int read_wire(struct mr_slice file, struct mr_arena *arena, struct mr_wire *out)
{
	size_t used;

	return mr_wire_next(file, arena, out, &used) == 1 && used == file.n ? 0 : -EPROTO;
}

static size_t count(const struct mr_wire *w, const char *key)
{
	struct mr_slice value;
	size_t at = 0, n = 0;

	while (mr_wire_each(w, key, &at, &value))
		n++;
	return n;
}

/* Recipients, their parameters and why stand in the same order. */
static int read_recipients(const struct mr_wire *w, struct mr_arena *arena, struct mr_quarantine_entry *e)
{
	size_t a = 0, p = 0, y = 0;

	e->n_recipients = count(w, "recipient");
	e->recipients = mr_arena_alloc(arena, (e->n_recipients + 1) * sizeof(*e->recipients));
	for (size_t i = 0; i < e->n_recipients; i++) {
		struct mr_quarantine_recipient *r = &e->recipients[i];

		if (!mr_wire_each(w, "recipient", &a, &r->address) || !mr_wire_each(w, "parameters", &p, &r->parameters) ||
		    !mr_wire_each(w, "why", &y, &r->why))
			return -EPROTO;
	}
	return 0;
}

static int read_envelope(struct mr_slice file, struct mr_arena *arena, struct mr_quarantine_entry *e)
{
	struct mr_wire w;
	uint64_t time, outbound;

	if (read_wire(file, arena, &w) < 0 || mr_wire_u64(&w, "time", INT64_MAX, &time) < 0 ||
	    mr_wire_u64(&w, "outbound", 1, &outbound) < 0 || !mr_slice_eq(mr_wire_get(&w, "entry"), mr_slice_of(e->id)))
		return -EPROTO;
	e->time = (int64_t)time;
	e->outbound = outbound;
	e->queue_id = mr_wire_get(&w, "queue-id");
	e->client = mr_wire_get(&w, "client");
	e->helo = mr_wire_get(&w, "helo");
	e->sender = mr_wire_get(&w, "sender");
	e->sender_parameters = mr_wire_get(&w, "sender-parameters");
	e->from = mr_wire_get(&w, "from");
	e->reason = mr_wire_get(&w, "reason");
	e->score = mr_wire_get(&w, "score");
	e->symbols = mr_wire_get(&w, "symbols");
	e->authres = mr_wire_get(&w, "authres");
	e->token = mr_wire_get(&w, "token");
	return read_recipients(&w, arena, e);
}

static int read_released(struct mr_slice file, struct mr_arena *arena, struct mr_quarantine_entry *e)
{
	struct mr_wire w;
	uint64_t time;
	size_t at = 0;

	if (read_wire(file, arena, &w) < 0 || mr_wire_u64(&w, "time", INT64_MAX, &time) < 0)
		return -EPROTO;
	e->released = true;
	e->released_time = (int64_t)time;
	e->released_as = mr_wire_get(&w, "queue-id");
	e->released_to = mr_arena_alloc(arena, (count(&w, "recipient") + 1) * sizeof(*e->released_to));
	while (mr_wire_each(&w, "recipient", &at, &e->released_to[e->n_released_to]))
		e->n_released_to++;
	return 0;
}

int mr_quarantine_decode(struct mr_slice envelope, struct mr_slice released, struct mr_arena *arena, struct mr_quarantine_entry *e)
{
	int r = read_envelope(envelope, arena, e);

	return r == 0 && released.p ? read_released(released, arena, e) : r;
}

static int read_file(const char *dir, const char *id, const char *name, struct mr_arena *arena, struct mr_slice *out)
{
	struct mr_buf file = MR_BUF(ENVELOPE_MAX), path = MR_BUF(8192);
	int r;

	mr_buf_printf(&path, "%s/%s/%s", dir, id, name);
	r = mr_file_read(path.p, &file, NULL);
	if (r == 0)
		*out = (struct mr_slice){ mr_arena_slice(arena, mr_buf_slice(&file)), file.n };
	mr_buf_done(&file);
	mr_buf_done(&path);
	return r;
}

int mr_quarantine_read(const char *dir, struct mr_slice id, struct mr_arena *arena, struct mr_quarantine_entry *out)
{
	struct mr_quarantine_entry e = { 0 };
	struct mr_slice envelope = { 0 }, released = { 0 };
	struct mr_buf path = MR_BUF(8192);
	struct stat st;
	int r;

	if (!mr_quarantine_id_ok(id))
		return -ENOENT;
	snprintf(e.id, sizeof(e.id), "%.*s", (int)id.n, id.p);
	mr_buf_printf(&path, "%s/%s/message", dir, e.id);
	r = stat(path.p, &st) < 0 ? -errno : 0;
	mr_buf_done(&path);
	if (r == 0)
		r = read_file(dir, e.id, "envelope", arena, &envelope);
	if (r == 0)
		r = read_file(dir, e.id, "released", arena, &released);
	if (r == 0 || (r == -ENOENT && envelope.p))
		r = mr_quarantine_decode(envelope, released, arena, &e);
	if (r < 0)
		return r;
	e.size = (uint64_t)st.st_size;
	*out = e;
	return 0;
}

/* Takes as long for a wrong one as for a right one. */
static bool same_token(struct mr_slice a, struct mr_slice b)
{
	unsigned differ = a.n != b.n || a.n == 0;

	for (size_t i = 0; i < a.n && i < b.n; i++)
		differ |= (unsigned)(a.p[i] ^ b.p[i]);
	return !differ;
}

int mr_quarantine_claim_check(const char *dir, struct mr_slice value, struct mr_arena *arena, struct mr_quarantine_entry *out)
{
	struct mr_slice rest = mr_slice_trim(value), id = { 0 };
	struct mr_quarantine_entry e;
	int r = mr_slice_next(&rest, ' ', &id) ? mr_quarantine_read(dir, id, arena, &e) : -ENOENT;

	if (r == -ENOENT || (r == 0 && !same_token(e.token, rest)))
		return -EPERM;
	if (r < 0)
		return r;
	*out = e;
	return e.released ? -EEXIST : 0;
}

static int write_all(int fd, struct mr_slice bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes = mr_slice_from(bytes, (size_t)n);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Under a name of its own first: link() then makes the real one, whole, for one caller only. */
static int make_released(int folder, struct mr_slice content)
{
	char name[64];
	uint64_t number;
	int fd, r = mr_random(&number, sizeof(number));

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), ".released-%016" PRIx64, number);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, content);
	close(fd);
	if (r == 0 && linkat(folder, name, folder, "released", 0) < 0)
		r = -errno;
	unlinkat(folder, name, 0);
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	return r;
}

static int open_folder(const char *dir, const char *id)
{
	struct mr_buf path = MR_BUF(8192);
	int fd;

	mr_buf_printf(&path, "%s/%s", dir, id);
	fd = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	mr_buf_done(&path);
	return fd < 0 ? -errno : fd;
}

int mr_quarantine_claim(const char *dir, const char *id, struct mr_slice queue_id, int64_t now, const struct mr_slice *to, size_t n)
{
	struct mr_buf content = MR_BUF(ENVELOPE_MAX);
	int folder = open_folder(dir, id), r = folder < 0 ? folder : 0;
	struct mr_wire_out w;

	mr_wire_begin(&w, "entry", id, 0);
	mr_wire_putu(&w, "time", (uint64_t)now);
	mr_wire_put(&w, "queue-id", queue_id);
	for (size_t i = 0; i < n; i++)
		mr_wire_put(&w, "recipient", to[i]);
	if (mr_wire_end(&w, &content) < 0 && r == 0)
		r = -ENOBUFS;
	if (r == 0)
		r = make_released(folder, mr_buf_slice(&content));
	if (folder >= 0)
		close(folder);
	mr_buf_done(&content);
	return r;
}

int mr_quarantine_unclaim(const char *dir, struct mr_slice id)
{
	mr_autofree char *name = mr_slice_dup(id);
	int folder = mr_quarantine_id_ok(id) ? open_folder(dir, name) : -ENOENT, r = 0;

	if (folder < 0)
		return folder;
	if (unlinkat(folder, "released", 0) < 0 || fsync(folder) < 0)
		r = -errno;
	close(folder);
	return r;
}
