/* dmarc: RFC 9989 section by section, in cases of our own. */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "mail/dmarc.h"
#include "support/zone.h"
#include "unit.h"

/* -- records, section 4.7 -- */

static const struct {
	const char *text, *meaning; /* "p sp np adkim aspf t psd", "unusable", or NULL: no record */
} records[] = {
	{ "v=DMARC1; p=none", "none none none r r n u" },
	{ "v=DMARC1;p=reject", "reject reject reject r r n u" },
	{ " v = DMARC1 ; p = Quarantine ; ", "quarantine quarantine quarantine r r n u" },
	{ "v=DMARC1; p=reject; sp=none", "reject none none r r n u" },
	{ "v=DMARC1; p=none; np=reject", "none none reject r r n u" },
	{ "v=DMARC1; p=none; sp=quarantine; np=reject", "none quarantine reject r r n u" },
	{ "v=DMARC1; p=reject; adkim=s; aspf=s; t=y; psd=n", "reject reject reject s s y n" },
	{ "v=DMARC1; p=reject; adkim=x; aspf=; t=maybe; psd=yes", "reject reject reject r r n u" },
	{ "v=DMARC1; psd=Y; t=Y; p=reject; adkim=S", "reject reject reject s r y y" },
	{ "v=DMARC1; p=reject; pct=0; ri=1; rf=x; fo=1; other=1", "reject reject reject r r n u" },
	/* faults are passed over, section 4.8 */
	{ "v=DMARC1; ; p=reject", "reject reject reject r r n u" },
	{ "v=DMARC1; nonsense; p=reject; =x; 9=1", "reject reject reject r r n u" },
	{ "v=DMARC1; p=reject; sp=no\xcc\x88ne; aspf=\xe2\x80\x9cs\xe2\x80\x9d", "reject reject reject r r n u" },
	/* no valid policy, section 4.10.1: with somebody to report to as p=none, else no DMARC */
	{ "v=DMARC1", "unusable" },
	{ "v=DMARC1; p=", "unusable" },
	{ "v=DMARC1; p=discard", "unusable" },
	{ "v=DMARC1; p=reject; sp=discard", "unusable" },
	{ "v=DMARC1; p=reject; np=x; rua=nonsense", "unusable" },
	{ "v=DMARC1; rua=mailto:a@example.org", "none none none r r n u" },
	{ "v=DMARC1; p=reject; sp=x; rua=nonsense, mailto:a@example.org!10m", "none none none r r n u" },
	{ "v=DMARC1; p=x; rua=mailto:", "unusable" },
	{ "v=DMARC1; p=x; rua=mail to:a@example.org,:x,1a:b", "unusable" },
	{ "v=DMARC1; p=x; rua=,h2+x.y-z:b", "none none none r r n u" },
	{ "v=DMARC1; psd=y", "unusable" },
	/* appendix B.2.5 */
	{ "v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net; t=y",
	  "quarantine quarantine quarantine r r y u" },
	/* v= first, and exact */
	{ "v=dmarc1; p=none", NULL },
	{ "v=DMARC1.0; p=none", NULL },
	{ "v=DMARC2; p=none", NULL },
	{ "p=none; v=DMARC1", NULL },
	{ "DMARC1; p=none", NULL },
	{ "v=spf1 -all", NULL },
	{ "; v=DMARC1; p=none", NULL },
	{ "", NULL },
};

static void test_records(void **state)
{
	for (size_t i = 0; i < MR_COUNT(records); i++) {
		struct mr_buf meaning = MR_BUF(200);
		struct mr_dmarc_record r;
		bool found = mr_dmarc_parse(mr_slice_of(records[i].text), &r);

		if (found != !!records[i].meaning)
			fail_msg("'%s'", records[i].text);
		if (found && r.unusable)
			mr_buf_puts(&meaning, "unusable");
		else if (found)
			mr_buf_printf(&meaning, "%s %s %s %c %c %c %c", mr_dmarc_policy_str(r.p), mr_dmarc_policy_str(r.sp),
				      mr_dmarc_policy_str(r.np), r.strict_dkim ? 's' : 'r', r.strict_spf ? 's' : 'r', r.testing ? 'y' : 'n',
				      r.psd);
		if (found)
			assert_string_equal(meaning.p, records[i].meaning);
		mr_buf_done(&meaning);
	}
}

/* Section 4.7: fo= means nothing where no ruf= stands. */
static void test_reports(void **state)
{
	struct mr_dmarc_record r;

	assert_true(mr_dmarc_parse(MR_LIT("v=DMARC1; p=none; fo=1:d; rua=mailto:a@example.org!10m"), &r));
	assert_slice(r.rua, "mailto:a@example.org!10m");
	assert_int_equal(r.fo.n, 0);
	assert_true(mr_dmarc_parse(MR_LIT("v=DMARC1; fo=1:d; p=none; ruf= mailto:b@example.org, mailto:c@example.org"), &r));
	assert_slice(r.ruf, "mailto:b@example.org, mailto:c@example.org");
	assert_slice(r.fo, "1:d");
}

/* -- messages -- */

static const char zone[] =
    "strict.example A 192.0.2.1\n"
    "_dmarc.strict.example TXT v=DMARC1; p=reject; adkim=s; aspf=s\n"
    "relaxed.example A 192.0.2.1\n"
    "_dmarc.relaxed.example TXT v=DMARC1; p=quarantine; sp=reject; np=none\n"
    "sub.relaxed.example A 192.0.2.1\n"
    "own.relaxed.example A 192.0.2.1\n"
    "_dmarc.own.relaxed.example TXT v=DMARC1; p=none\n"
    "testing.example A 192.0.2.1\n"
    "_dmarc.testing.example TXT v=DMARC1; p=reject; sp=quarantine; t=y\n"
    "sub.testing.example A 192.0.2.1\n"
    "two.example A 192.0.2.1\n"
    "_dmarc.two.example TXT v=DMARC1; p=reject\n_dmarc.two.example TXT v=DMARC1; p=none\n"
    "noise.example A 192.0.2.1\n"
    "_dmarc.noise.example TXT v=spf1 -all\n_dmarc.noise.example TXT v=DMARC1; p=reject\n"
    "unusable.example A 192.0.2.1\n"
    "_dmarc.unusable.example TXT v=DMARC1; p=nothing\n"
    "slow.example A 192.0.2.1\n"
    "_dmarc.slow.example TIMEOUT\n"
    /* psd=n: the organization starts here although there is a record above, section 4.10.2 */
    "_dmarc.big.example TXT v=DMARC1; p=none\n"
    "_dmarc.dep.big.example TXT v=DMARC1; p=reject; psd=n\n"
    "a.dep.big.example A 192.0.2.1\nb.dep.big.example A 192.0.2.1\nc.big.example A 192.0.2.1\n"
    /* psd=y: organizations are one label below */
    "_dmarc.suffix TXT v=DMARC1; p=none; sp=quarantine; np=reject; psd=y\n"
    "shop.suffix A 192.0.2.1\nwww.shop.suffix A 192.0.2.1\nother.suffix A 192.0.2.1\n"
    "_dmarc.www.bank.suffix TXT v=DMARC1; p=reject\n"
    "www.bank.suffix A 192.0.2.1\nmail.bank.suffix A 192.0.2.1\n"
    "suffix A 192.0.2.1\n"
    /* a record in the middle is neither the author's nor the organization's */
    "_dmarc.mid.relaxed.example TXT v=DMARC1; p=none\n"
    "low.mid.relaxed.example A 192.0.2.1\n"
    /* deep names: after the first question the walk goes on with seven labels, section 4.10 */
    "_dmarc.b.c.d.e.f.g.h.example TXT v=DMARC1; p=reject\n"
    "_dmarc.c.d.e.f.g.h.example TXT v=DMARC1; p=quarantine\n"
    "a.b.c.d.e.f.g.h.example A 192.0.2.1\n"
    "_dmarc.xn--bcher-kva.example TXT v=DMARC1; p=reject\nxn--bcher-kva.example A 192.0.2.1\n"
    "mail.xn--bcher-kva.example A 192.0.2.1\n"
    /* section 5.1.8: what stands below the seventh label is not found, but for the author's own */
    "_dmarc.b.c.d.e.f.g.deep.test TXT v=DMARC1; p=reject; psd=n\n_dmarc.deep.test TXT v=DMARC1; p=none; sp=quarantine\n"
    "mail.a.b.c.d.e.f.g.deep.test A 192.0.2.1\n"
    /* appendix B.4 */
    "_dmarc.example.test TXT v=DMARC1; p=reject\n_dmarc.signing.example.test TXT v=DMARC1; p=none\n"
    "a.b.c.d.e.f.g.h.i.j.k.example.test A 192.0.2.1\n"
    "_dmarc.bank.test TXT v=DMARC1; p=reject; psd=y\n_dmarc.giant.bank.test TXT v=DMARC1; p=quarantine\n"
    /* a name on the way that DNS does not tell of */
    "_dmarc.flaky TIMEOUT\n_dmarc.big.flaky TXT v=DMARC1; p=reject\nbig.flaky A 192.0.2.1\nsub.big.flaky A 192.0.2.1\n"
    "_dmarc.gap.big.flaky TIMEOUT\n_dmarc.own.gap.big.flaky TXT v=DMARC1; p=quarantine\nown.gap.big.flaky A 192.0.2.1\n"
    "gap.big.flaky A 192.0.2.1\n"
    "_dmarc.maybe.example TXT v=DMARC1; p=none; np=reject\ngone.maybe.example TIMEOUT\n"
    "_dmarc.same.example TXT v=DMARC1; p=reject\ngone.same.example TIMEOUT\n";

static const struct {
	const char *from;   /* value of From; NULL: none */
	const char *spf;    /* domain with a pass, "~x" for a temperror, or NULL */
	const char *dkim;   /* the same; "!x": passes, but must not align (l=, short key) */
	const char *result; /* "result policy author organization spf dkim" */
} cases[] = {
	/* alignment, section 4.4 */
	{ "a@strict.example", "strict.example", NULL, "pass reject strict.example strict.example 1 0" },
	{ "a@strict.example", NULL, "strict.example", "pass reject strict.example strict.example 0 1" },
	{ "a@STRICT.Example", "Strict.EXAMPLE", "strict.example", "pass reject strict.example strict.example 1 1" },
	{ "a@strict.example", "sub.strict.example", "sub.strict.example", "fail reject strict.example strict.example 0 0" },
	{ "a@relaxed.example", "sub.relaxed.example", NULL, "pass quarantine relaxed.example relaxed.example 1 0" },
	{ "a@relaxed.example", NULL, "deep.sub.relaxed.example", "pass quarantine relaxed.example relaxed.example 0 1" },
	{ "a@sub.relaxed.example", NULL, "relaxed.example", "pass reject sub.relaxed.example relaxed.example 0 1" },
	{ "a@sub.relaxed.example", NULL, "own.relaxed.example", "pass reject sub.relaxed.example relaxed.example 0 1" },
	{ "a@relaxed.example", "evil.example", "evil.example", "fail quarantine relaxed.example relaxed.example 0 0" },
	{ "a@relaxed.example", "xrelaxed.example", "relaxed.example.evil.example", "fail quarantine relaxed.example relaxed.example 0 0" },
	{ "a@relaxed.example", "example", "example", "fail quarantine relaxed.example relaxed.example 0 0" },
	{ "a@relaxed.example", NULL, "!relaxed.example", "fail quarantine relaxed.example relaxed.example 0 0" },
	{ "a@relaxed.example", NULL, NULL, "fail quarantine relaxed.example relaxed.example 0 0" },
	/* which policy, section 4.10.1 */
	{ "a@sub.relaxed.example", NULL, NULL, "fail reject sub.relaxed.example relaxed.example 0 0" },
	{ "a@absent.relaxed.example", NULL, NULL, "fail none absent.relaxed.example relaxed.example 0 0" },
	{ "a@own.relaxed.example", NULL, NULL, "fail none own.relaxed.example relaxed.example 0 0" },
	{ "a@low.mid.relaxed.example", NULL, NULL, "fail reject low.mid.relaxed.example relaxed.example 0 0" },
	{ "a@testing.example", NULL, NULL, "fail quarantine testing.example testing.example 0 0" },
	{ "a@sub.testing.example", NULL, NULL, "fail none sub.testing.example testing.example 0 0" },
	{ "a@two.example", NULL, NULL, "none none two.example two.example 0 0" },
	{ "a@noise.example", NULL, NULL, "fail reject noise.example noise.example 0 0" },
	{ "a@nothing.example", "nothing.example", NULL, "none none nothing.example nothing.example 0 0" },
	{ "a@unusable.example", NULL, NULL, "none none unusable.example unusable.example 0 0" },
	/* organizations, section 4.10.2 */
	{ "a@a.dep.big.example", NULL, "b.dep.big.example", "pass reject a.dep.big.example dep.big.example 0 1" },
	{ "a@a.dep.big.example", NULL, "c.big.example", "fail reject a.dep.big.example dep.big.example 0 0" },
	{ "a@c.big.example", NULL, "a.dep.big.example", "fail none c.big.example big.example 0 0" },
	{ "a@www.shop.suffix", "shop.suffix", NULL, "pass quarantine www.shop.suffix shop.suffix 1 0" },
	{ "a@www.shop.suffix", "other.suffix", "suffix", "fail quarantine www.shop.suffix shop.suffix 0 0" },
	{ "a@absent.suffix", NULL, NULL, "fail reject absent.suffix absent.suffix 0 0" },
	{ "a@www.bank.suffix", NULL, "mail.bank.suffix", "pass reject www.bank.suffix bank.suffix 0 1" },
	{ "a@suffix", NULL, "suffix", "pass none suffix suffix 0 1" },
	{ "a@suffix", NULL, "shop.suffix", "fail none suffix suffix 0 0" },
	{ "a@a.b.c.d.e.f.g.h.example", NULL, NULL, "fail quarantine a.b.c.d.e.f.g.h.example c.d.e.f.g.h.example 0 0" },
	{ "a@x.y", NULL, NULL, "none none x.y x.y 0 0" },
	/* DNS away */
	{ "a@slow.example", "slow.example", NULL, "temperror none slow.example slow.example 0 0" },
	{ "a@sub.slow.example", NULL, NULL, "temperror none sub.slow.example sub.slow.example 0 0" },
	{ "a@strict.example", "~strict.example", NULL, "temperror reject strict.example strict.example 0 0" },
	{ "a@strict.example", NULL, "~strict.example", "temperror reject strict.example strict.example 0 0" },
	{ "a@strict.example", "~strict.example", "strict.example", "pass reject strict.example strict.example 0 1" },
	{ "a@strict.example", "~evil.example", "~evil.example", "fail reject strict.example strict.example 0 0" },
	/* what of it matters, section 5.3.6: a record of the author's own decides where nobody else has passed */
	{ "a@big.flaky", NULL, NULL, "fail reject big.flaky big.flaky 0 0" },
	{ "a@big.flaky", NULL, "big.flaky", "pass reject big.flaky big.flaky 0 1" },
	{ "a@big.flaky", NULL, "sub.big.flaky", "pass reject big.flaky big.flaky 0 1" },
	{ "a@big.flaky", NULL, "evil.example", "fail reject big.flaky big.flaky 0 0" },
	{ "a@big.flaky", "other.flaky", NULL, "temperror reject big.flaky big.flaky 0 0" },
	{ "a@sub.big.flaky", NULL, NULL, "temperror reject sub.big.flaky big.flaky 0 0" },
	{ "a@big.flaky", NULL, "gap.big.flaky", "temperror reject big.flaky big.flaky 0 0" },
	{ "a@own.gap.big.flaky", NULL, NULL, "fail quarantine own.gap.big.flaky big.flaky 0 0" },
	{ "a@own.gap.big.flaky", "big.flaky", NULL, "temperror quarantine own.gap.big.flaky big.flaky 0 0" },
	{ "a@own.gap.big.flaky", "own.gap.big.flaky", "big.flaky", "pass quarantine own.gap.big.flaky big.flaky 1 0" },
	{ "a@gone.maybe.example", NULL, NULL, "temperror none gone.maybe.example maybe.example 0 0" },
	{ "a@gone.same.example", NULL, NULL, "fail reject gone.same.example same.example 0 0" },
	/* section 5.1.8 and appendix B.4 */
	{ "a@mail.a.b.c.d.e.f.g.deep.test", NULL, NULL, "fail quarantine mail.a.b.c.d.e.f.g.deep.test deep.test 0 0" },
	{ "a@b.c.d.e.f.g.deep.test", NULL, "deep.test", "fail reject b.c.d.e.f.g.deep.test b.c.d.e.f.g.deep.test 0 0" },
	{ "a@example.test", "example.test", "signing.example.test", "pass reject example.test example.test 1 1" },
	{ "a@a.b.c.d.e.f.g.h.i.j.k.example.test", "example.test", "signing.example.test",
	  "pass reject a.b.c.d.e.f.g.h.i.j.k.example.test example.test 1 1" },
	{ "a@giant.bank.test", "mail.giant.bank.test", "mail.mega.bank.test", "pass quarantine giant.bank.test giant.bank.test 1 0" },
	/* From, section 5.3.1; names that look like addresses, 11.4; several authors, 11.5 */
	{ "\"x@evil.example\" <a@strict.example> (c)", "strict.example", NULL, "pass reject strict.example strict.example 1 0" },
	{ "group: a@strict.example, b@strict.example;", "strict.example", NULL, "pass reject strict.example strict.example 1 0" },
	{ "a@strict.example, b@relaxed.example", "relaxed.example", NULL, "fail reject strict.example strict.example 0 0" },
	{ "a@own.relaxed.example, b@relaxed.example", NULL, NULL, "fail quarantine relaxed.example relaxed.example 0 0" },
	{ "a@nothing.example, b@relaxed.example", "relaxed.example", NULL, "none none nothing.example nothing.example 0 0" },
	{ "a@xn--bcher-kva.example", NULL, NULL, "fail reject xn--bcher-kva.example xn--bcher-kva.example 0 0" },
	{ "a@b\xc3\xbc"
	  "cher.example",
	  NULL, "mail.xn--bcher-kva.example", "pass reject xn--bcher-kva.example xn--bcher-kva.example 0 1" },
	{ "a@mail.B\xc3\x9c"
	  "CHER.example",
	  "xn--bcher-kva.example", NULL, "pass reject mail.xn--bcher-kva.example xn--bcher-kva.example 1 0" },
	{ "a@b\xfc"
	  "cher.example",
	  NULL, NULL, "permerror: From is broken" },
	{ "group:;", "strict.example", NULL, "permerror: From names nobody" },
	{ "", NULL, NULL, "permerror: From names nobody" },
	{ "a@", NULL, NULL, "permerror: From is broken" },
	{ "a@strict..example", NULL, NULL, "permerror: From is broken" },
	{ "a@1.x, a@2.x, a@3.x, a@4.x, a@5.x, a@6.x, a@7.x, a@8.x, a@9.x, a@10.x, a@11.x", NULL, NULL, "permerror: From is broken" },
	{ "a@strict.example\r\nFrom: b@strict.example", "strict.example", NULL, "permerror: more than one From" },
	{ NULL, "strict.example", NULL, "permerror: no From" },
};

static struct mr_spf_answer spf_of(const char *s)
{
	struct mr_spf_answer a = { .result = s ? MR_SPF_PASS : MR_SPF_FAIL, .domain = mr_slice_of(s ? s : "strict.example") };

	if (s && s[0] == '~') {
		a.result = MR_SPF_TEMPERROR;
		a.domain = mr_slice_from(a.domain, 1);
	}
	return a;
}

static struct mr_dkim_answer dkim_of(const char *s)
{
	struct mr_dkim_answer a = { .n = s != NULL };
	bool marked = s && (s[0] == '~' || s[0] == '!');

	a.signatures[0] = (struct mr_dkim_signature){ .result = s && s[0] == '~' ? MR_DKIM_TEMPERROR : MR_DKIM_PASS,
						      .domain = mr_slice_from(mr_slice_of(s), marked),
						      .aligns = !marked };
	return a;
}

static void check(size_t i, struct mr_arena *arena, struct mr_dmarc_answer *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_spf_answer spf = spf_of(cases[i].spf);
	struct mr_dkim_answer dkim = dkim_of(cases[i].dkim);
	struct mr_buf text = MR_BUF(10000);
	struct mr_message m;
	struct mr_dmarc_request rq = { .message = &m, .spf = &spf, .dkim = &dkim };
	int rounds = 0;

	if (cases[i].from)
		mr_buf_printf(&text, "From: %s\r\n", cases[i].from);
	mr_buf_puts(&text, "Subject: x\r\n\r\n");
	mr_message_parse(mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&text))), arena, &m);
	while (mr_dmarc_check(&rq, view, arena, out) == -EAGAIN) {
		assert_true(++rounds < 4);
		zone_answer(zone, view);
	}
	mr_buf_done(&text);
	mr_dns_view_free(view);
}

static void test_messages(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf result = MR_BUF(1000);
		struct mr_dmarc_answer a;

		check(i, arena, &a);
		if (a.result == MR_DMARC_PERMERROR)
			mr_buf_printf(&result, "permerror: %.*s", (int)a.problem.n, a.problem.p);
		else
			mr_buf_printf(&result, "%s %s %.*s %.*s %d %d", mr_dmarc_str(a.result), mr_dmarc_policy_str(a.policy),
				      (int)a.author.n, a.author.p, (int)a.organization.n, a.organization.p, a.spf_aligned, a.dkim_aligned);
		if (strcmp(result.p, cases[i].result) != 0)
			fail_msg("case %zu (%s): %s, not %s", i, cases[i].from, result.p, cases[i].result);
		mr_buf_done(&result);
		mr_arena_reset(arena);
	}
}

/* The questions about one author: at most eight names, and whether the domain is there. */
static void test_questions(void **state)
{
	static const char from[] = "From: x@a.b.c.d.e.f.g.h.i.j.k.example\r\n\r\n";
	struct mr_dns_view *view = mr_dns_view_new();
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dmarc_answer a;
	struct mr_message m;
	enum mr_dns_type type;
	const char *name;
	size_t n = 0;

	mr_message_parse(MR_LIT(from), arena, &m);
	assert_int_equal(mr_dmarc_check(&(struct mr_dmarc_request){ .message = &m }, view, arena, &a), -EAGAIN);
	while (mr_dns_view_question(view, n, &name, &type))
		n++;
	assert_int_equal(n, 9);
	mr_dns_view_question(view, 2, &name, &type);
	assert_string_equal(name, "_dmarc.f.g.h.i.j.k.example");
	mr_dns_view_free(view);
}

/* Ten authors in ten deep names, a signature for each and SPF below: all that may be asked is asked for, and that is bounded. More
 * authors, or a From of a megabyte: nothing is asked. */
static size_t questions_about(struct mr_slice text, const struct mr_dkim_answer *dkim, struct mr_arena *arena, struct mr_dmarc_answer *out)
{
	struct mr_spf_answer spf = { .result = MR_SPF_PASS, .domain = MR_LIT("a.b.c.d.e.f.g.h.i.j.k.0.example") };
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_message m;
	struct mr_dmarc_request rq = { .message = &m, .spf = &spf, .dkim = dkim };
	size_t asked = 0;

	mr_message_parse(text, arena, &m);
	while (mr_dmarc_check(&rq, view, arena, out) == -EAGAIN) {
		asked += zone_open(view);
		zone_answer("_dmarc.example TXT v=DMARC1; p=reject\n", view);
	}
	mr_dns_view_free(view);
	return asked;
}

static void test_bounded(void **state)
{
	struct mr_dkim_answer dkim = { .n = MR_DKIM_SIGNATURES_MAX };
	struct mr_buf text = MR_BUF(2 << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dmarc_answer a;

	for (int i = 0; i < MR_DKIM_SIGNATURES_MAX; i++)
		dkim.signatures[i] =
		    (struct mr_dkim_signature){ .result = MR_DKIM_PASS,
						.domain = mr_slice_of(mr_arena_printf(arena, "z.b.c.d.e.f.g.h.i.j.k.%d.example", i)),
						.aligns = true };
	mr_buf_puts(&text, "From: a@a.b.c.d.e.f.g.h.i.j.k.0.example");
	for (int i = 1; i < MR_DMARC_AUTHORS_MAX; i++)
		mr_buf_printf(&text, ",\r\n a@a.b.c.d.e.f.g.h.i.j.k.%d.example", i);
	mr_buf_puts(&text, "\r\n\r\n");
	/* each author: whether it is there, and 8 names, of which the last is common to all; each signature: the one name that no author
	 * has */
	assert_int_equal(questions_about(mr_buf_slice(&text), &dkim, arena, &a), 10 * (1 + 7) + 1 + 10);
	assert_int_equal(a.result, MR_DMARC_PASS);

	mr_buf_reset(&text);
	mr_buf_puts(&text, "From: a@x.example");
	for (int i = 0; i < 10000; i++)
		mr_buf_printf(&text, ", a@%d.example", i);
	mr_buf_puts(&text, "\r\n\r\n");
	assert_int_equal(questions_about(mr_buf_slice(&text), &dkim, arena, &a), 0);
	assert_slice(a.problem, "From is broken");

	mr_buf_reset(&text);
	for (int i = 0; i < 9000; i++)
		mr_buf_printf(&text, "From: %0120d@x.example\r\n", i);
	mr_buf_puts(&text, "\r\n");
	assert_int_equal(questions_about(mr_buf_slice(&text), &dkim, arena, &a), 0);
	assert_slice(a.problem, "more than one From");
	mr_buf_done(&text);
}

/* -- rows for reports -- */

#define RECORD_OF(record_rua)                                                                                                              \
	{                                                                                                                                  \
		.p = MR_DMARC_REJECT, .sp = MR_DMARC_QUARANTINE, .testing = true, .strict_spf = true, .rua = record_rua                    \
	}

static void test_rows(void **state)
{
	struct mr_dkim_answer dkim = { .n = 2,
				       .signatures = { { .result = MR_DKIM_PASS, .domain = MR_LIT("a.test"), .selector = MR_LIT("s") },
						       { .result = MR_DKIM_FAIL,
							 .domain = MR_LIT("b\"\n\\"),
							 .selector = MR_LIT("\xff"),
							 .problem = MR_LIT("changed") } } };
	struct mr_spf_request rq = { .sender = MR_LIT("x@c.test") };
	struct mr_spf_answer spf = { .result = MR_SPF_SOFTFAIL, .domain = MR_LIT("c.test") };
	struct mr_dmarc_answer a = { .result = MR_DMARC_FAIL,
				     .author = MR_LIT("sub.a.test"),
				     .record_domain = MR_LIT("a.test"),
				     .dkim_aligned = true,
				     .record = RECORD_OF(MR_LIT("mailto:r@a.test")) };
	struct mr_dmarc_row row = { &a, &rq, &spf, &dkim };
	struct mr_buf out = MR_BUF(MR_DMARC_ROW_MAX), small = MR_BUF(100);

	assert_int_equal(mr_dmarc_row_write(&row, &out), 0);
	assert_slice(mr_buf_slice(&out),
		     "\"header_from\":\"sub.a.test\",\"envelope_from\":\"c.test\",\"aligned_dkim\":\"pass\",\"aligned_spf\":\"fail\","
		     "\"policy_published\":{\"domain\":\"a.test\",\"discovery_method\":\"treewalk\",\"p\":\"reject\",\"sp\":\"quarantine\","
		     "\"np\":\"none\",\"adkim\":\"r\",\"aspf\":\"s\",\"testing\":\"y\",\"fo\":\"0\"},\"rua\":\"mailto:r@a.test\","
		     "\"dkim\":[{\"domain\":\"a.test\",\"selector\":\"s\",\"result\":\"pass\"},"
		     "{\"domain\":\"b\\\"\\u000a\\\\\",\"selector\":\"\\u00ff\",\"result\":\"fail\",\"human_result\":\"changed\"}],"
		     "\"spf\":{\"domain\":\"c.test\",\"scope\":\"mfrom\",\"result\":\"softfail\"}");
	assert_int_equal(mr_dmarc_row_write(&row, &small), -ENOBUFS);
	assert_int_equal(small.n, 0);

	mr_buf_reset(&out);
	a.record.rua = (struct mr_slice){ 0 }; /* nobody asks */
	assert_int_equal(mr_dmarc_row_write(&row, &out), 0);
	a.record.rua = MR_LIT("mailto:r@a.test");
	a.result = MR_DMARC_TEMPERROR; /* nothing was found out */
	assert_int_equal(mr_dmarc_row_write(&row, &out), 0);
	assert_int_equal(out.n, 0);

	a.result = MR_DMARC_PASS; /* the null sender; nothing of SPF and DKIM */
	rq.sender = (struct mr_slice){ 0 };
	row.spf = NULL;
	row.dkim = NULL;
	assert_int_equal(mr_dmarc_row_write(&row, &out), 0);
	assert_non_null(strstr(out.p, "\"envelope_from\":\"\""));
	assert_non_null(strstr(out.p, "\"dkim\":[]"));
	assert_null(strstr(out.p, "\"spf\""));
	mr_buf_done(&out);
	mr_buf_done(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_records),  cmocka_unit_test(test_reports),
					    cmocka_unit_test(test_messages), cmocka_unit_test(test_questions),
					    cmocka_unit_test(test_bounded),  cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
