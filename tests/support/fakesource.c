#include "support/fakesource.h"

/* system */
#include <errno.h>
#include <string.h>

static int read_row(struct mr_source *s, const struct mr_source_row *r)
{
	struct fakesource *f = (struct fakesource *)s;

	if (f->refuse || f->n_reads == FAKE_READS_MAX)
		return -EAGAIN;
	struct fake_read *read = &f->reads[f->n_reads++];
	*read = (struct fake_read){ .ask = *r };
	memcpy(read->key, r->key.p, r->key.n);
	read->ask.key.p = read->key;
	return 0;
}

static int read_changes(struct mr_source *s, const struct mr_source_changes *r)
{
	struct fakesource *f = (struct fakesource *)s;

	if (f->refuse || f->changes_open)
		return -EAGAIN;
	f->changes = *r;
	f->changes_open = true;
	f->n_changes_asked++;
	return 0;
}

static int read_mailboxes(struct mr_source *s, const struct mr_source_mailboxes *r)
{
	struct fakesource *f = (struct fakesource *)s;

	if (f->refuse || f->page_open)
		return -EAGAIN;
	f->page = *r;
	f->page_open = true;
	return 0;
}

static void expect(struct mr_source *s, const struct mr_db_expect *e)
{
	struct fakesource *f = (struct fakesource *)s;

	f->expected = *e;
	f->n_expected++;
}

static int read_near(struct mr_source *s, const struct mr_source_near *r)
{
	struct fakesource *f = (struct fakesource *)s;

	if (f->refuse || f->near_open)
		return -EAGAIN;
	f->near = *r;
	f->near_open = true;
	f->near_looked = false;
	return 0;
}

static int read_owners(struct mr_source *s, const struct mr_source_owners *r)
{
	struct fakesource *f = (struct fakesource *)s;

	if (f->refuse || f->owners_open)
		return -EAGAIN;
	f->owners = *r;
	f->owners_open = true;
	f->owners_looked = false;
	f->n_owners_asked++;
	return 0;
}

void fakesource_init(struct fakesource *f, struct rowtext *rows)
{
	*f = (struct fakesource){ .source = { read_row, read_changes, read_mailboxes, expect, read_near, read_owners }, .rows = rows };
}

void fakesource_done(struct fakesource *f)
{
	f->refuse = true;
	fake_arrive_all(f, -EAGAIN);
	if (f->changes_open)
		fake_changes(f, -EAGAIN, NULL, 0, 0);
	if (f->page_open)
		f->page.done(f->page.arg, -EAGAIN, NULL, 0);
	f->page_open = false;
	if (f->near_open)
		fake_near_arrive(f, -EAGAIN);
	if (f->owners_open)
		fake_owners_arrive(f, -EAGAIN);
}

/* What a read of one table has of the mailbox. */
static struct mr_row *plain(const struct mr_row *row)
{
	struct mr_row_mailbox m = row->mailbox;

	m.n_patterns = 0;
	m.limits = "";
	return mr_row_of_mailbox(&m);
}

void fake_look(struct fakesource *f, size_t i)
{
	struct fake_read *read = &f->reads[i];
	struct mr_row *row = rowtext_find(f->rows, read->ask.kind, read->ask.key);

	if (read->looked)
		return;
	read->looked = true;
	if (row && read->ask.plain)
		read->row = plain(row);
	else
		read->row = row ? mr_row_ref(row) : mr_row_absent(read->ask.kind);
}

void fake_arrive(struct fakesource *f, size_t i, int err)
{
	struct fake_read *read = &f->reads[i];

	if (read->over)
		return;
	fake_look(f, i);
	read->over = true;
	if (err != 0)
		mr_row_unref(read->row);
	read->ask.done(read->ask.arg, err, err ? NULL : read->row);
}

size_t fake_arrive_all(struct fakesource *f, int err)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_reads; i++) {
		n += !f->reads[i].over;
		fake_arrive(f, i, err);
	}
	f->n_reads = 0;
	return n;
}

static struct mr_row *seen(struct fakesource *f, enum mr_row_kind kind, const char *address)
{
	struct mr_row *row = rowtext_find(f->rows, kind, mr_slice_of(address));

	return row ? mr_row_ref(row) : mr_row_absent(kind);
}

void fake_near_look(struct fakesource *f)
{
	if (f->near_looked)
		return;
	f->near_looked = true;
	for (size_t i = 0; i < f->n_near; i++) {
		f->near_rows[2 * i] = seen(f, MR_ROW_MAILBOX, f->near_addresses[i]);
		f->near_rows[2 * i + 1] = seen(f, MR_ROW_ALIAS, f->near_addresses[i]);
	}
}

void fake_near_arrive(struct fakesource *f, int err)
{
	struct mr_near_row v[2 * FAKE_NEAR_MAX];
	size_t n = 2 * f->n_near;

	fake_near_look(f);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct mr_near_row){ i % 2 == 0 ? MR_ROW_MAILBOX : MR_ROW_ALIAS, f->near_addresses[i / 2], f->near_rows[i] };
	f->near_open = false;
	f->near.done(f->near.arg, err, &(struct mr_near_list){ v, err ? 0 : n, n ? f->near_addresses[f->n_near - 1] : NULL });
	for (size_t i = 0; i < n; i++)
		mr_row_unref(v[i].row);
}

static bool owns(struct fakesource *f, enum mr_owned what, const char *address)
{
	const struct mr_row *alias = rowtext_find(f->rows, MR_ROW_ALIAS, mr_slice_of(address));
	const struct mr_row *mailbox = rowtext_find(f->rows, MR_ROW_MAILBOX, mr_slice_of(address));

	switch (what) {
	case MR_OWNED_ALIAS:
		return alias != NULL;
	case MR_OWNED_PATTERN:
		return mailbox != NULL && mailbox->mailbox.n_patterns > 0;
	case MR_OWNED_LIMIT:
		return mailbox != NULL && mailbox->mailbox.limits[0] != '\0';
	}
	return false;
}

void fake_owners_look(struct fakesource *f)
{
	char *of[FAKE_NEAR_MAX];

	if (f->owners_looked)
		return;
	f->owners_looked = true;
	for (size_t what = 0; what < MR_OWNED; what++) {
		size_t n = 0;
		for (size_t i = 0; i < f->n_owners; i++)
			if (owns(f, (enum mr_owned)what, f->owner_addresses[i]))
				of[n++] = f->owner_addresses[i];
		mr_owner_set_make(&f->owner_sets[what], of, n);
		f->owner_sets[what].many = n > f->owners.max;
	}
}

void fake_owners_arrive(struct fakesource *f, int err)
{
	fake_owners_look(f);
	f->owners_open = false;
	f->owners.done(f->owners.arg, err, f->owner_sets);
	for (size_t what = 0; what < MR_OWNED; what++)
		mr_owner_set_done(&f->owner_sets[what]);
}

void fake_changes(struct fakesource *f, int err, const struct mr_change *v, size_t n, uint64_t newest)
{
	struct mr_source_changes ask = f->changes;

	f->changes_open = false;
	ask.done(ask.arg, err, &(struct mr_change_list){ v, n, newest, f->origin });
}
