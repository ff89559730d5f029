/* key-record: which records publish a key, and what is said of those that do not. */
/* ours */
#include "mail/key-record.h"
#include "unit.h"

#define ED    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define OTHER "AAAAAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct {
	const char *records[2];
	const char *problem; /* NULL: published */
} cases[] = {
	{ { "v=DKIM1; k=ed25519; p=" ED }, NULL },
	{ { "v=DKIM1;k=ed25519;p=" ED ";" }, NULL },
	{ { "p=" ED "; k=ed25519" }, NULL },
	{ { " k = ed25519 ;\t v = DKIM1 ; p = 11qYAYKxCrfVS/7TyWQHOg7h cvPapiMlrwIaaPcHURo= " }, NULL },
	{ { "v=DKIM1; k=ed25519; h=sha1:sha256; s=email; t=s; n=our key; x_new=1; p=" ED }, NULL },
	{ { "v=DKIM1; k=ed25519; s=*; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo" }, NULL },
	{ { NULL }, "there is no record" },
	{ { "v=DKIM1; k=ed25519; p=" ED, "v=DKIM1; k=ed25519; p=" ED }, "there are several records" },
	{ { "v=DKIM1; k=ed25519; p=" OTHER }, "it is another key" },
	{ { "v=DKIM1; k=ed25519; p=AAAA" }, "it is another key" },
	{ { "v=DKIM1; k=ed25519; p=" }, "key is empty" },
	{ { "v=DKIM1; k=ed25519; p=*" }, "key is not base64" },
	{ { "v=DKIM1; k=ed25519" }, "key record has no p=" },
	{ { "v=DKIM1; p=" ED }, "key is of another type" },
	{ { "v=DKIM1; k=dsa; p=" ED }, "key has an unknown type" },
	{ { "v=DKIM2; k=ed25519; p=" ED }, "key record has another version" },
	{ { "v=DKIM1; h=sha1; k=ed25519; p=" ED }, "key is not for sha256" },
	{ { "v=DKIM1; s=tlsrpt; k=ed25519; p=" ED }, "key is not for e-mail" },
	{ { "v=DKIM1\\; k=ed25519\\; p=" ED }, "record contains a backslash, as zone files write it before a semicolon" },
	{ { "v=DKIM1; v=DKIM1; k=ed25519; p=" ED }, "key record is broken" },
	{ { "something else" }, "key record is broken" },
};

static void test_published(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_dns_rr rrs[2] = { { .data = mr_slice_of(cases[i].records[0]) }, { .data = mr_slice_of(cases[i].records[1]) } };
		struct mr_dns_answer a = { .status = cases[i].records[0] ? MR_DNS_OK : MR_DNS_NXDOMAIN,
					   .rrs = rrs,
					   .n_rrs = !!cases[i].records[0] + !!cases[i].records[1] };
		const char *problem = mr_key_published(&a, true, MR_LIT(ED), arena);

		if (!mr_slice_eq(mr_slice_of(problem), mr_slice_of(cases[i].problem)))
			fail_msg("case %zu: %s", i, problem);
	}
	assert_string_equal(mr_key_published(&(struct mr_dns_answer){ .status = MR_DNS_TEMP }, true, MR_LIT(ED), arena),
			    "DNS cannot be asked now");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_published) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
