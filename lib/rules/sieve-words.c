/* sieve-words: see sieve-private.h. Openings are bits of words, those that are alike in one word. For each two neighbouring places in an
 * opening and each two bytes a table has the words in which any goes on with those there: few words are left for a place of the text, and
 * of these the same is asked for each bit, byte by byte. Bytes that mean the same to all openings are one class, so that tables are small.
 */

/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "sieve-private.h"

#define BITS  64
#define WORDS 64 /* of a layer, for each is a bit of a word itself */

struct end {
	uint32_t id;
	uint8_t n; /* bytes of the opening */
};

#define PAIRS  (MR_OPENING_BYTES / 2)
#define BEFORE (MR_BEFORE_ANY + 1)

/* After an opening's end everything goes on. */
struct layer {
	uint64_t *pairs[PAIRS]; /* of each two classes: the words in which any goes on with these at places 2 i and 2 i + 1 */
	uint64_t *bits;         /* of each word, place and class: what goes on */
	uint64_t words_behind[BEFORE], behind[WORDS][BEFORE]; /* the words of which any may stand behind such, and what of each */
	struct end ends[WORDS][BITS];
};

struct mr_sieve_words {
	unsigned char class_of[256]; /* each byte */
	unsigned char byte_of[256];  /* one of each class */
	size_t n_classes;
	struct layer *v;
	size_t n;
};

/* --- building */

static bool has(const struct mr_rules_class *c, unsigned byte)
{
	return c->bits[byte / 64] >> byte % 64 & 1;
}

/* Those of a class that are in it, and those that are not. */
static void split(struct mr_sieve_words *s, const struct mr_rules_class *by)
{
	int in[256], out[256];
	size_t n = 0;

	memset(in, -1, sizeof(in));
	memset(out, -1, sizeof(out));
	for (unsigned byte = 0; byte < 256; byte++) {
		int *to = has(by, byte) ? &in[s->class_of[byte]] : &out[s->class_of[byte]];

		if (*to < 0) {
			s->byte_of[n] = (unsigned char)byte;
			*to = (int)n++;
		}
		s->class_of[byte] = (unsigned char)*to;
	}
	s->n_classes = n;
}

static void find_classes(struct mr_sieve_words *s, const struct mr_sieve_opening *v, size_t n)
{
	s->n_classes = 1;
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < v[i].o->n; k++)
			split(s, &v[i].o->bytes[k]);
}

/* What stands before, the commonest byte of each place, how long it is: those that have the same mean much the same. Two bytes go on with
 * too much. */
struct sorted {
	unsigned char key[3 + MR_OPENING_BYTES];
	const struct mr_sieve_opening *from;
};

static unsigned char commonest(const struct mr_rules_class *c, const double *shares)
{
	double most = 0;
	unsigned char found = 0;

	for (unsigned byte = 0; byte < 256; byte++)
		if (has(c, byte) && shares[byte] > most) {
			most = shares[byte];
			found = (unsigned char)byte;
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
	double shares[256];

	for (unsigned byte = 0; byte < 256; byte++) {
		struct mr_rules_class one = { { 0 } };

		one.bits[byte / 64] = UINT64_C(1) << byte % 64;
		shares[byte] = mr_rules_class_share(&one);
	}
	for (size_t i = 0; i < n; i++) {
		out[i].from = &v[i];
		out[i].key[0] = v[i].o->n <= 2;
		out[i].key[1] = v[i].o->before;
		for (unsigned k = 0; k < v[i].o->n; k++)
			out[i].key[2 + k] = commonest(&v[i].o->bytes[k], shares);
		out[i].key[2 + MR_OPENING_BYTES] = v[i].o->n;
	}
	qsort(out, n, sizeof(*out), alike);
	return out;
}

static uint64_t *bits_of(const struct mr_sieve_words *s, const struct layer *l, unsigned word, unsigned place)
{
	return l->bits + (word * MR_OPENING_BYTES + place) * s->n_classes;
}

static void add(const struct mr_sieve_words *s, struct layer *l, unsigned word, unsigned bit, const struct mr_sieve_opening *from)
{
	const struct mr_rules_opening *o = from->o;

	l->ends[word][bit] = (struct end){ .id = from->id, .n = o->n };
	for (unsigned before = MR_BEFORE_LINE; before < BEFORE; before *= 2)
		if (o->before & before) {
			l->words_behind[before] |= UINT64_C(1) << word;
			l->behind[word][before] |= UINT64_C(1) << bit;
		}
	for (unsigned i = 0; i < MR_OPENING_BYTES; i++)
		for (unsigned class = 0; class < s->n_classes; class ++)
			if (i >= o->n || has(&o->bytes[i], s->byte_of[class]))
				bits_of(s, l, word, i)[class] |= UINT64_C(1) << bit;
}

static void list_pairs(const struct mr_sieve_words *s, struct layer *l, unsigned word)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		const uint64_t *first = bits_of(s, l, word, 2 * i), *second = bits_of(s, l, word, 2 * i + 1);

		for (size_t a = 0; a < s->n_classes; a++)
			for (size_t b = 0; b < s->n_classes; b++)
				if (first[a] & second[b])
					l->pairs[i][a * s->n_classes + b] |= UINT64_C(1) << word;
	}
}

struct mr_sieve_words *mr_sieve_words_new(const struct mr_sieve_opening *v, size_t n)
{
	struct mr_sieve_words *s = mr_new(struct mr_sieve_words, 1);
	struct sorted *in_order = sorted(v, n);

	find_classes(s, v, n);
	s->n = (n + WORDS * BITS - 1) / (WORDS * BITS);
	s->v = mr_new(struct layer, s->n);
	for (size_t i = 0; i < s->n; i++) {
		s->v[i].bits = mr_new(uint64_t, WORDS * MR_OPENING_BYTES * s->n_classes);
		for (unsigned k = 0; k < PAIRS; k++)
			s->v[i].pairs[k] = mr_new(uint64_t, s->n_classes * s->n_classes);
	}
	for (size_t i = 0; i < n; i++)
		add(s, &s->v[i / (WORDS * BITS)], (unsigned)(i / BITS % WORDS), (unsigned)(i % BITS), in_order[i].from);
	for (size_t i = 0; i < n; i += BITS)
		list_pairs(s, &s->v[i / (WORDS * BITS)], (unsigned)(i / BITS % WORDS));
	free(in_order);
	return s;
}

void mr_sieve_words_free(struct mr_sieve_words *s)
{
	for (size_t i = 0; s && i < s->n; i++) {
		free(s->v[i].bits);
		for (unsigned k = 0; k < PAIRS; k++)
			free(s->v[i].pairs[k]);
	}
	if (s)
		free(s->v);
	free(s);
}

/* --- scanning */

/* The classes of a text's bytes and of each two neighbours, as the tables of pairs count them. Behind the end there may be anything. */
struct classes {
	unsigned char *of;
	uint16_t *pair;
};

static struct classes classes_of(const struct mr_sieve_words *s, struct mr_slice text)
{
	size_t n = text.n + MR_OPENING_BYTES;
	struct classes c = { .of = mr_new(unsigned char, n + 1), .pair = mr_alloc(n * sizeof(*c.pair)) };

	for (size_t i = 0; i < text.n; i++)
		c.of[i] = s->class_of[(unsigned char)text.p[i]];
	for (size_t i = 0; i < n; i++)
		c.pair[i] = (uint16_t)(c.of[i] * s->n_classes + c.of[i + 1]);
	return c;
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

static inline uint64_t bits_at(const uint64_t *bits, size_t n_classes, const unsigned char *class)
{
	uint64_t all = bits[class[0]];

	for (unsigned i = 1; i < MR_OPENING_BYTES; i++)
		all &= bits[i * n_classes + class[i]];
	return all;
}

static bool scan_layer(const struct mr_sieve_words *s, const struct layer *l, const struct classes *c, struct mr_slice text,
		       struct mr_buf *out)
{
	const uint64_t *first = l->pairs[0], *second = l->pairs[1], *third = l->pairs[2];

	for (size_t i = 0; i < text.n; i++) {
		unsigned before = mr_rules_before_of(text, i);
		uint64_t words = first[c->pair[i]] & second[c->pair[i + 2]] & third[c->pair[i + 4]] & l->words_behind[before];

		for (; words; words &= words - 1) {
			unsigned word = (unsigned)__builtin_ctzll(words);
			uint64_t bits = bits_at(bits_of(s, l, word, 0), s->n_classes, c->of + i) & l->behind[word][before];

			if (bits && !report(l->ends[word], bits, i, text.n - i, out))
				return false;
		}
	}
	return true;
}

bool mr_sieve_words_scan(const struct mr_sieve_words *s, struct mr_slice text, struct mr_buf *out)
{
	struct classes c = classes_of(s, text);
	bool all = true;

	for (size_t i = 0; all && i < s->n; i++)
		all = scan_layer(s, &s->v[i], &c, text, out);
	free(c.of);
	free(c.pair);
	return all;
}
