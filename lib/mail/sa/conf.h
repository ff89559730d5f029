/* sa/conf: what rule files say besides rules: which top-level domains there are, whose addresses anybody can have, lists. */
#pragma once
#include <stdint.h>
#include "base/arena.h"
#include "base/diag.h"

struct mr_sa_conf;

struct mr_sa_conf *mr_sa_conf_new(void);
void mr_sa_conf_free(struct mr_sa_conf *c); /* NULL is fine */
/* One setting: "util_rb_tld", "freemail_domains" ... 1: taken; 0: none that is known here; -EINVAL and diag: the value is wrong. */
int mr_sa_conf_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value, struct mr_diag *diag);

/* redirector_pattern, without its delimiters; options: of PCRE2. -EINVAL. */
int mr_sa_conf_redirector(struct mr_sa_conf *c, struct mr_slice pattern, uint32_t options, struct mr_diag *diag);

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
/* Second words of those entries of a list ("welcomelist_from_rcvd", "..._dkim") whose first fits; begin with *at = NULL. Empty: not given.
 */
bool mr_sa_conf_second(const struct mr_sa_conf *c, struct mr_slice list, struct mr_slice address, const void **at, struct mr_slice *second);
bool mr_sa_conf_list_used(const struct mr_sa_conf *c, struct mr_slice list); /* is anything in it? */
/* Fields that tell the address of who wrote the message: "X-Originating-IP". NULL: there are no more. */
const char *mr_sa_conf_originating(const struct mr_sa_conf *c, size_t i);
/* Languages of ok_locales, a space between them; empty: all. */
struct mr_slice mr_sa_conf_locales(const struct mr_sa_conf *c);
bool mr_sa_conf_freemail_pattern(const struct mr_sa_conf *c, struct mr_slice domain);

/* Networks that the administrator names; loopback is in the first two. One that is not set is what the other says. */
enum mr_sa_nets { MR_SA_NETS_TRUSTED, MR_SA_NETS_INTERNAL, MR_SA_NETS_MSA, MR_SA_NETS };
bool mr_sa_conf_nets_known(const struct mr_sa_conf *c); /* is one of the first two set? */
bool mr_sa_conf_nets_have(const struct mr_sa_conf *c, enum mr_sa_nets which, struct mr_slice ip);
