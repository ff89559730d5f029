/* sa/conf-internal: how settings are kept. */
#pragma once
/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "mail/sa/conf.h"

#define SA_WORDS_MAX       200000 /* of all sets and lists */
#define SA_WORD_MAX        255    /* bytes */
#define SA_ORIGINATING_MAX 20     /* fields */

struct sa_word {
	UT_hash_handle hh;
	char text[];
};
struct sa_word_pattern {
	struct sa_word_pattern *next;
	char text[];
};
/* A named list of addresses: words without wildcards, and patterns. */
struct sa_word_list {
	UT_hash_handle hh;
	struct sa_word *words;
	struct sa_word_pattern *patterns;
	char name[];
};

struct mr_sa_conf {
	struct sa_word *sets[MR_SA_SETS];
	struct sa_word_pattern *freemail;
	struct sa_word_list *lists;
	char *originating[SA_ORIGINATING_MAX];
	size_t n, n_originating;
};
