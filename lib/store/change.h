/* change: what every change to accounts has in common. For this folder only. */
#pragma once
#include "mail/key-rotation.h"
#include "proto/threshold.h"
#include "store/keygen.h"
#include "store/query.h"

/* Notes the change in change_log, in the same transaction, and forgets entries older than a week. kind as in struct mr_change. */
int mr_change_note(struct mr_db *db, const char *kind, const char *key, const char *what, struct mr_diag *diag);
/* Raises the domain's revision, so that writers below one domain come one after the other. -ENOENT: there is no such domain. */
int mr_change_domain(struct mr_db *db, const char *domain, struct mr_diag *diag);
/* -ENOENT: there is no such user. */
int mr_change_user(struct mr_db *db, const char *address, struct mr_diag *diag);
/* Takes the relay host of an owner away, and notes it, if there is one; was_there may be NULL. write-relay.c */
int mr_change_relay_del(struct mr_db *db, const char *owner, bool *was_there, struct mr_diag *diag);

int mr_change_dkim_add(struct mr_db *db, const char *domain, const struct mr_dkim_pair *k, enum mr_key_state state, struct mr_diag *diag);

/* Lists of a domain or user: allow, deny, unlist (each patterns with line breaks between, or NULL). scope: "domain" "user". */
struct mr_list_change {
	const char *allow, *deny, *unlist;
};
int mr_change_lists(struct mr_db *db, const char *scope, const char *owner, const struct mr_list_change *c, struct mr_diag *diag);

/* Thresholds of a domain or user: NULL leaves one, "default" clears it, a number sets it. threshold.c */
struct mr_score_change {
	bool set;
	char value[16]; /* "" = NULL in the table */
};
struct mr_thresholds_change {
	struct mr_score_change of[MR_THRESHOLDS];
};
int mr_thresholds_parse(const char *const texts[MR_THRESHOLDS], struct mr_thresholds_change *out, struct mr_diag *diag);
enum mr_threshold_owner { MR_THRESHOLDS_OF_DOMAIN, MR_THRESHOLDS_OF_USER };
int mr_change_thresholds(struct mr_db *db, enum mr_threshold_owner kind, const char *owner, const struct mr_thresholds_change *c,
			 struct mr_diag *diag);

static inline struct mr_param mr_switch_param(int value)
{
	return value < 0 ? mr_text(NULL) : mr_num(value);
}
