/* ole: entries and streams of compound files, by hand, and what hostile ones may not cost. */
/* ours */
#include "mail/ole.h"
#include "base/mem.h"
#include "unit.h"

#define SECTOR 512
#define END    0xfffffffe
#define FREE   0xffffffff

/* -- a file by hand: sector 0 is the table, 1 the directory, 2 the table of small sectors, 3 these, 4 ... a large stream -- */

static void put(char *at, uint32_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (char)(v >> 8 * i & 0xff);
}

static void put_entry(char *at, const char *name, int kind, uint32_t first, uint32_t size)
{
	for (size_t i = 0; name[i]; i++)
		at[2 * i] = name[i];
	put(at + 64, (uint32_t)(2 * strlen(name) + 2), 2);
	at[66] = (char)kind;
	put(at + 116, first, 4);
	put(at + 120, size, 4);
}

static char *sector_of(char *file, uint32_t n)
{
	return file + ((size_t)n + 1) * SECTOR;
}

#define SECTORS 14
#define LARGE   5000 /* bytes: ten sectors */

static char *make(void)
{
	char *file = mr_alloc((SECTORS + 1) * SECTOR);

	memcpy(file, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
	put(file + 30, 9, 2);
	put(file + 32, 6, 2);
	put(file + 48, 1, 4);
	put(file + 56, 4096, 4);
	put(file + 60, 2, 4);
	put(file + 68, END, 4);
	for (uint32_t i = 1; i < 109; i++)
		put(file + 76 + 4 * i, FREE, 4);
	for (uint32_t i = 0; i < SECTORS; i++)
		put(sector_of(file, 0) + 4 * i, i < 4 || i + 1 == SECTORS ? END : i + 1, 4);
	put_entry(sector_of(file, 1), "Root Entry", 5, 3, 192);
	put_entry(sector_of(file, 1) + 128, "VBA", 1, 0, 0);
	put_entry(sector_of(file, 1) + 256, "\1small", 2, 2, 70);
	put_entry(sector_of(file, 1) + 384, "large", 2, 4, LARGE);
	/* the small stream: sector 2, then 0 */
	put(sector_of(file, 2), END, 4);
	put(sector_of(file, 2) + 4, END, 4);
	put(sector_of(file, 2) + 8, 0, 4);
	memset(sector_of(file, 3), 'b', 64);
	memset(sector_of(file, 3) + 128, 'a', 64);
	memset(sector_of(file, 4), 'x', 10 * SECTOR);
	return file;
}

/* "name/" of a storage, "name=what" of a stream. */
static bool see(struct mr_ole *ole, const struct mr_ole_entry *e, void *arg)
{
	struct mr_buf content = MR_BUF(LARGE + 1), *said = arg;

	mr_buf_add(said, e->name);
	if (e->stream)
		mr_ole_stream(ole, e, &content);
	mr_buf_printf(said, e->stream ? "=%zu%.3s%s " : "/ ", content.n, content.n ? content.p : "",
		      content.n > 3 ? content.p + content.n - 3 : "");
	mr_buf_done(&content);
	return true;
}

static bool stop(struct mr_ole *ole, const struct mr_ole_entry *e, void *arg)
{
	see(ole, e, arg);
	return false;
}

static void test_file(void **state)
{
	mr_autofree char *file = make();
	struct mr_slice bytes = { file, (SECTORS + 1) * SECTOR };
	struct mr_buf said = MR_BUF(1000);

	assert_true(mr_ole_begins(bytes));
	assert_true(mr_ole_read(bytes, see, &said));
	assert_slice(mr_buf_slice(&said), "VBA/ \1small=70aaabbb large=5000xxxxxx ");
	mr_buf_reset(&said);
	assert_true(mr_ole_read(bytes, stop, &said));
	assert_slice(mr_buf_slice(&said), "VBA/ ");
	/* a last sector that is short is fine as long as what is said to be there is */
	mr_buf_reset(&said);
	bytes.n -= 10 * SECTOR - LARGE;
	assert_true(mr_ole_read(bytes, see, &said));
	bytes.n -= 1;
	assert_false(mr_ole_read(bytes, see, &said));
	mr_buf_done(&said);
}

static void test_broken(void **state)
{
	static const struct {
		size_t at, n;
		uint32_t v;
		const char *said;
	} t[] = {
		{ 0, 1, 'x', "" },
		{ 30, 2, 2, "" },
		{ 30, 2, 40, "" },
		{ 32, 2, 9, "" },
		{ 48, 4, 99, "" },
		{ 60, 4, 99, "VBA/ \1small=64aaaaaa " },                             /* no table of small sectors */
		{ 2 * SECTOR + 116, 4, FREE, "VBA/ \1small=0 " },                    /* nor these */
		{ SECTOR + 4 * 5, 4, 5, "VBA/ \1small=70aaabbb large=5000xxxxxx " }, /* a ring; long enough */
		{ SECTOR + 4 * 1, 4, 1, NULL },                                      /* the directory is one */
		{ 3 * SECTOR + 8, 4, 2, "VBA/ \1small=70aaaaaa large=5000xxxxxx " }, /* small ones */
		{ 2 * SECTOR + 384 + 120, 4, 0x7fffffff, NULL },                     /* more than there is */
		{ 76, 4, 99, "VBA/ \1small=70aaabbb " },                             /* no table */
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autofree char *file = make();
		struct mr_buf said = MR_BUF(1u << 20);

		put(file + t[i].at, t[i].v, t[i].n);
		mr_ole_read((struct mr_slice){ file, (SECTORS + 1) * SECTOR }, see, &said);
		if (t[i].said && strncmp(said.n ? said.p : "", t[i].said, strlen(t[i].said)) != 0)
			fail_msg("%zu: %s", t[i].at, said.p);
		if (!t[i].said)
			assert_false(mr_ole_read((struct mr_slice){ file, (SECTORS + 1) * SECTOR }, see, &said));
		mr_buf_done(&said);
	}
	assert_false(mr_ole_read(MR_LIT("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), see, &(struct mr_buf){ .max = 9 }));
}

/* Many small streams far behind in the one that holds them: no more is gone along than there is. */
static void test_many(void **state)
{
	enum {
		TABLES = 9,
		MANY = 100,
		DIRECTORY = MANY / 4 + 1,
		SMALL_TABLE = 63,
		DATA = 1000,
		ALL = TABLES + DIRECTORY + SMALL_TABLE + DATA
	};
	static const uint32_t first[] = { 0, TABLES, TABLES + DIRECTORY, TABLES + DIRECTORY + SMALL_TABLE, ALL };
	mr_autofree char *file = mr_alloc((ALL + 1) * SECTOR), *front = make();
	struct mr_buf said = MR_BUF(1u << 20);

	memcpy(file, front, SECTOR);
	put(file + 48, first[1], 4);
	put(file + 60, first[2], 4);
	for (uint32_t i = 0; i < TABLES; i++)
		put(file + 76 + 4 * i, i, 4);
	for (uint32_t i = 0, part = 0; i < ALL; i++) {
		part += i == first[part + 1];
		put(sector_of(file, 0) + 4 * i, i + 1 == first[part + 1] ? END : i + 1, 4);
	}
	put_entry(sector_of(file, first[1]), "Root Entry", 5, first[3], DATA * SECTOR);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t at = DATA * 8 - 1 - i;

		put_entry(sector_of(file, first[1]) + 128 * (i + 1), "a", 2, at, 3);
		put(sector_of(file, first[2]) + 4 * at, END, 4);
		memset(sector_of(file, first[3]) + 64 * at, 'x', 64);
	}
	assert_true(mr_ole_read((struct mr_slice){ file, (ALL + 1) * SECTOR }, see, &said));
	for (size_t i = 0; i < MANY; i++)
		assert_memory_equal(said.p + 7 * i, "a=3xxx ", 7);
	mr_buf_done(&said);
}

/* Chains without an end, in every place. */
static void test_hostile(void **state)
{
	size_t n = 8u << 20;
	mr_autofree char *file = mr_alloc(n);
	mr_autofree char *front = make();
	struct mr_buf said = MR_BUF(1u << 20);

	memcpy(file, front, (SECTORS + 1) * SECTOR);
	put(file + 68, 5, 4); /* tables: a sector that leads to itself */
	put(sector_of(file, 5) + SECTOR - 4, 5, 4);
	put(sector_of(file, 0) + 4, 1, 4); /* the directory */
	put(sector_of(file, 1) + 384 + 120, 0x7fffffff, 4);
	put(sector_of(file, 0) + 4 * 4, 4, 4);
	assert_false(mr_ole_read((struct mr_slice){ file, n }, see, &said));
	mr_buf_done(&said);
}

static void test_package(void **state)
{
	static const struct {
		struct mr_slice stream;
		const char *said; /* NULL: none */
	} t[] = {
		{ MR_LIT("\x20\0\0\0\2\0a.exe\0C:\\a.exe\0\0\0\3\0\2\0\0\0t\0\3\0\0\0MZ!??"), "a.exe|C:\\a.exe|MZ!" },
		{ MR_LIT("\x20\0\0\0\2\0a\0b\0\0\0\3\0\xff\xff\xff\xff\3\0\0\0MZ"), "a|b|" },
		{ MR_LIT("\x20\0\0\0\2\0a\0b\0"), "a|b|" },
		{ MR_LIT("\x20\0\0\0\2\0a"), NULL },
		{ MR_LIT("\x20"), NULL },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_slice names[2], content;
		struct mr_buf said = MR_BUF(100);

		assert_int_equal(mr_ole_package(t[i].stream, names, &content), t[i].said != NULL);
		if (t[i].said) {
			mr_buf_printf(&said, "%.*s|%.*s|", (int)names[0].n, names[0].p, (int)names[1].n, names[1].p);
			mr_buf_add(&said, content);
			assert_slice(mr_buf_slice(&said), t[i].said);
		}
		mr_buf_done(&said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_file), cmocka_unit_test(test_broken), cmocka_unit_test(test_many),
					    cmocka_unit_test(test_hostile), cmocka_unit_test(test_package) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
