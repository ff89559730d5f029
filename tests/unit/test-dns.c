/* dns: the view, packets in wire form, and the text between scanner and I/O loop. */
/* system */
#include <errno.h>

/* ours */
#include "base/text.h"
#include "proto/dns.h"
#include "unit.h"

static struct mr_dns_answer answer(const char *name, enum mr_dns_type type, struct mr_dns_rr *rrs, size_t n)
{
	return (struct mr_dns_answer){ .name = (char *)name, .type = (uint16_t)type, .ttl = 60, .rrs = rrs, .n_rrs = n };
}

static void test_view(void **state)
{
	struct mr_dns_view *v = mr_dns_view_new();
	struct mr_dns_rr rr = { .data = MR_LIT("v=spf1 -all") };
	struct mr_dns_answer a = answer("Example.org", MR_DNS_TXT, &rr, 1);
	const struct mr_dns_answer *got;
	enum mr_dns_type type;
	const char *name;

	assert_null(mr_dns_view_get(v, MR_LIT("EXAMPLE.org."), MR_DNS_TXT));
	assert_null(mr_dns_view_get(v, MR_LIT("example.org"), MR_DNS_TXT));
	assert_null(mr_dns_view_get(v, MR_LIT("example.org"), MR_DNS_A));
	assert_true(mr_dns_view_question(v, 0, &name, &type));
	assert_string_equal(name, "example.org");
	assert_int_equal(type, MR_DNS_TXT);
	assert_true(mr_dns_view_question(v, 1, &name, &type));
	assert_int_equal(type, MR_DNS_A);
	assert_false(mr_dns_view_question(v, 2, &name, &type));

	mr_dns_view_add(v, &a);
	rr.data = MR_LIT("changed by its owner");
	got = mr_dns_view_get(v, MR_LIT("example.org"), MR_DNS_TXT);
	assert_non_null(got);
	assert_slice(got->rrs[0].data, "v=spf1 -all");
	assert_string_equal(got->name, "example.org");
	assert_true(mr_dns_view_question(v, 0, &name, &type));
	assert_int_equal(type, MR_DNS_A);
	assert_false(mr_dns_view_question(v, 1, &name, &type));

	mr_dns_view_give_up(v);
	assert_false(mr_dns_view_question(v, 0, &name, &type));
	assert_int_equal(mr_dns_view_get(v, MR_LIT("example.org"), MR_DNS_A)->status, MR_DNS_TEMP);
	assert_int_equal(mr_dns_view_get(v, MR_LIT("example.org"), MR_DNS_TXT)->status, MR_DNS_OK);
	mr_dns_view_free(v);
	mr_dns_view_free(NULL);
}

#define X63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void test_view_names(void **state)
{
	static const char *const none[] = {
		"", ".", "a..b", ".a", "a\tb", "a\\b", "a\x7f", "a\xff", X63 "x.a", X63 "." X63 "." X63 "." X63
	};
	struct mr_dns_view *v = mr_dns_view_new();
	const char *name;
	enum mr_dns_type type;

	for (size_t i = 0; i < MR_COUNT(none); i++) {
		const struct mr_dns_answer *a = mr_dns_view_get(v, mr_slice_of(none[i]), MR_DNS_A);

		assert_non_null(a);
		assert_int_equal(a->status, MR_DNS_NXDOMAIN);
	}
	assert_non_null(mr_dns_view_get(v, (struct mr_slice){ "a\0b", 3 }, MR_DNS_A));
	assert_false(mr_dns_view_question(v, 0, &name, &type));
	assert_null(mr_dns_view_get(v, MR_LIT(X63 "." X63 "." X63), MR_DNS_A));
	mr_dns_view_free(v);
}

static void test_view_bounds(void **state)
{
	struct mr_dns_view *v = mr_dns_view_new();
	const char *name;
	enum mr_dns_type type;

	for (int i = 0; i < MR_DNS_QUESTIONS_MAX + 10; i++) {
		char text[32];
		const struct mr_dns_answer *a;

		snprintf(text, sizeof(text), "n%d.example", i);
		a = mr_dns_view_get(v, mr_slice_of(text), MR_DNS_A);
		if (i < MR_DNS_QUESTIONS_MAX)
			assert_null(a);
		else
			assert_int_equal(a->status, MR_DNS_TEMP);
	}
	assert_true(mr_dns_view_question(v, MR_DNS_QUESTIONS_MAX - 1, &name, &type));
	assert_false(mr_dns_view_question(v, MR_DNS_QUESTIONS_MAX, &name, &type));
	mr_dns_view_free(v);
}

#define NAME_A_X "c00c " /* a.x, of the question */
#define TTL      "0000003c "
#define IN       "0001 "

static const struct {
	const char *hex, *name;
	enum mr_dns_type type;
	int result;
	enum mr_dns_status status;
	const char *data; /* joined by a bar: text, or hex for addresses; MX "pref name" */
} packets[] = {
	{ "0000 81a0 0001 0001 0000 0000 01610178000001 0001" NAME_A_X "0001" IN TTL "0004 c0000201", "a.x", MR_DNS_A, 0, MR_DNS_OK,
	  "c0000201|" },
	{ "0000 8180 0001 0002 0000 0000 01410158000001 0001" NAME_A_X "0001" IN TTL "0004 c0000201 " NAME_A_X "0001" IN TTL
	  "0004 c0000202",
	  "A.x.", MR_DNS_A, 0, MR_DNS_OK, "c0000201|c0000202|" },
	{ "0000 8180 0001 0001 0000 0000 0161017800001c 0001" NAME_A_X "001c" IN TTL "0010 20010db8000000000000000000000001", "a.x",
	  MR_DNS_AAAA, 0, MR_DNS_OK, "20010db8000000000000000000000001|" },
	{ "0000 8180 0001 0001 0000 0000 01610178000010 0001" NAME_A_X "0010" IN TTL "0007 02763d 03737066", "a.x", MR_DNS_TXT, 0,
	  MR_DNS_OK, "v=spf|" },
	{ "0000 8180 0001 0001 0000 0000 0161017800000f 0001" NAME_A_X "000f" IN TTL "0006 000a 014d c00e", "a.x", MR_DNS_MX, 0, MR_DNS_OK,
	  "10 m.x|" },
	{ "0000 8180 0001 0001 0000 0000 0161017800000f 0001" NAME_A_X "000f" IN TTL "0003 0000 00", "a.x", MR_DNS_MX, 0, MR_DNS_OK,
	  "0 |" },
	{ "0000 8180 0001 0001 0000 0000 0161017800000c 0001" NAME_A_X "000c" IN TTL "0005 03612e5c 00", "a.x", MR_DNS_PTR, 0, MR_DNS_OK,
	  "a\\046\\092|" },
	/* a.x CNAME b.x, b.x A: in both orders */
	{ "0000 8180 0001 0002 0000 0000 01610178000001 0001" NAME_A_X "0005" IN TTL "0004 0162 c00e "
	  "0162 c00e 0001" IN TTL "0004 c0000203",
	  "a.x", MR_DNS_A, 0, MR_DNS_OK, "c0000203|" },
	{ "0000 8180 0001 0002 0000 0000 01610178000001 0001 0162 c00e 0001" IN TTL "0004 c0000203 " NAME_A_X "0005" IN TTL
	  "0004 0162 c00e",
	  "a.x", MR_DNS_A, 0, MR_DNS_OK, "c0000203|" },
	{ "0000 8180 0001 0001 0000 0000 01610178000001 0001" NAME_A_X "0005" IN TTL "0004 0162 c00e", "a.x", MR_DNS_A, 0, MR_DNS_NODATA,
	  "" },
	{ "0000 8180 0001 0001 0000 0000 01610178000005 0001" NAME_A_X "0005" IN TTL "0004 0162 c00e", "a.x", MR_DNS_CNAME, 0, MR_DNS_OK,
	  "b.x|" },
	{ "0000 8180 0001 0000 0000 0000 01610178000001 0001", "a.x", MR_DNS_A, 0, MR_DNS_NODATA, "" },
	{ "0000 8183 0001 0000 0000 0000 01610178000001 0001", "a.x", MR_DNS_A, 0, MR_DNS_NXDOMAIN, "" },
	{ "0000 8182 0001 0000 0000 0000 01610178000001 0001", "a.x", MR_DNS_A, 0, MR_DNS_TEMP, "" },
	{ "0000 8185 0000 0000 0000 0000", "a.x", MR_DNS_A, 0, MR_DNS_TEMP, "" },
	{ "0000 8380 0001 0000 0000 0000 01610178000001 0001", "a.x", MR_DNS_A, 0, MR_DNS_TEMP, "" }, /* cut off */
	/* somebody else's record, another class */
	{ "0000 8180 0001 0001 0000 0000 01610178000001 0001 0162 c00e 0001" IN TTL "0004 c0000203", "a.x", MR_DNS_A, 0, MR_DNS_NODATA,
	  "" },
	{ "0000 8180 0001 0001 0000 0000 01610178000001 0001" NAME_A_X "0001 0003" TTL "0004 c0000203", "a.x", MR_DNS_A, 0, MR_DNS_NODATA,
	  "" },
	/* broken */
	{ "", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0000 0000", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0000 0000 0000 0161", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0001 0000 0000 01610178000001 0001", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0001 0000 0000 01610178000001 0001" NAME_A_X "0001" IN TTL "0003 c00002", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0001 0000 0000 01610178000001 0001" NAME_A_X "0001" IN TTL "0004 c00002", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0001 0000 0000 01610178000010 0001" NAME_A_X "0010" IN TTL "0003 05763d", "a.x", MR_DNS_TXT, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0001 0000 0000 01610178000010 0001" NAME_A_X "0010" IN TTL "0000", "a.x", MR_DNS_TXT, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0001 0000 0000 0161017800000f 0001" NAME_A_X "000f" IN TTL "0007 000a 014d c00e 00", "a.x", MR_DNS_MX, -EPROTO, 0,
	  NULL },
	/* pointers: to itself, forward, in a circle; a label type that does not exist */
	{ "0000 8180 0001 0000 0000 0000 c00c 0001 0001", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0000 0000 0000 c010 0001 0001", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0000 0000 0000 0161 c00c 0001 0001", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	{ "0000 8180 0001 0000 0000 0000 8161 00 0001 0001", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
	/* a.x CNAME a.x */
	{ "0000 8180 0001 0001 0000 0000 01610178000001 0001" NAME_A_X "0005" IN TTL "0002 c00c", "a.x", MR_DNS_A, -EPROTO, 0, NULL },
};

static size_t unhex(const char *hex, char *out, size_t max)
{
	char packed[512];
	size_t n = 0;
	ssize_t len;

	for (const char *p = hex; *p; p++) {
		if (*p != ' ')
			packed[n++] = *p;
	}
	len = mr_hex_decode((struct mr_slice){ packed, n }, out, max);
	assert_true(len >= 0);
	return (size_t)len;
}

static void show(const struct mr_dns_answer *a, struct mr_buf *out)
{
	for (size_t i = 0; i < a->n_rrs; i++) {
		if (a->type == MR_DNS_MX)
			mr_buf_printf(out, "%u ", a->rrs[i].preference);
		if (a->type == MR_DNS_A || a->type == MR_DNS_AAAA)
			mr_hex_add(out, a->rrs[i].data);
		else
			mr_buf_add(out, a->rrs[i].data);
		mr_buf_putc(out, '|');
	}
}

static void test_packets(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(packets); i++) {
		struct mr_buf text = MR_BUF(1000);
		struct mr_dns_answer a = { 0 };
		char bytes[256];
		size_t n = unhex(packets[i].hex, bytes, sizeof(bytes));
		int r = mr_dns_parse((struct mr_slice){ bytes, n }, mr_slice_of(packets[i].name), packets[i].type, arena, &a);

		assert_int_equal(r, packets[i].result);
		if (r == 0) {
			assert_int_equal(a.status, packets[i].status);
			assert_string_equal(a.name, "a.x");
			assert_int_equal(a.ttl, a.n_rrs ? 60 : a.ttl);
			assert_int_equal(a.secure, i == 0); /* the only one with AD */
			show(&a, &text);
			assert_slice(mr_buf_slice(&text), packets[i].data);
		}
		mr_buf_done(&text);
	}
}

/* Every packet cut at every byte: refused or understood, never read beyond. */
static void test_packets_cut(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(packets); i++) {
		char bytes[256];
		size_t n = unhex(packets[i].hex, bytes, sizeof(bytes));

		for (size_t cut = 0; cut < n; cut++) {
			mr_autofree char *exact = mr_slice_dup((struct mr_slice){ bytes, cut });
			struct mr_dns_answer a;

			assert_true(mr_dns_parse((struct mr_slice){ exact, cut }, MR_LIT("a.x"), packets[i].type, arena, &a) <= 0);
			mr_arena_reset(arena);
		}
	}
}

static void test_encode(void **state)
{
	struct mr_dns_rr rrs[] = { { .data = MR_LIT("mx.example.org"), .preference = 10 },
				   { .data = MR_LIT("\0\n ") },
				   { .data = MR_LIT("") } };
	struct mr_dns_answer a = answer("Example.org", MR_DNS_MX, rrs, 3), b;
	struct mr_buf text = MR_BUF(1000);
	mr_autoarena arena = mr_arena_new(0);

	a.secure = true;
	assert_int_equal(mr_dns_answer_encode(&text, &a), 0);
	assert_slice(mr_buf_slice(&text), "MX\texample.org\tok\t1\t60\t10:bXguZXhhbXBsZS5vcmc=\t0:AAog\t0:");
	assert_int_equal(mr_dns_answer_decode(mr_buf_slice(&text), arena, &b), 0);
	assert_string_equal(b.name, "example.org");
	assert_int_equal(b.type, MR_DNS_MX);
	assert_int_equal(b.status, MR_DNS_OK);
	assert_true(b.secure);
	assert_int_equal(b.ttl, 60);
	assert_int_equal(b.n_rrs, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(b.rrs[i].preference, rrs[i].preference);
		assert_true(mr_slice_eq(b.rrs[i].data, rrs[i].data));
	}
	a.name = (char *)"not\\a name";
	assert_int_equal(mr_dns_answer_encode(&text, &a), -EINVAL);
	mr_buf_done(&text);
}

static const struct {
	const char *text;
	int result;
} decodes[] = {
	{ "A\tan example.org\tok\t0\t0", 0 },
	{ "A\texample.org\tnodata\t0\t0", 0 },
	{ "AAAA\texample.org\tbogus\t0\t0", 0 },
	{ "A\texample.org\tok\t0\t5\t0:wAACAQ==", 0 },
	{ "", -EINVAL },
	{ "A\texample.org\tok\t0", -EINVAL },
	{ "A\ta..b\tok\t0\t5", -EINVAL },
	{ "XX\texample.org\tok\t0\t5", -EINVAL },
	{ "A\texample.org\tmaybe\t0\t5", -EINVAL },
	{ "A\texample.org\tok\t2\t5", -EINVAL },
	{ "A\texample.org\tok\t0\t-5", -EINVAL },
	{ "A\texample.org\tok\t0\t5\t", -EINVAL },
	{ "A\texample.org\tok\t0\t5\twAACAQ==", -EINVAL },
	{ "A\texample.org\tok\t0\t5\t70000:wAACAQ==", -EINVAL },
	{ "A\texample.org\tok\t0\t5\t0:w*", -EINVAL },
};

static void test_decode(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dns_answer a;

	for (size_t i = 0; i < MR_COUNT(decodes); i++)
		assert_int_equal(mr_dns_answer_decode(mr_slice_of(decodes[i].text), arena, &a), decodes[i].result);
}

static void test_types(void **state)
{
	enum mr_dns_type t;

	assert_string_equal(mr_dns_type_str(MR_DNS_TLSA), "TLSA");
	assert_int_equal(mr_dns_type_parse(MR_LIT("aaaa"), &t), 0);
	assert_int_equal(t, MR_DNS_AAAA);
	assert_int_equal(mr_dns_type_parse(MR_LIT("SOA"), &t), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_view),    cmocka_unit_test(test_view_names),  cmocka_unit_test(test_view_bounds),
		cmocka_unit_test(test_packets), cmocka_unit_test(test_packets_cut), cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),  cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
