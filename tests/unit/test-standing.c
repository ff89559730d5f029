/* test-standing: what SPF, DKIM and DMARC found of a message, and whether its sender and its author stand behind it. */

/* ours */
#include "scan.h"
#include "unit.h"

#define NONE                                                                                                                               \
	{                                                                                                                                  \
		.result = MR_DMARC_NONE                                                                                                    \
	}
#define ON   MR_STANDING_PROVEN
#define OFF  MR_STANDING_FORGED
#define OPEN MR_STANDING_UNKNOWN

static const struct row {
	const char *name, *sender, *spf_domain, *author, *signer; /* spf_domain NULL: the sender's; signer NULL: not signed */
	enum mr_spf_result spf;
	enum mr_dkim_result signature;
	bool weak; /* the signature aligns with nothing */
	struct mr_dmarc_answer dmarc;
	enum mr_standing of_sender, of_author;
} rows[] = {
	{ "nothing published", "a@x.test", NULL, "x.test", NULL, MR_SPF_NONE, 0, false, NONE, OPEN, OPEN },
	{ "SPF passes for both", "a@x.test", NULL, "x.test", NULL, MR_SPF_PASS, 0, false, NONE, ON, ON },
	{ "SPF passes, another author", "a@x.test", NULL, "y.test", NULL, MR_SPF_PASS, 0, false, NONE, ON, OPEN },
	{ "SPF fails for both", "a@x.test", NULL, "x.test", NULL, MR_SPF_FAIL, 0, false, NONE, OFF, OFF },
	{ "SPF fails softly, author above", "a@m.x.test", NULL, "x.test", NULL, MR_SPF_SOFTFAIL, 0, false, NONE, OFF, OFF },
	{ "SPF fails, another author", "a@x.test", NULL, "y.test", NULL, MR_SPF_FAIL, 0, false, NONE, OFF, OPEN },
	{ "forwarded: SPF fails, signed", "a@x.test", NULL, "x.test", "x.test", MR_SPF_FAIL, MR_DKIM_PASS, false, NONE, ON, ON },
	{ "signed by one above", "a@m.x.test", NULL, "n.x.test", "x.test", MR_SPF_NONE, MR_DKIM_PASS, false, NONE, ON, ON },
	{ "signed by a stranger", "a@x.test", NULL, "x.test", "evil.test", MR_SPF_FAIL, MR_DKIM_PASS, false, NONE, OFF, OFF },
	{ "a name that ends alike", "a@x.test", NULL, "x.test", "ax.test", MR_SPF_NONE, MR_DKIM_PASS, false, NONE, OPEN, OPEN },
	{ "broken signature", "a@x.test", NULL, "x.test", "x.test", MR_SPF_NONE, MR_DKIM_FAIL, false, NONE, OPEN, OPEN },
	{ "weak signature", "a@x.test", NULL, "x.test", "x.test", MR_SPF_NONE, MR_DKIM_PASS, true, NONE, OPEN, OPEN },
	{ "null sender", "", "mx.x.test", "x.test", NULL, MR_SPF_PASS, 0, false, NONE, OPEN, ON },
	{ "DNS silent", "a@x.test", NULL, "x.test", NULL, MR_SPF_TEMPERROR, 0, false, { .result = MR_DMARC_TEMPERROR }, OPEN, OPEN },
	{ "DMARC passes", "a@y.test", NULL, "x.test", "x.test", MR_SPF_FAIL, MR_DKIM_PASS, false, { .result = MR_DMARC_PASS }, OFF, ON },
	{ "DMARC fails, p=reject",
	  "a@y.test",
	  NULL,
	  "x.test",
	  NULL,
	  MR_SPF_PASS,
	  0,
	  false,
	  { .result = MR_DMARC_FAIL, .published = MR_DMARC_REJECT },
	  ON,
	  OFF },
	{ "DMARC fails, p=quarantine with t=y",
	  "a@y.test",
	  NULL,
	  "x.test",
	  NULL,
	  MR_SPF_PASS,
	  0,
	  false,
	  { .result = MR_DMARC_FAIL, .published = MR_DMARC_QUARANTINE, .policy = MR_DMARC_ACCEPT },
	  ON,
	  OFF },
	{ "the same, trusted sealers vouch",
	  "a@y.test",
	  NULL,
	  "x.test",
	  NULL,
	  MR_SPF_PASS,
	  0,
	  false,
	  { .result = MR_DMARC_FAIL, .published = MR_DMARC_REJECT, .overridden = true },
	  ON,
	  ON },
	{ "DMARC fails, p=none: a list", "a@y.test", NULL, "x.test", NULL, MR_SPF_PASS, 0, false, { .result = MR_DMARC_FAIL }, ON, OPEN },
	{ "DMARC fails, p=none, aspf=s", "a@m.x.test", NULL, "x.test", NULL, MR_SPF_PASS, 0, false, { .result = MR_DMARC_FAIL }, ON, OPEN },
	{ "DMARC fails, p=none, and SPF", "a@x.test", NULL, "x.test", NULL, MR_SPF_FAIL, 0, false, { .result = MR_DMARC_FAIL }, OFF, OFF },
	{ "two authors", "a@x.test", NULL, "", NULL, MR_SPF_PASS, 0, false, { .result = MR_DMARC_PERMERROR }, ON, OFF },
};

static struct mr_slice domain_of(const char *address)
{
	const char *at = strchr(address, '@');

	return mr_slice_of(at ? at + 1 : "");
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		mr_autoarena arena = mr_arena_new(0);
		struct mr_scan *scan = mr_arena_alloc(arena, sizeof(*scan));
		struct mr_dmarc_answer dmarc = r->dmarc;
		struct mr_spf_answer spf = { .result = r->spf,
					     .domain = r->spf_domain ? mr_slice_of(r->spf_domain) : domain_of(r->sender) };
		struct mr_dkim_answer *dkim = mr_arena_alloc(arena, sizeof(*dkim));
		struct mr_scan_input in = { .sender = mr_slice_of(r->sender) };

		print_message("%s\n", r->name);
		if (r->signer)
			dkim->signatures[dkim->n++] = (struct mr_dkim_signature){ .result = r->signature,
										  .domain = mr_slice_of(r->signer),
										  .aligns = r->signature == MR_DKIM_PASS && !r->weak };
		dmarc.author = mr_slice_of(r->author);
		scan->in = &in;
		scan->spf = &spf;
		scan->dkim = dkim;
		scan->dmarc = &dmarc;
		assert_int_equal(mr_standing_of_sender(scan), r->of_sender);
		assert_int_equal(mr_standing_of_author(scan), r->of_author);
	}
}

/* Our own senders: nobody has asked. */
static void test_not_asked(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan *scan = mr_arena_alloc(arena, sizeof(*scan));
	struct mr_scan_input in = { .sender = MR_LIT("a@x.test"), .trusted = true };

	scan->in = &in;
	assert_int_equal(mr_standing_of_sender(scan), MR_STANDING_UNKNOWN);
	assert_int_equal(mr_standing_of_author(scan), MR_STANDING_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_not_asked) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
