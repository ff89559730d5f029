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

static void free_words(struct sa_word **words)
{
	struct sa_word *w, *next;

	HASH_ITER (hh, *words, w, next) {
		HASH_DEL(*words, w);
		free(w);
	}
}

static void free_patterns(struct sa_word_pattern *p)
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
	struct sa_word_list *l, *next;

	if (!c)
		return;
	for (size_t i = 0; i < MR_SA_SETS; i++)
		free_words(&c->sets[i]);
	free_patterns(c->freemail);
	clear_originating(c);
	HASH_ITER (hh, c->lists, l, next) {
		HASH_DEL(c->lists, l);
		free_words(&l->words);
		free_patterns(l->patterns);
		free(l);
	}
	free(c);
}

/* -- words -- */

static void lower_into(char *to, struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		to[i] = mr_lower(s.p[i]);
	to[s.n] = '\0';
}

static void add_word(struct mr_sa_conf *c, struct sa_word **set, struct mr_slice s)
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

static void add_pattern(struct mr_sa_conf *c, struct sa_word_pattern **list, struct mr_slice s)
{
	struct sa_word_pattern *p;

	if (!s.n || s.n > SA_WORD_MAX || c->n >= SA_WORDS_MAX)
		return;
	p = mr_alloc(sizeof(*p) + s.n + 1);
	lower_into(p->text, s);
	p->next = *list;
	*list = p;
	c->n++;
}

static bool next_word(struct mr_slice *rest, struct mr_slice *word)
{
	size_t n = 0;

	*rest = mr_slice_trim(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	*word = (struct mr_slice){ rest->p, n };
	*rest = mr_slice_from(*rest, n);
	return n > 0;
}

static bool has_wildcard(struct mr_slice s)
{
	return mr_slice_chr(s, '*') >= 0 || mr_slice_chr(s, '?') >= 0;
}

static struct sa_word_list *list_of(struct mr_sa_conf *c, struct mr_slice name)
{
	struct sa_word_list *l;

	HASH_FIND(hh, c->lists, name.p, name.n, l);
	if (l || name.n > SA_WORD_MAX)
		return l;
	l = mr_alloc(sizeof(*l) + name.n + 1);
	memcpy(l->name, name.p, name.n);
	HASH_ADD(hh, c->lists, name[0], name.n, l);
	return l;
}

static void add_to_list(struct mr_sa_conf *c, struct sa_word_list *l, struct mr_slice s)
{
	if (!l)
		return;
	if (has_wildcard(s))
		add_pattern(c, &l->patterns, s);
	else
		add_word(c, &l->words, s);
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

/* Lists of addresses with a setting of their own; the names before 4.0 beside today's. */
static const struct {
	const char *key, *list;
} lists[] = {
	{ "welcomelist_bounce_relays", "welcomelist_bounce_relays" },
	{ "whitelist_bounce_relays", "welcomelist_bounce_relays" },
	{ "welcomelist_from", "welcomelist_from" },
	{ "whitelist_from", "welcomelist_from" },
	{ "blocklist_from", "blocklist_from" },
	{ "blacklist_from", "blocklist_from" },
	{ "welcomelist_to", "welcomelist_to" },
	{ "whitelist_to", "welcomelist_to" },
	{ "blocklist_to", "blocklist_to" },
	{ "blacklist_to", "blocklist_to" },
	{ "more_spam_to", "more_spam_to" },
	{ "all_spam_to", "all_spam_to" },
	{ "welcomelist_subject", "welcomelist_subject" },
	{ "whitelist_subject", "welcomelist_subject" },
	{ "blocklist_subject", "blocklist_subject" },
	{ "blacklist_subject", "blocklist_subject" },
};

/* Subjects need hold the words somewhere only. */
static void add_subject(struct mr_sa_conf *c, struct sa_word_list *l, struct mr_slice s)
{
	char text[SA_WORD_MAX + 3] = "*";

	if (!l || !s.n || s.n > SA_WORD_MAX - 2)
		return;
	memcpy(text + 1, s.p, s.n);
	text[s.n + 1] = '*';
	add_pattern(c, &l->patterns, (struct mr_slice){ text, s.n + 2 });
}

/* "enlist_addrlist (NAME) address ...", "enlist_uri_host (NAME) host ...". */
static void enlist(struct mr_sa_conf *c, struct mr_slice value, const char *prefix)
{
	struct mr_slice name, word;
	char full[SA_WORD_MAX + 1];
	size_t n = 0, before = mr_slice_of(prefix).n;
	struct sa_word_list *l;

	if (!next_word(&value, &name) || name.n < 3 || name.p[0] != '(' || name.p[name.n - 1] != ')' || name.n + before > SA_WORD_MAX)
		return;
	memcpy(full, prefix, before);
	memcpy(full + before, name.p + 1, name.n - 2);
	n = before + name.n - 2;
	l = list_of(c, (struct mr_slice){ full, n });
	while (next_word(&value, &word))
		add_to_list(c, l, word);
}

bool mr_sa_conf_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value)
{
	struct mr_slice word;

	for (size_t i = 0; i < MR_COUNT(sets); i++) {
		if (!mr_slice_eq(key, mr_slice_of(sets[i].key)))
			continue;
		while (next_word(&value, &word)) {
			if (sets[i].set == MR_SA_FREEMAIL && has_wildcard(word))
				add_pattern(c, &c->freemail, word);
			else
				add_word(c, &c->sets[sets[i].set], word);
		}
		return true;
	}
	for (size_t i = 0; i < MR_COUNT(lists); i++) {
		struct sa_word_list *l;

		if (!mr_slice_eq(key, mr_slice_of(lists[i].key)))
			continue;
		l = list_of(c, mr_slice_of(lists[i].list));
		if (mr_slice_iends(key, MR_LIT("_subject")))
			add_subject(c, l, mr_slice_trim(value));
		else
			while (next_word(&value, &word))
				add_to_list(c, l, word);
		return true;
	}
	if (mr_slice_eq(key, MR_LIT("clear_util_rb"))) {
		for (size_t i = MR_SA_TLDS; i <= MR_SA_TLDS3; i++)
			free_words(&c->sets[i]);
		return true;
	}
	if (mr_slice_eq(key, MR_LIT("clear_originating_ip_headers"))) {
		clear_originating(c);
		return true;
	}
	if (mr_slice_eq(key, MR_LIT("originating_ip_headers"))) {
		while (next_word(&value, &word))
			if (c->n_originating < SA_ORIGINATING_MAX)
				c->originating[c->n_originating++] = mr_slice_dup(word);
		return true;
	}
	/* Where every language is welcome, no charset is far away; other answers are not known here. */
	if (mr_slice_eq(key, MR_LIT("ok_locales")))
		return mr_slice_eq(mr_slice_trim(value), MR_LIT("all"));
	if (mr_slice_eq(key, MR_LIT("enlist_addrlist"))) {
		enlist(c, value, "");
		return true;
	}
	if (mr_slice_eq(key, MR_LIT("enlist_uri_host"))) {
		enlist(c, value, "uri:");
		return true;
	}
	return false;
}
