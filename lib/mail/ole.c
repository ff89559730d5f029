/* ole: see ole.h. */
/* ours */
#include "mail/ole.h"
#include "base/mem.h"

#define HEAD_SIZE    512
#define ENTRY_SIZE   128
#define HEAD_TABLES  109 /* places of tables in the head itself */
#define SECTOR_MAX   0xfffffffa
#define STEPS_PER    16 /* along chains, for each sector that there is; eight small ones are in one */
#define SHIFT_MIN    7
#define SHIFT_MAX    16
#define MINI_SHIFT   6
#define KIND_STORAGE 1
#define KIND_STREAM  2
#define KIND_ROOT    5

bool mr_ole_begins(struct mr_slice bytes)
{
	return mr_slice_starts(bytes, MR_LIT("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"));
}

/* Of two or four bytes, the least one first. */
static uint32_t number(struct mr_slice s, size_t at, size_t n)
{
	uint32_t v = 0;

	for (size_t i = n; i > 0; i--)
		v = v << 8 | (at + i <= s.n ? (unsigned char)s.p[at + i - 1] : 0);
	return v;
}

/* Empty: there is none. */
static struct mr_slice sector(const struct mr_ole *ole, uint32_t which)
{
	struct mr_slice s;

	if (which >= ole->n_sectors)
		return (struct mr_slice){ 0 };
	s = mr_slice_from(ole->bytes, ((size_t)which + 1) << ole->shift);
	if (s.n > (size_t)1 << ole->shift)
		s.n = (size_t)1 << ole->shift;
	return s;
}

/* False, and cut: chains go on for longer than there are sectors. */
static bool step(struct mr_ole *ole)
{
	ole->cut |= ++ole->steps > STEPS_PER * (ole->n_sectors + HEAD_TABLES);
	return !ole->cut;
}

/* The sector behind one in its chain. */
static uint32_t next(struct mr_ole *ole, uint32_t which)
{
	size_t each = ((size_t)1 << ole->shift) / 4, table = which / each;

	if (!step(ole) || table >= ole->n_tables)
		return SECTOR_MAX;
	return number(sector(ole, ole->tables[table]), which % each * 4, 4);
}

static void add_table(struct mr_ole *ole, uint32_t which)
{
	if (which < ole->n_sectors && ole->n_tables < ole->n_sectors)
		ole->tables[ole->n_tables++] = which;
}

/* Where the table of chains stands: in the head, then in a chain of its own. */
static void find_tables(struct mr_ole *ole)
{
	size_t each = ((size_t)1 << ole->shift) / 4 - 1;

	ole->tables = mr_new(uint32_t, ole->n_sectors + 1);
	for (size_t i = 0; i < HEAD_TABLES; i++)
		add_table(ole, number(ole->bytes, 76 + 4 * i, 4));
	for (size_t k = 0, at = number(ole->bytes, 68, 4); at < ole->n_sectors && k <= ole->n_sectors / each; k++) {
		struct mr_slice places = sector(ole, (uint32_t)at);

		for (size_t i = 0; i < each; i++)
			add_table(ole, number(places, 4 * i, 4));
		at = number(places, 4 * each, 4);
	}
}

static bool read_head(struct mr_ole *ole)
{
	ole->shift = number(ole->bytes, 30, 2);
	ole->mini_shift = number(ole->bytes, 32, 2);
	if (!mr_ole_begins(ole->bytes) || ole->bytes.n < HEAD_SIZE || ole->shift < SHIFT_MIN || ole->shift > SHIFT_MAX ||
	    ole->mini_shift != MINI_SHIFT)
		return false;
	ole->directory = number(ole->bytes, 48, 4);
	ole->mini_below = number(ole->bytes, 56, 4);
	ole->mini_table.next = number(ole->bytes, 60, 4);
	ole->mini_stream.next = SECTOR_MAX;
	ole->n_sectors = (ole->bytes.n - 1) >> ole->shift; /* the last one may be short */
	find_tables(ole);
	return true;
}

/* -- streams -- */

static void add(struct mr_buf *out, struct mr_slice s, size_t left)
{
	if (s.n > left)
		s.n = left;
	if (s.n > out->max - out->n) {
		s.n = out->max - out->n;
		out->full = true;
	}
	if (mr_buf_add(out, s) < 0)
		out->full = true;
}

static void large_stream(struct mr_ole *ole, uint32_t first, size_t size, struct mr_buf *out)
{
	size_t start = out->n;

	for (uint32_t at = first; at < ole->n_sectors && out->n - start < size && !out->full; at = next(ole, at))
		add(out, sector(ole, at), size - (out->n - start));
	ole->cut |= out->n - start < size;
}

/* The sector number n of a chain. */
static uint32_t nth(struct mr_ole *ole, struct mr_ole_chain *c, size_t n)
{
	while (c->n <= n && c->next < ole->n_sectors && !ole->cut) {
		if (c->n == c->room) {
			c->room = 2 * c->room + 16;
			c->v = mr_realloc(c->v, c->room * sizeof(*c->v));
		}
		c->v[c->n++] = c->next;
		c->next = next(ole, c->next);
	}
	return n < c->n ? c->v[n] : SECTOR_MAX;
}

/* Small sectors are parts of the stream of the root, and have a table of their own. */
static void small_stream(struct mr_ole *ole, uint32_t first, size_t size, struct mr_buf *out)
{
	size_t each = ((size_t)1 << ole->shift) / 4, in_one = (size_t)1 << (ole->shift - ole->mini_shift), start = out->n;

	for (uint32_t at = first; at < SECTOR_MAX && out->n - start < size && !out->full && step(ole);) {
		struct mr_slice s = mr_slice_from(sector(ole, nth(ole, &ole->mini_stream, at / in_one)), at % in_one << ole->mini_shift);

		if (!s.n)
			break;
		if (s.n > (size_t)1 << ole->mini_shift)
			s.n = (size_t)1 << ole->mini_shift;
		add(out, s, size - (out->n - start));
		s = sector(ole, nth(ole, &ole->mini_table, at / each));
		at = s.n ? number(s, at % each * 4, 4) : SECTOR_MAX;
	}
	ole->cut |= out->n - start < size;
}

void mr_ole_stream(struct mr_ole *ole, const struct mr_ole_entry *e, struct mr_buf *out)
{
	/* In a ring there is always more. */
	size_t size = e->size < ole->bytes.n ? e->size : ole->bytes.n;

	ole->cut |= size < e->size;
	if (e->size < ole->mini_below)
		small_stream(ole, e->first, size, out);
	else
		large_stream(ole, e->first, size, out);
}

/* -- the directory -- */

static bool read_entry(struct mr_ole *ole, struct mr_slice s, char name[MR_OLE_NAME_MAX], struct mr_ole_entry *out)
{
	unsigned kind = number(s, 66, 1), bytes = number(s, 64, 2);
	size_t n = 0;

	for (size_t i = 0; i + 2 <= bytes && i + 2 <= MR_OLE_NAME_MAX; i += 2) {
		uint32_t c = number(s, i, 2);

		if (!c)
			break;
		name[n++] = (char)(c < 128 ? c : '?');
	}
	if (kind == KIND_ROOT && ole->mini_stream.next == SECTOR_MAX && !ole->mini_stream.n) /* the first one */
		ole->mini_stream.next = number(s, 116, 4);
	*out = (struct mr_ole_entry){
		.name = { name, n }, .stream = kind == KIND_STREAM, .first = number(s, 116, 4), .size = number(s, 120, 4)
	};
	return kind == KIND_STREAM || kind == KIND_STORAGE;
}

bool mr_ole_read(struct mr_slice bytes, bool (*see)(struct mr_ole *ole, const struct mr_ole_entry *e, void *arg), void *arg)
{
	struct mr_ole ole = { .bytes = bytes };
	char name[MR_OLE_NAME_MAX];
	struct mr_ole_entry e;
	bool on = true;
	size_t n = 0;

	if (!read_head(&ole))
		return false;
	for (uint32_t at = ole.directory; on && at < ole.n_sectors && !ole.cut; at = next(&ole, at)) {
		struct mr_slice s = sector(&ole, at);

		for (; on && s.n >= ENTRY_SIZE; s = mr_slice_from(s, ENTRY_SIZE)) {
			ole.cut |= ++n > MR_OLE_ENTRIES_MAX;
			on = !ole.cut && (!read_entry(&ole, (struct mr_slice){ s.p, ENTRY_SIZE }, name, &e) || see(&ole, &e, arg));
		}
	}
	free(ole.tables);
	free(ole.mini_table.v);
	free(ole.mini_stream.v);
	return !ole.cut && n > 0;
}

/* -- what is packed into a document -- */

/* A string with its NUL behind it. */
static bool take_string(struct mr_slice *s, struct mr_slice *out)
{
	return s->n && mr_slice_next(s, '\0', out);
}

bool mr_ole_package(struct mr_slice stream, struct mr_slice names[2], struct mr_slice *content)
{
	struct mr_slice s = mr_slice_from(stream, 6);

	if (!take_string(&s, &names[0]) || !take_string(&s, &names[1]))
		return false;
	s = mr_slice_from(s, 4);
	s = mr_slice_from(mr_slice_from(s, 4), number(s, 0, 4));
	*content = mr_slice_from(s, 4);
	if (content->n > number(s, 0, 4))
		content->n = number(s, 0, 4);
	return true;
}
