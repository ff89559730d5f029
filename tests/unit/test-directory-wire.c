/* test-directory-wire: answers of lookup there and back, refused ones, and what sender patterns match. */

/* system */
#include <errno.h>
#include <math.h>
#include <string.h>

/* ours */
#include "proto/directory.h"
#include "proto/netstring.h"
#include "unit.h"

static struct mr_dir_pattern patterns[] = { { MR_LIT("friend@example.net"), true }, { MR_LIT("example.net"), false } };
static struct mr_slice limits[] = { MR_LIT("user messages 100/1h defer"), MR_LIT("address * messages unlimited") };
static const struct mr_dir_account john = {
	.address = MR_LIT("john@example.org"),
	.enabled = true,
	.receive = true,
	.quota_bytes = 1000000,
	.used_bytes = 999,
	.thresholds.at = { [MR_AT_HEADER] = 2,
			   [MR_AT_GREYLIST] = 4.25,
			   [MR_AT_JUNK] = 6.5,
			   [MR_AT_QUARANTINE] = 9.5,
			   [MR_AT_REJECT] = -0.001,
			   [MR_AT_OUTBOUND] = 8,
			   [MR_AT_OUTBOUND_REJECT] = NAN },
	.patterns = patterns,
	.n_patterns = MR_COUNT(patterns),
	.limits = limits,
	.n_limits = MR_COUNT(limits),
};

static struct mr_wire taken(struct mr_buf *out, struct mr_arena *arena)
{
	struct mr_wire w = { 0 };
	size_t used = 0;

	assert_int_equal(mr_wire_next(mr_buf_slice(out), arena, &w, &used), 1);
	assert_int_equal(used, out->n);
	return w;
}

static void assert_john(const struct mr_dir_account *a)
{
	assert_slice(a->address, "john@example.org");
	assert_true(a->enabled && a->receive && !a->send_only && !a->locked);
	assert_int_equal(a->quota_bytes, 1000000);
	assert_int_equal(a->used_bytes, 999);
	for (unsigned t = 0; t < MR_AT_OUTBOUND_REJECT; t++)
		assert_true(a->thresholds.at[t] == john.thresholds.at[t]);
	assert_true(isnan(a->thresholds.at[MR_AT_OUTBOUND_REJECT]));
	assert_int_equal(a->n_patterns, 2);
	assert_slice(a->patterns[0].pattern, "friend@example.net");
	assert_true(a->patterns[0].allow && !a->patterns[1].allow);
	assert_int_equal(a->n_limits, 2);
	assert_slice(a->limits[0], "user messages 100/1h defer");
	assert_slice(a->limits[1], "address * messages unlimited");
}

static void test_resolve(void **state)
{
	struct mr_dir_account unknown = { .address = MR_LIT("anna@example.org"),
					  .send_only = true,
					  .locked = true,
					  .receive_only = true,
					  .used_bytes = MR_DIR_UNKNOWN,
					  .thresholds = mr_thresholds_none() };
	struct mr_dir_final finals[] = {
		{ .local = true, .deliver = MR_LIT("john+x@example.org"), .account = john },
		{ .deliver = MR_LIT("someone@example.com"), .account.thresholds = mr_thresholds_none() },
		{ .local = true, .deliver = MR_LIT("anna@example.org"), .account = unknown },
		{ .deliver = MR_LIT("else@relay.example"),
		  .account = { .thresholds = john.thresholds, .patterns = patterns, .n_patterns = 2 } },
	};
	struct mr_dir_resolve in = { .hosted = true, .finals = finals, .n_finals = 4 }, got = { 0 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(10000);
	struct mr_wire w;

	finals[2].account.thresholds.at[MR_AT_JUNK] = 1e300;
	finals[2].account.thresholds.at[MR_AT_REJECT] = -1e300;
	assert_int_equal(mr_dir_resolve_encode(&out, 7, &in), 0);
	w = taken(&out, arena);
	assert_int_equal(mr_dir_resolve_decode(&w, arena, &got), 0);
	assert_true(got.status == MR_DIR_OK && got.hosted);
	assert_int_equal(got.n_finals, 4);
	for (unsigned t = 0; t < MR_THRESHOLDS; t++)
		assert_true(isnan(got.finals[1].account.thresholds.at[t]));
	assert_true(!got.finals[3].local && got.finals[3].account.address.n == 0);
	assert_true(got.finals[3].account.thresholds.at[MR_AT_REJECT] == -0.001 &&
		    isnan(got.finals[3].account.thresholds.at[MR_AT_OUTBOUND_REJECT]));
	assert_int_equal(got.finals[3].account.n_patterns, 2);
	assert_slice(got.finals[3].account.patterns[1].pattern, "example.net");
	assert_true(got.finals[0].local && !got.finals[1].local && got.finals[2].local);
	assert_slice(got.finals[0].deliver, "john+x@example.org");
	assert_slice(got.finals[1].deliver, "someone@example.com");
	assert_john(&got.finals[0].account);
	assert_true(got.finals[2].account.used_bytes == MR_DIR_UNKNOWN && got.finals[2].account.send_only && got.finals[2].account.locked &&
		    got.finals[2].account.receive_only);
	assert_true(got.finals[2].account.thresholds.at[MR_AT_JUNK] == 1e9);
	assert_int_equal(got.finals[2].account.n_patterns, 0);
	mr_buf_done(&out);
}

static void test_rights(void **state)
{
	struct mr_slice who[] = { MR_LIT("anna@example.org"), MR_LIT(".example.net") };
	struct mr_dir_right rights[] = {
		{ .alias = MR_LIT("staff@example.org"), .internal = true },
		{ .alias = MR_LIT("club@example.org"), .who = who, .n_who = 2 },
		{ .alias = MR_LIT("none@example.org") },
	};
	struct mr_dir_final final = { .local = true, .deliver = MR_LIT("john@example.org"), .account = john };
	struct mr_dir_resolve in = { .hosted = true, .finals = &final, .n_finals = 1, .rights = rights, .n_rights = 3 }, got = { 0 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(10000);
	struct mr_wire w;

	assert_int_equal(mr_dir_resolve_encode(&out, 7, &in), 0);
	w = taken(&out, arena);
	assert_int_equal(mr_dir_resolve_decode(&w, arena, &got), 0);
	assert_int_equal(got.n_finals, 1);
	assert_john(&got.finals[0].account);
	assert_int_equal(got.n_rights, 3);
	assert_slice(got.rights[0].alias, "staff@example.org");
	assert_true(got.rights[0].internal && !got.rights[1].internal && !got.rights[2].internal);
	assert_int_equal(got.rights[0].n_who, 0);
	assert_int_equal(got.rights[1].n_who, 2);
	assert_slice(got.rights[1].who[0], "anna@example.org");
	assert_slice(got.rights[1].who[1], ".example.net");
	assert_int_equal(got.rights[2].n_who, 0);
	mr_buf_done(&out);
}

static void test_status(void **state)
{
	static const enum mr_dir_status all[] = { MR_DIR_NOTFOUND, MR_DIR_TEMP, MR_DIR_BAD };

	for (size_t i = 0; i < MR_COUNT(all); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_dir_passdb passdb = { .status = all[i] };
		struct mr_dir_account account;
		struct mr_buf out = MR_BUF(1000);
		enum mr_dir_status got = MR_DIR_OK;
		struct mr_wire w;

		assert_int_equal(mr_dir_status_encode(&out, 7, all[i], "a\nreason"), 0);
		w = taken(&out, arena);
		assert_int_equal(mr_dir_status_decode(&w, &got), 0);
		assert_int_equal(got, all[i]);
		assert_slice(mr_wire_get(&w, "reason"), "a\nreason");
		assert_int_equal(mr_dir_account_decode(&w, arena, &got, &account), 0);
		assert_int_equal(got, all[i]);
		mr_buf_reset(&out);
		assert_int_equal(mr_dir_passdb_encode(&out, 7, &passdb), 0);
		w = taken(&out, arena);
		assert_int_equal(mr_dir_passdb_decode(&w, arena, &passdb), 0);
		assert_int_equal(passdb.status, all[i]);
		mr_buf_done(&out);
	}
}

static void test_account_and_passdb(void **state)
{
	struct mr_dir_passdb in = { .password = MR_LIT("{CRYPT}$y$x"), .account = john }, got = { 0 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(10000);
	enum mr_dir_status status;
	struct mr_wire w;

	assert_int_equal(mr_dir_account_encode(&out, 1, MR_DIR_OK, &john), 0);
	w = taken(&out, arena);
	assert_null(mr_wire_get(&w, "password").p);
	assert_int_equal(mr_dir_account_decode(&w, arena, &status, &got.account), 0);
	assert_int_equal(status, MR_DIR_OK);
	assert_john(&got.account);
	assert_int_equal(mr_dir_passdb_decode(&w, arena, &got), -EPROTO); /* no password in it */
	mr_buf_reset(&out);
	assert_int_equal(mr_dir_passdb_encode(&out, 1, &in), 0);
	w = taken(&out, arena);
	assert_int_equal(mr_dir_passdb_decode(&w, arena, &got), 0);
	assert_slice(got.password, "{CRYPT}$y$x");
	assert_john(&got.account);
	mr_buf_done(&out);
}

static void test_sender(void **state)
{
	struct mr_dir_sender in = { .hosted = true,
				    .sign = true,
				    .domain = MR_LIT("example.org"),
				    .selectors = { { MR_LIT("s1"), MR_LIT("rsa") }, { MR_LIT("s2"), MR_LIT("ed25519") } },
				    .n_selectors = 2 };
	struct mr_dir_sender got = { 0 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(10000);
	struct mr_wire w;

	assert_int_equal(mr_dir_sender_encode(&out, 1, &in), 0);
	w = taken(&out, arena);
	assert_int_equal(mr_dir_sender_decode(&w, arena, &got), 0);
	assert_true(got.hosted && got.sign);
	assert_slice(got.domain, "example.org");
	assert_int_equal(got.n_selectors, 2);
	assert_slice(got.selectors[1].name, "s2");
	assert_slice(got.selectors[1].algorithm, "ed25519");
	mr_buf_done(&out);
}

static enum mr_dir_status status_of(struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_wire w = taken(out, arena);
	enum mr_dir_status status;

	assert_int_equal(mr_dir_status_decode(&w, &status), 0);
	mr_buf_reset(out);
	return status;
}

/* What does not fit gives the asker an answer all the same. */
static void test_too_much(void **state)
{
	mr_autofree struct mr_dir_pattern *many = mr_new(struct mr_dir_pattern, MR_DIR_PATTERNS_MAX + 1);
	mr_autofree struct mr_dir_final *finals = mr_new(struct mr_dir_final, MR_DIR_FINALS_MAX + 1);
	mr_autofree struct mr_slice *rules = mr_new(struct mr_slice, MR_DIR_LIMITS_MAX + 1);
	mr_autofree struct mr_dir_right *rights = mr_new(struct mr_dir_right, MR_DIR_RIGHTS_MAX + 1);
	mr_autofree struct mr_slice *who = mr_new(struct mr_slice, MR_DIR_WHO_MAX + 1);
	struct mr_dir_resolve in = { .finals = finals, .n_finals = MR_DIR_FINALS_MAX };
	struct mr_buf out = MR_BUF(2 * MR_WIRE_MAX);
	struct mr_dir_account a = john;

	for (size_t i = 0; i <= MR_DIR_FINALS_MAX; i++)
		finals[i] = (struct mr_dir_final){ .deliver = MR_LIT("a@example.org"), .local = true, .account = john };
	assert_int_equal(mr_dir_resolve_encode(&out, 1, &in), 0);
	assert_int_equal(status_of(&out), MR_DIR_OK);
	in.n_finals++;
	assert_int_equal(mr_dir_resolve_encode(&out, 1, &in), -EMSGSIZE);
	assert_int_equal(status_of(&out), MR_DIR_BAD);

	in = (struct mr_dir_resolve){ .rights = rights, .n_rights = MR_DIR_RIGHTS_MAX };
	for (size_t i = 0; i <= MR_DIR_RIGHTS_MAX; i++)
		rights[i].alias = MR_LIT("a@example.org");
	rights[0].who = who;
	rights[0].n_who = MR_DIR_WHO_MAX;
	assert_int_equal(mr_dir_resolve_encode(&out, 1, &in), 0);
	assert_int_equal(status_of(&out), MR_DIR_OK);
	rights[0].n_who++;
	assert_int_equal(mr_dir_resolve_encode(&out, 1, &in), -EMSGSIZE);
	assert_int_equal(status_of(&out), MR_DIR_BAD);
	rights[0].n_who = 0;
	in.n_rights++;
	assert_int_equal(mr_dir_resolve_encode(&out, 1, &in), -EMSGSIZE);
	assert_int_equal(status_of(&out), MR_DIR_BAD);
	in = (struct mr_dir_resolve){ .finals = finals };

	a.patterns = many;
	a.n_patterns = MR_DIR_PATTERNS_MAX;
	assert_int_equal(mr_dir_account_encode(&out, 1, MR_DIR_OK, &a), 0);
	assert_int_equal(status_of(&out), MR_DIR_OK);
	/* Each is allowed alone, together they are more than a message holds. */
	in.n_finals = MR_DIR_FINALS_MAX;
	for (size_t i = 0; i < MR_DIR_FINALS_MAX; i++)
		finals[i].account = a;
	assert_int_equal(mr_dir_resolve_encode(&out, 1, &in), -EMSGSIZE);
	assert_int_equal(status_of(&out), MR_DIR_BAD);
	a.limits = rules;
	a.n_limits = MR_DIR_LIMITS_MAX;
	assert_int_equal(mr_dir_account_encode(&out, 1, MR_DIR_OK, &a), 0);
	assert_int_equal(status_of(&out), MR_DIR_OK);
	a.n_limits++;
	assert_int_equal(mr_dir_account_encode(&out, 1, MR_DIR_OK, &a), -EMSGSIZE);
	assert_int_equal(status_of(&out), MR_DIR_BAD);
	a.n_limits = 0;
	a.n_patterns++;
	assert_int_equal(mr_dir_account_encode(&out, 1, MR_DIR_OK, &a), -EMSGSIZE);
	assert_int_equal(status_of(&out), MR_DIR_BAD);
	in.n_finals = 1;
	finals[0].account = a;
	assert_int_equal(mr_dir_resolve_encode(&out, 1, &in), -EMSGSIZE);
	assert_int_equal(status_of(&out), MR_DIR_BAD);
	mr_buf_done(&out);
}

#define HEAD    "v=1\nid=1\nstatus=ok\n"
#define ACCOUNT "address=a@b\nenabled=1\nsend_only=0\nreceive=1\nquota=0\njunk_score=1\nreject_score=2\n"

static void test_refused(void **state)
{
	enum { RESOLVE, ACCOUNTS, SENDER, PASSDB };
	static const struct {
		int kind, err;
		const char *payload;
	} cases[] = {
		{ RESOLVE, 0, HEAD "hosted=1\ndeliver=a@b\n" ACCOUNT },
		{ RESOLVE, 0, "v=1\nid=1\nstatus=temp\n" },
		{ RESOLVE, -EPROTO, "v=1\nid=1\n" },
		{ RESOLVE, -EPROTO, "v=1\nid=1\nstatus=fine\n" },
		{ RESOLVE, -EPROTO, HEAD },
		{ RESOLVE, -EPROTO, HEAD "hosted=2\n" },
		{ RESOLVE, -EPROTO, HEAD "hosted=1\ndeliver=\n" },
		{ RESOLVE, -EPROTO, HEAD "hosted=1\ndeliver=a@b\naddress=a@b\n" },
		{ RESOLVE, -EPROTO, HEAD "hosted=1\ndeliver=a@b\naddress=a@b\ndeliver=c@d\nenabled=1\nsend_only=0\n" },
		{ RESOLVE, 0, HEAD "hosted=1\nright=a@b\ninternal=0\nwho=c\nright=d@b\ninternal=1\ndeliver=a@b\n" },
		{ RESOLVE, -EPROTO, HEAD "hosted=1\nright=a@b\nwho=c\nright=d@b\ninternal=1\ndeliver=a@b\n" },
		{ RESOLVE, -EPROTO, HEAD "hosted=1\nright=\ninternal=0\ndeliver=a@b\n" },
		{ RESOLVE, -EPROTO, HEAD "hosted=1\nright=a@b\ninternal=2\ndeliver=a@b\n" },
		{ RESOLVE, -EPROTO, HEAD "hosted=1\nright=a@b\ndeliver=a@b\ninternal=1\n" },
		{ ACCOUNTS, 0, HEAD ACCOUNT },
		{ ACCOUNTS, 0, HEAD ACCOUNT "used=18446744073709551615\n" },
		{ ACCOUNTS, 0, HEAD ACCOUNT "locked=0\n" },
		{ ACCOUNTS, 0, HEAD ACCOUNT "quarantine_score=9.5\n" },
		{ ACCOUNTS, -EPROTO, HEAD ACCOUNT "quarantine_score=nan\n" },
		{ ACCOUNTS, 0, HEAD ACCOUNT "header_score=1\ngreylist_score=2\noutbound_score=3\noutbound_reject_score=4\n" },
		{ ACCOUNTS, -EPROTO, HEAD ACCOUNT "header_score=\n" },
		{ ACCOUNTS, -EPROTO, HEAD ACCOUNT "outbound_reject_score=much\n" },
		{ ACCOUNTS, -EPROTO, HEAD ACCOUNT "locked=yes\n" },
		{ ACCOUNTS, -EPROTO, HEAD ACCOUNT "used=-1\n" },
		{ ACCOUNTS, -EPROTO, HEAD "enabled=1\nsend_only=0\nreceive=1\nquota=0\njunk_score=1\nreject_score=2\n" },
		{ ACCOUNTS, -EPROTO, HEAD ACCOUNT "receive_only=perhaps\n" },
		{ ACCOUNTS, -EPROTO, HEAD "address=a@b\nenabled=yes\nsend_only=0\nreceive=1\nquota=0\njunk_score=1\nreject_score=2\n" },
		{ ACCOUNTS, -EPROTO, HEAD "address=a@b\nenabled=1\nsend_only=0\nreceive=1\nquota=0\njunk_score=nan\nreject_score=2\n" },
		{ SENDER, 0, HEAD "hosted=0\nsign=0\n" },
		{ SENDER, 0, HEAD "hosted=1\nsign=1\ndomain=b\nselector=s\nalgorithm=rsa\n" },
		{ SENDER, -EPROTO, HEAD "hosted=1\nsign=1\ndomain=b\n" },
		{ SENDER, -EPROTO, HEAD "hosted=1\nsign=1\nselector=s\nalgorithm=rsa\n" },
		{ SENDER, -EPROTO, HEAD "hosted=1\nsign=1\ndomain=b\nselector=s\n" },
		{ SENDER, -EPROTO, HEAD "hosted=1\nsign=1\ndomain=b\nselector=s\nselector=t\nalgorithm=rsa\n" },
		{ SENDER, -EPROTO, HEAD "hosted=1\nsign=1\ndomain=b\nselector=s\nalgorithm=dsa\n" },
		{ PASSDB, 0, HEAD "password=x\n" ACCOUNT },
		{ PASSDB, -EPROTO, HEAD "password=\n" ACCOUNT },
		{ PASSDB, -EPROTO, HEAD "password=x\n" },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_dir_resolve resolve;
		struct mr_dir_account account;
		struct mr_dir_sender sender;
		struct mr_dir_passdb passdb;
		struct mr_buf framed = MR_BUF(1000);
		enum mr_dir_status status;
		struct mr_wire w;
		int err = 1;

		assert_int_equal(mr_netstring_add(&framed, mr_slice_of(cases[i].payload)), 0);
		w = taken(&framed, arena);
		if (cases[i].kind == RESOLVE)
			err = mr_dir_resolve_decode(&w, arena, &resolve);
		else if (cases[i].kind == ACCOUNTS)
			err = mr_dir_account_decode(&w, arena, &status, &account);
		else if (cases[i].kind == SENDER)
			err = mr_dir_sender_decode(&w, arena, &sender);
		else
			err = mr_dir_passdb_decode(&w, arena, &passdb);
		if (err != cases[i].err)
			print_error("case %zu: %s", i, cases[i].payload);
		assert_int_equal(err, cases[i].err);
		mr_buf_done(&framed);
	}
}

static void test_listed(void **state)
{
	static const struct {
		const char *pattern, *sender;
		bool match;
	} cases[] = {
		{ "a@example.org", "a@example.org", true },
		{ "a@example.org", "A@Example.ORG", true },
		{ "a@example.org", "b@example.org", false },
		{ "example.org", "a@example.org", true },
		{ "example.org", "\"a@example.net\"@example.org", true },
		{ "example.org", "a@example.org.", true },
		{ "a@example.org", "a@example.org.", true },
		{ "example.org", "a@mx.example.org", false },
		{ "example.org", "a@notexample.org", false },
		{ "example.org", "example.org", false },
		{ ".example.org", "a@mx.example.org", true },
		{ ".example.org", "a@MX.example.org", true },
		{ ".example.org", "a@example.org", false },
		{ ".example.org", "a@.example.org", false },
		{ "*", "a@example.org", true },
		{ "*", "", true },
		{ "*", "root", true },
		{ "<>", "", true },
		{ "<>", "a@example.org", false },
		{ "example.org", "", false },
		{ ".", "", false },
		{ "", "a@example.org", false },
		{ "", "", false },
	};
	static struct mr_dir_pattern order[] = { { MR_LIT("a@example.org"), true },
						 { MR_LIT("example.org"), false },
						 { MR_LIT("*"), true } };
	struct mr_dir_account a = { .patterns = order, .n_patterns = 3 };

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_dir_pattern one = { mr_slice_of(cases[i].pattern), false };
		struct mr_dir_account single = { .patterns = &one, .n_patterns = 1 };

		assert_int_equal(mr_dir_listed(&single, mr_slice_of(cases[i].sender)), cases[i].match ? MR_DIR_DENIED : MR_DIR_UNLISTED);
	}
	assert_int_equal(mr_dir_listed(&a, MR_LIT("a@example.org")), MR_DIR_ALLOWED);
	assert_int_equal(mr_dir_listed(&a, MR_LIT("b@example.org")), MR_DIR_DENIED);
	assert_int_equal(mr_dir_listed(&a, MR_LIT("b@example.net")), MR_DIR_ALLOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve), cmocka_unit_test(test_rights),
		cmocka_unit_test(test_status),  cmocka_unit_test(test_account_and_passdb),
		cmocka_unit_test(test_sender),  cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_listed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
