/* test-milter-packet: what the MTA says by the milter protocol, and what it is told. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "proto/milter-packet.h"
#include "unit.h"

static void test_next(void **state)
{
	static const struct {
		struct mr_slice in;
		int r;
		size_t used;
		char command;
		const char *data;
	} cases[] = {
		{ MR_LIT("\0\0\0\1Q"), 1, 5, 'Q', "" },
		{ MR_LIT("\0\0\0\6Hhelo\0\0\0"), 1, 10, 'H', "helo" },
		{ MR_LIT(""), 0, 5, 0, NULL },
		{ MR_LIT("\0\0\0\1"), 0, 5, 0, NULL },
		{ MR_LIT("\0\0\0\6Hhelo"), 0, 10, 0, NULL },
		{ MR_LIT("\0\x10\0\0B"), 0, 4 + 1048576, 0, NULL },
		{ MR_LIT("\0\0\0\0H"), -EPROTO, 0, 0, NULL },
		{ MR_LIT("\0\x10\0\1B"), -EPROTO, 0, 0, NULL },
		{ MR_LIT("\xff\xff\xff\xff\x42"), -EPROTO, 0, 0, NULL },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_packet p = { 0 };
		size_t used = 0;
		int r = mr_packet_next(cases[i].in, &p, &used);

		assert_int_equal(r, cases[i].r);
		if (r >= 0)
			assert_int_equal(used, cases[i].used);
		assert_int_equal(p.command, cases[i].command);
		if (cases[i].data)
			assert_string_equal(p.data.n ? p.data.p : "", cases[i].data);
	}
}

static void test_connect(void **state)
{
	static const struct {
		struct mr_slice in;
		const char *name, *address; /* NULL: refused; "": none */
	} cases[] = {
		{ MR_LIT("mx.test\0\x34\x04\x01\x31\x39\x32.0.2.1\0"), "mx.test", "192.0.2.1" },
		{ MR_LIT("mx.test\0\x36\x04\x01IPv6:2001:db8::1\0"), "mx.test", "2001:db8::1" },
		{ MR_LIT("mx.test\0\x36\x04\x01\x32\x30\x30\x31:db8::1\0"), "mx.test", "2001:db8::1" },
		{ MR_LIT("localhost\0U"), "localhost", "" },
		{ MR_LIT("localhost\0L\0\0/tmp/socket\0"), "localhost", "" },
		{ MR_LIT(""), NULL, NULL },
		{ MR_LIT("mx.test"), NULL, NULL },
		{ MR_LIT("mx.test\0"), NULL, NULL },
		{ MR_LIT("mx.test\0X\0\0a\0"), NULL, NULL },
		{ MR_LIT("mx.test\0\x34\x04"), NULL, NULL },
		{ MR_LIT("mx.test\0\x34\x04\x01\x31\x39\x32.0.2.1"), NULL, NULL },
		{ MR_LIT("mx.test\0\x34\x04\x01nowhere\0"), NULL, NULL },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		const char *name = NULL;
		struct mr_ip ip = { 0 };
		char text[MR_IP_STRLEN] = "";

		assert_int_equal(mr_packet_connect_decode(cases[i].in, &name, &ip), cases[i].name ? 0 : -EPROTO);
		if (!cases[i].name)
			continue;
		assert_string_equal(name, cases[i].name);
		assert_string_equal(ip.family ? mr_ip_str(&ip, text) : "", cases[i].address);
	}
}

static void test_words(void **state)
{
	static const struct {
		struct mr_slice in;
		size_t n; /* 0: refused */
		const char *v[3];
	} cases[] = {
		{ MR_LIT("<a@b>\0"), 1, { "<a@b>" } }, { MR_LIT("<a@b>\0NOTIFY=NEVER\0"), 2, { "<a@b>", "NOTIFY=NEVER" } },
		{ MR_LIT("\0\0"), 2, { "", "" } },     { MR_LIT(""), 0, { NULL } },
		{ MR_LIT("<a@b>"), 0, { NULL } },      { MR_LIT("<a@b>\0half"), 0, { NULL } },
		{ MR_LIT("a\0b\0c\0"), 0, { NULL } }, /* more than there is room for */
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		const char *v[3];
		size_t n = 0;

		assert_int_equal(mr_packet_words_decode(cases[i].in, v, 2, &n), cases[i].n ? 0 : -EPROTO);
		assert_int_equal(n, cases[i].n);
		for (size_t k = 0; k < n; k++)
			assert_string_equal(v[k], cases[i].v[k]);
		if (n)
			assert_null(v[n]);
	}
}

static void test_macros(void **state)
{
	struct mr_slice rest = MR_LIT("i\0004Queue\0{daemon_name}\0mx\0{}\0\0{half}\0rest"), name;
	const char *value;

	assert_true(mr_packet_macro_next(&rest, &name, &value));
	assert_slice(name, "i");
	assert_string_equal(value, "4Queue");
	assert_true(mr_packet_macro_next(&rest, &name, &value));
	assert_slice(name, "daemon_name");
	assert_string_equal(value, "mx");
	assert_true(mr_packet_macro_next(&rest, &name, &value));
	assert_slice(name, "");
	assert_string_equal(value, "");
	assert_false(mr_packet_macro_next(&rest, &name, &value));
}

static void test_put(void **state)
{
	static const char *const macros[MR_PACKET_STAGES] = { [MR_PACKET_AT_CONNECT] = "{d}", [MR_PACKET_AT_END] = "i" };
	static const char wanted[] = "\0\0\0\x1bO\0\0\0\6\0\0\1\1\0\0\0\x40\0\0\0\0{d}\0\0\0\0\5i\0"
				     "\0\0\0\x0c"
				     "i\0\0\0\0X-A\0 b\0"
				     "\0\0\0\x0f"
				     "2<a@b>\0N=NEVER\0"
				     "\0\0\0\7-<a@b>\0"
				     "\0\0\0\1c";
	struct mr_packet_offer o = { MR_PACKET_VERSION, 0x101, 0x40 }, back;
	struct mr_buf out = MR_BUF(1000);
	struct mr_packet p;
	size_t used;

	assert_int_equal(mr_packet_put_offer(&out, &o, macros), 0);
	assert_int_equal(mr_packet_put_field(&out, MR_PACKET_INSERT, 0, "X-A", " b"), 0);
	assert_int_equal(mr_packet_put_words(&out, MR_PACKET_ADD_RCPT, "<a@b>", "N=NEVER"), 0);
	assert_int_equal(mr_packet_put_words(&out, MR_PACKET_DEL_RCPT, "<a@b>", NULL), 0);
	assert_int_equal(mr_packet_put(&out, MR_PACKET_CONTINUE, (struct mr_slice){ 0 }), 0);
	assert_int_equal(out.n, sizeof(wanted) - 1);
	assert_memory_equal(out.p, wanted, sizeof(wanted) - 1);
	assert_int_equal(mr_packet_next(mr_buf_slice(&out), &p, &used), 1);
	assert_int_equal(mr_packet_offer_decode(p.data, &back), 0);
	assert_memory_equal(&back, &o, sizeof(o));
	assert_int_equal(mr_packet_offer_decode(MR_LIT("\0\0\0\6\0\0\0\0\0\0\0"), &back), -EPROTO);
	mr_buf_done(&out);
}

/* Nothing of a packet for which there is no room, and nothing behind it. */
static void test_put_too_much(void **state)
{
	struct mr_buf out = MR_BUF(20);

	assert_int_equal(mr_packet_put(&out, MR_PACKET_CONTINUE, (struct mr_slice){ 0 }), 0);
	assert_int_equal(mr_packet_put_words(&out, MR_PACKET_DEL_RCPT, "<somebody@example.org>", NULL), -ENOBUFS);
	assert_int_equal(out.n, 5);
	assert_int_equal(mr_packet_put(&out, MR_PACKET_CONTINUE, (struct mr_slice){ 0 }), -ENOBUFS);
	assert_int_equal(out.n, 5);
	mr_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_next),  cmocka_unit_test(test_connect),
					    cmocka_unit_test(test_words), cmocka_unit_test(test_macros),
					    cmocka_unit_test(test_put),   cmocka_unit_test(test_put_too_much) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
