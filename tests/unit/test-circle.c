/* test-circle: does forwarded mail go in a circle? */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "circle.h"
#include "unit.h"

#define MARK_OF_A "X-Mailreeve-Forwarded: ebb18a030bf15174\r\n" /* the first digits of: printf a@b.example | sha256sum */

static const struct {
	const char *head, *recipient;
	bool has;
} marks[] = {
	{ MARK_OF_A "\r\n", "a@b.example", true },
	{ MARK_OF_A "\r\n", "A@B.Example", true },
	{ MARK_OF_A "\r\n", "b@b.example", false },
	{ "x-mailreeve-forwarded: 0000000000000000\r\n\tebb18a030bf15174\r\n\r\n", "a@b.example", true },
	{ "X-Mailreeve-Forwarded: 0000000000000000\r\n" MARK_OF_A "\r\n", "a@b.example", true },
	{ "X-Other: ebb18a030bf15174\r\n\r\n", "a@b.example", false },
	{ "Subject: x\r\n\r\n" MARK_OF_A, "a@b.example", false }, /* in the body */
	{ "X-Mailreeve-Forwarded: ebb18a030bf1517\r\n\r\n", "a@b.example", false },
	{ "X-Mailreeve-Forwarded:\r\n\r\n", "a@b.example", false },
	{ "", "a@b.example", false },
	{ MARK_OF_A "\r\n", "", false },
};

static struct mr_message parsed(const char *text, struct mr_arena *arena)
{
	struct mr_message m;

	mr_message_parse(mr_slice_of(text), arena, &m);
	return m;
}

static void test_marks(void **state)
{
	for (size_t i = 0; i < MR_COUNT(marks); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_message m = parsed(marks[i].head, arena);

		if (mr_circle_has(&m, mr_slice_of(marks[i].recipient)) != marks[i].has)
			fail_msg("%s: %s", marks[i].head, marks[i].recipient);
	}
}

static void test_own_mark_is_found(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf value = MR_BUF(MR_CIRCLE_VALUE_MAX), text = MR_BUF(2 * MR_CIRCLE_VALUE_MAX);
	struct mr_message m;

	for (int i = 0; i < 1000; i++)
		assert_int_equal(mr_circle_add(&value, mr_slice_of(mr_arena_printf(arena, "r%d@b.example", i))), 0);
	mr_buf_printf(&text, "%s: %s\r\n\r\n", MR_CIRCLE_FIELD, value.p);
	m = parsed(text.p, arena);
	assert_true(mr_circle_has(&m, MR_LIT("r0@b.example")));
	assert_true(mr_circle_has(&m, MR_LIT("r999@b.example")));
	assert_false(mr_circle_has(&m, MR_LIT("r1000@b.example")));
	mr_buf_done(&text);
	mr_buf_done(&value);
}

static void test_no_room(void **state)
{
	struct mr_buf value = MR_BUF(50);

	assert_int_equal(mr_circle_add(&value, MR_LIT("a@b.example")), 0);
	assert_int_equal(mr_circle_add(&value, MR_LIT("b@b.example")), 0);
	assert_int_equal(value.n, 34);
	assert_int_equal(mr_circle_add(&value, MR_LIT("c@b.example")), -ENOBUFS);
	assert_int_equal(value.n, 34);
	mr_buf_done(&value);
}

static const struct {
	const char *received;
	bool counts;
} fields[] = {
	{ "from x.example (x.example [192.0.2.1])\r\n\tby mx.here (Postfix) with ESMTPS id 4A; Sat, 28 Nov 2026 23:00:00 +0000 (UTC)",
	  true },
	{ "by MX.here (Postfix, from userid 33) id 4A; Sat, 28 Nov 2026 23:00:00 +0000", true },
	{ "by mx.here; Sat, 28 Nov 2026 23:00:00 +0000", true },
	{ "from mx.here (mx.here [192.0.2.2]) by other.example (Postfix)", false },
	{ "from x (helo by mx.here) by other.example", false },
	{ "from x ((nested) by mx.here) by other.example", false },
	{ "from x by mx.here.example", false },
	{ "from x by", false },
	{ "from x ) by mx.here", true },
	{ "", false },
};

static void test_received(void **state)
{
	for (size_t i = 0; i < MR_COUNT(fields); i++) {
		if (mr_circle_received_by(MR_LIT("received "), mr_slice_of(fields[i].received), MR_LIT("mx.here")) != fields[i].counts)
			fail_msg("%s", fields[i].received);
		assert_false(mr_circle_received_by(MR_LIT("X-Received"), mr_slice_of(fields[i].received), MR_LIT("mx.here")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_own_mark_is_found),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
