/* test-rules: SpamAssassin's rule language: what rules hit, and what is said about lines that are no rules. */

/* system */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* libraries */
#include <cmocka.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "rules/rules.h"
#include "support/fake-sa.h"

static struct mr_slice body[] = { MR_LIT("The subject\n"), MR_LIT("Buy now, buy cheap. Call 555."), MR_LIT("caf\xc3\xa9 BUY") };
static struct mr_slice raw[] = { MR_LIT("<b>Buy\nnow</b>"), MR_LIT("second piece") };
static struct mr_slice uris[] = { MR_LIT("http://a.example/x"), MR_LIT("http://b.example/") };
static struct mr_sa message = {
	.body = { body, MR_COUNT(body) },
	.rawbody = { raw, MR_COUNT(raw) },
	.uris = { uris, MR_COUNT(uris) },
	.full = MR_LIT("Subject: The subject\n\nBuy now\n"),
	.fields = "Subject=The subject\n|From:addr=a@b.example|Empty=|X-Two=one\ntwo\n",
	.parts = { "Content-Type=multipart/mixed", "Content-Type=text/plain; name=a.txt|X-P=1", "Content-Type=image/png" },
	.n_parts = 3,
};

static struct mr_rules *rules_of(const char *text, const struct mr_rules_config *config)
{
	struct mr_rules *r = mr_rules_new(config);

	mr_rules_read(r, "/etc/x.cf", mr_slice_of(text));
	mr_rules_finish(r);
	return r;
}

/* "NAME*count", of parts too, in the order of definition. */
static void hits_of(struct mr_rules *r, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rules_hits hits;

	mr_rules_run(r, &message, true, arena, &hits);
	assert_false(hits.cut);
	for (size_t i = 0; i < hits.n; i++) {
		mr_buf_printf(out, "%s%s", out->n ? " " : "", hits.v[i].name);
		if (hits.v[i].count != 1)
			mr_buf_printf(out, "*%u", hits.v[i].count);
	}
	mr_buf_puts(out, "");
}

static void check_hits(const char *text, const char *expected)
{
	struct mr_rules *r = rules_of(text, &(struct mr_rules_config){ 0 });
	struct mr_buf hits = MR_BUF(10000);
	struct mr_diag diag = { 0 };

	if (mr_rules_error(r, &diag) < 0)
		fail_msg("%s: %s", text, diag.text);
	hits_of(r, &hits);
	assert_string_equal(hits.p ? hits.p : "", expected);
	mr_buf_done(&hits);
	mr_rules_free(r);
}

static const struct {
	const char *rules, *hits;
} cases[] = {
	/* header */
	{ "header A Subject =~ /subject/", "A" },
	{ "header A Subject =~ /SUBJECT/", "" },
	{ "header A Subject =~ /SUBJECT/i", "A" },
	{ "header A Subject !~ /SUBJECT/", "A" },
	{ "header A Subject !~ /subject/", "" },
	{ "header A Subject=~/subject$/", "A" }, /* before the last line break */
	{ "header A subject =~ /^The/", "A" },
	{ "header A From:addr =~ /^a\\@b\\.example$/", "A" },
	{ "header A Gone =~ /./", "" },
	{ "header A Gone =~ /^$/", "A" },
	{ "header A Gone !~ /./", "A" },
	{ "header A Gone =~ /^UNSET$/ [if-unset: UNSET]", "A" },
	{ "header A Empty =~ /^UNSET$/ [if-unset: UNSET]", "" },
	{ "header A exists:Empty", "A" },
	{ "header A exists:Gone", "" },
	{ "header A X-Two =~ /^two$/m", "A" },
	{ "header A X-Two =~ /^two$/", "" },
	{ "header A X-Two =~ /o/\ntflags A multiple", "A*2" },
	{ "header A X-Two =~ m{one.two}s", "A" },
	{ "header A Subject =~ m!The sub!", "A" },
	{ "header A Subject =~ m'The\\#x| sub'", "A" },
	/* what others captured: theirs is looked at first; text, not pattern */
	{ "header A Subject =~ /^%{LAST}|%{LAST}$/\nheader __B Subject =~ /(?<LAST>\\w+)$/", "A __B" },
	{ "header __A Gone =~ /(?<LAST>x)/\nbody B /%{LAST}|Buy/", "" },
	{ "header __A Gone =~ /(?<LAST>x)/\nheader B Subject !~ /%{LAST}/", "" },
	{ "body __A /cheap(?<SIGN>.)/\nbody B /^Buy now%{SIGN}/\nbody C /555%{SIGN}$/", "__A C" },
	{ "body __A /(?<WORD>buy|BUY)/\ntflags __A multiple\nbody B /caf.. %{WORD}/", "__A*2 B" },
	{ "mimeheader __A X-P =~ /(?<ONE>1)/\nmimeheader B X-P =~ /%{ONE}/\nmeta C B && __A", "__A B C" },
	/* body: each paragraph alone, the subject is the first */
	{ "body A /subject/", "A" },
	{ "body A /subject/\ntflags A nosubject", "" },
	{ "body A /^buy/i", "A" },
	{ "body A /555\\.$/", "A" },
	{ "body A /subject.*Buy/s", "" },
	{ "body A /buy/i\ntflags A multiple", "A*3" },
	{ "body A /buy/i\ntflags A multiple maxhits=2", "A*2" },
	{ "body A /\\w{5}/", "A" },
	{ "body A /caf\\w/", "" }, /* bytes; a word is ASCII */
	{ "body A /caf\\xc3\\xa9/", "A" },
	{ "body A /x*/\ntflags A multiple maxhits=4", "A*4" }, /* empty matches go on */
	{ "body A /\\bno(?=w)/", "A" },
	{ "body A /(?<!B)uy/", "A" },
	/* rawbody, uri, full */
	{ "rawbody A /Buy\\nnow/", "A" },
	{ "rawbody A /now.*second/s", "" },
	{ "uri A /b\\.example/", "A" },
	{ "uri A m{^http://[ab]\\.}\ntflags A multiple", "A*2" },
	{ "full A /subject\\n\\nBuy/", "A" },
	/* mimeheader: the first part that has it counts */
	{ "mimeheader A Content-Type =~ /png/", "A" },
	{ "mimeheader A Content-Type !~ /pdf/", "A" },
	{ "mimeheader A Content-Type !~ /png/", "" },
	{ "mimeheader A Content-Type =~ /png/\ntflags A range=1-2", "" },
	{ "mimeheader A Content-Type =~ /multi/\ntflags A range=2-", "" },
	{ "mimeheader A Content-Type =~ /mixed.*png/s\ntflags A concat", "A" },
	{ "mimeheader A X-P =~ /none/ [if-unset: none]", "A" },
	/* eval */
	{ "header A eval:check_number(3)", "A*3" },
	{ "body A eval:check_number('0')", "" },
	{ "body A eval:check_same(\"x y\", 'x y')", "A" },
	{ "rawbody A eval:check_same(1,2)", "" },
	/* meta */
	{ "body __A /Buy/\nmeta B __A", "__A B" },
	{ "body __A /Buy/\nmeta B !__A", "__A" },
	{ "meta B !__A", "B" },
	{ "meta B ! __A && 1", "B" },
	{ "body __A /buy/i\ntflags __A multiple\nmeta B __A > 2\nmeta C (__A == 3) && (__A + 1 >= 4)", "__A*3 B C" },
	{ "body __A /buy/i\ntflags __A multiple\nmeta B __A * 2 - 1", "__A*3 B*5" },
	{ "meta A 1 + 2 * 3 == 7 && 8 / 4 - 1 == 1 && !(2 < 1) && 1 != 2", "A" },
	{ "meta A 1 || 0 && 0", "A" },
	{ "meta A 0 ? 1 : 0", "" },
	{ "meta A 1 ? 0 ? 0 : 2 : 0", "A*2" },
	{ "meta A 3 ^ 3", "" },
	{ "meta A 1/0", "" },
	{ "meta A -1", "A" },
	{ "meta A ()", "" },
	{ "meta A local_tests_only", "A" },
	{ "body __X_A /Buy/\nbody __X_B /555/\nbody __X_C /gone/\nmeta S rules_matching(__X_*) == 2", "__X_A __X_B S" },
	{ "meta A B\nmeta B C\nmeta C 1", "A B C" },
	{ "meta A B\nmeta B A || 1", "" },        /* a circle is never decided */
	{ "meta A !B\nmeta B 1\nscore B 0", "" }, /* nor what needs a meta without a score */
	{ "body B /Buy/\nscore B 0\nmeta A !B", "A" },
	/* scores and redefinition */
	{ "body A /Buy/\nscore A 0", "" },
	{ "body A /Buy/\nscore A 0 1 1 1", "" },
	{ "body A /Buy/\nscore A 1 0 0 0", "A" },
	{ "body A /gone/\nbody A /Buy/", "A" },
	{ "score A 1\nscore A (-1)\nbody A /Buy/", "" },
	/* the network, a learning filter */
	{ "header A eval:check_number(1)\ntflags A net", "" },
	{ "header A eval:check_number(1)\ntflags A learn", "" },
	{ "header A eval:check_rbl('x', 'y')\nmeta B !A", "B" },
	{ "body A /Buy/\ntflags A net", "A" }, /* asks nobody */
	/* comments, case, dashes, white space */
	{ "  BODY\tA   /Buy/   # as\n", "A" },
	{ "body A /555\\./ # x\nbody B /a\\#b/\n#body C /Buy/", "A" },
	{ "header A Subject =~ /The/\r\n", "A" },
	{ "lang en describe A x\nlang de body B /Buy/\nlang en body A /Buy/", "A" },
	{ "describe A x\npriority A 5\nreuse A\nbody A /Buy/\ntest A ok Buy", "A" },
};

static void hits(void **state)
{
	(void)state;
	for (size_t i = 0; i < MR_COUNT(cases); i++)
		check_hits(cases[i].rules, cases[i].hits);
}

static void conditions(void **state)
{
	static const struct {
		const char *condition;
		bool holds;
	} t[] = {
		{ "if 1", true },
		{ "if 0", false },
		{ "if (version >= 3.004002)", true },
		{ "if version < 4.000000", false },
		{ "if (version >= 4.000001)", true },
		{ "if version >= 4.000002", false },
		{ "if perl_version >= 5.010000", true },
		{ "if !(version >= 3)", false },
		{ "if 1 == 1 && 2 != 2 || 3 > 2", true },
		{ "if (1 && (0 || !0))", true },
		{ "if local_tests_only", true },
		{ "if can(Mail::SpamAssassin::Conf::feature_bug6558_free)", true },
		{ "if can(Mail::SpamAssassin::Conf::feature_of_tomorrow)", false },
		{ "if has(Mail::SpamAssassin::Plugin::BodyEval::has_check_body_length)", false }, /* not loaded */
		{ "loadplugin Mail::SpamAssassin::Plugin::BodyEval\nif has(Mail::SpamAssassin::Plugin::BodyEval::has_check_body_length)",
		  true },
		{ "ifplugin Mail::SpamAssassin::Plugin::BodyEval", false },
		{ "loadplugin Mail::SpamAssassin::Plugin::BodyEval\nifplugin Mail::SpamAssassin::Plugin::BodyEval", true },
		{ "loadplugin Mail::SpamAssassin::Plugin::DMARC\nif plugin(Mail::SpamAssassin::Plugin::Dmarc)", true },
		{ "if can(Mail::SpamAssassin::Conf::compat_welcomelist_blocklist)", false },
		{ "enable_compat welcomelist_blocklist\nif can(Mail::SpamAssassin::Conf::compat_welcomelist_blocklist)", true },
		{ "if 0\nif 1\nbody X /Buy/\nendif\nelse", true },
		{ "if 0\nelse\nif 0\nelse\nbody T /none/\nendif\nendif\nif 1", true },
	};
	char text[1000];

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		snprintf(text, sizeof(text), "%s\nbody A /Buy/\nelse\nbody B /Buy/\nendif\n", t[i].condition);
		if (strstr(text, "else\nbody A"))
			snprintf(text, sizeof(text), "%s\nbody A /Buy/\nendif\n", t[i].condition);
		check_hits(text, t[i].holds ? "A" : "B");
	}
}

static void replaced(void **state)
{
	static const char tags[] =
	    "replace_tag A [aA4]\nreplace_tag B (?:b|8)\nreplace_tag AB <A><B>\nreplace_pre P (?=.)\nreplace_inter W \\W*\n"
	    "replace_post Q +\n";
	static const struct {
		const char *pattern;
		bool matches;
	} t[] = {
		{ "<A>b", true },           { "x<A>", false },          { "<A><B>", false },    { "<inter W><A><B>", true },
		{ "<inter W><AB>", false }, { "<post Q>^<A>-b", true }, { "<pre P><A>", true }, { "<C>|q", false },
		{ "(?<=4)-<B>", true },
	};
	struct mr_buf text = MR_BUF(10000);
	struct mr_slice before = body[2];

	(void)state;
	body[2] = MR_LIT("44-b");
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_buf_reset(&text);
		mr_buf_printf(&text, "%sbody X /%s/\nreplace_rules X Y\n", tags, t[i].pattern);
		/* "<A>b" alone needs no hyphen between. */
		if (i == 0)
			body[2] = MR_LIT("4b");
		check_hits(text.p, t[i].matches ? "X" : "");
		body[2] = MR_LIT("44-b");
	}
	check_hits("replace_tag A [aA4]\nbody X /<A>4/", ""); /* only in the rules that say so */
	check_hits("replace_start %\nreplace_end %\nreplace_tag A 44\nbody X /<A>/\nreplace_rules X", "");
	body[2] = before;
	mr_buf_done(&text);
}

static void faults(void **state)
{
	static const struct {
		const char *rules, *error;
	} t[] = {
		{ "body A /Buy/\nbody B /(/\n", "/etc/x.cf:2: B: regular expression, at character 2: missing closing parenthesis" },
		{ "body A Buy", "/etc/x.cf:1: A: a regular expression between delimiters, /like this/, is missing" },
		{ "body A /Buy", "/etc/x.cf:1: A: the regular expression does not end" },
		{ "body A /a/b/", "/etc/x.cf:1: A: a / within the regular expression must be written \\/" },
		{ "body A /a/q", "/etc/x.cf:1: A: modifier \"q\" is not known" },
		{ "body A //", "/etc/x.cf:1: A: the regular expression is empty" },
		{ "body A /(?{ system })/", "/etc/x.cf:1: A: a regular expression must not hold a program" },
		{ "body A", "/etc/x.cf:1: body A: nothing follows the name" },
		{ "body 1A /x/", "/etc/x.cf:1: body: \"1A\" is no name of a rule" },
		{ "boddy A /x/", "/etc/x.cf:1: \"boddy\" is neither a rule nor a setting" },
		{ "header A Subject /x/", "/etc/x.cf:1: A: a field, =~ or !~, and a regular expression are missing" },
		{ "header A eval:check_number", "/etc/x.cf:1: A: eval: a call such as eval:check('a', 1) is missing" },
		{ "header A eval:check_number('x)", "/etc/x.cf:1: A: eval: a call such as eval:check('a', 1) is missing" },
		{ "header A eval:check_number(x)", "/etc/x.cf:1: A: a number is missing" },
		{ "meta A (B", "/etc/x.cf:1: A: ) is missing" },
		{ "meta A B C", "/etc/x.cf:1: A: \"C\" is not understood" },
		{ "meta A B &&", "/etc/x.cf:1: A: a name of a rule is missing" },
		{ "meta A B $ C", "/etc/x.cf:1: A: \"$ C\" is not understood" },
		{ "\n\nscore A one", "/etc/x.cf:3: score A: \"one\" is no number" },
		{ "score A 1 2", "/etc/x.cf:1: score A: one number or four are missing" },
		{ "score A (1)", "/etc/x.cf:1: score A: adds to no earlier score" },
		{ "if 1\nbody A /x/", "/etc/x.cf:1: if without endif" },
		{ "endif", "/etc/x.cf:1: endif without if" },
		{ "else", "/etc/x.cf:1: else without if" },
		{ "if foo(x)\nendif", "/etc/x.cf:1: if: plugin(), can() or has() is missing" },
		{ "if (1\nendif", "/etc/x.cf:1: if: ) is missing" },
		{ "if 1 1\nendif", "/etc/x.cf:1: if: something follows that is not understood" },
		{ "include other.cf", "/etc/x.cf:1: include: not possible here" },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_rules *r = rules_of(t[i].rules, &(struct mr_rules_config){ 0 });
		struct mr_diag diag = { 0 };

		assert_int_equal(mr_rules_error(r, &diag), -EINVAL);
		assert_string_equal(diag.text, t[i].error);
		mr_rules_free(r);
	}
}

/* What is fine elsewhere and left out here is said, also of what needs it. */
static void unsupported(void **state)
{
	struct mr_rules *r =
	    rules_of("header A eval:check_other(1)\nmeta B A\nbody C eval:check_other(2)\nrequired_score 5\nfake_setting x\n"
		     "loadplugin My::Plugin\nbody D /Buy/\nbody __E /Buy/\nscore A 2\ndescribe D Buys",
		     &(struct mr_rules_config){ 0 });
	static const struct {
		const char *name, *kind, *why;
		enum mr_rules_state state;
	} t[] = {
		{ "A", "eval", "eval:check_other() is not supported", MR_RULES_CANNOT },
		{ "B", "meta", "needs A, which is not supported", MR_RULES_CANNOT },
		{ "C", "eval", "eval:check_other() is not supported", MR_RULES_CANNOT },
		{ "D", "body", NULL, MR_RULES_RUNS },
		{ "__E", "body", NULL, MR_RULES_UNNEEDED },
	};
	const struct mr_rules_problem *problems[10];
	struct mr_rules_info info;
	struct mr_diag diag = { 0 };
	size_t at = 0;

	(void)state;
	assert_int_equal(mr_rules_error(r, &diag), 0);
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		assert_true(mr_rules_each(r, &at, &info));
		assert_string_equal(info.name, t[i].name);
		assert_string_equal(info.kind, t[i].kind);
		assert_int_equal(info.state, t[i].state);
		assert_true(!info.why == !t[i].why && (!info.why || strcmp(info.why, t[i].why) == 0));
		assert_string_equal(info.file, "/etc/x.cf");
		if (strcmp(info.name, "D") == 0)
			assert_string_equal(info.description, "Buys");
		if (strcmp(info.name, "A") == 0)
			assert_true(info.score == 2);
	}
	assert_false(mr_rules_each(r, &at, &info));
	assert_int_equal(mr_rules_problems(r, MR_RULES_UNSUPPORTED, MR_COUNT(problems), problems), 5);
	assert_string_equal(problems[0]->text, "required_score: a setting that means nothing here");
	assert_int_equal(problems[0]->line, 4);
	assert_string_equal(problems[1]->text, "loadplugin: My::Plugin is none that is known here");
	mr_rules_free(r);
}

/* As Perl takes it and PCRE2 does not: in the files of others it is left out and listed, in ours it is an error. */
static void faults_of_others(void **state)
{
	static const struct mr_slice text = MR_LIT("body A /[c\\x{0441}]/\nsome_setting 1\nbody B /Buy/\n");
	const struct mr_rules_problem *problems[4];
	struct mr_diag diag = { 0 };

	(void)state;
	for (int of_others = 0; of_others < 2; of_others++) {
		struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });
		struct mr_rules_info info;
		size_t at = 0;

		mr_rules_of_others(r, of_others);
		mr_rules_read(r, "/usr/x.cf", text);
		mr_rules_of_others(r, false);
		mr_rules_finish(r);
		assert_int_equal(mr_rules_error(r, &diag), of_others ? 0 : -EINVAL);
		assert_int_equal(mr_rules_problems(r, MR_RULES_UNSUPPORTED, MR_COUNT(problems), problems), of_others ? 2 : 0);
		assert_true(mr_rules_each(r, &at, &info) && info.state == MR_RULES_CANNOT);
		assert_true(mr_rules_each(r, &at, &info) && info.state == MR_RULES_RUNS);
		mr_rules_free(r);
	}
}

static void scores(void **state)
{
	static const char text[] =
	    "body A /Buy/\nscore A 1 2 3 4\nbody B /Buy/\nbody T_C /Buy/\nbody D /Buy/\ntflags D nice\nbody E /Buy/\n"
	    "score E 2\nscore E (0.5)";
	static const struct {
		struct mr_rules_config config;
		double a;
	} t[] = { { { 0 }, 1 }, { { .net = true }, 2 }, { { .bayes = true }, 3 }, { { .net = true, .bayes = true }, 4 } };

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_rules *r = rules_of(text, &t[i].config);
		struct mr_rules_hits found;

		mr_rules_run(r, &message, true, arena, &found);
		assert_int_equal(found.n, 5);
		assert_true(found.v[0].score == t[i].a && found.v[1].score == 1 && found.v[2].score == 0.01);
		assert_true(found.v[3].score == -1 && found.v[4].score == 2.5);
		assert_int_equal(found.v[0].matched.n, 3);
		assert_memory_equal(found.v[0].matched.p, "Buy", 3);
		mr_rules_free(r);
	}
}

/* An expression that takes for ever on a text made for it ends, and the others are still asked. */
static void takes_too_long(void **state)
{
	static char evil[3000];
	struct mr_slice line = { evil, sizeof(evil) }, before = body[1];
	struct mr_rules *r;
	struct mr_buf text = MR_BUF(10000);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rules_hits found;

	(void)state;
	memset(evil, 'a', sizeof(evil));
	body[1] = line;
	check_hits("body A /^(?:a|aa)+$x/\nbody B /BUY/", "B");
	r = rules_of("body A /^(?:a|aa)+\\d/\nbody B /BUY/", &(struct mr_rules_config){ 0 });
	mr_rules_run(r, &message, true, arena, &found);
	assert_true(found.n == 1 && found.slow && !found.cut);
	mr_rules_free(r);
	for (int i = 0; i < 40; i++)
		mr_buf_printf(&text, "body A%d /^(?:a|aa)+\\d/\n", i);
	r = rules_of(text.p, &(struct mr_rules_config){ 0 });
	mr_rules_run(r, &message, true, arena, &found);
	assert_true(found.slow && found.cut);
	body[1] = before;
	mr_rules_free(r);
	mr_buf_done(&text);
}

/* Metas are decided in each other, to a bound that is told of. */
static void metas_in_each_other(void **state)
{
	struct mr_buf text = MR_BUF(1u << 20), hits = MR_BUF(100000);
	struct mr_rules *r;
	struct mr_diag diag = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++)
		mr_buf_printf(&text, "meta __A%d __A%d + 1\n", i, i + 1);
	mr_buf_puts(&text, "meta B __A0\nmeta C 1\n");
	r = rules_of(text.p, &(struct mr_rules_config){ 0 });
	assert_int_equal(mr_rules_error(r, &diag), -EINVAL);
	assert_non_null(strstr(diag.text, "more than 1000 metas in each other"));
	hits_of(r, &hits);
	assert_string_equal(hits.p, "C");
	mr_rules_free(r);
	mr_buf_reset(&text);
	mr_buf_puts(&text, "meta A 1");
	for (int i = 0; i < 150; i++)
		mr_buf_puts(&text, " + (1 * (2 - 1");
	for (int i = 0; i < 300; i++)
		mr_buf_puts(&text, ")");
	r = rules_of(text.p, &(struct mr_rules_config){ 0 });
	assert_int_equal(mr_rules_error(r, &diag), -EINVAL);
	mr_rules_free(r);
	mr_buf_done(&hits);
	mr_buf_done(&text);
}

/* A long text is looked at piece by piece, which changes nothing. */
static void long_texts(void **state)
{
	static char text[100000];
	struct mr_slice before = message.full;

	memset(text, '.', sizeof(text));
	memcpy(text + 16380, "across the line", 15);
	memcpy(text + 32768, "first", 5);
	memcpy(text + sizeof(text) - 3, "end", 3);
	message.full = (struct mr_slice){ text, sizeof(text) };
	check_hits("full A /across the/\nfull B /(?<=\\.)first/\nfull C /end$/\nfull D /^\\.+a/\nfull E /[a-z]+/\ntflags E multiple\n"
		   "full F /gone/\nfull G /first.*end/",
		   "A B C D E*5 G");
	message.full = before;
}

static uint64_t ms, step;

static uint64_t cpu_ms(void)
{
	return ms += step;
}

/* When the time for a message is over, what was found counts, and the next message has its own. */
static void no_time_left(void **state)
{
	static char text[200000];
	struct mr_rules *r = rules_of("full A /[^b]{0,9}[^a]/\nfull B /\\w+a/\nmeta C 1\n", &(struct mr_rules_config){ .cpu_ms = cpu_ms });
	struct mr_slice before = message.full;

	memset(text, 'a', sizeof(text));
	message.full = (struct mr_slice){ text, sizeof(text) };
	for (step = 0; step <= MR_RULES_RUN_MS; step += MR_RULES_RUN_MS) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_rules_hits found;

		mr_rules_run(r, &message, true, arena, &found);
		assert_int_equal(found.cut, step > 0);
		assert_int_equal(found.n, step > 0 ? 1 : 2);
	}
	message.full = before;
	mr_rules_free(r);
}

/* With databases, where the library is built in, rules say the same; a damaged one is not taken. */
static void prefiltered(void **state)
{
	static const char text[] =
	    "body A1 /^Buy/\nbody A2 /555\\.$/\nbody A3 /buy/i\ntflags A3 multiple\nbody A4 /\\AThe/\nbody A5 /cheap\\z/\n"
	    "body A6 /(?<=no)w,/\nbody A7 /(u)y.*\\1/i\nbody A8 /x*/\nbody A9 /gone/\nbody B1 /subject.*Buy/s\nbody B2 /now/\n"
	    "header C1 Subject !~ /gone/\nheader C2 Subject =~ /^The/\nheader C3 exists:Subject\nheader C4 Subject =~ /T h e/x\n"
	    "header C5 Subject =~ /SUBJECT$/i\nheader C6 Subject !~ /The/\nheader C7 Subject =~ /[^a]s/\nheader C8 Subject =~ /q/\n"
	    "header C9 Subject =~ /(?^i:the)/\nheader D1 Gone =~ /b/ [if-unset: b]\nheader D2 Subject !~ /he .*zqx/\n"
	    /* of these nothing is known but by a database */
	    "body E1 /\\w \\w+$/\nbody E2 /\\w \\w{40}/\nbody E3 /\\w \\w{41}/\nbody E4 /\\w \\w{42}/\nbody E5 /\\w \\w{43}/\n"
	    "body E6 /\\w \\w{44}/\nbody E7 /\\w{2} \\w+/\nbody E8 /\\w \\w{45}/\n";
	struct mr_rules *r = rules_of(text, &(struct mr_rules_config){ 0 });
	struct mr_buf before = MR_BUF(1000), after = MR_BUF(1000), bytes = MR_BUF(64u << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice key, other = { 0 };

	hits_of(r, &before);
	assert_string_equal(before.p, "A1 A2 A3*3 A4 A6 A7 A8 B2 C1 C2 C3 C4 C5 C7 C9 D1 D2 E1 E7");
	assert_true(mr_rules_prefilters(r) > 0 || mr_rules_prefilter_build(r, 0, &bytes, NULL) == -ENOTSUP);
	for (size_t i = 0; i < mr_rules_prefilters(r); i++) {
		mr_buf_reset(&bytes);
		assert_int_equal(mr_rules_prefilter_build(r, i, &bytes, NULL), 0);
		mr_rules_prefilter_key(r, i, arena, &key);
		assert_int_equal(key.n, 16);
		assert_false(mr_slice_eq(key, other));
		other = key;
		assert_int_equal(mr_rules_prefilter_load(r, i, (struct mr_slice){ bytes.p, bytes.n / 2 }, NULL), -EINVAL);
		assert_int_equal(mr_rules_prefilter_load(r, i, (struct mr_slice){ bytes.p, 3 }, NULL), -EINVAL);
		assert_int_equal(mr_rules_prefilter_load(r, i, mr_buf_slice(&bytes), NULL), 0);
	}
	hits_of(r, &after);
	assert_string_equal(after.p, before.p);
	mr_buf_done(&before);
	mr_buf_done(&after);
	mr_buf_done(&bytes);
	mr_rules_free(r);
}

static int include(void *arg, struct mr_rules *r, const char *path, struct mr_diag *diag)
{
	if (strcmp(path, "/etc/other.cf") == 0)
		mr_rules_read(r, path, MR_LIT("body B /Buy/\nbad_word\n"));
	else if (strcmp(path, "/etc/again.cf") == 0)
		mr_rules_read(r, path, MR_LIT("include again.cf\n"));
	else
		return mr_diag_set(diag, -ENOENT, "%s: there is none", path);
	return 0;
}

static void includes(void **state)
{
	static const struct {
		const char *text, *error;
	} t[] = {
		{ "body A /x/\ninclude other.cf\nbody C /Buy/", "/etc/other.cf:2: \"bad_word\" is neither a rule nor a setting" },
		{ "include /gone.cf", "/etc/x.cf:1: include: /gone.cf: there is none" },
		{ "include again.cf", "/etc/again.cf:1: include: too many files in each other" },
	};
	struct mr_rules_config config = { .include = include };
	struct mr_buf hits = MR_BUF(1000);

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_rules *r = rules_of(t[i].text, &config);
		struct mr_diag diag = { 0 };

		assert_int_equal(mr_rules_error(r, &diag), -EINVAL);
		assert_string_equal(diag.text, t[i].error);
		if (i == 0) {
			hits_of(r, &hits);
			assert_string_equal(hits.p, "B C");
		}
		mr_rules_free(r);
	}
	mr_buf_done(&hits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits),
		cmocka_unit_test(conditions),
		cmocka_unit_test(replaced),
		cmocka_unit_test(faults),
		cmocka_unit_test(includes),
		cmocka_unit_test(unsupported),
		cmocka_unit_test(faults_of_others),
		cmocka_unit_test(scores),
		cmocka_unit_test(takes_too_long),
		cmocka_unit_test(metas_in_each_other),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(no_time_left),
		cmocka_unit_test(prefiltered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
