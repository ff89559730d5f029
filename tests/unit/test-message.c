/* message: header fields as views, with both line ends and hostile input. */
/* ours */
#include "base/buf.h"
#include "mail/message.h"
#include "unit.h"

static const struct {
	const char *in;
	const char *fields; /* name=value, joined by a bar */
	const char *body;
} messages[] = {
	{ "A: 1\r\nB: 2\r\n\r\nbody\r\n", "A= 1|B= 2|", "body\r\n" },
	{ "A: 1\nB: 2\n\nbody\n", "A= 1|B= 2|", "body\n" },
	{ "A: 1\r\n\tfolded\r\n more\r\nB:\r\n\r\n", "A= 1\r\n\tfolded\r\n more|B=|", "" },
	{ "A : 1\n\n", "A= 1|", "" },
	{ "A:1", "A=1|", "" },
	{ "A: 1\n", "A= 1|", "" },
	{ "A: 1\n \n\nbody", "A= 1\n |", "body" }, /* white space only is a fold, not the empty line */
	{ "\nbody\n", "", "body\n" },
	{ "\r\n\r\nbody", "", "\r\nbody" },
	{ "", "", "" },
	{ "\n", "", "" },
	{ "no header here\nA: 1\n", "", "no header here\nA: 1\n" },
	{ "A: 1\nno header\n\nrest", "A= 1|", "no header\n\nrest" },
	{ " A: 1\n\nrest", "", " A: 1\n\nrest" },
	{ ": 1\n", "", ": 1\n" },
	{ "j\xc3\xb6: 1\n", "", "j\xc3\xb6: 1\n" },
	{ "From x@y Thu Jan 1 00:00:00 1970\nA: 1\n\nbody", "A= 1|", "body" },
	{ "A: b\rc\r\n\r\n", "A= b\rc|", "" },
	{ "A: 1\r\r\n\r\nbody", "A= 1\r|", "body" },
};

static void test_parse(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(messages); i++) {
		struct mr_buf fields = MR_BUF(1000);
		struct mr_message m;

		mr_message_parse(mr_slice_of(messages[i].in), arena, &m);
		for (size_t j = 0; j < m.n_headers; j++) {
			mr_buf_add(&fields, m.headers[j].name);
			mr_buf_putc(&fields, '=');
			mr_buf_add(&fields, m.headers[j].value);
			mr_buf_putc(&fields, '|');
		}
		assert_slice(mr_buf_slice(&fields), messages[i].fields);
		assert_slice(m.body, messages[i].body);
		assert_false(m.cut);
		mr_buf_done(&fields);
	}
}

static void test_nul(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	mr_message_parse(MR_LIT("A: x\0y\r\nB\0: 1\r\n\r\n"), arena, &m);
	assert_int_equal(m.n_headers, 1);
	assert_int_equal(m.headers[0].value.n, 4);
	assert_int_equal(m.body.n, 9);
}

static void fill(struct mr_buf *b, const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(mr_buf_puts(b, line), 0);
}

static void test_hostile(void **state)
{
	struct mr_buf b = MR_BUF(64 << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	fill(&b, "Received: x\r\n", 200000);
	mr_buf_puts(&b, "\r\nbody");
	mr_message_parse(mr_buf_slice(&b), arena, &m);
	assert_true(m.cut);
	assert_int_equal(m.n_headers, MR_HEADERS_MAX);
	assert_slice(m.body, "body");

	mr_buf_reset(&b);
	mr_buf_puts(&b, "A: 1\nX: ");
	fill(&b, "0123456789abcdef", 1 << 16); /* 1 MiB in one line */
	mr_buf_puts(&b, "\n\nbody");
	mr_message_parse(mr_buf_slice(&b), arena, &m);
	assert_false(m.cut);
	assert_int_equal(m.headers[1].value.n, 1 + (1 << 20));
	assert_slice(m.body, "body");

	mr_buf_reset(&b);
	mr_buf_puts(&b, "A: 1\nX:");
	fill(&b, " 0123456789abcde\n", 1 << 18); /* more than the header may hold in one field */
	mr_buf_puts(&b, "\nbody");
	mr_message_parse(mr_buf_slice(&b), arena, &m);
	assert_true(m.cut);
	assert_int_equal(m.n_headers, 1);
	assert_slice(m.body, "body");
	mr_buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
