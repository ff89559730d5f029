/* test-tool: runs of other programs: what they get, what they print, how they fail. */

/* system */
#include <errno.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tools) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
