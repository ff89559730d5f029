/* test-spool: the message stands as it would on the wire, whatever the MTA's line ends are, is bounded, and leaves the memory when it is
 * not small; and contents that kill scanners are remembered. */

/* system */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "killers.h"
#include "spool.h"
#include "unit.h"

static void fields(void **state)
{
	static const struct {
		const char *value;
		bool has_space;
		const char *text;
	} t[] = {
		{ "v", false, "N: v\r\n" },
		{ " v", true, "N: v\r\n" },
		{ "v", true, "N:v\r\n" },
		{ "", false, "N: \r\n" },
		{ "a;\n\tb\n c", false, "N: a;\r\n\tb\r\n c\r\n" },
		{ "a;\r\n\tb", false, "N: a;\r\n\tb\r\n" },
		{ "a\n", false, "N: a\r\n" }, /* no empty line, which would end the header */
		{ "a\n\nX: y", false, "N: a\r\nX: y\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_spool s;
		struct mr_buf small;
		char got[100] = "";
		int fd;

		mr_spool_begin(&s, 1000);
		mr_spool_field(&s, MR_LIT("N"), mr_slice_of(t[i].value), t[i].has_space);
		assert_int_equal(mr_spool_end(&s, &small, &fd), 0);
		assert_int_equal(fd, -1);
		assert_slice(mr_slice_from(mr_buf_slice(&small), MR_SPOOL_LEAD_N), t[i].text);
		fd = mr_spool_memfd(&small);
		assert_true(pread(fd, got, sizeof(got) - 1, 0) >= 0);
		assert_slice(mr_buf_slice(&small), got);
		close(fd);
		mr_buf_done(&small);
		mr_spool_done(&s);
	}
}

/* Small and large pieces in turn stay in order. */
static void order(void **state)
{
	static const size_t sizes[] = { 1, 40000, 10, 32768, 5, 65535, 0, 7 };
	static char piece[65536], got[200000];
	struct mr_buf small;
	struct mr_spool s;
	size_t at = 0;
	int fd;

	(void)state;
	mr_spool_begin(&s, 1000000);
	for (size_t i = 0; i < MR_COUNT(sizes); i++) {
		memset(piece, 'a' + (int)i, sizes[i]);
		mr_spool_bytes(&s, (struct mr_slice){ piece, sizes[i] });
	}
	assert_int_equal(mr_spool_end(&s, &small, &fd), 0);
	assert_null(small.p);
	assert_int_equal(pread(fd, got, MR_SPOOL_LEAD_N, 0), MR_SPOOL_LEAD_N);
	assert_memory_equal(got, MR_SPOOL_LEAD, MR_SPOOL_LEAD_N);
	assert_int_equal(pread(fd, got, sizeof(got), MR_SPOOL_LEAD_N), (ssize_t)s.size);
	for (size_t i = 0; i < MR_COUNT(sizes); i++)
		for (size_t n = 0; n < sizes[i]; n++)
			assert_int_equal(got[at++], 'a' + (int)i);
	assert_int_equal(at, s.size);
	close(fd);
	mr_spool_done(&s);
}

/* The last byte that is kept in memory, and the first that is not. */
static void small_enough(void **state)
{
	static char piece[MR_SPOOL_SMALL];

	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		struct mr_spool s;
		struct mr_buf small;
		struct stat st;
		int fd;

		mr_spool_begin(&s, 1000000);
		mr_spool_bytes(&s, (struct mr_slice){ piece, MR_SPOOL_SMALL - MR_SPOOL_LEAD_N });
		mr_spool_bytes(&s, (struct mr_slice){ piece, extra });
		assert_int_equal(mr_spool_end(&s, &small, &fd), 0);
		assert_int_equal(small.n, extra ? 0 : MR_SPOOL_SMALL);
		assert_true(extra ? fstat(fd, &st) == 0 && st.st_size == MR_SPOOL_SMALL + 1 : fd == -1);
		if (fd >= 0)
			close(fd);
		mr_buf_done(&small);
		mr_spool_done(&s);
	}
}

static void bound(void **state)
{
	struct mr_buf small;
	struct mr_spool s;
	int fd = -1;

	(void)state;
	mr_spool_begin(&s, 10);
	mr_spool_bytes(&s, MR_LIT("0123456789"));
	assert_int_equal(s.error, 0);
	mr_spool_bytes(&s, MR_LIT("x"));
	mr_spool_bytes(&s, MR_LIT("y"));
	assert_int_equal(mr_spool_end(&s, &small, &fd), -EFBIG);
	assert_int_equal(fd, -1);
	mr_spool_done(&s);
}

static void killers(void **state)
{
	struct mr_killers *k = mr_new(struct mr_killers, 1);
	char text[32];

	(void)state;
	assert_int_equal(mr_killers_count(k, MR_LIT("a")), 0);
	assert_int_equal(mr_killers_add(k, MR_LIT("a")), 1);
	assert_int_equal(mr_killers_count(k, MR_LIT("b")), 0);
	assert_int_equal(mr_killers_add(k, MR_LIT("a")), 2);
	assert_int_equal(mr_killers_count(k, MR_LIT("a")), 2);
	/* The oldest makes way. */
	for (int i = 0; i < MR_KILLERS_MAX; i++) {
		snprintf(text, sizeof(text), "content %d", i);
		assert_int_equal(mr_killers_add(k, mr_slice_of(text)), 1);
	}
	assert_int_equal(mr_killers_count(k, MR_LIT("a")), 0);
	assert_int_equal(mr_killers_count(k, mr_slice_of(text)), 1);
	free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(fields), cmocka_unit_test(order), cmocka_unit_test(small_enough),
					    cmocka_unit_test(bound), cmocka_unit_test(killers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
