/* sieve: see sieve.h */

/* ours */
#include "base/mem.h"
#include "sieve-private.h"

#define FEW 500 /* openings */

struct added {
	uint32_t id;
	struct mr_rules_opening o;
};

/* Of the last two there is one, once all are added. */
struct mr_rules_sieve {
	struct added *added;
	size_t n, room;
	struct mr_sieve_bits *few;
	struct mr_sieve_words *many;
};

struct mr_rules_sieve *mr_rules_sieve_new(void)
{
	return mr_new(struct mr_rules_sieve, 1);
}

void mr_rules_sieve_free(struct mr_rules_sieve *s)
{
	if (!s)
		return;
	mr_sieve_bits_free(s->few);
	mr_sieve_words_free(s->many);
	free(s->added);
	free(s);
}

void mr_rules_sieve_add(struct mr_rules_sieve *s, uint32_t id, const struct mr_rules_opening *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s->n == s->room) {
			s->room = s->room ? 2 * s->room : 16;
			s->added = mr_realloc_array(s->added, s->room, sizeof(*s->added));
		}
		s->added[s->n++] = (struct added){ id, v[i] };
	}
}

void mr_rules_sieve_done(struct mr_rules_sieve *s)
{
	struct mr_sieve_opening *v = mr_new(struct mr_sieve_opening, s->n + 1);

	for (size_t i = 0; i < s->n; i++)
		v[i] = (struct mr_sieve_opening){ s->added[i].id, &s->added[i].o };
	if (s->n > FEW)
		s->many = mr_sieve_words_new(v, s->n);
	else
		s->few = mr_sieve_bits_new(v, s->n);
	free(v);
	free(s->added);
	s->added = NULL;
	s->n = s->room = 0;
}

bool mr_rules_sieve_scan(const struct mr_rules_sieve *s, struct mr_slice text, struct mr_buf *out)
{
	if (text.n > UINT32_MAX)
		return false;
	return s->many ? mr_sieve_words_scan(s->many, text, out) : mr_sieve_bits_scan(s->few, text, out);
}
