/* account: rows → what the directory answers: switches, quota, thresholds and lists of one mailbox. Pure. */
#pragma once
#include "resolve.h"
#include "usage.h"

/* What the directory answers need beyond rows. */
struct mr_directory_context {
	struct mr_usage *usage;
	struct mr_thresholds defaults;          /* where neither user nor domain says otherwise */
	const struct mr_generation *generation; /* of this lookup; NULL: nobody keeps anything */
};

/* domain and global may be NULL. Strings are the rows'. Lists: the user's, the domain's, the global ones, in this order, at most
 * MR_DIR_PATTERNS_MAX. */
void mr_account_fill(const struct mr_walk *w, const struct mr_directory_context *c, const struct mr_row *mailbox,
		     const struct mr_row *domain, const struct mr_row *global, struct mr_dir_account *out);

/* The same of an address in a relay domain: thresholds and lists. */
void mr_account_fill_relayed(const struct mr_walk *w, const struct mr_directory_context *c, const struct mr_row *domain,
			     const struct mr_row *global, struct mr_dir_account *out);

/* The mailbox of exactly this address with all that belongs to it. `waiting` when rows are missing. */
struct mr_account {
	bool waiting;
	enum mr_dir_status status;
	const struct mr_row *mailbox, *domain, *global;
	struct mr_dir_account account;
};
void mr_account_find(const struct mr_walk *w, const struct mr_directory_context *c, struct mr_slice address, struct mr_account *out);
/* Adds the sending limits to an account that was found. */
void mr_account_limits(struct mr_account *a, struct mr_arena *arena);
/* The generation at which an answer out of rows seen so far holds; 0: it may not be kept, as they are stale or passing. */
uint64_t mr_answer_generation(const struct mr_walk *w, const struct mr_directory_context *c);
/* And that of the account, if it is not about to expire. */
void mr_account_generation(const struct mr_walk *w, const struct mr_directory_context *c, struct mr_account *a);
