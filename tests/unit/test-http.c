/* test-http: which bytes are a request, and with what status others are refused. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "proto/http.h"
#include "unit.h"

#define HOST "Host: h\r\n"

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int rc, status;
	} cases[] = {
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", 1, 0 },
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", 1, 0 },
		{ "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 1, 0 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{", 0, 0 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n", 0, 0 },
		{ "POST / HTT", 0, 0 },
		{ "", 0, 0 },
		{ "POST / HTTP/1.1\n" HOST "\r\n", -EPROTO, 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\n\n{}", -EPROTO, 400 },
		{ "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GET  / HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1 \r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GET /\r\n\r\n", -EPROTO, 400 },
		{ "GET http://h/ HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "G(T / HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GETGETGETGETGETGET / HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GET /\xff HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GET / HTTP/2.0\r\n" HOST "\r\n", -EPROTO, 505 },
		{ "GET / SMTP/1.1\r\n" HOST "\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1\r\n\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", -EPROTO, 400 },
		{ "GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n", -EPROTO, 417 },
		{ "POST / HTTP/1.1\r\n" HOST "\r\n", -EPROTO, 411 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", -EPROTO, 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\nx", -EPROTO, 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\nx", -EPROTO, 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nx", -EPROTO, 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nx", -EPROTO, 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 8193\r\n\r\n", -EPROTO, 413 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", -EPROTO, 413 },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", -EPROTO, 501 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", -EPROTO, 501 },
		{ "POST / HTTP/1.1\r\n" HOST "transfer-encoding: identity\r\nContent-Length: 1\r\n\r\nx", -EPROTO, 501 },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_http_request r;
		size_t used = 0;
		int rc = mr_http_next(mr_slice_of(cases[i].text), &r, &used);

		if (rc != cases[i].rc || r.status != cases[i].status)
			fail_msg("%s: %d, status %d", cases[i].text, rc, r.status);
		assert_int_equal(used, rc == 1 ? strlen(cases[i].text) : 0);
	}
}

static void test_parts(void **state)
{
	static const char text[] =
	    "POST /?command=allow HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-API-Key:\t secret \r\nA: 1\r\na: 2\r\nempty:\r\n"
	    "Content-Length: 5\r\n\r\nbodies";
	struct mr_http_request r;
	size_t used;

	assert_int_equal(mr_http_next(MR_LIT(text), &r, &used), 1);
	assert_int_equal(used, sizeof(text) - 2);
	assert_slice(r.method, "POST");
	assert_slice(r.target, "/?command=allow");
	assert_slice(r.body, "bodie");
	assert_true(r.keep_alive);
	assert_slice(mr_http_field(&r, MR_LIT("x-api-key")), "secret");
	assert_non_null(mr_http_field(&r, MR_LIT("Empty")).p);
	assert_null(mr_http_field(&r, MR_LIT("A")).p); /* which of them? */
	assert_null(mr_http_field(&r, MR_LIT("X-API")).p);
}

static void test_keep_alive(void **state)
{
	static const struct {
		const char *line, *field;
		bool keep;
	} cases[] = {
		{ "GET / HTTP/1.1", "A: b", true },
		{ "GET / HTTP/1.1", "Connection: close", false },
		{ "GET / HTTP/1.1", "Connection: Keep-Alive", true },
		{ "GET / HTTP/1.1", "Connection: upgrade", false },
		{ "GET / HTTP/1.0", "A: b", false },
	};
	struct mr_http_request r;
	char text[256];
	size_t used;

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		snprintf(text, sizeof(text), "%s\r\n" HOST "%s\r\n\r\n", cases[i].line, cases[i].field);
		assert_int_equal(mr_http_next(mr_slice_of(text), &r, &used), 1);
		assert_int_equal(r.keep_alive, cases[i].keep);
	}
}

/* Every beginning of a request needs more bytes. */
static void test_beginnings(void **state)
{
	static const char text[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc";
	struct mr_http_request r;
	size_t used;

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(mr_http_next((struct mr_slice){ text, n }, &r, &used), 0);
}

static void test_too_much(void **state)
{
	struct mr_buf b = MR_BUF(1 << 20);
	struct mr_http_request r;
	size_t used;

	mr_buf_puts(&b, "GET / HTTP/1.1\r\n" HOST "A: ");
	while (b.n < MR_HTTP_HEAD_MAX - 1)
		mr_buf_putc(&b, 'x');
	assert_int_equal(mr_http_next(mr_buf_slice(&b), &r, &used), 0);
	mr_buf_putc(&b, 'x');
	assert_int_equal(mr_http_next(mr_buf_slice(&b), &r, &used), -EPROTO);
	assert_int_equal(r.status, 431);
	mr_buf_puts(&b, "\r\n\r\n");
	assert_int_equal(mr_http_next(mr_buf_slice(&b), &r, &used), -EPROTO);
	assert_int_equal(r.status, 431);
	mr_buf_reset(&b);
	mr_buf_puts(&b, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 1; i <= MR_HTTP_FIELDS_MAX; i++)
		mr_buf_puts(&b, "a: b\r\n");
	mr_buf_puts(&b, "\r\n");
	assert_int_equal(mr_http_next(mr_buf_slice(&b), &r, &used), -EPROTO);
	assert_int_equal(r.status, 431);
	mr_buf_done(&b);
}

static void test_reply(void **state)
{
	struct mr_buf b = MR_BUF(1024);

	mr_http_reply(&b, 200, true, MR_LIT("{}"));
	mr_http_reply(&b, 401, false, MR_LIT(""));
	assert_string_equal(
	    b.p, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}"
		 "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	mr_buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),    cmocka_unit_test(test_parts),    cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_beginnings), cmocka_unit_test(test_too_much), cmocka_unit_test(test_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
