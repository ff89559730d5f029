/* sa/conf-set: reads settings. See conf.h. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/conf-internal.h"

struct mr_sa_conf *mr_sa_conf_new(void)
{
	return mr_new(struct mr_sa_conf, 1);
}

void sa_conf_free_words(struct sa_word **words)
{
	struct sa_word *w, *next;

	HASH_ITER (hh, *words, w, next) {
		HASH_DEL(*words, w);
		free(w);
	}
}

void sa_conf_free_patterns(struct sa_word_pattern *p)
{
	while (p) {
		struct sa_word_pattern *next = p->next;

		free(p);
		p = next;
	}
}

static void clear_originating(struct mr_sa_conf *c)
{
	while (c->n_originating)
		free(c->originating[--c->n_originating]);
}

void mr_sa_conf_free(struct mr_sa_conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < MR_SA_SETS; i++)
		sa_conf_free_words(&c->sets[i]);
	sa_conf_free_patterns(c->freemail);
	clear_originating(c);
	sa_conf_lists_done(c);
	sa_conf_nets_done(c);
	sa_conf_redirectors_done(c);
	free(c);
}

/* -- words -- */

static void lower_into(char *to, struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		to[i] = mr_lower(s.p[i]);
	to[s.n] = '\0';
}

void sa_conf_add_word(struct mr_sa_conf *c, struct sa_word **set, struct mr_slice s)
{
	struct sa_word *w, *old;

	if (!s.n || s.n > SA_WORD_MAX || c->n >= SA_WORDS_MAX)
		return;
	w = mr_alloc(sizeof(*w) + s.n + 1);
	lower_into(w->text, s);
	HASH_FIND(hh, *set, w->text, s.n, old);
	if (old) {
		free(w);
		return;
	}
	HASH_ADD(hh, *set, text[0], s.n, w);
	c->n++;
}

static bool is_wildcard(char c)
{
	return c == '*' || c == '?';
}

void sa_conf_add_pattern(struct mr_sa_conf *c, struct sa_word_pattern **list, struct mr_slice s)
{
	struct sa_word_pattern *p;

	if (!s.n || s.n > SA_WORD_MAX || c->n >= SA_WORDS_MAX)
		return;
	p = mr_alloc(sizeof(*p) + s.n + 1);
	lower_into(p->text, s);
	p->n = s.n;
	while (p->tail < s.n && !is_wildcard(s.p[s.n - p->tail - 1]))
		p->tail++;
	p->next = *list;
	*list = p;
	c->n++;
}

bool sa_conf_next_word(struct mr_slice *rest, struct mr_slice *word)
{
	size_t n = 0;

	*rest = mr_slice_trim(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	*word = (struct mr_slice){ rest->p, n };
	*rest = mr_slice_from(*rest, n);
	return n > 0;
}

bool sa_conf_has_wildcard(struct mr_slice s)
{
	return mr_slice_chr(s, '*') >= 0 || mr_slice_chr(s, '?') >= 0;
}

/* -- settings -- */

static const struct {
	const char *key;
	enum mr_sa_set set;
} sets[] = {
	{ "util_rb_tld", MR_SA_TLDS },
	{ "util_rb_2tld", MR_SA_TLDS2 },
	{ "util_rb_3tld", MR_SA_TLDS3 },
	{ "freemail_domains", MR_SA_FREEMAIL },
	{ "freemail_welcomelist", MR_SA_FREEMAIL_WELCOME },
	{ "freemail_whitelist", MR_SA_FREEMAIL_WELCOME },
};

static void set_locales(struct mr_sa_conf *c, struct mr_slice value)
{
	struct mr_slice word;
	size_t n = 0;
	bool all = false;

	while (sa_conf_next_word(&value, &word) && n + word.n + 1 < sizeof(c->locales)) {
		all |= mr_slice_ieq(word, MR_LIT("all"));
		memcpy(c->locales + n, word.p, word.n);
		n += word.n;
		c->locales[n++] = ' ';
	}
	c->locales[all ? 0 : n] = '\0';
}

int mr_sa_conf_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value, struct mr_diag *diag)
{
	struct mr_slice word;
	int taken;

	for (size_t i = 0; i < MR_COUNT(sets); i++) {
		if (!mr_slice_eq(key, mr_slice_of(sets[i].key)))
			continue;
		while (sa_conf_next_word(&value, &word)) {
			if (sets[i].set == MR_SA_FREEMAIL && sa_conf_has_wildcard(word))
				sa_conf_add_pattern(c, &c->freemail, word);
			else
				sa_conf_add_word(c, &c->sets[sets[i].set], word);
		}
		return 1;
	}
	if (mr_slice_eq(key, MR_LIT("clear_util_rb"))) {
		for (size_t i = MR_SA_TLDS; i <= MR_SA_TLDS3; i++)
			sa_conf_free_words(&c->sets[i]);
		return 1;
	}
	if (mr_slice_eq(key, MR_LIT("clear_originating_ip_headers"))) {
		clear_originating(c);
		return 1;
	}
	if (mr_slice_eq(key, MR_LIT("originating_ip_headers"))) {
		while (sa_conf_next_word(&value, &word))
			if (c->n_originating < SA_ORIGINATING_MAX)
				c->originating[c->n_originating++] = mr_slice_dup(word);
		return 1;
	}
	if (mr_slice_eq(key, MR_LIT("ok_locales"))) {
		set_locales(c, value);
		return 1;
	}
	if (mr_slice_eq(key, MR_LIT("olemacro_extended_scan"))) {
		c->office_extended = mr_slice_eq(value, MR_LIT("1")) || mr_slice_ieq(value, MR_LIT("yes")) ||
				     mr_slice_ieq(value, MR_LIT("true")) || mr_slice_ieq(value, MR_LIT("on"));
		return 1;
	}
	taken = sa_conf_nets_set(c, key, value, diag);
	return taken ? taken : sa_conf_list_set(c, key, value);
}
