#include "support/rowtext.h"

/* system */
#include <math.h>

/* libraries */
#include <uthash.h>

/* ours */
#include "base/arena.h"
#include "base/mem.h"
#include "base/parse.h"

#define WORDS_MAX 2000

struct item {
	struct mr_row *row;
	size_t key_len;
	char *key;
	UT_hash_handle hh;
};

struct rowtext {
	struct item *items;
};

struct rowtext_seen {
	bool fetched;
	size_t key_len;
	char *key;
	UT_hash_handle hh;
};

static struct item *find(struct rowtext *t, const struct mr_row_key *k)
{
	struct item *i;

	HASH_FIND(hh, t->items, k->bytes, k->n, i);
	return i;
}

static void del(struct rowtext *t, struct item *i)
{
	if (i == NULL)
		return;
	HASH_DEL(t->items, i);
	mr_row_unref(i->row);
	free(i->key);
	free(i);
}

static void put(struct rowtext *t, struct mr_slice key, struct mr_row *row)
{
	struct mr_row_key k;
	struct item *i;

	if (!mr_row_key_set(&k, row->kind, key)) {
		mr_row_unref(row);
		return;
	}
	del(t, find(t, &k));
	i = mr_new(struct item, 1);
	i->row = row;
	i->key = mr_slice_dup((struct mr_slice){ k.bytes, k.n });
	i->key_len = k.n;
	HASH_ADD_KEYPTR(hh, t->items, i->key, i->key_len, i);
}

/* The words after the key that rows of several kinds share. */
struct flags {
	bool off, send_only, locked, receive_only, listed;
	int64_t expires;
	char *alias_of, *relay;
	uint64_t quota;
	struct mr_thresholds thresholds;
	char *selector;
	struct mr_row_pattern patterns[8];
	size_t n_patterns;
	char *limits; /* "_" stands for a blank, "," for a line break */
};

static char *limits_of(char *text)
{
	for (char *p = text; *p; p++)
		*p = *p == '_' ? ' ' : *p == ',' ? '\n' : *p;
	return text;
}

/* "junk" for junk_score. */
static bool threshold_of(const char *word, unsigned *which)
{
	for (*which = 0; *which < MR_THRESHOLDS; ++*which) {
		struct mr_slice name = mr_slice_of(mr_threshold_name(*which));

		if (mr_slice_eq(mr_slice_of(word), (struct mr_slice){ name.p, name.n - strlen("_score") }))
			return true;
	}
	return false;
}

static struct flags flags_of(char **words, size_t n)
{
	static char none[] = "";
	unsigned which;
	struct flags f = { .thresholds = mr_thresholds_none(), .limits = none, .alias_of = none, .relay = none };

	for (size_t i = 0; i < n; i++) {
		const char *w = words[i];
		if (strcmp(w, "off") == 0)
			f.off = true;
		else if (strcmp(w, "send-only") == 0)
			f.send_only = true;
		else if (strcmp(w, "locked") == 0)
			f.locked = true;
		else if (strcmp(w, "receive-only") == 0)
			f.receive_only = true;
		else if (strcmp(w, "listed") == 0)
			f.listed = true;
		else if (i + 1 == n)
			break;
		else if (strcmp(w, "quota") == 0)
			mr_parse_u64(mr_slice_of(words[++i]), 0, UINT64_MAX, &f.quota);
		else if (strcmp(w, "expires") == 0)
			mr_parse_i64(mr_slice_of(words[++i]), INT64_MIN, INT64_MAX, &f.expires);
		else if (strcmp(w, "alias-of") == 0)
			f.alias_of = words[++i];
		else if (strcmp(w, "relay") == 0)
			f.relay = words[++i];
		else if (threshold_of(w, &which))
			mr_parse_double(mr_slice_of(words[++i]), -1e6, 1e6, &f.thresholds.at[which]);
		else if (strcmp(w, "dkim") == 0)
			f.selector = words[++i];
		else if (strcmp(w, "limits") == 0)
			f.limits = limits_of(words[++i]);
		else if (strcmp(w, "deny") == 0 && f.n_patterns < MR_COUNT(f.patterns))
			f.patterns[f.n_patterns++] = (struct mr_row_pattern){ words[++i], false };
	}
	return f;
}

static struct mr_row *domain_row(char **words, size_t n)
{
	struct flags f = flags_of(words + 2, n - 2);
	struct mr_row_domain d = { .name = words[1], .enabled = !f.off, .thresholds = f.thresholds };
	char algorithm[] = "rsa", key[] = "v1:sealed";

	d.patterns = f.patterns;
	d.n_patterns = f.n_patterns;
	d.limits = f.limits;
	d.alias_of = f.alias_of;
	d.relay_to = f.relay;
	d.relay_listed = f.listed;
	if (f.selector) {
		d.dkim = true;
		d.keys[0].selector = f.selector;
		d.keys[0].algorithm = algorithm;
		d.keys[0].sealed_key = key;
		d.n_keys = 1;
	}
	return mr_row_of_domain(&d);
}

static struct mr_row *mailbox_row(char **words, size_t n)
{
	struct flags f = flags_of(words + 2, n - 2);
	char password[] = "{PLAIN}secret";
	struct mr_row_mailbox m = { .address = words[1], .password = password, .enabled = !f.off, .send_only = f.send_only };

	m.locked = f.locked;
	m.quota_bytes = f.quota;
	m.thresholds = f.thresholds;
	m.patterns = f.patterns;
	m.n_patterns = f.n_patterns;
	m.limits = f.limits;
	m.receive_only = f.receive_only;
	m.expires = f.expires;
	return mr_row_of_mailbox(&m);
}

static struct mr_row *alias_row(char **words, size_t n)
{
	struct mr_row_alias a = { .address = words[1], .enabled = true, .senders = "" };
	size_t at = 2;

	for (;; at++) {
		if (at < n && strcmp(words[at], "off") == 0)
			a.enabled = false;
		else if (at + 1 < n && strcmp(words[at], "expires") == 0)
			mr_parse_i64(mr_slice_of(words[++at]), INT64_MIN, INT64_MAX, &a.expires);
		else if (at + 1 < n && strcmp(words[at], "rights") == 0)
			a.senders = limits_of(words[++at]);
		else
			break;
	}
	a.destinations = words + at;
	a.n_destinations = (uint32_t)(n - at);
	if (a.n_destinations == 1 && strcmp(a.destinations[0], "refused") == 0)
		a.n_destinations = 0;
	return mr_row_of_alias(&a);
}

/* All rules of one map are one row. */
static void add_rule(struct rowtext *t, char **words, struct mr_arena *arena)
{
	struct mr_slice key = mr_slice_of(words[1]);
	struct mr_row *old = rowtext_find(t, MR_ROW_RULES, key);
	size_t n = old ? old->rules.n : 0;
	struct mr_row_rules rules = { .v = mr_arena_alloc(arena, (n + 1) * sizeof(*rules.v)), .n = n };
	enum mr_rule_map map;

	for (char *p = words[3]; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	if (n > 0)
		memcpy(rules.v, old->rules.v, n * sizeof(*rules.v));
	if (mr_rule_map_parse(words[1], &map) && mr_rule_check(map, words[2], words[3], arena, &rules.v[n], NULL) == 0)
		rules.n++;
	mr_rules_sort(rules.v, rules.n);
	put(t, key, mr_row_of_rules(&rules));
}

static struct mr_row *relay_row(char **words, size_t n)
{
	struct mr_row_relay r = { .owner = words[1], .nexthop = words[2], .username = "", .sealed = "" };

	if (n > 4) {
		r.username = words[3];
		r.sealed = words[4];
	}
	return mr_row_of_relay(&r);
}

void rowtext_set(struct rowtext *t, struct mr_slice line)
{
	mr_autoarena arena = mr_arena_new(0);
	char *words[WORDS_MAX];
	struct mr_slice word, key;
	size_t n = 0;

	while (n < WORDS_MAX && mr_slice_next(&line, ' ', &word))
		if (word.n > 0)
			words[n++] = mr_arena_slice(arena, word);
	if (n == 0)
		return;
	key = mr_slice_of(n > 1 ? words[1] : "");
	if (strcmp(words[0], "global") == 0) {
		struct flags f = flags_of(words + 1, n - 1);
		put(t, MR_LIT(""), mr_row_of_global(&(struct mr_row_global){ f.patterns, f.n_patterns, f.limits }));
	} else if (n > 1 && strcmp(words[0], "domain") == 0) {
		put(t, key, domain_row(words, n));
	} else if (n > 1 && strcmp(words[0], "mailbox") == 0) {
		put(t, key, mailbox_row(words, n));
	} else if (n > 2 && strcmp(words[0], "relay") == 0) {
		if (strcmp(words[1], "-") == 0)
			words[1][0] = '\0';
		put(t, mr_slice_of(words[1]), relay_row(words, n));
	} else if (n > 2 && strcmp(words[0], "alias") == 0) {
		put(t, key, alias_row(words, n));
	} else if (n == 4 && strcmp(words[0], "rule") == 0) {
		add_rule(t, words, arena);
	} else if (n == 4 && strcmp(words[0], "view") == 0) {
		put(t, mr_slice_of(mr_arena_printf(arena, "%s %s", words[1], words[2])), mr_row_of_view(&(struct mr_row_view){ words[3] }));
	}
}

struct rowtext *rowtext_new(struct mr_slice text)
{
	struct rowtext *t = mr_new(struct rowtext, 1);
	struct mr_slice line;

	while (mr_slice_next(&text, '\n', &line))
		rowtext_set(t, line);
	return t;
}

void rowtext_free(struct rowtext *t)
{
	struct item *i, *next;

	HASH_ITER (hh, t->items, i, next)
		del(t, i);
	free(t);
}

struct mr_row *rowtext_find(struct rowtext *t, enum mr_row_kind kind, struct mr_slice key)
{
	struct mr_row_key k;
	struct item *i = mr_row_key_set(&k, kind, key) ? find(t, &k) : NULL;

	return i ? i->row : NULL;
}

void rowtext_del(struct rowtext *t, enum mr_row_kind kind, struct mr_slice key)
{
	struct mr_row_key k;

	if (mr_row_key_set(&k, kind, key))
		del(t, find(t, &k));
}

/* --- view */

/* True when the row may be seen; notes it as missing otherwise. */
static bool may_see(struct rowview *v, const struct mr_row_key *k)
{
	struct rowtext_seen *s;

	HASH_FIND(hh, v->seen, k->bytes, k->n, s);
	if (s == NULL) {
		s = mr_new(struct rowtext_seen, 1);
		s->key = mr_slice_dup((struct mr_slice){ k->bytes, k->n });
		s->key_len = k->n;
		HASH_ADD_KEYPTR(hh, v->seen, s->key, s->key_len, s);
		v->missing++;
	}
	return s->fetched;
}

static enum mr_row_state get(struct mr_view *view, enum mr_row_kind kind, struct mr_slice key, const struct mr_row **row)
{
	struct rowview *v = (struct rowview *)view;
	struct mr_row_key k;

	v->looks++;
	if (!mr_row_key_set(&k, kind, key))
		return MR_ROW_NONE;
	if (v->staged && !may_see(v, &k))
		return MR_ROW_UNKNOWN;
	struct item *i = find(v->rows, &k);
	if (i == NULL)
		return v->temp ? MR_ROW_TEMP : MR_ROW_NONE;
	*row = i->row;
	return MR_ROW_FOUND;
}

void rowview_init(struct rowview *v, struct rowtext *rows, bool staged)
{
	*v = (struct rowview){ .view = { .get = get }, .rows = rows, .staged = staged };
}

void rowview_done(struct rowview *v)
{
	struct rowtext_seen *s, *next;

	HASH_ITER (hh, v->seen, s, next) {
		HASH_DEL(v->seen, s);
		free(s->key);
		free(s);
	}
}

size_t rowview_fetch(struct rowview *v)
{
	size_t n = v->missing;

	for (struct rowtext_seen *s = v->seen; s != NULL; s = s->hh.next)
		s->fetched = true;
	v->missing = 0;
	return n;
}
