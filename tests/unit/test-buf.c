/* test-buf: growing buffers and their maximum, diagnoses. */

/* system */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/diag.h"
#include "unit.h"

static void test_add(void **state)
{
	struct mr_buf b = MR_BUF(10);

	assert_slice(mr_buf_slice(&b), "");
	assert_non_null(mr_buf_slice(&b).p);
	assert_int_equal(mr_buf_add(&b, (struct mr_slice){ 0 }), 0);
	assert_int_equal(mr_buf_puts(&b, "abc"), 0);
	assert_int_equal(mr_buf_putc(&b, '-'), 0);
	assert_int_equal(mr_buf_printf(&b, "%d%s", 12, "x"), 0);
	assert_string_equal(b.p, "abc-12x");
	assert_int_equal(mr_buf_puts(&b, "1234"), -ENOBUFS);
	assert_string_equal(b.p, "abc-12x");
	assert_true(b.full);
	assert_int_equal(mr_buf_puts(&b, "123"), 0); /* fits; what did not stays known */
	assert_true(b.full);
	assert_int_equal(mr_buf_putc(&b, 'x'), -ENOBUFS);
	assert_int_equal(mr_buf_printf(&b, "%s", "x"), -ENOBUFS);
	assert_int_equal(mr_buf_add(&b, (struct mr_slice){ "", SIZE_MAX }), -ENOBUFS);
	assert_string_equal(b.p, "abc-12x123");
	mr_buf_reset(&b);
	assert_false(b.full);
	assert_string_equal(b.p, "");
	mr_buf_done(&b);
	assert_int_equal(mr_buf_puts(&b, "again"), 0);
	mr_buf_done(&b);
	mr_buf_done(&b);
}

static void test_print(void **state)
{
	struct mr_buf b = MR_BUF(200);

	for (int i = 0; i < 10; i++)
		assert_int_equal(mr_buf_printf(&b, "%d,%s,", i, "0123456789"), 0);
	assert_int_equal(b.n, 130);
	assert_int_equal(mr_buf_printf(&b, "%s%*s", "x", 100, "y"), -ENOBUFS);
	assert_int_equal(strlen(b.p), 130);
	assert_string_equal(b.p + 117, "9,0123456789,");
	assert_int_equal(mr_buf_printf(&b, "%s", ""), 0);
	assert_int_equal(strlen(b.p), 130);
	mr_buf_reset(&b);
	assert_int_equal(mr_buf_putu(&b, 0), 0);
	assert_int_equal(mr_buf_putu(&b, 1020), 0);
	assert_int_equal(mr_buf_putu(&b, UINT64_MAX), 0);
	assert_string_equal(b.p, "0102018446744073709551615");
	mr_buf_done(&b);
}

static void test_no_maximum_no_bytes(void **state)
{
	struct mr_buf b = { 0 };

	assert_int_equal(mr_buf_putc(&b, 'x'), -ENOBUFS);
	assert_int_equal(mr_buf_puts(&b, ""), 0);
	mr_buf_reset(&b);
	mr_buf_done(&b);
}

static void test_large(void **state)
{
	struct mr_buf b = MR_BUF(1 << 20);

	for (size_t i = 0; i < 1 << 20; i++)
		assert_int_equal(mr_buf_putc(&b, (char)('a' + i % 26)), 0);
	assert_int_equal(mr_buf_putc(&b, 'x'), -ENOBUFS);
	assert_int_equal(strlen(b.p), 1 << 20);
	for (size_t i = 0; i < b.n; i += 4099)
		assert_int_equal(b.p[i], 'a' + i % 26);
	mr_buf_done(&b);
}

static void test_reserve(void **state)
{
	struct mr_buf b = MR_BUF(100);
	char *room = mr_buf_reserve(&b, 100);

	assert_non_null(room);
	memcpy(room, "abc", 3);
	mr_buf_filled(&b, 3);
	assert_string_equal(b.p, "abc");
	assert_null(mr_buf_reserve(&b, 98));
	assert_null(mr_buf_reserve(&b, SIZE_MAX));
	room = mr_buf_reserve(&b, 97);
	memset(room, 'x', 97);
	mr_buf_filled(&b, 97);
	assert_int_equal(strlen(b.p), 100);
	mr_buf_done(&b);
}

static void test_consume_truncate_steal(void **state)
{
	struct mr_buf b = MR_BUF(100);
	char *stolen;

	mr_buf_consume(&b, 5);
	mr_buf_truncate(&b, 5);
	mr_buf_puts(&b, "abcdef");
	mr_buf_consume(&b, 2);
	assert_string_equal(b.p, "cdef");
	mr_buf_truncate(&b, 9);
	mr_buf_truncate(&b, 3);
	assert_string_equal(b.p, "cde");
	stolen = mr_buf_steal(&b);
	assert_string_equal(stolen, "cde");
	free(stolen);
	stolen = mr_buf_steal(&b);
	assert_string_equal(stolen, "");
	free(stolen);
	mr_buf_puts(&b, "x");
	mr_buf_consume(&b, 5);
	assert_int_equal(b.n, 0);
	assert_string_equal(b.p, "");
	mr_buf_done(&b);
}

static void test_diag(void **state)
{
	struct mr_diag d = { 0 };
	char text[2 * MR_DIAG_MAX];

	assert_int_equal(mr_diag_set(NULL, -EINVAL, "x"), -EINVAL);
	assert_int_equal(mr_diag_set(&d, -EIO, "a\nb\x1b %s", "\xc3\xa4"), -EIO);
	assert_string_equal(d.text, "a\\x0ab\\x1b \\xc3\\xa4");
	assert_int_equal(mr_diag_set(&d, -EPERM, "second"), -EPERM);
	assert_string_equal(d.text, "a\\x0ab\\x1b \\xc3\\xa4");
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	d.text[0] = '\0';
	mr_diag_set(&d, 0, "%s", text);
	assert_in_range(strlen(d.text), MR_DIAG_MAX - 5, MR_DIAG_MAX - 1);
	assert_int_equal(strlen(d.text) % 4, 0); /* no escape is cut in two */
	assert_int_equal(mr_diag_about(&d, -EIO, text), -EIO);
	assert_in_range(strlen(d.text), MR_DIAG_MAX - 5, MR_DIAG_MAX - 1);
	d = (struct mr_diag){ "why \\x0a" };
	assert_int_equal(mr_diag_about(&d, 0, "nothing"), 0);
	assert_int_equal(mr_diag_about(&d, -EIO, "\xc3\xa4"), -EIO);
	assert_int_equal(mr_diag_about(NULL, -EIO, "a"), -EIO);
	assert_string_equal(d.text, "\\xc3\\xa4: why \\x0a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),   cmocka_unit_test(test_print),   cmocka_unit_test(test_no_maximum_no_bytes),
		cmocka_unit_test(test_large), cmocka_unit_test(test_reserve), cmocka_unit_test(test_consume_truncate_steal),
		cmocka_unit_test(test_diag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
