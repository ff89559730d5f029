/* test-log: no value can forge a line or a field; levels; heads. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "rt/log.h"
#include "unit.h"

#define THREADS 4
#define LINES   200

static int capture = -1, saved = -1;

static void begin(void)
{
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	capture = memfd_create("log", MFD_CLOEXEC);
	fcntl(capture, F_SETFL, O_APPEND); /* a memfd has no lock on its offset as a file has */
	dup2(capture, STDERR_FILENO);
}

/* What was written to stderr since begin(). */
static const char *end(void)
{
	static char text[1 << 20];
	ssize_t n = pread(capture, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(capture);
	return text;
}

/* The line without its time. */
static const char *line(void)
{
	const char *text = end(), *space = strchr(text, ' ');

	return space ? space + 1 : text;
}

static void test_values(void **state)
{
	static const struct {
		struct mr_kv kv;
		const char *text;
	} cases[] = {
		{ { .key = "k", .type = MR_KV_STR, .s = "plain@example.org" }, "k=plain@example.org" },
		{ { .key = "k", .type = MR_KV_STR, .s = "" }, "k=\"\"" },
		{ { .key = "k", .type = MR_KV_STR, .s = "two words" }, "k=\"two words\"" },
		{ { .key = "k", .type = MR_KV_STR, .s = "a=b" }, "k=\"a=b\"" },
		{ { .key = "k", .type = MR_KV_STR, .s = "x\ny" }, "k=\"x\\x0ay\"" },
		{ { .key = "k", .type = MR_KV_STR, .s = "\" other=\"" }, "k=\"\\x22 other=\\x22\"" },
		{ { .key = "k", .type = MR_KV_STR, .s = "\\" }, "k=\"\\x5c\"" },
		{ { .key = "k", .type = MR_KV_STR, .s = "\xc3\xa4" }, "k=\"\\xc3\\xa4\"" },
		{ { .key = "k", .type = MR_KV_SLICE, .slice = { "a\0b", 3 } }, "k=\"a\\x00b\"" },
		{ { .key = "k", .type = MR_KV_SLICE, .slice = { NULL, 0 } }, "k=\"\"" },
		{ { .key = "k", .type = MR_KV_I64, .i = -5 }, "k=-5" },
		{ { .key = "k", .type = MR_KV_U64, .u = UINT64_MAX }, "k=18446744073709551615" },
		{ { .key = "k", .type = MR_KV_SCORE, .d = -1.5 }, "k=-1.50" },
		{ { .key = "k", .type = MR_KV_ERR, .i = -ENOENT }, "k=\"No such file or directory\"" },
		{ { .key = "k", .type = MR_KV_ERR, .i = ENOENT }, "k=\"No such file or directory\"" },
	};

	mr_log_open("prog", 0, MR_LOG_INFO);
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf want = MR_BUF(1000);

		mr_buf_printf(&want, "prog info: event %s\n", cases[i].text);
		begin();
		mr_log_kv(MR_LOG_INFO, "event", (struct mr_kv[]){ cases[i].kv, { 0 } });
		assert_string_equal(line(), want.p);
		mr_buf_done(&want);
	}
}

static void test_levels(void **state)
{
	mr_log_open("prog", 0, MR_LOG_WARNING);
	begin();
	mr_log(MR_LOG_NOTICE, "hidden");
	mr_log(MR_LOG_WARNING, "shown");
	mr_log_set_level(MR_LOG_DEBUG);
	mr_log(MR_LOG_DEBUG, "shown-too");
	assert_int_equal(mr_log_level(), MR_LOG_DEBUG);
	assert_non_null(strstr(line(), "warning: shown\n"));
	mr_log_set_level(MR_LOG_ERROR);
	begin();
	mr_log(MR_LOG_WARNING, "hidden");
	assert_string_equal(end(), "");
}

static void test_journal(void **state)
{
	char stream[64];
	struct stat st;

	begin();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	mr_log_open("prog", 0, MR_LOG_INFO);
	mr_log(MR_LOG_WARNING, "event", mr_u("n", 1));
	assert_string_equal(end(), "<4>event n=1\n");
	begin(); /* another file now: not the journal */
	mr_log_open("prog", 0, MR_LOG_INFO);
	mr_log(MR_LOG_WARNING, "event");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(line(), "prog warning: event\n");
}

static void test_long(void **state)
{
	static char much[100000];
	const char *text;

	mr_log_open("prog", 0, MR_LOG_INFO);
	memset(much, 'a', sizeof(much) - 1);
	begin();
	mr_log(MR_LOG_INFO, "event", mr_s("a", much), mr_s("b", much), mr_s("tail", "seen"));
	text = end();
	assert_in_range(strlen(text), 2048, 8193);
	assert_non_null(strstr(text, "...\" b="));
	assert_non_null(strstr(text, " tail=seen\n"));
	begin();
	for (size_t i = 0; i < 20; i++)
		much[i * 1000] = '\n';
	mr_log(MR_LOG_INFO, "event", mr_s("a", much), mr_s("b", much), mr_s("c", much), mr_s("d", much), mr_s("e", much), mr_s("f", much),
	       mr_s("g", much), mr_s("h", much), mr_s("i", much));
	text = end();
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line, whatever was left out */
}

static void *log_many(void *arg)
{
	for (int i = 0; i < LINES; i++)
		mr_log(MR_LOG_INFO, "many", mr_s("who", arg));
	return NULL;
}

static void test_threads(void **state)
{
	static const char *const names[THREADS] = { "aaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccc", "d" };
	pthread_t threads[THREADS];
	struct mr_slice rest, one;
	size_t n = 0;

	mr_log_open("prog", 0, MR_LOG_INFO);
	begin();
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, log_many, (void *)(uintptr_t)names[i]);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (rest = mr_slice_of(end()); mr_slice_next(&rest, '\n', &one); n += one.n > 0) {
		ptrdiff_t who = mr_slice_rchr(one, '=');
		bool whole = one.n == 0;

		for (size_t i = 0; i < THREADS; i++)
			whole = whole || mr_slice_eq(mr_slice_from(one, (size_t)who + 1), mr_slice_of(names[i]));
		assert_true(whole);
	}
	assert_int_equal(n, THREADS * LINES);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static off_t written(void)
{
	struct stat st;

	assert_int_equal(fstat(capture, &st), 0);
	return st.st_size;
}

/* What may wait waits, but not for long, never out of order, and not for ever more of it. */
static void test_soon(void **state)
{
	const char *text;
	int n = 0;

	mr_log_open("prog", 0, MR_LOG_INFO);
	begin();
	mr_log_soon(MR_LOG_INFO, "one", mr_u("n", 1));
	mr_log_soon(MR_LOG_DEBUG, "hidden");
	mr_log_soon(MR_LOG_INFO, "two", mr_s("text", "a\nb"));
	assert_int_equal(written(), 0);
	mr_log(MR_LOG_DEBUG, "hidden");
	assert_int_equal(written(), 0);
	mr_log(MR_LOG_NOTICE, "three");
	text = end();
	assert_int_equal(count(text, "\n"), 3);
	assert_non_null(strstr(text, "info: one n=1\n"));
	assert_true(strstr(text, "info: one n=1\n") < strstr(text, "info: two text=\"a\\x0ab\"\n"));
	assert_true(strstr(text, "info: two") < strstr(text, "notice: three\n"));
	begin();
	mr_log_flush();
	assert_int_equal(written(), 0);
	mr_log_soon(MR_LOG_INFO, "four");
	mr_log_flush();
	assert_int_equal(count(end(), "four\n"), 1);
	begin();
	for (; written() == 0 && n < 1000; n++)
		mr_log_soon(MR_LOG_INFO, "many", mr_s("text", "some forty bytes that are worth a line"));
	assert_in_range(written(), 2000, 4096);
	assert_int_equal(count(end(), "worth a line\"\n"), n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_levels),  cmocka_unit_test(test_journal),
		cmocka_unit_test(test_long),   cmocka_unit_test(test_threads), cmocka_unit_test(test_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
