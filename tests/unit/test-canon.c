/* canon: the example of RFC 6376 section 3.4.5, and line ends, blanks and lengths around it. */
/* system */
#include <errno.h>

/* ours */
#include "mail/canon.h"
#include "unit.h"

static const struct {
	const char *field, *simple, *relaxed;
} fields[] = {
	{ "A: X\r\n", "A: X\r\n", "a:X\r\n" },
	{ "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
	{ "B : Y\t\n\tZ  \n", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
	{ "Subject:\r\n", "Subject:\r\n", "subject:\r\n" },
	{ "Subject: \t \r\n \r\n", "Subject: \t \r\n \r\n", "subject:\r\n" },
	{ "SUBJECT:a\r\n b\n\tc", "SUBJECT:a\r\n b\r\n\tc\r\n", "subject:a b c\r\n" },
};

static void test_fields(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(fields); i++) {
		struct mr_buf simple = MR_BUF(1000), relaxed = MR_BUF(1000), small = MR_BUF(3);
		struct mr_message m;

		mr_message_parse(mr_slice_of(fields[i].field), arena, &m);
		assert_int_equal(m.n_headers, 1);
		assert_int_equal(mr_canon_field(&simple, &m.headers[0], MR_CANON_SIMPLE), 0);
		assert_int_equal(mr_canon_field(&relaxed, &m.headers[0], MR_CANON_RELAXED), 0);
		assert_string_equal(simple.p, fields[i].simple);
		assert_string_equal(relaxed.p, fields[i].relaxed);
		assert_int_equal(mr_canon_field(&small, &m.headers[0], MR_CANON_RELAXED), -ENOBUFS);
		mr_buf_done(&simple);
		mr_buf_done(&relaxed);
		mr_buf_done(&small);
	}
}

static const struct {
	const char *body, *simple, *relaxed;
} bodies[] = {
	{ "", "\r\n", "" },
	{ "\r\n", "\r\n", "" },
	{ "\n\n\n", "\r\n", "" },
	{ " \t\r\n\r\n", " \t\r\n", "" },
	{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ " C \nD \t E\n\n\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "no end", "no end\r\n", "no end\r\n" },
	{ "no end\r", "no end\r\r\n", "no end\r\r\n" },
	{ "a\r\n\r\n \r\nb", "a\r\n\r\n \r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "\t\ta  b\t \tc\t", "\t\ta  b\t \tc\t\r\n", " a b c\r\n" },
};

static void check_body(const char *body, enum mr_canon c, uint64_t limit, const char *expected)
{
	uint8_t hash[MR_SHA256_LEN], good[MR_SHA256_LEN];
	struct mr_slice e = mr_slice_of(expected);
	uint64_t length = 99999;

	if (e.n > limit)
		e.n = limit;
	assert_int_equal(mr_canon_body(mr_slice_of(body), c, limit, hash, &length), 0);
	assert_int_equal(mr_sha256(e, good), 0);
	assert_memory_equal(hash, good, sizeof(hash));
	assert_int_equal(length, e.n);
}

static void test_bodies(void **state)
{
	for (size_t i = 0; i < MR_COUNT(bodies); i++) {
		for (uint64_t limit = 0; limit < 20; limit++) {
			check_body(bodies[i].body, MR_CANON_SIMPLE, limit, bodies[i].simple);
			check_body(bodies[i].body, MR_CANON_RELAXED, limit, bodies[i].relaxed);
		}
		check_body(bodies[i].body, MR_CANON_SIMPLE, UINT64_MAX, bodies[i].simple);
		check_body(bodies[i].body, MR_CANON_RELAXED, UINT64_MAX, bodies[i].relaxed);
	}
}

/* Longer than what is hashed at once, with a run of blanks and a line break across the border. */
static void test_long_body(void **state)
{
	struct mr_buf body = MR_BUF(1 << 20), relaxed = MR_BUF(1 << 20);

	for (int i = 0; i < 9000; i++) {
		mr_buf_puts(&body, i % 3 ? "xy \t z \n" : "\n");
		mr_buf_puts(&relaxed, i % 3 ? "xy z\r\n" : "\r\n");
	}
	check_body(body.p, MR_CANON_RELAXED, UINT64_MAX, relaxed.p);
	check_body(body.p, MR_CANON_RELAXED, 20001, relaxed.p);
	mr_buf_done(&body);
	mr_buf_done(&relaxed);
}

/* A run of blanks wherever lines are cut for the work. */
static void test_long_lines(void **state)
{
	struct mr_buf line = MR_BUF(2000), relaxed = MR_BUF(2000);

	for (int n = 240; n < 520; n++) {
		mr_buf_reset(&line);
		mr_buf_reset(&relaxed);
		for (int i = 0; i < n; i++) {
			mr_buf_putc(&line, 'x');
			mr_buf_putc(&relaxed, 'x');
		}
		mr_buf_puts(&line, " \t \t  y \r\n");
		mr_buf_puts(&relaxed, " y\r\n");
		check_body(line.p, MR_CANON_RELAXED, UINT64_MAX, relaxed.p);
		check_body(line.p, MR_CANON_RELAXED, (uint64_t)n + 1, relaxed.p);
	}
	mr_buf_done(&line);
	mr_buf_done(&relaxed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_long_lines), cmocka_unit_test(test_fields), cmocka_unit_test(test_bodies),
					    cmocka_unit_test(test_long_body) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
