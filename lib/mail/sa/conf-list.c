/* sa/conf-list: lists of addresses, hosts and subjects that rule files name, and what is taken off them again. */
/* system */
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/sa/conf-internal.h"

enum kind { WORDS, SUBJECT, PAIR, REMOVE, REMOVE_PAIR };

/* Lists with a setting of their own; the names before 4.0 beside today's. also: what a removal concerns, too. */
static const struct {
	const char *key, *list;
	enum kind kind;
	const char *also;
} settings[] = {
	{ "welcomelist_bounce_relays", "welcomelist_bounce_relays", WORDS, NULL },
	{ "whitelist_bounce_relays", "welcomelist_bounce_relays", WORDS, NULL },
	{ "welcomelist_from", "welcomelist_from", WORDS, NULL },
	{ "whitelist_from", "welcomelist_from", WORDS, NULL },
	{ "unwelcomelist_from", "welcomelist_from", REMOVE, NULL },
	{ "unwhitelist_from", "welcomelist_from", REMOVE, NULL },
	{ "welcomelist_from_rcvd", "welcomelist_from_rcvd", PAIR, NULL },
	{ "whitelist_from_rcvd", "welcomelist_from_rcvd", PAIR, NULL },
	{ "def_welcomelist_from_rcvd", "def_welcomelist_from_rcvd", PAIR, NULL },
	{ "def_whitelist_from_rcvd", "def_welcomelist_from_rcvd", PAIR, NULL },
	{ "unwelcomelist_from_rcvd", "welcomelist_from_rcvd", REMOVE, "def_welcomelist_from_rcvd" },
	{ "unwhitelist_from_rcvd", "welcomelist_from_rcvd", REMOVE, "def_welcomelist_from_rcvd" },
	{ "welcomelist_auth", "welcomelist_auth", WORDS, NULL },
	{ "whitelist_auth", "welcomelist_auth", WORDS, NULL },
	{ "welcomelist_from_spf", "welcomelist_from_spf", WORDS, NULL },
	{ "whitelist_from_spf", "welcomelist_from_spf", WORDS, NULL },
	{ "welcomelist_from_dkim", "welcomelist_from_dkim", PAIR, NULL },
	{ "whitelist_from_dkim", "welcomelist_from_dkim", PAIR, NULL },
	{ "def_welcomelist_auth", "def_welcomelist_auth", WORDS, NULL },
	{ "def_whitelist_auth", "def_welcomelist_auth", WORDS, NULL },
	{ "def_welcomelist_from_spf", "def_welcomelist_from_spf", WORDS, NULL },
	{ "def_whitelist_from_spf", "def_welcomelist_from_spf", WORDS, NULL },
	{ "def_welcomelist_from_dkim", "def_welcomelist_from_dkim", PAIR, NULL },
	{ "def_whitelist_from_dkim", "def_welcomelist_from_dkim", PAIR, NULL },
	{ "unwelcomelist_auth", "welcomelist_auth", REMOVE, "def_welcomelist_auth" },
	{ "unwhitelist_auth", "welcomelist_auth", REMOVE, "def_welcomelist_auth" },
	{ "unwelcomelist_from_spf", "welcomelist_from_spf", REMOVE, "def_welcomelist_from_spf" },
	{ "unwhitelist_from_spf", "welcomelist_from_spf", REMOVE, "def_welcomelist_from_spf" },
	{ "unwelcomelist_from_dkim", "welcomelist_from_dkim", REMOVE_PAIR, "def_welcomelist_from_dkim" },
	{ "unwhitelist_from_dkim", "welcomelist_from_dkim", REMOVE_PAIR, "def_welcomelist_from_dkim" },
	{ "welcomelist_allows_relays", "welcomelist_allows_relays", WORDS, NULL },
	{ "whitelist_allows_relays", "welcomelist_allows_relays", WORDS, NULL },
	{ "blocklist_from", "blocklist_from", WORDS, NULL },
	{ "blacklist_from", "blocklist_from", WORDS, NULL },
	{ "unblocklist_from", "blocklist_from", REMOVE, NULL },
	{ "unblacklist_from", "blocklist_from", REMOVE, NULL },
	{ "welcomelist_to", "welcomelist_to", WORDS, NULL },
	{ "whitelist_to", "welcomelist_to", WORDS, NULL },
	{ "blocklist_to", "blocklist_to", WORDS, NULL },
	{ "blacklist_to", "blocklist_to", WORDS, NULL },
	{ "more_spam_to", "more_spam_to", WORDS, NULL },
	{ "all_spam_to", "all_spam_to", WORDS, NULL },
	{ "welcomelist_subject", "welcomelist_subject", SUBJECT, NULL },
	{ "whitelist_subject", "welcomelist_subject", SUBJECT, NULL },
	{ "blocklist_subject", "blocklist_subject", SUBJECT, NULL },
	{ "blacklist_subject", "blocklist_subject", SUBJECT, NULL },
	{ "blocklist_uri_host", "uri:BLOCK", WORDS, NULL },
	{ "blacklist_uri_host", "uri:BLOCK", WORDS, NULL },
	{ "welcomelist_uri_host", "uri:WELCOME", WORDS, NULL },
	{ "whitelist_uri_host", "uri:WELCOME", WORDS, NULL },
};

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

static void add(struct mr_sa_conf *c, struct sa_word_list *l, struct mr_slice s)
{
	if (sa_conf_has_wildcard(s))
		sa_conf_add_pattern(c, &l->patterns, s);
	else
		sa_conf_add_word(c, &l->words, s);
}

/* "ADDRESS WORD" */
static void add_pair(struct mr_sa_conf *c, struct sa_word_list *l, struct mr_slice value)
{
	struct mr_slice first, second = { 0 };
	struct sa_word_pair *p;

	if (!sa_conf_next_word(&value, &first) || first.n > SA_WORD_MAX || c->n >= SA_WORDS_MAX)
		return;
	sa_conf_next_word(&value, &second);
	if (second.n > SA_WORD_MAX)
		return;
	p = mr_alloc(sizeof(*p) + first.n + second.n + 2);
	for (size_t i = 0; i < first.n; i++)
		p->text[i] = mr_lower(first.p[i]);
	for (size_t i = 0; i < second.n; i++)
		p->text[first.n + 1 + i] = mr_lower(second.p[i]);
	p->pattern = (struct mr_slice){ p->text, first.n };
	p->second = (struct mr_slice){ p->text + first.n + 1, second.n };
	p->next = l->pairs;
	l->pairs = p;
	c->n++;
}

/* Subjects need hold the words somewhere only. */
static void add_subject(struct mr_sa_conf *c, struct sa_word_list *l, struct mr_slice s)
{
	char text[SA_WORD_MAX + 3] = "*";

	if (!s.n || s.n > SA_WORD_MAX - 2)
		return;
	memcpy(text + 1, s.p, s.n);
	text[s.n + 1] = '*';
	sa_conf_add_pattern(c, &l->patterns, (struct mr_slice){ text, s.n + 2 });
}

/* -- taking off -- */

static void remove_word(struct sa_word_list *l, struct mr_slice s)
{
	char text[SA_WORD_MAX + 1];
	struct sa_word *w;

	if (s.n > SA_WORD_MAX)
		return;
	for (size_t i = 0; i < s.n; i++)
		text[i] = mr_lower(s.p[i]);
	HASH_FIND(hh, l->words, text, s.n, w);
	if (w) {
		HASH_DEL(l->words, w);
		free(w);
	}
}

static void remove_pattern(struct sa_word_list *l, struct mr_slice s)
{
	for (struct sa_word_pattern **p = &l->patterns; *p;) {
		struct sa_word_pattern *gone = *p;

		if (!mr_slice_ieq(mr_slice_of(gone->text), s)) {
			p = &gone->next;
			continue;
		}
		*p = gone->next;
		free(gone);
	}
}

/* second p NULL: whatever it is. */
static void remove_pairs(struct sa_word_list *l, struct mr_slice first, struct mr_slice second)
{
	for (struct sa_word_pair **p = &l->pairs; *p;) {
		struct sa_word_pair *gone = *p;

		if (!mr_slice_ieq(gone->pattern, first) || (second.p && !mr_slice_ieq(gone->second, second))) {
			p = &gone->next;
			continue;
		}
		*p = gone->next;
		free(gone);
	}
}

static void remove_all(struct mr_sa_conf *c, const char *name, struct mr_slice words)
{
	struct sa_word_list *l = name ? list_of(c, mr_slice_of(name)) : NULL;
	struct mr_slice word;

	while (l && sa_conf_next_word(&words, &word)) {
		remove_word(l, word);
		remove_pattern(l, word);
		remove_pairs(l, word, (struct mr_slice){ 0 });
	}
}

static void remove_pair(struct mr_sa_conf *c, const char *name, struct mr_slice value)
{
	struct sa_word_list *l = name ? list_of(c, mr_slice_of(name)) : NULL;
	struct mr_slice first, second = MR_LIT("");

	if (!l || !sa_conf_next_word(&value, &first))
		return;
	sa_conf_next_word(&value, &second);
	remove_pairs(l, first, second);
}

/* -- lists with a name of the administrator's -- */

/* Takes "(NAME)" off *value. */
static bool take_name(struct mr_slice *value, struct mr_slice *name)
{
	struct mr_slice rest = *value, word;

	if (!sa_conf_next_word(&rest, &word) || word.n < 3 || word.p[0] != '(' || word.p[word.n - 1] != ')')
		return false;
	*value = rest;
	*name = (struct mr_slice){ word.p + 1, word.n - 2 };
	return true;
}

/* "(NAME) address ...", "(NAME) host ...": a host with "!" is none of them, whatever is above it. */
static void enlist(struct mr_sa_conf *c, struct mr_slice value, const char *prefix)
{
	struct mr_slice name, word;
	struct mr_buf full = MR_BUF(SA_WORD_MAX);
	struct sa_word_list *l;

	if (!take_name(&value, &name))
		return;
	mr_buf_printf(&full, "%s%.*s", prefix, (int)(name.n < SA_WORD_MAX ? name.n : SA_WORD_MAX), name.p);
	l = full.full ? NULL : list_of(c, mr_buf_slice(&full));
	while (l && sa_conf_next_word(&value, &word))
		add(c, l, word);
	mr_buf_done(&full);
}

/* "[(NAME)] host ...": off that list, or off all. */
static void delist_hosts(struct mr_sa_conf *c, struct mr_slice value)
{
	struct mr_slice name = { 0 }, word, of;
	struct sa_word_list *l, *next;

	take_name(&value, &name);
	while (sa_conf_next_word(&value, &word))
		HASH_ITER (hh, c->lists, l, next) {
			of = mr_slice_of(l->name);
			if (mr_slice_starts(of, MR_LIT("uri:")) && (!name.p || mr_slice_eq(mr_slice_from(of, 4), name)))
				remove_word(l, word);
		}
}

static void set(struct mr_sa_conf *c, size_t i, struct mr_slice value)
{
	struct sa_word_list *l = list_of(c, mr_slice_of(settings[i].list));
	struct mr_slice word;

	switch (settings[i].kind) {
	case WORDS:
		while (sa_conf_next_word(&value, &word))
			add(c, l, word);
		break;
	case SUBJECT:
		add_subject(c, l, mr_slice_trim(value));
		break;
	case PAIR:
		add_pair(c, l, value);
		break;
	case REMOVE:
		remove_all(c, settings[i].list, value);
		remove_all(c, settings[i].also, value);
		break;
	case REMOVE_PAIR:
		remove_pair(c, settings[i].list, value);
		remove_pair(c, settings[i].also, value);
		break;
	}
}

int sa_conf_list_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value)
{
	for (size_t i = 0; i < MR_COUNT(settings); i++)
		if (mr_slice_eq(key, mr_slice_of(settings[i].key))) {
			set(c, i, value);
			return 1;
		}
	if (mr_slice_eq(key, MR_LIT("enlist_addrlist")))
		enlist(c, value, "");
	else if (mr_slice_eq(key, MR_LIT("enlist_uri_host")))
		enlist(c, value, "uri:");
	else if (mr_slice_eq(key, MR_LIT("delist_uri_host")))
		delist_hosts(c, value);
	else
		return 0;
	return 1;
}

void sa_conf_lists_done(struct mr_sa_conf *c)
{
	struct sa_word_list *l, *next;

	HASH_ITER (hh, c->lists, l, next) {
		HASH_DEL(c->lists, l);
		sa_conf_free_words(&l->words);
		sa_conf_free_patterns(l->patterns);
		while (l->pairs) {
			struct sa_word_pair *gone = l->pairs;

			l->pairs = gone->next;
			free(gone);
		}
		free(l);
	}
}
