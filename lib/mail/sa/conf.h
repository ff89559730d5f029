/* sa/conf: what rule files say besides rules: which top-level domains there are, whose addresses anybody can have, lists. */
#pragma once
#include "base/arena.h"

struct mr_sa_conf;

struct mr_sa_conf *mr_sa_conf_new(void);
void mr_sa_conf_free(struct mr_sa_conf *c); /* NULL is fine */
/* One setting: "util_rb_tld", "freemail_domains" ... True: it was one of ours. What is wrong in the value is passed over. */
bool mr_sa_conf_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value);

/* Is there such a word in a set: "util_rb_tld", "util_rb_2tld", "util_rb_3tld", "freemail_domains" ...? Words are lower case. */
enum mr_sa_set {
	MR_SA_TLDS,
	MR_SA_TLDS2,
	MR_SA_TLDS3,
	MR_SA_FREEMAIL,
	MR_SA_FREEMAIL_WELCOME,
	MR_SA_SETS,
};
bool mr_sa_conf_has(const struct mr_sa_conf *c, enum mr_sa_set set, struct mr_slice word);
/* Addresses by patterns of "*" and "?": the lists of enlist_addrlist, and the fixed ones: "welcomelist_from", "blocklist_to" ... */
bool mr_sa_conf_listed(const struct mr_sa_conf *c, struct mr_slice list, struct mr_slice address);
bool mr_sa_conf_list_used(const struct mr_sa_conf *c, struct mr_slice list); /* is anything in it? */
/* Fields that tell the address of who wrote the message: "X-Originating-IP". NULL: there are no more. */
const char *mr_sa_conf_originating(const struct mr_sa_conf *c, size_t i);
bool mr_sa_conf_freemail_pattern(const struct mr_sa_conf *c, struct mr_slice domain);
