/* fuzzy: see fuzzy.h. A word is hashed once; three words make a shingle by mixing; the 32 orders of shingles, of each of which the least
 * one is kept, are products with odd constants. */

/* ours */
#include "base/mem.h"
#include "mail/fuzzy.h"

#define HASH_SEED UINT64_C(0x6d61696c72656576) /* never another one: hashes are kept for months */
#define GOLDEN    UINT64_C(0x9e3779b97f4a7c15)

struct text {
	uint64_t factors[MR_FUZZY_SHINGLES], least[MR_FUZZY_SHINGLES];
	uint64_t before[2]; /* the last two words */
	size_t n_words;
	char word[MR_FUZZY_WORD_MAX];
	size_t n; /* bytes of the word at hand, those too many as well */
	bool digits;
};

/* Mixes so that each bit of h counts in each bit of the result (the finalizer of SplitMix64). */
static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

static void begin(struct text *t)
{
	*t = (struct text){ 0 };
	for (size_t i = 0; i < MR_FUZZY_SHINGLES; i++) {
		t->factors[i] = mix(GOLDEN * (i + 1)) | 1;
		t->least[i] = UINT64_MAX;
	}
}

static void add_shingle(struct text *t, uint64_t h)
{
	for (size_t i = 0; i < MR_FUZZY_SHINGLES; i++) {
		uint64_t x = h * t->factors[i];

		t->least[i] = x < t->least[i] ? x : t->least[i];
	}
}

static void add_word(struct text *t, struct mr_slice word)
{
	uint64_t h = mr_hash_stable(word, HASH_SEED);

	if (t->n_words >= 2)
		add_shingle(t, mix(t->before[0] + mix(t->before[1] + mix(h))));
	t->before[0] = t->before[1];
	t->before[1] = h;
	t->n_words++;
}

static void end_word(struct text *t)
{
	if (t->n > 0 && t->n <= sizeof(t->word) && !t->digits)
		add_word(t, (struct mr_slice){ t->word, t->n });
	t->n = 0;
	t->digits = false;
}

static void add_letter(struct text *t, char c)
{
	if (t->n < sizeof(t->word))
		t->word[t->n] = mr_lower(c);
	t->n += t->n <= sizeof(t->word);
}

enum what { LETTER, DIGIT, BETWEEN, NOTHING /* does not part words */, ALONE /* a word by itself */ };

/* A character of three bytes: U+200B to U+200F, U+2060 to U+2064 and U+FEFF have no width; U+2000 to U+2FFF, U+3000 to U+303F and U+FF00 to
 * U+FF3F are marks and signs; U+3040 to U+9FFF are kana and Han characters, which stand without spaces. */
static enum what kind_of_three(unsigned char a, unsigned char b, unsigned char c)
{
	if (a == 0xe2)
		return (b == 0x80 && c >= 0x8b && c <= 0x8f) || (b == 0x81 && c >= 0xa0 && c <= 0xa4) ? NOTHING : BETWEEN;
	if (a == 0xef)
		return b == 0xbb && c == 0xbf ? NOTHING : b == 0xbc ? BETWEEN : LETTER;
	if (a == 0xe3 && b == 0x80)
		return BETWEEN;
	return a >= 0xe3 && a <= 0xe9 ? ALONE : LETTER;
}

/* Of the character at the beginning, n bytes long. */
static enum what kind_of(struct mr_slice s, size_t *n)
{
	unsigned char c = (unsigned char)s.p[0], next = s.n > 1 ? (unsigned char)s.p[1] : 0;

	*n = 1;
	if (c < 0x80)
		return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? LETTER : c >= '0' && c <= '9' ? DIGIT : BETWEEN;
	if (c == 0xc2 && s.n >= 2) { /* U+0080 to U+00BF: marks, and U+00AD, a hyphen that is not seen */
		*n = 2;
		return next == 0xad ? NOTHING : BETWEEN;
	}
	if (c >= 0xf0) { /* pictures, above all */
		*n = s.n < 4 ? s.n : 4;
		return BETWEEN;
	}
	if (c < 0xe2 || s.n < 3)
		return LETTER;
	*n = 3;
	return kind_of_three(c, next, (unsigned char)s.p[2]);
}

static void add_text(struct text *t, struct mr_slice s)
{
	for (size_t n; s.n && t->n_words < MR_FUZZY_WORDS_MAX; s = mr_slice_from(s, n)) {
		enum what w = kind_of(s, &n);

		if (w == BETWEEN || w == ALONE)
			end_word(t);
		if (w == ALONE)
			add_word(t, (struct mr_slice){ s.p, n });
		for (size_t i = 0; i < n && (w == LETTER || w == DIGIT); i++)
			add_letter(t, s.p[i]);
		t->digits |= w == DIGIT;
	}
	end_word(t);
}

static void read_text(const struct mr_view *v, struct mr_fuzzy *out)
{
	struct text t;
	bool html = false;

	begin(&t);
	for (size_t i = 0; i < v->mime.n_parts; i++) {
		if (v->html[i] && !v->mime.parts[i].attachment) {
			html = true;
			add_text(&t, v->html[i]->text);
		}
	}
	for (size_t i = 0; i < v->mime.n_parts && !html; i++)
		if (v->mime.parts[i].kind == MR_MIME_PLAIN && !v->mime.parts[i].attachment)
			add_text(&t, v->mime.parts[i].text);
	out->text = t.n_words >= MR_FUZZY_WORDS_MIN;
	if (out->text)
		memcpy(out->shingles, t.least, sizeof(out->shingles));
}

static bool is_file(const struct mr_mime_part *p)
{
	return p->attachment || (p->kind == MR_MIME_FILE && !mr_slice_starts(p->type, MR_LIT("image/")));
}

void mr_fuzzy_read(struct mr_view *v, struct mr_fuzzy *out)
{
	*out = (struct mr_fuzzy){ 0 };
	/* Of mail that is signed in one file the text is in there. */
	for (const struct mr_view *of = v; of && !out->text; of = of->within)
		read_text(of, out);
	for (size_t i = 0; i < v->mime.n_parts && out->n_files < MR_FUZZY_FILES_MAX; i++) {
		struct mr_mime_part *p = &v->mime.parts[i];
		struct mr_slice bytes = !is_file(p) || p->cut ? (struct mr_slice){ 0 } : mr_mime_bytes(&v->mime, p);

		if (bytes.n >= MR_FUZZY_FILE_MIN && mr_sha256(bytes, out->files[out->n_files]) == 0)
			out->n_files++;
	}
}
