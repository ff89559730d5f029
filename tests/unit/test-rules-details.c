/* test-rules-details: rules over what is known of one address ("uri_detail"). */

/* system */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* libraries */
#include <cmocka.h>

/* ours */
#include "base/mem.h"
#include "rules/rules.h"
#include "support/fake-sa.h"

static struct mr_slice cleaned[] = { MR_LIT("http://bank.example%2Eorg/"), MR_LIT("http://bank.example.org/") };
static struct mr_slice texts[] = { MR_LIT("https://bank.example.com/"), MR_LIT("log in") };
static struct mr_slice domains[] = { MR_LIT("example.org") }, hosts[] = { MR_LIT("bank.example.org") };
static struct mr_slice other[] = { MR_LIT("www.other.example") };
static const struct mr_sa_uri details[] = {
	{ .raw = MR_LIT("www.other.example"), .types = MR_SA_URI_PARSED, .cleaned = { other, 1 } },
	{ .raw = MR_LIT("http://bank.example%2Eorg/"),
	  .types = MR_SA_URI_A | MR_SA_URI_PARSED,
	  .cleaned = { cleaned, MR_COUNT(cleaned) },
	  .anchors = { texts, MR_COUNT(texts) },
	  .domains = { domains, MR_COUNT(domains) },
	  .hosts = { hosts, MR_COUNT(hosts) } },
};
static struct mr_sa message = { .full = MR_LIT(""), .details = details, .n_details = MR_COUNT(details) };

static struct mr_rules *rules_of(const char *text)
{
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });

	mr_rules_read(r, "/etc/x.cf", mr_slice_of(text));
	mr_rules_finish(r);
	return r;
}

/* Does A hit, and in which address? */
static void matches(void **state)
{
	static const struct {
		const char *rule;
		int address; /* -1: none */
	} t[] = {
		{ "uri_detail A raw =~ /%2E/i", 1 },
		{ "uri_detail A raw =~ /%2F/", -1 },
		{ "uri_detail A raw !~ /^http/", 0 },
		{ "uri_detail A type =~ /^a$/", 1 },
		{ "uri_detail A type =~ /^parsed$/", 0 },
		{ "uri_detail A type !~ /^parsed$/", 1 }, /* one of its types is not */
		{ "uri_detail A cleaned =~ /\\.org/", 1 },
		{ "uri_detail A text =~ /log in/", 1 },
		{ "uri_detail A text !~ /log in/", 1 },
		{ "uri_detail A text !~ /x/ raw =~ /other/", -1 }, /* one without a text has none that does not */
		{ "uri_detail A domain =~ /^example\\.org$/", 1 },
		{ "uri_detail A domain !~ /example/", -1 },
		{ "uri_detail A host =~ /^bank\\./  type =~ /^a$/  cleaned !~ /%/", 1 },
		{ "uri_detail A text =~ /\\bhttps:/ cleaned !~ /\\bhttps:/", 1 },
		{ "uri_detail A raw =~ /other/ type =~ /^a$/", -1 }, /* both of one address */
		{ "uri_detail A text=~m{HTTPS: ?//}i raw=~m!%2E!", 1 },
		{ "uri_detail A text =~ /log\\s*in | in/", 1 },        /* white space in it */
		{ "uri_detail A raw =~ /nowhere/ raw =~ /other/", 0 }, /* the last one of a key counts */
		{ "uri_detail A raw =~ /%{NAME}|other/", 0 },
		{ "uri_detail A raw =~ /nowhere/\nuri_detail A raw =~ /other/", 0 },
		{ "uri_detail A raw =~ /other/\nheader A exists:Gone", -1 },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_rules *r = rules_of(t[i].rule);
		struct mr_diag diag = { 0 };
		struct mr_rules_hits found;

		if (mr_rules_error(r, &diag) < 0)
			fail_msg("%s: %s", t[i].rule, diag.text);
		mr_rules_run(r, &message, true, arena, &found);
		if (found.n != (t[i].address >= 0) || (found.n && !mr_slice_eq(found.v[0].matched, details[t[i].address].raw)))
			fail_msg("%s", t[i].rule);
		mr_rules_free(r);
	}
}

static void metas(void **state)
{
	struct mr_rules *r = rules_of("uri_detail __A type =~ /^a$/\nuri_detail __B type =~ /^img$/\nmeta C __A && !__B\nmeta D __B\n");
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rules_hits found;
	struct mr_rules_info info;
	size_t at = 0;

	(void)state;
	assert_true(mr_rules_each(r, &at, &info));
	assert_string_equal(info.kind, "uri_detail");
	mr_rules_run(r, &message, false, arena, &found);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.v[1].name, "C");
	mr_rules_free(r);
}

static void errors(void **state)
{
	static const struct {
		const char *rule, *error;
	} t[] = {
		{ "uri_detail A raw", "A: raw, type, cleaned, text, domain or host, =~ or !~, and a regular expression are missing" },
		{ "uri_detail A anchor =~ /x/",
		  "A: raw, type, cleaned, text, domain or host, =~ or !~, and a regular expression are missing" },
		{ "uri_detail A raw =~ /x/ && host =~ /y/",
		  "A: raw, type, cleaned, text, domain or host, =~ or !~, and a regular expression are missing" },
		{ "uri_detail A raw =~ /x", "A: raw: the regular expression has no beginning or no end" },
		{ "uri_detail A raw =~ m", "A: raw: the regular expression has no beginning or no end" },
		{ "uri_detail A raw =~ /(x/", "A: regular expression, at character 3: missing closing parenthesis" },
		{ "uri_detail A", "uri_detail A: nothing follows the name" },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_rules *r = rules_of(t[i].rule);
		struct mr_diag diag = { 0 };

		assert_int_equal(mr_rules_error(r, &diag), -EINVAL);
		assert_string_equal(diag.text + strlen("/etc/x.cf:1: "), t[i].error);
		mr_rules_free(r);
	}
}

/* One that takes for ever ends, and does not hit, "!~" neither. */
static void takes_too_long(void **state)
{
	static char evil[3000];
	struct mr_sa_uri uri = { .raw = { evil, sizeof(evil) } };
	struct mr_sa sa = { .full = MR_LIT(""), .details = &uri, .n_details = 1 };
	struct mr_rules *r = rules_of("uri_detail A raw !~ /^(?:a|aa)+\\d/\nuri_detail B raw =~ /aa/");
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rules_hits found;

	(void)state;
	memset(evil, 'a', sizeof(evil));
	mr_rules_run(r, &sa, true, arena, &found);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.v[0].name, "B");
	assert_true(found.slow);
	mr_rules_free(r);
}

/* Rules of a kind that is not here are named, and so are metas over them. */
static void other_kinds(void **state)
{
	struct mr_rules *r = rules_of("uri_block_cc A CN\nmeta B A\nscore A 2\n");
	const struct mr_rules_problem *told[4];

	(void)state;
	assert_int_equal(mr_rules_problems(r, MR_RULES_ERROR, 4, told), 0);
	assert_int_equal(mr_rules_problems(r, MR_RULES_UNSUPPORTED, 4, told), 2);
	assert_string_equal(told[0]->rule, "A");
	assert_string_equal(told[0]->text, "uri_block_cc is not supported");
	assert_string_equal(told[1]->text, "needs A, which is not supported");
	mr_rules_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),        cmocka_unit_test(metas),       cmocka_unit_test(errors),
		cmocka_unit_test(takes_too_long), cmocka_unit_test(other_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
