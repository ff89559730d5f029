/* test-dnslist: rows of lists, the names that are asked for, and what answers mean. */

/* system */
#include <errno.h>

/* ours */
#include "mail/dnslist.h"
#include "unit.h"

static void rows(void **state)
{
	static const struct {
		const char *row, *problem; /* NULL: good */
	} t[] = {
		{ "bl.example client 127.0.0.2=BL:3", NULL },
		{ "  BL.Example   client  received 127.0.0.2=BL:-3.5 127.0.0.*=refused ipv4 max=5 ", NULL },
		{ "bl.example address url file sha1 127.*.0-1.&6=BL:0", NULL },
		{ "_k.bl.example link link-host link-address ns ns-address helo sender from reply-to dkim sha256 ipv6 127.0.0.2=B_2:1",
		  NULL },
		{ "spamhaus-zen", NULL },
		{ "", "zone" },
		{ "spamhaus-zap", "no ready-made" },
		{ "bl client 127.0.0.2=BL:3", "zone" },
		{ "b l.example client 127.0.0.2=BL:3", "zone" },
		{ "bl.example.. client 127.0.0.2=BL:3", "zone" },
		{ "b\xc3\xa4.example client 127.0.0.2=BL:3", "zone" },
		{ "bl.example 127.0.0.2=BL:3", "does not say" },
		{ "bl.example client", "no answer" },
		{ "bl.example client 127.0.0.2=refused", "no answer" },
		{ "bl.example client ipv4 ipv6 127.0.0.2=BL:3", "for ipv4 or" },
		{ "bl.example cleint 127.0.0.2=BL:3", "cleint" },
		{ "bl.example client 127.0.0=BL:3", "127.0.0=BL:3" },
		{ "bl.example client 127.0.0.2.3=BL:3", "127.0.0.2.3=" },
		{ "bl.example client 127.0.0.256=BL:3", "256" },
		{ "bl.example client 127.0.0.5-4=BL:3", "5-4" },
		{ "bl.example client 127.0.0.-4=BL:3", ".-4" },
		{ "bl.example client 127.0.0.&0=BL:3", "&0" },
		{ "bl.example client 127.0.0.&*=BL:3", "&*" },
		{ "bl.example client 127.0.0.&2-3=BL:3", "&2-3" },
		{ "bl.example client 127.0.0.=BL:3", "127.0.0.=" },
		{ "bl.example client 127.0.0.2=bl:3", "bl:3" },
		{ "bl.example client 127.0.0.2=BL", "=BL" },
		{ "bl.example client 127.0.0.2=BL:", "=BL:" },
		{ "bl.example client 127.0.0.2=BL:1001", "1001" },
		{ "bl.example client 127.0.0.2=:3", "=:3" },
		{ "bl.example client max=0 127.0.0.2=BL:3", "max=0" },
		{ "bl.example client max=201 127.0.0.2=BL:3", "max=201" },
		{ "bl.example client max=x 127.0.0.2=BL:3", "max=x" },
	};
	mr_autoarena arena = mr_arena_new(0);

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_diag diag = { 0 };
		struct mr_dnslist l;
		int r = mr_dnslist_parse(mr_slice_of(t[i].row), arena, &l, &diag);

		print_message("%s: %s\n", t[i].row, diag.text);
		assert_int_equal(r, t[i].problem ? -EINVAL : 0);
		if (t[i].problem)
			assert_non_null(strstr(diag.text, t[i].problem));
	}
	for (size_t i = 0; mr_dnslist_ready[i].name; i++) {
		struct mr_dnslist l;

		assert_int_equal(mr_dnslist_parse(mr_slice_of(mr_dnslist_ready[i].name), arena, &l, NULL), 0);
	}
}

static struct mr_dnslist list(const char *row, struct mr_arena *arena)
{
	struct mr_diag diag = { 0 };
	struct mr_dnslist l;
	int r = mr_dnslist_parse(mr_slice_of(row), arena, &l, &diag);

	if (r < 0)
		print_message("%s\n", diag.text);
	assert_int_equal(r, 0);
	return l;
}

static void addresses(void **state)
{
	static const struct {
		const char *options, *ip, *name; /* NULL: not asked */
	} t[] = {
		{ "", "192.0.2.99", "99.2.0.192" },
		{ "", "127.0.0.2", "2.0.0.127" },
		{ "", "::ffff:192.0.2.99", "99.2.0.192" },
		{ "", "2001:db8:1:2:3:4:567:89ab", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2" },
		{ "ipv4", "2001:db8::1", NULL },
		{ "ipv6", "192.0.2.99", NULL },
		{ "", "127.0.0.1", NULL },
		{ "", "10.1.2.3", NULL },
		{ "", "172.31.255.255", NULL },
		{ "", "172.32.0.1", "1.0.32.172" },
		{ "", "192.168.0.1", NULL },
		{ "", "169.254.0.1", NULL },
		{ "", "100.64.0.1", NULL },
		{ "", "0.0.0.0", NULL },
		{ "", "239.0.0.1", NULL },
		{ "", "::1", NULL },
		{ "", "fe80::1", NULL },
		{ "", "fd00::1", NULL },
		{ "", "ff02::1", NULL },
	};
	mr_autoarena arena = mr_arena_new(0);

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_dnslist l = list(mr_arena_printf(arena, "bl.example client 127.0.0.2=BL:3 %s", t[i].options), arena);
		struct mr_buf out = MR_BUF(100);
		struct mr_ip ip;

		assert_int_equal(mr_parse_ip(mr_slice_of(t[i].ip), &ip), 0);
		assert_int_equal(mr_dnslist_ip(&l, &ip, &out), t[i].name != NULL);
		assert_slice(mr_buf_slice(&out), t[i].name ? t[i].name : "");
		mr_buf_done(&out);
	}
}

static void hashes(void **state)
{
	static const struct {
		const char *options, *what, *name;
	} t[] = {
		{ "", "noreply@example.com", "ca62660225ab299b9e7611e088cda21e2a9c298b" },
		{ "sha1", "noreply@example.com", "ca62660225ab299b9e7611e088cda21e2a9c298b" },
		{ "sha256", "", "4oymiquy7qobjgx36tejs35zeqt24qpemsnzgtfeswmrw6csxbkq" },
	};
	static const struct {
		const char *address, *hashed;
	} a[] = {
		{ "Anna.Bell+News@Example.COM", "anna.bell@example.com" },
		{ "A.n.n.a+x+y@GoogleMail.com", "anna@gmail.com" },
		{ "+x@example.com", "+x@example.com" },
		{ "a@b@example.com", "a@b@example.com" },
		{ "example.com", "" },
		{ "@example.com", "" },
	};
	mr_autoarena arena = mr_arena_new(0);

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_dnslist l = list(mr_arena_printf(arena, "bl.example address 127.0.0.2=BL:3 %s", t[i].options), arena);
		struct mr_buf out = MR_BUF(100);

		mr_dnslist_hashed(&l, mr_slice_of(t[i].what), &out);
		assert_slice(mr_buf_slice(&out), t[i].name);
		mr_buf_done(&out);
	}
	for (size_t i = 0; i < MR_COUNT(a); i++)
		assert_slice(mr_dnslist_address(mr_slice_of(a[i].address), arena), a[i].hashed);
}

/* "127.0.0.2 127.0.0.4", or a status. */
static void answer(const char *text, struct mr_arena *arena, struct mr_dns_answer *a)
{
	struct mr_slice rest = mr_slice_of(text), word;

	*a = (struct mr_dns_answer){ .type = MR_DNS_A, .rrs = mr_arena_alloc(arena, 10 * sizeof(*a->rrs)) };
	if (strcmp(text, "TEMP") == 0 || strcmp(text, "BOGUS") == 0 || strcmp(text, "NXDOMAIN") == 0 || strcmp(text, "NODATA") == 0) {
		a->status = text[0] == 'T' ? MR_DNS_TEMP : text[0] == 'B' ? MR_DNS_BOGUS : text[1] == 'X' ? MR_DNS_NXDOMAIN : MR_DNS_NODATA;
		return;
	}
	while (mr_slice_next(&rest, ' ', &word)) {
		struct mr_ip ip;

		assert_int_equal(mr_parse_ip(word, &ip), 0);
		a->rrs[a->n_rrs++].data = mr_slice_of(mr_arena_slice(arena, (struct mr_slice){ (char *)ip.bytes, 4 }));
		a->rrs[a->n_rrs - 1].data.n = 4;
	}
}

#define PLAIN "bl.example client 127.0.0.2=A:1 127.0.0.4-7=B:1 127.0.0.*=C:1"
#define MASK  "bl.example link 127.0.0.1=refused 127.0.0.&2=A:1 127.0.0.&4=B:1 127.0.0.&128=C:1"
#define WHITE "wl.example client 127.0.0.255=refused 127.0.*.0=A:0 127.0.*.1=B:-1 127.0.*.2-3=C:-2"
#define ANY   "bl.example client *.*.*.*=A:1"
#define FULL  "bl.example client 127.0.0.1=A:1"

static void answers(void **state)
{
	static const struct {
		const char *row, *answer;
		enum mr_dnslist_result result;
		unsigned hits;
	} t[] = {
		{ PLAIN, "NXDOMAIN", MR_DNSLIST_NOT, 0 },
		{ PLAIN, "NODATA", MR_DNSLIST_NOT, 0 },
		{ PLAIN, "TEMP", MR_DNSLIST_SILENT, 0 },
		{ PLAIN, "BOGUS", MR_DNSLIST_SILENT, 0 },
		{ PLAIN, "127.0.0.2", MR_DNSLIST_LISTED, 5 },
		{ PLAIN, "127.0.0.4", MR_DNSLIST_LISTED, 6 },
		{ PLAIN, "127.0.0.3 127.0.0.7 127.0.0.2", MR_DNSLIST_LISTED, 7 },
		{ PLAIN, "127.0.1.2", MR_DNSLIST_NOT, 0 },
		{ PLAIN, "127.0.0.1", MR_DNSLIST_REFUSED, 0 },
		{ PLAIN, "127.255.255.254", MR_DNSLIST_REFUSED, 0 },
		{ PLAIN, "127.0.0.2 127.255.255.252", MR_DNSLIST_REFUSED, 0 },
		{ PLAIN, "192.0.2.1", MR_DNSLIST_REFUSED, 0 },
		{ MASK, "127.0.0.2", MR_DNSLIST_LISTED, 2 },
		{ MASK, "127.0.0.134", MR_DNSLIST_LISTED, 14 },
		{ MASK, "127.0.0.8", MR_DNSLIST_NOT, 0 },
		{ MASK, "127.0.0.1", MR_DNSLIST_REFUSED, 0 },
		{ MASK, "127.0.1.2", MR_DNSLIST_NOT, 0 },
		{ WHITE, "127.0.10.3", MR_DNSLIST_LISTED, 8 },
		{ WHITE, "127.0.5.0", MR_DNSLIST_LISTED, 2 },
		{ WHITE, "127.0.0.255", MR_DNSLIST_REFUSED, 0 },
		{ WHITE, "127.0.10.3 127.0.0.255", MR_DNSLIST_REFUSED, 0 },
		{ ANY, "127.0.0.9", MR_DNSLIST_LISTED, 1 },
		{ ANY, "192.0.2.1", MR_DNSLIST_REFUSED, 0 }, /* a wildcard of who bought the zone */
		{ FULL, "127.0.0.1", MR_DNSLIST_LISTED, 1 },
	};
	mr_autoarena arena = mr_arena_new(0);

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_dnslist l = list(t[i].row, arena);
		struct mr_dns_answer a;
		uint32_t hits = 0;

		print_message("%s: %s\n", t[i].row, t[i].answer);
		answer(t[i].answer, arena, &a);
		assert_int_equal(mr_dnslist_judge(&l, &a, &hits), t[i].result);
		assert_int_equal(hits, t[i].hits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rows), cmocka_unit_test(addresses), cmocka_unit_test(hashes),
					    cmocka_unit_test(answers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
