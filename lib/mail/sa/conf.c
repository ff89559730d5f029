/* sa/conf: see conf.h. Answers from what conf-set.c read. */
/* ours */
#include "base/mem.h"
#include "mail/sa/conf-internal.h"

bool mr_sa_conf_has(const struct mr_sa_conf *c, enum mr_sa_set set, struct mr_slice word)
{
	struct sa_word *w = NULL;

	if (word.n)
		HASH_FIND(hh, c->sets[set], word.p, word.n, w);
	return w != NULL;
}

/* dot: "*" goes past dots. The whole text must fit, or for a list begin so. */
static bool fits(const char *p, struct mr_slice s, bool dot)
{
	const char *star = NULL;
	size_t i = 0, mark = 0;

	while (i < s.n) {
		if (*p == '*') {
			star = p++;
			mark = i;
		} else if (*p == '?' || *p == mr_lower(s.p[i])) {
			p++;
			i++;
		} else if (star && (dot || s.p[mark] != '.')) {
			p = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

/* Whether one of them fits; what stands behind the last wildcard mostly says that it does not. */
static bool any_fits(const struct sa_word_pattern *p, struct mr_slice s, bool dot)
{
	for (; p; p = p->next)
		if (mr_slice_iends(s, (struct mr_slice){ p->text + p->n - p->tail, p->tail }) && fits(p->text, s, dot))
			return true;
	return false;
}

bool mr_sa_conf_listed(const struct mr_sa_conf *c, struct mr_slice list, struct mr_slice address)
{
	struct sa_word_list *l;
	struct sa_word *w;
	char text[SA_WORD_MAX + 1];

	HASH_FIND(hh, c->lists, list.p, list.n, l);
	if (!l || !address.n || address.n > SA_WORD_MAX)
		return false;
	for (size_t i = 0; i < address.n; i++)
		text[i] = mr_lower(address.p[i]);
	HASH_FIND(hh, l->words, text, address.n, w);
	return w || any_fits(l->patterns, address, true);
}

bool mr_sa_conf_second(const struct mr_sa_conf *c, struct mr_slice list, struct mr_slice address, const void **at, struct mr_slice *second)
{
	const struct sa_word_pair *p = *at;
	struct sa_word_list *l;

	HASH_FIND(hh, c->lists, list.p, list.n, l);
	p = p ? p->next : l ? l->pairs : NULL;
	while (p && !fits(p->pattern.p, address, true))
		p = p->next;
	if (!p)
		return false;
	*at = p;
	*second = p->second;
	return true;
}

const char *mr_sa_conf_originating(const struct mr_sa_conf *c, size_t i)
{
	return i < c->n_originating ? c->originating[i] : NULL;
}

struct mr_slice mr_sa_conf_locales(const struct mr_sa_conf *c)
{
	return mr_slice_of(c->locales);
}

bool mr_sa_conf_freemail_pattern(const struct mr_sa_conf *c, struct mr_slice domain)
{
	return any_fits(c->freemail, domain, false);
}

bool mr_sa_conf_list_used(const struct mr_sa_conf *c, struct mr_slice list)
{
	struct sa_word_list *l;

	HASH_FIND(hh, c->lists, list.p, list.n, l);
	return l && (l->words || l->patterns);
}
