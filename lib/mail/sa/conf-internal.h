/* sa/conf-internal: how settings are kept. */
#pragma once
/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/parse.h"
#include "mail/sa/conf.h"

#define SA_WORDS_MAX       200000 /* of all sets and lists */
#define SA_WORD_MAX        255    /* bytes */
#define SA_ORIGINATING_MAX 20     /* fields */
#define SA_NETS_MAX        1000   /* of one setting */
#define SA_REDIRECTORS_MAX 100

struct sa_word {
	UT_hash_handle hh;
	char text[];
};
struct sa_word_pattern {
	struct sa_word_pattern *next;
	size_t n, tail; /* tail: bytes behind the last wildcard */
	char text[];
};
struct sa_word_pair {
	struct sa_word_pair *next;
	struct mr_slice pattern, second;
	char text[]; /* of both */
};
/* A named list of addresses: words without wildcards, patterns, and patterns with a second word. */
struct sa_word_list {
	UT_hash_handle hh;
	struct sa_word *words;
	struct sa_word_pattern *patterns;
	struct sa_word_pair *pairs;
	char name[];
};

struct sa_net {
	struct mr_net net;
	bool except;
};
struct sa_nets {
	struct sa_net *v; /* SA_NETS_MAX, or NULL */
	size_t n;
};

struct mr_sa_conf {
	struct sa_word *sets[MR_SA_SETS];
	struct sa_word_pattern *freemail;
	struct sa_word_list *lists;
	char *originating[SA_ORIGINATING_MAX];
	size_t n, n_originating;
	char locales[SA_WORD_MAX + 1]; /* a space between them; empty: all */
	bool office_extended;          /* olemacro_extended_scan */
	struct sa_nets nets[MR_SA_NETS];
	struct sa_redirectors *redirectors;
};

/* -- conf-set.c -- */

bool sa_conf_next_word(struct mr_slice *rest, struct mr_slice *word);
void sa_conf_add_word(struct mr_sa_conf *c, struct sa_word **set, struct mr_slice s);
void sa_conf_add_pattern(struct mr_sa_conf *c, struct sa_word_pattern **list, struct mr_slice s);
bool sa_conf_has_wildcard(struct mr_slice s);
void sa_conf_free_words(struct sa_word **words);
void sa_conf_free_patterns(struct sa_word_pattern *p);

/* -- conf-list.c, conf-nets.c: 1 taken, 0 another setting, -EINVAL -- */

int sa_conf_list_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value);
void sa_conf_lists_done(struct mr_sa_conf *c);
int sa_conf_nets_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value, struct mr_diag *diag);
void sa_conf_nets_done(struct mr_sa_conf *c);
/* conf-redirect.c */
void sa_conf_redirectors_done(struct mr_sa_conf *c);
