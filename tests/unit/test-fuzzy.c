/* test-fuzzy: messages that are known again though they were changed, others that are not, and the same hashes for ever. */

/* ours */
#include "base/buf.h"
#include "mail/fuzzy.h"
#include "unit.h"

#define PLAIN "From: a@x.test\r\n\r\n"
#define HTML  "From: a@x.test\r\nContent-Type: text/html\r\n\r\n"
#define MIXED "From: a@x.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"

#define TEXT                                                                                                                               \
	"Dear customer, we have noticed that the storage of your mailbox is nearly full and that seven letters could not be brought to "   \
	"you. If nothing is done, the account will be closed and all letters in it are going to be lost for good. Please take a minute "   \
	"of your time, follow the link below, and confirm that you would like to go on using our service at no further cost. "             \
	"We thank you for your patience and remain with kind regards, the department that looks after the mail of everybody here."
#define OTHER                                                                                                                              \
	"The walk on Sunday begins at the old mill behind the church, where the bus from the valley stops every hour. Bring good shoes, "  \
	"something to drink, and a coat, as the weather in the hills changes quickly. We shall be back before it is dark. Whoever wants "  \
	"to come along tells Martha until Friday, so that she knows how many places to ask for in the inn at the lake where we eat."

static void read_mail(struct mr_slice mail, struct mr_fuzzy *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_view v;

	mr_view_read(mail, arena, &v);
	mr_fuzzy_read(&v, out);
	mr_view_free(&v);
}

static unsigned common(const struct mr_fuzzy *a, const struct mr_fuzzy *b)
{
	unsigned n = 0;

	for (size_t i = 0; i < MR_FUZZY_SHINGLES && a->text && b->text; i++)
		n += a->shingles[i] == b->shingles[i];
	return n;
}

/* `text` with the first `from` of it replaced. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	struct mr_buf out = MR_BUF(10000);

	assert_non_null(at);
	mr_buf_printf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return mr_buf_steal(&out);
}

static void test_edits(void **state)
{
	static const struct {
		const char *from, *to;
		unsigned least, most;
	} t[] = {
		{ "Dear customer", "DEAR CUSTOMER", 32, 32 },
		{ "Dear customer,", "Dear customer 4711,", 32, 32 },
		{ " nearly ", "\r\n\r\nnearly\t", 32, 32 },
		{ "follow the link below", "follow the link https://a-rather-long-name-of-a-host.example.org/x81 below", 24, 31 },
		{ "customer", "John", 24, 31 },
		{ "seven letters", "9 new letters", 24, 31 },
		{ "kind regards", "kind regards", 32, 32 },
		{ "mailbox",
		  "mail\xc2\xad"
		  "b\xe2\x80\x8box",
		  32, 32 }, /* what nobody sees */
		{ "customer, we", "customer\xc2\xa0\xe2\x80\x94\xf0\x9f\x98\x80we", 32, 32 },
		{ "kind ", "ki\xcc\x88nd", 24, 31 },
		{ TEXT, OTHER, 0, 7 },
	};
	struct mr_fuzzy a, b;

	read_mail(MR_LIT(PLAIN TEXT "\r\n"), &a);
	assert_true(a.text);
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autofree char *mail = changed(PLAIN TEXT "\r\n", t[i].from, t[i].to);

		read_mail(mr_slice_of(mail), &b);
		print_message("%zu: %u\n", i, common(&a, &b));
		assert_true(b.text && common(&a, &b) >= t[i].least && common(&a, &b) <= t[i].most);
	}
}

/* Months later, on another host: what Redis has still means the same. */
static void test_stable(void **state)
{
	struct mr_fuzzy f;

	read_mail(MR_LIT(PLAIN TEXT "\r\n"), &f);
	assert_int_equal(f.shingles[0], UINT64_C(0x69213152bed49d));
	assert_int_equal(f.shingles[31], UINT64_C(0x15800bf78ab910b));
}

#define SEEN "<p>" TEXT "</p>"

/* The same words wherever they stand; and what is no text. */
static void test_what_is_read(void **state)
{
	static const struct {
		const char *mail;
		bool text;
		unsigned same;
	} t[] = {
		{ HTML SEEN, true, 32 },
		{ HTML "<b>" TEXT "</b><span style='display:none'>" OTHER "</span>", true, 32 },
		{ MIXED "--b\r\n\r\n" OTHER "\r\n--b\r\nContent-Type: text/html\r\n\r\n" SEEN "\r\n--b--\r\n", true, 32 },
		{ MIXED "--b\r\n\r\n" TEXT "\r\n--b\r\nContent-Disposition: attachment\r\n\r\n" OTHER "\r\n--b--\r\n", true, 32 },
		{ MIXED "--b\r\n\r\n" TEXT "\r\n--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n" OTHER
			"\r\n--b--\r\n",
		  true, 32 },
		{ PLAIN "one two three four five six seven eight nine ten eleven\r\n", false, 0 },
		{ PLAIN "one two three four five six seven eight nine ten eleven twelve\r\n", true, 0 },
		{ PLAIN "one two three four five six seven eight nine ten eleven 12\r\n", false, 0 },
		{ PLAIN "one two three four five six seven eight nine ten eleven abcdefghijklmnopqrstuvwxyzabcde\r\n", false, 0 },
		{ PLAIN "one two three four five six seven eight nine ten eleven abcdefghijklmnopqrstuvwxyzabcd\r\n", true, 0 },
		/* twelve characters, a word each; the mark between is none */
		{ PLAIN
		  "\xe6\x88\x91\xe4\xbb\xac\xe6\xb3\xa8\xe6\x84\x8f\xe5\x88\xb0\xe6\x82\xa8\xe3\x80\x82\xe7\x9a\x84\xe9\x82\xae\xe7\xae"
		  "\xb1\xe5\xb7\xb2\xe7\xbb\x8f\xe6\xbb\xa1\r\n",
		  true, 0 },
		{ PLAIN, false, 0 },
		{ "", false, 0 },
	};
	struct mr_fuzzy a, b;

	read_mail(MR_LIT(PLAIN TEXT "\r\n"), &a);
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		read_mail(mr_slice_of(t[i].mail), &b);
		print_message("%zu: %u\n", i, common(&a, &b));
		assert_int_equal(b.text, t[i].text);
		assert_int_equal(common(&a, &b), t[i].same);
	}
}

/* A part with this head, and n bytes of content. */
static void add_part(struct mr_buf *mail, const char *head, char byte, size_t n)
{
	mr_buf_printf(mail, "--b\r\n%s\r\n\r\n", head);
	for (size_t i = 0; i < n; i++)
		mr_buf_putc(mail, byte);
	mr_buf_puts(mail, "\r\n");
}

#define FILE_HEAD  "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf"
#define IMAGE_HEAD "Content-Type: image/png\r\nContent-Disposition: inline"

static void test_files(void **state)
{
	static const struct {
		const char *head;
		size_t n, files;
	} t[] = {
		{ FILE_HEAD, MR_FUZZY_FILE_MIN, 1 },
		{ FILE_HEAD, MR_FUZZY_FILE_MIN - 1, 0 },
		{ "Content-Type: application/pdf", MR_FUZZY_FILE_MIN, 1 },
		{ IMAGE_HEAD, 1000, 0 },
		{ "Content-Type: image/png\r\nContent-Disposition: attachment", 1000, 1 },
		{ "Content-Type: text/html\r\nContent-Disposition: attachment", 1000, 1 },
		{ "Content-Type: text/html", 1000, 0 },
		{ "Content-Type: text/plain\r\nContent-Disposition: attachment", MR_MIME_TEXT_PART_MAX + 1, 0 }, /* cut: not all of it */
	};
	struct mr_fuzzy f;

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf mail = MR_BUF(4u << 20), content = MR_BUF(4u << 20);
		uint8_t sha[MR_SHA256_LEN];

		mr_buf_puts(&mail, MIXED);
		add_part(&mail, t[i].head, 'x', t[i].n);
		mr_buf_puts(&mail, "--b--\r\n");
		read_mail(mr_buf_slice(&mail), &f);
		print_message("%zu: %zu\n", i, f.n_files);
		assert_int_equal(f.n_files, t[i].files);
		for (size_t k = 0; k < t[i].n; k++)
			mr_buf_putc(&content, 'x');
		assert_int_equal(mr_sha256(mr_buf_slice(&content), sha), 0);
		if (f.n_files)
			assert_memory_equal(f.files[0], sha, sizeof(sha));
		mr_buf_done(&mail);
		mr_buf_done(&content);
	}
}

static void test_bounds(void **state)
{
	struct mr_buf mail = MR_BUF(8u << 20);
	struct mr_fuzzy f, g;

	mr_buf_puts(&mail, PLAIN);
	for (size_t i = 0; i < MR_FUZZY_WORDS_MAX; i++)
		mr_buf_puts(&mail, "word ");
	read_mail(mr_buf_slice(&mail), &f);
	mr_buf_puts(&mail, TEXT "\r\n");
	read_mail(mr_buf_slice(&mail), &g);
	assert_int_equal(common(&f, &g), 32);

	mr_buf_reset(&mail);
	mr_buf_puts(&mail, MIXED);
	for (size_t i = 0; i <= MR_FUZZY_FILES_MAX; i++)
		add_part(&mail, FILE_HEAD, (char)('a' + i), MR_FUZZY_FILE_MIN);
	mr_buf_puts(&mail, "--b--\r\n");
	read_mail(mr_buf_slice(&mail), &f);
	assert_int_equal(f.n_files, MR_FUZZY_FILES_MAX);
	mr_buf_done(&mail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits), cmocka_unit_test(test_stable), cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_files), cmocka_unit_test(test_bounds),
	};

	mr_view_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
