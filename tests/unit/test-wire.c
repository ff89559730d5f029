/* test-wire: messages between our own parts. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "proto/netstring.h"
#include "proto/wire.h"
#include "unit.h"

/* Frames `payload` and takes it as a message. */
static int take(struct mr_slice payload, struct mr_arena *arena, struct mr_wire *w)
{
	struct mr_buf framed = MR_BUF(2 * MR_WIRE_MAX);
	struct mr_slice copy;
	size_t used = 0;
	int got;

	assert_int_equal(mr_netstring_add(&framed, payload), 0);
	copy = (struct mr_slice){ mr_arena_slice(arena, mr_buf_slice(&framed)), framed.n };
	got = mr_wire_next(copy, arena, w, &used);
	assert_int_equal(used, got > 0 ? framed.n : 0);
	mr_buf_done(&framed);
	return got;
}

static void test_refused(void **state)
{
	static const struct {
		struct mr_slice payload;
		int got;
	} cases[] = {
		{ MR_LIT("v=1\nid=0\n"), 1 },
		{ MR_LIT("v=1\nid=18446744073709551615\na.b-c_9=\n"), 1 },
		{ MR_LIT(""), -EPROTO },
		{ MR_LIT("\n"), -EPROTO },
		{ MR_LIT("v=1\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1"), -EPROTO },
		{ MR_LIT("v=2\nid=1\n"), -EPROTO },
		{ MR_LIT("v=\nid=1\n"), -EPROTO },
		{ MR_LIT("id=1\nv=1\n"), -EPROTO },
		{ MR_LIT("v=1\nid=x\n"), -EPROTO },
		{ MR_LIT("v=1\nid=18446744073709551616\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nkey\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\n=value\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\n\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nKey=a\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nk y=a\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nk=a\rb\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nk=a\0b\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nk=%\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nk=%2\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nk=%41\n"), -EPROTO },
		{ MR_LIT("v=1\nid=1\nk=%0a\n"), -EPROTO },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_wire w = { 0 };

		assert_int_equal(take(cases[i].payload, arena, &w), cases[i].got);
		assert_int_equal(w.fields != NULL, cases[i].got == 1);
	}
}

static void test_values(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice value;
	struct mr_wire w;
	uint64_t v = 77;
	size_t at = 0;

	assert_int_equal(take(MR_LIT("v=1\nid=9\nk=one\nn=500\nk=t%0Aw%0D%25o\nz=a%00b\nempty=\nbad=5x\n"), arena, &w), 1);
	assert_slice(mr_wire_get(&w, "k"), "one");
	assert_null(mr_wire_get(&w, "absent").p);
	assert_non_null(mr_wire_get(&w, "empty").p);
	assert_true(mr_slice_eq(mr_wire_get(&w, "z"), MR_LIT("a\0b")));
	assert_true(mr_wire_each(&w, "k", &at, &value));
	assert_slice(value, "one");
	assert_true(mr_wire_each(&w, "k", &at, &value));
	assert_slice(value, "t\nw\r%o");
	assert_false(mr_wire_each(&w, "k", &at, &value));
	assert_int_equal(mr_wire_u64(&w, "absent", 1000, &v), -ENOENT);
	assert_int_equal(mr_wire_u64(&w, "bad", 1000, &v), -EINVAL);
	assert_int_equal(mr_wire_u64(&w, "n", 499, &v), -ERANGE);
	assert_int_equal(v, 77);
	assert_int_equal(mr_wire_u64(&w, "n", 500, &v), 0);
	assert_int_equal(v, 500);
}

static void test_round_trip(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(1000);
	struct mr_wire_out building;
	struct mr_wire w;
	size_t used;

	mr_wire_begin(&building, "cmd", "resolve", UINT64_MAX);
	mr_wire_put(&building, "address", MR_LIT("100%\r\n\0@example.org"));
	mr_wire_putu(&building, "n", 12);
	assert_int_equal(mr_wire_end(&building, &out), 0);
	assert_slice(mr_buf_slice(&out), "81:v=1\nid=18446744073709551615\ncmd=resolve\naddress=100%25%0D%0A%00@example.org\nn=12\n,");
	for (size_t n = 0; n < out.n; n++)
		assert_int_equal(mr_wire_next((struct mr_slice){ out.p, n }, arena, &w, &used), 0);
	assert_int_equal(mr_wire_next(mr_buf_slice(&out), arena, &w, &used), 1);
	assert_true(mr_slice_eq(mr_wire_get(&w, "address"), MR_LIT("100%\r\n\0@example.org")));
	mr_buf_done(&out);
}

static void test_bounds(void **state)
{
	size_t n = 2 * MR_WIRE_MAX, used;
	mr_autofree char *bytes = mr_alloc(n);
	mr_autoarena small = mr_arena_new(1024);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(n);
	struct mr_wire_out building;
	struct mr_wire w;

	memset(bytes, 'a', n);
	assert_int_equal(mr_wire_next((struct mr_slice){ bytes, n }, arena, &w, &used), -EPROTO);
	memcpy(bytes, "1048577:", 8);
	assert_int_equal(mr_wire_next((struct mr_slice){ bytes, n }, arena, &w, &used), -EMSGSIZE);

	mr_wire_begin(&building, "cmd", "x", 1);
	mr_wire_put(&building, "k", (struct mr_slice){ bytes, MR_WIRE_MAX });
	assert_int_equal(mr_wire_end(&building, &out), -ENOBUFS);

	mr_wire_begin(&building, "cmd", "x", 1);
	for (size_t i = 0; i < MR_WIRE_FIELDS_MAX - 3; i++)
		mr_wire_puts(&building, "k", "");
	assert_int_equal(mr_wire_end(&building, &out), 0);
	assert_int_equal(mr_wire_next(mr_buf_slice(&out), small, &w, &used), -EMSGSIZE);
	assert_int_equal(mr_wire_next(mr_buf_slice(&out), arena, &w, &used), 1);
	mr_buf_reset(&out);

	mr_wire_begin(&building, "cmd", "x", 1);
	for (size_t i = 0; i < MR_WIRE_FIELDS_MAX - 2; i++)
		mr_wire_puts(&building, "k", "");
	assert_int_equal(mr_wire_end(&building, &out), -ENOBUFS);
	mr_buf_puts(&out, "8:v=1\nid=1");
	assert_int_equal(mr_wire_next(mr_buf_slice(&out), arena, &w, &used), 0);
	mr_buf_done(&out);
}

static void test_too_many_fields(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf payload = MR_BUF(MR_WIRE_MAX);
	struct mr_wire w;

	mr_buf_puts(&payload, "v=1\nid=1\n");
	for (size_t i = 0; i < MR_WIRE_FIELDS_MAX - 1; i++)
		mr_buf_puts(&payload, "k=\n");
	assert_int_equal(take(mr_buf_slice(&payload), arena, &w), -EMSGSIZE);
	mr_buf_done(&payload);
}

static void test_line_add(void **state)
{
	struct mr_buf out = MR_BUF(12);

	assert_int_equal(mr_wire_line_add(&out, "k", MR_LIT("a\n%b")), 0);
	assert_slice(mr_buf_slice(&out), "k=a%0A%25b\n");
	assert_int_equal(mr_wire_line_add(&out, "k", MR_LIT("")), -ENOBUFS);
	assert_slice(mr_buf_slice(&out), "k=a%0A%25b\n");
	mr_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_values),          cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bounds),  cmocka_unit_test(test_too_many_fields), cmocka_unit_test(test_line_add),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
