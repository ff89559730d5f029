/* sieve-words: see sieve-private.h. Openings are bits of words, those that are alike in one word. For each place in an opening and each
 * byte a table has the words in which any goes on with that byte there: few words are left for a place of the text, and of these the same
 * is asked for each bit. */

/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "sieve-private.h"

#define BITS  64
#define WORDS 64 /* of a layer, for each is a bit of a word itself */

/* What goes on with a byte, at each place of an opening. After an opening's end everything does. */
struct table {
	uint64_t on[MR_OPENING_BYTES][256];
};

struct end {
	uint32_t id;
	uint8_t n; /* bytes of the opening */
};

struct layer {
	uint64_t pairs[256][256]; /* the words in which any begins with those two bytes */
	struct table words, bits[WORDS];
	struct end ends[WORDS][BITS];
};

struct mr_sieve_words {
	struct layer *v;
	size_t n;
};

/* --- building */

static bool goes_on(const struct mr_rules_opening *o, unsigned i, unsigned byte)
{
	return i >= o->n || o->bytes[i].bits[byte / 64] >> byte % 64 & 1;
}

/* How long it is and the commonest byte of each place: those that have the same mean much the same. */
struct sorted {
	unsigned char key[1 + MR_OPENING_BYTES];
	const struct mr_sieve_opening *from;
};

static unsigned char commonest(const struct mr_rules_class *c)
{
	double most = 0;
	unsigned char found = 0;

	for (unsigned byte = 0; byte < 256; byte++) {
		struct mr_rules_class one = { { 0 } };
		double share;

		one.bits[byte / 64] = c->bits[byte / 64] & UINT64_C(1) << byte % 64;
		share = mr_rules_class_share(&one);
		if (share > most) {
			most = share;
			found = (unsigned char)byte;
		}
	}
	return found;
}

static int alike(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

static struct sorted *sorted(const struct mr_sieve_opening *v, size_t n)
{
	struct sorted *out = mr_new(struct sorted, n);

	for (size_t i = 0; i < n; i++) {
		out[i].from = &v[i];
		out[i].key[0] = v[i].o->n;
		for (unsigned k = 0; k < v[i].o->n; k++)
			out[i].key[1 + k] = commonest(&v[i].o->bytes[k]);
	}
	qsort(out, n, sizeof(*out), alike);
	return out;
}

static void add(struct layer *l, unsigned word, unsigned bit, const struct mr_sieve_opening *from)
{
	l->ends[word][bit] = (struct end){ .id = from->id, .n = from->o->n };
	for (unsigned i = 0; i < MR_OPENING_BYTES; i++)
		for (unsigned byte = 0; byte < 256; byte++)
			if (goes_on(from->o, i, byte)) {
				l->bits[word].on[i][byte] |= UINT64_C(1) << bit;
				l->words.on[i][byte] |= UINT64_C(1) << word;
			}
}

static void list_pairs(struct layer *l, size_t n_words)
{
	for (unsigned word = 0; word < n_words; word++)
		for (unsigned a = 0; a < 256; a++)
			for (unsigned b = 0; b < 256; b++)
				if (l->bits[word].on[0][a] & l->bits[word].on[1][b])
					l->pairs[a][b] |= UINT64_C(1) << word;
}

struct mr_sieve_words *mr_sieve_words_new(const struct mr_sieve_opening *v, size_t n)
{
	struct mr_sieve_words *s = mr_new(struct mr_sieve_words, 1);
	struct sorted *in_order = sorted(v, n);

	s->n = (n + WORDS * BITS - 1) / (WORDS * BITS);
	s->v = mr_new(struct layer, s->n);
	for (size_t i = 0; i < n; i++)
		add(&s->v[i / (WORDS * BITS)], (unsigned)(i / BITS % WORDS), (unsigned)(i % BITS), in_order[i].from);
	for (size_t i = 0; i < s->n; i++)
		list_pairs(&s->v[i], i + 1 < s->n ? WORDS : (n + BITS - 1) / BITS - i * WORDS);
	free(in_order);
	return s;
}

void mr_sieve_words_free(struct mr_sieve_words *s)
{
	if (s)
		free(s->v);
	free(s);
}

/* --- scanning */

static inline uint64_t words_at(const struct layer *l, const unsigned char *p)
{
	uint64_t all = l->pairs[p[0]][p[1]];

	for (unsigned i = 2; i < MR_OPENING_BYTES; i++)
		all &= l->words.on[i][p[i]];
	return all;
}

static inline uint64_t bits_at(const struct table *t, const unsigned char *p)
{
	uint64_t all = t->on[0][p[0]];

	for (unsigned i = 1; i < MR_OPENING_BYTES; i++)
		all &= t->on[i][p[i]];
	return all;
}

/* left: bytes of the text from there. */
static bool report(const struct end *ends, uint64_t bits, size_t at, size_t left, struct mr_buf *out)
{
	for (; bits; bits &= bits - 1) {
		const struct end *e = &ends[__builtin_ctzll(bits)];

		if (e->n <= left && !mr_sieve_report(out, e->id, at))
			return false;
	}
	return true;
}

static bool scan_layer(const struct layer *l, struct mr_slice text, struct mr_buf *out)
{
	unsigned char last[2 * MR_OPENING_BYTES] = { 0 }; /* the text's last bytes, and what may be read behind them */
	size_t n_last = text.n < MR_OPENING_BYTES ? text.n : MR_OPENING_BYTES, whole = text.n - n_last;

	if (text.n == 0)
		return true;
	memcpy(last, text.p + whole, n_last);
	for (size_t i = 0; i < text.n; i++) {
		const unsigned char *p = i < whole ? (const unsigned char *)text.p + i : last + (i - whole);

		for (uint64_t words = words_at(l, p); words; words &= words - 1) {
			unsigned word = (unsigned)__builtin_ctzll(words);

			if (!report(l->ends[word], bits_at(&l->bits[word], p), i, text.n - i, out))
				return false;
		}
	}
	return true;
}

bool mr_sieve_words_scan(const struct mr_sieve_words *s, struct mr_slice text, struct mr_buf *out)
{
	for (size_t i = 0; i < s->n; i++)
		if (!scan_layer(&s->v[i], text, out))
			return false;
	return true;
}
