/* test-tool: runs of other programs: what they get, what they print, how they fail. */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "rt/tool.h"
#include "unit.h"

static void tools(void **state)
{
	static const struct {
		const char *script, *input, *out; /* out NULL: fails, with `err` */
		int err;
	} cases[] = {
		{ "cat", "some\ninput\n", "some\ninput\n", 0 },
		{ "echo $LC_ALL; echo ${HOME-none} >&2", "", "C\nnone\n", 0 },
		{ "echo why >&2; exit 3", "", NULL, -EIO },
		{ "kill -9 $$", "", NULL, -EIO },
		{ "while :; do echo xxxxxxxxxxxxxxxx; done", "", NULL, -EMSGSIZE },
		{ "exec sleep 60", "", NULL, -ETIMEDOUT },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		const char *const argv[] = { "/bin/sh", "-c", cases[i].script, NULL };
		struct mr_diag diag = { 0 };
		struct mr_buf out = MR_BUF(100000);

		assert_int_equal(mr_tool_run(argv, mr_slice_of(cases[i].input), cases[i].err == -ETIMEDOUT ? 100 : 20000, &out, &diag),
				 cases[i].err);
		if (cases[i].out)
			assert_slice(mr_buf_slice(&out), cases[i].out);
		mr_buf_done(&out);
	}
	struct mr_diag diag = { 0 };
	struct mr_buf out = MR_BUF(10000);
	const char *const nothing[] = { "/nonexistent/tool", NULL };

	assert_int_equal(mr_tool_run(nothing, (struct mr_slice){ 0 }, 20000, &out, &diag), -ENOENT);
	assert_string_equal(diag.text, "/nonexistent/tool is not there");
	mr_buf_done(&out);
}

struct seen {
	size_t lines, bytes;
	char last[16];
};
static void see(struct mr_slice line, void *arg)
{
	struct seen *s = arg;

	s->lines++;
	s->bytes += line.n;
	snprintf(s->last, sizeof(s->last), "%.*s", (int)(line.n < 15 ? line.n : 15), line.p);
}

/* Far more than is kept at a time; a line longer than is wanted; a last one without an end. */
static void lines(void **state)
{
	static const struct {
		const char *script;
		size_t lines, bytes;
		const char *last;
		int err;
		const char *diag;
	} cases[] = {
		{ "echo a; echo; echo bc", 3, 3, "bc", 0, "" },
		{ "echo a; printf b", 2, 2, "b", 0, "" },
		{ "true", 0, 0, "", 0, "" },
		{ "yes 123456789 | head -n 1000000", 1000000, 9000000, "123456789", 0, "" },
		{ "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo y", 2, 1001, "y", 0, "" },
		{ "head -c 5000000 /dev/zero | tr '\\0' x", 1, 1000, "xxxxxxxxxxxxxxx", 0, "" },
		{ "echo a; echo why >&2; echo; exit 3", 3, 4, "", -EIO, "/bin/sh: exit 3: why" },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		const char *const argv[] = { "/bin/sh", "-c", cases[i].script, NULL };
		struct mr_diag diag = { 0 };
		struct seen s = { 0 };

		assert_int_equal(mr_tool_lines(argv, (struct mr_slice){ 0 }, 60000, 1000, see, &s, &diag), cases[i].err);
		assert_int_equal(s.lines, cases[i].lines);
		assert_int_equal(s.bytes, cases[i].bytes);
		assert_string_equal(s.last, cases[i].last);
		assert_string_equal(diag.text, cases[i].diag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tools), cmocka_unit_test(lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
