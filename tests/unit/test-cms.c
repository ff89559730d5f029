/* cms: what is signed, in the forms in which it stands there. */
/* ours */
#include "mail/cms.h"
#include "unit.h"

#define SIGNED     "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define ENVELOPED  "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
#define DATA       "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define ENDLESS(x) "\x30\x80" SIGNED "\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" DATA x
#define END        "\0\0"

static void test_kinds(void **state)
{
	static const struct {
		struct mr_slice bytes;
		enum mr_cms_kind kind;
	} t[] = {
		{ MR_LIT("\x30\x0b" SIGNED), MR_CMS_SIGNED },
		{ MR_LIT("\x30\x80" SIGNED), MR_CMS_SIGNED },
		{ MR_LIT("\x30\x84\0\0\0\x0b" SIGNED), MR_CMS_SIGNED },
		{ MR_LIT("\x30\x82\x10\0" ENVELOPED), MR_CMS_ENCRYPTED },
		{ MR_LIT("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"), MR_CMS_ENCRYPTED },
		{ MR_LIT("\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"), MR_CMS_ENCRYPTED },
		{ MR_LIT("\x30\x80" DATA), MR_CMS_NONE },
		{ MR_LIT("\x30\x85\0\0\0\0\x0b" SIGNED), MR_CMS_SIGNED }, /* zeros in front */
		{ MR_LIT("\x30\x8b\0\0\0\0\0\0\0\0\0\0\x0b" SIGNED), MR_CMS_SIGNED },
		{ MR_LIT("\x30\x85\1\0\0\0\x0b" SIGNED), MR_CMS_NONE },
		{ MR_LIT("\x30\x85\0\0\0\0"), MR_CMS_NONE },
		{ MR_LIT("\x31\x80" SIGNED), MR_CMS_NONE },
		{ MR_LIT("\x30\x84\0"), MR_CMS_NONE },
		{ MR_LIT("\x30"), MR_CMS_NONE },
		{ MR_LIT("0"), MR_CMS_NONE },
		{ { 0 }, MR_CMS_NONE },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++)
		assert_int_equal(mr_cms_kind(t[i].bytes), t[i].kind);
}

static void test_content(void **state)
{
	static const struct {
		struct mr_slice bytes;
		const char *content; /* NULL: broken */
	} t[] = {
		/* with lengths; without; in pieces of both kinds, and pieces of these */
		{ MR_LIT("\x30\x28" SIGNED "\xa0\x1b\x30\x19\x02\x01\x01\x31\x00\x30\x12" DATA "\xa0\x05\x04\x03"
			 "abc"),
		  "abc" },
		{ MR_LIT(ENDLESS("\xa0\x80\x04\x03"
				 "abc" END END END END END)),
		  "abc" },
		{ MR_LIT(ENDLESS("\xa0\x80\x24\x80\x04\x01"
				 "a\x24\x80\x04\x01"
				 "b" END "\x24\x03\x04\x01"
				 "c\x04\x01"
				 "d" END "\x04\x01"
				 "e" END)),
		  "abcd" },
		{ MR_LIT(ENDLESS("\xa0\x80\x24\x06\x04\x01"
				 "a\x04\x01"
				 "b\x04\x01"
				 "e")),
		  "ab" },
		/* sums of an endless set before it */
		{ MR_LIT("\x30\x80" SIGNED "\xa0\x80\x30\x80\x02\x01\x01\x31\x80\x30\x80\x05\0" END END "\x30\x80" DATA "\xa0\x80\x04\x01"
			 "a"),
		  "a" },
		/* beside what it signs */
		{ MR_LIT("\x30\x21" SIGNED "\xa0\x14\x30\x12\x02\x01\x01\x31\x00\x30\x0b" DATA), "" },
		{ MR_LIT(ENDLESS(END END)), "" },
		/* what is cut is there as far as it goes */
		{ MR_LIT(ENDLESS("\xa0\x80\x04\x7f"
				 "ab")),
		  "ab" },
		/* broken */
		{ MR_LIT(ENDLESS("\xa0\x80\x24\x80\x04\x01"
				 "a")),
		  NULL },
		{ MR_LIT(ENDLESS("\xa0\x80\x24\x80\x05\x01"
				 "a" END)),
		  NULL },
		{ MR_LIT(ENDLESS("\xa0\x80\x05\0")), NULL },
		{ MR_LIT(ENDLESS("\xa0\x80\x04\x80\x04\x01"
				 "a" END)),
		  NULL },
		{ MR_LIT(ENDLESS("\xa0\x80\x24\x80\x04\x80\x04\x01"
				 "a" END END)),
		  NULL },
		{ MR_LIT(ENDLESS("\xa0\x80")), NULL },
		{ MR_LIT("\x30\x80" SIGNED "\xa0\x80\x30\x80\x02\x01\x01\x31\x80\x30\x80"), NULL },
		{ MR_LIT("\x30\x80" SIGNED), NULL },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf out = MR_BUF(100);

		if (mr_cms_content(t[i].bytes, &out) != (t[i].content != NULL))
			fail_msg("%zu: %s", i, out.n ? out.p : "");
		if (t[i].content)
			assert_slice(mr_buf_slice(&out), t[i].content);
		mr_buf_done(&out);
	}
	assert_false(mr_cms_content(t[0].bytes, &MR_BUF(2)));
}

/* Elements in each other, a hundred thousand deep. */
static void test_depth(void **state)
{
	struct mr_buf bytes = MR_BUF(1u << 20), out = MR_BUF(1u << 20);

	mr_buf_add(&bytes, MR_LIT(ENDLESS("\xa0\x80")));
	for (size_t i = 0; i < 100000; i++)
		mr_buf_add(&bytes, MR_LIT("\x24\x80"));
	mr_buf_puts(&bytes, "\x04\x01"
			    "a");
	assert_false(mr_cms_content(mr_buf_slice(&bytes), &out));
	for (size_t i = 0; i < 100000; i++)
		mr_buf_add(&bytes, MR_LIT(END));
	mr_buf_reset(&out);
	assert_true(mr_cms_content(mr_buf_slice(&bytes), &out));
	assert_slice(mr_buf_slice(&out), "a");
	mr_buf_done(&bytes);
	mr_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kinds), cmocka_unit_test(test_content), cmocka_unit_test(test_depth) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
