#include "snapshot-file.h"

/* system */
#include <errno.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"

#define MAGIC     "mailreeve rows"
#define HEAD      4   /* bytes of a length */
#define EXPECTED  'E' /* begins what is no key */
#define BLOCK_MAX (32u << 20)
#define WORK_MAX  (512u << 20) /* of the arena that one row is decoded in */

static void length_add(struct mr_buf *out, size_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		mr_buf_putc(out, (char)(n >> shift));
}

/* The next bytes with a length before them, and `extra` bytes between. */
static bool length_next(struct mr_slice *in, size_t extra, struct mr_slice *between, struct mr_slice *out)
{
	size_t n = 0;

	if (in->n < HEAD + extra)
		return false;
	for (size_t i = 0; i < HEAD; i++)
		n = n << 8 | (unsigned char)in->p[i];
	if (n > BLOCK_MAX || in->n - HEAD - extra < n)
		return false;
	if (between)
		*between = (struct mr_slice){ in->p + HEAD, extra };
	*out = (struct mr_slice){ in->p + HEAD + extra, n };
	*in = mr_slice_from(*in, HEAD + extra + n);
	return true;
}

void mr_snapshot_block_add(struct mr_slice payload, struct mr_buf *out)
{
	uint8_t sum[MR_SHA256_LEN];

	mr_sha256(payload, sum);
	length_add(out, payload.n);
	mr_buf_add(out, (struct mr_slice){ (const char *)sum, sizeof(sum) });
	mr_buf_add(out, payload);
}

static void code_expect(struct mr_coder *c, struct mr_db_expect *e)
{
	char *kind = e->kind, *key = e->key;

	mr_code_u64(c, &e->first);
	mr_code_u64(c, &e->last);
	mr_code_u64(c, &e->n);
	mr_code_text(c, &kind);
	mr_code_text(c, &key);
	if (c->out)
		return;
	c->bad = c->bad || strlen(kind) >= sizeof(e->kind) || strlen(key) >= sizeof(e->key);
	snprintf(e->kind, sizeof(e->kind), "%s", kind);
	snprintf(e->key, sizeof(e->key), "%s", key);
}

/* Magic, version and layout are compared; the rest is read. */
static void code_head(struct mr_coder *c, struct mr_snapshot_head *h, char **magic, char **version, uint64_t *layout)
{
	uint64_t written = (uint64_t)h->written;

	mr_code_text(c, magic);
	mr_code_text(c, version);
	mr_code_u64(c, layout);
	mr_code_text(c, &h->database);
	mr_code_u64(c, &written);
	mr_code_u64(c, &h->floor);
	code_expect(c, &h->expect);
	if (!c->out)
		h->written = (int64_t)written;
}

void mr_snapshot_head_add(const struct mr_snapshot_head *h, struct mr_buf *out)
{
	struct mr_snapshot_head copy = *h;
	struct mr_buf payload = MR_BUF(65536);
	struct mr_coder c = { .out = &payload };
	char *magic = (char *)(uintptr_t)MAGIC, *version = (char *)(uintptr_t)MR_VERSION;
	uint64_t layout = mr_row_layout();

	mr_buf_putc(&payload, 'H');
	code_head(&c, &copy, &magic, &version, &layout);
	mr_snapshot_block_add(mr_buf_slice(&payload), out);
	mr_buf_done(&payload);
}

void mr_snapshot_row_add(const struct mr_snapshot_row *r, struct mr_buf *payload)
{
	const size_t at = payload->n;
	struct mr_coder c = { .out = payload };
	uint64_t key = r->key.n, read = (uint64_t)r->read, exists = r->row->exists;

	if (at == 0)
		mr_buf_putc(payload, 'R');
	const size_t start = payload->n;
	length_add(payload, 0);
	mr_code_u64(&c, &key);
	mr_buf_add(payload, (struct mr_slice){ r->key.bytes, r->key.n });
	mr_code_u64(&c, &read);
	mr_code_u64(&c, &exists);
	if (r->row->exists)
		mr_row_encode(r->row, payload);
	for (size_t i = 0, n = payload->n - start - HEAD; i < HEAD && !payload->full; i++)
		payload->p[start + i] = (char)(n >> (8 * (HEAD - 1 - i)));
}

void mr_snapshot_end_add(uint64_t rows, struct mr_buf *out)
{
	struct mr_buf payload = MR_BUF(64);
	struct mr_coder c = { .out = &payload };

	mr_buf_putc(&payload, 'E');
	mr_code_u64(&c, &rows);
	mr_snapshot_block_add(mr_buf_slice(&payload), out);
	mr_buf_done(&payload);
}

struct reader {
	struct mr_arena *arena; /* the caller's */
	struct mr_arena *work;
	struct mr_snapshot_head *head;
	void (*row)(const struct mr_snapshot_row *r, void *arg);
	void *arg;
	uint64_t rows;
};

static int read_head(struct reader *r, struct mr_slice payload, struct mr_diag *diag)
{
	struct mr_coder c = { .in = payload, .arena = r->arena };
	char *magic = NULL, *version = NULL;
	uint64_t layout = 0;

	code_head(&c, r->head, &magic, &version, &layout);
	if (!mr_slice_eq(mr_slice_of(magic), MR_LIT(MAGIC)))
		return mr_diag_set(diag, -EINVAL, "it is no snapshot");
	if (!mr_slice_eq(mr_slice_of(version), MR_LIT(MR_VERSION)) || layout != mr_row_layout())
		return mr_diag_set(diag, -EINVAL, "another version wrote it");
	return c.bad || c.in.n ? mr_diag_set(diag, -EINVAL, "its head is not understood") : 0;
}

static int read_row(struct reader *r, struct mr_slice record)
{
	struct mr_coder c = { .in = record, .arena = r->work };
	struct mr_snapshot_row row = { 0 };
	struct mr_row *made;
	uint64_t key = 0, read = 0, exists = 0;

	mr_code_u64(&c, &key);
	if (c.bad || key == 0 || key > sizeof(row.key.bytes) - 1 || key > c.in.n || c.in.p[0] < '0' || c.in.p[0] >= '0' + MR_ROW_KINDS)
		return -EINVAL;
	row.key.n = key;
	memcpy(row.key.bytes, c.in.p, key);
	c.in = mr_slice_from(c.in, key);
	mr_code_u64(&c, &read);
	mr_code_u64(&c, &exists);
	if (c.bad || exists > 1 || (exists == 0 && c.in.n > 0))
		return -EINVAL;
	const enum mr_row_kind kind = mr_row_key_kind(row.key.bytes);
	made = exists ? mr_row_decode(kind, c.in, r->work) : mr_row_absent(kind);
	if (made == NULL)
		return -EINVAL;
	row.read = (int64_t)read;
	row.row = made;
	if (r->row)
		r->row(&row, r->arg);
	mr_row_unref(made);
	r->rows++;
	return 0;
}

static int read_rows(struct reader *r, struct mr_slice payload, struct mr_diag *diag)
{
	struct mr_slice record;

	while (payload.n > 0) {
		mr_arena_reset(r->work);
		if (!length_next(&payload, 0, NULL, &record) || read_row(r, record) < 0)
			return mr_diag_set(diag, -EINVAL, "a row is not understood");
	}
	return 0;
}

static int read_end(const struct reader *r, struct mr_slice payload, struct mr_diag *diag)
{
	struct mr_coder c = { .in = payload };
	uint64_t rows = 0;

	mr_code_u64(&c, &rows);
	return c.bad || c.in.n || rows != r->rows ? mr_diag_set(diag, -EINVAL, "rows are missing") : 0;
}

static int pass(struct reader *r, struct mr_slice file, struct mr_diag *diag)
{
	struct mr_slice sum, payload;
	uint8_t is[MR_SHA256_LEN];
	char last = '\0';
	int err = 0;

	r->rows = 0;
	while (err == 0 && file.n > 0 && last != 'E') {
		if (!length_next(&file, MR_SHA256_LEN, &sum, &payload) || payload.n == 0)
			return mr_diag_set(diag, -EINVAL, "it is cut off");
		mr_sha256(payload, is);
		if (memcmp(is, sum.p, sizeof(is)) != 0)
			return mr_diag_set(diag, -EINVAL, "it is damaged");
		const char what = payload.p[0];
		payload = mr_slice_from(payload, 1);
		if ((what == 'H') != (last == '\0'))
			return mr_diag_set(diag, -EINVAL, "its blocks are out of order");
		err = what == 'H'   ? read_head(r, payload, diag)
		      : what == 'R' ? read_rows(r, payload, diag)
		      : what == 'E' ? read_end(r, payload, diag)
				    : mr_diag_set(diag, -EINVAL, "a block is of no known kind");
		last = what;
	}
	if (err == 0 && (last != 'E' || file.n > 0))
		err = mr_diag_set(diag, -EINVAL, last == 'E' ? "there is something behind its end" : "it is cut off");
	return err;
}

int mr_snapshot_read(struct mr_slice file, struct mr_arena *arena, struct mr_snapshot_head *head,
		     void (*row)(const struct mr_snapshot_row *r, void *arg), void *arg, struct mr_diag *diag)
{
	mr_autoarena work = mr_arena_new(WORK_MAX);
	struct mr_snapshot_head found = { 0 };
	struct reader r = { .arena = arena, .work = work, .head = &found };
	int err = pass(&r, file, diag);

	if (err == 0 && row) {
		r.row = row;
		r.arg = arg;
		err = pass(&r, file, diag);
	}
	if (err == 0)
		*head = found;
	return err;
}

void mr_journal_add(const struct mr_row_key *k, struct mr_buf *out)
{
	length_add(out, k ? k->n : 0);
	if (k)
		mr_buf_add(out, (struct mr_slice){ k->bytes, k->n });
}

void mr_journal_expect(const struct mr_db_expect *e, struct mr_buf *out)
{
	struct mr_db_expect copy = *e;
	struct mr_buf payload = MR_BUF(1024);
	struct mr_coder c = { .out = &payload };

	mr_buf_putc(&payload, EXPECTED);
	code_expect(&c, &copy);
	length_add(out, payload.n);
	mr_buf_add(out, mr_buf_slice(&payload));
	mr_buf_done(&payload);
}

static int read_expect(struct mr_slice text, struct mr_db_expect *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_coder c = { .in = mr_slice_from(text, 1), .arena = arena };
	struct mr_db_expect e = { 0 };

	code_expect(&c, &e);
	if (c.bad || c.in.n > 0)
		return -EINVAL;
	*out = e;
	return 0;
}

int mr_journal_read(struct mr_slice file, struct mr_db_expect *expect, void (*dropped)(const struct mr_row_key *k, void *arg), void *arg)
{
	struct mr_slice text;
	struct mr_row_key key;

	while (file.n > 0) {
		if (!length_next(&file, 0, NULL, &text))
			return -EINVAL;
		if (text.n > 0 && *text.p == EXPECTED) {
			if (read_expect(text, expect) < 0)
				return -EINVAL;
			continue;
		}
		if (text.n > sizeof(key.bytes))
			return -EINVAL;
		key.n = text.n;
		memcpy(key.bytes, text.p, text.n);
		dropped(text.n ? &key : NULL, arg);
	}
	return 0;
}
