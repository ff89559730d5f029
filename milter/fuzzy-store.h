/* fuzzy-store: messages that somebody has shown, kept in Redis by their hashes (mail/fuzzy.h), for all hosts that share it.
 *
 *   PREFIX fuzzy:e:ID       weight of an entry: a text and its variants
 *   PREFIX fuzzy:t:I:HASH   IDs of the entries that have this number in place I, the newest first, MR_FUZZY_IDS_MAX at most
 *   PREFIX fuzzy:f:SHA256   weight of a file
 *   PREFIX fuzzy:any        there is some entry
 *
 * All of them expire. What is added to an entry again are the numbers of the new variant, so an entry gets to know its variants. While
 * nothing at all is known, and after an answer that did not come, Redis is left alone for MR_FUZZY_QUIET_MS. Loop thread only. */
#pragma once
#include "mail/fuzzy.h"
#include "rt/redis.h"

#define MR_FUZZY_SAME       24 /* shingles: the text of the entry, but for changes */
#define MR_FUZZY_LIKE       18 /* much of it; fewer are not told */
#define MR_FUZZY_IDS_MAX    8
#define MR_FUZZY_QUIET_MS   1000
#define MR_FUZZY_WEIGHT_MAX 1000000 /* of one showing */

struct mr_fuzzy_store;
struct mr_fuzzy_question;

struct mr_fuzzy_known {
	unsigned shingles;   /* that lead to the entry which most of them lead to; 0: to none MR_FUZZY_LIKE do */
	int64_t weight;      /* of that entry */
	int64_t file_weight; /* the highest of a file; 0: none is known */
};
/* NULL: Redis does not answer, or not with what can be understood. */
typedef void mr_fuzzy_cb(const struct mr_fuzzy_known *known, void *arg);

/* redis may be NULL: nothing is known. prefix: of the names in Redis. */
struct mr_fuzzy_store *mr_fuzzy_store_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix);
void mr_fuzzy_store_free(struct mr_fuzzy_store *s); /* after mr_redis_free(); open questions are dropped without a callback */

/* The callback comes later, exactly once, after timeout_ms at the latest; then the question is gone. Of check: entries and files with at
 * least this weight; NULL, and no callback: there is nothing to ask. */
struct mr_fuzzy_question *mr_fuzzy_check(struct mr_fuzzy_store *s, const struct mr_fuzzy *f, uint64_t weight, uint64_t timeout_ms,
					 mr_fuzzy_cb *cb, void *arg);
/* What is known afterwards. The weight is added to the entry that MR_FUZZY_SAME shingles lead to, or to a new one, and to all files. */
void mr_fuzzy_add(struct mr_fuzzy_store *s, const struct mr_fuzzy *f, uint64_t weight, uint64_t keep_ms, uint64_t timeout_ms,
		  mr_fuzzy_cb *cb, void *arg);
/* That entry with all its variants, and all files, are known no more. What was known before. */
void mr_fuzzy_forget(struct mr_fuzzy_store *s, const struct mr_fuzzy *f, uint64_t timeout_ms, mr_fuzzy_cb *cb, void *arg);
void mr_fuzzy_cancel(struct mr_fuzzy_question *q); /* no callback comes; what was sent takes its course */
