/* resolve: who finally gets mail for an address. A pure function over a view of rows: it looks up what it needs, and when rows are missing
 * it says so; run again from the start with more rows there, it comes further. Always ends: depth, rows looked at and finals are bounded.
 *
 *   exact mailbox or alias, else cut at the site's delimiter or '+' (longest base first), else in an alias domain the same address of the
 * domain that it stands for, else the domain's catch-all, else for postmaster@ and abuse@ the site's postmaster. An alias is followed to
 * the end; one that lists itself keeps a copy in the mailbox of that name. A name that exists but leads nowhere (an alias that is off,
 * expired or refused, a mailbox that has expired) is not caught by the catch-all. An address of a relay domain is its own, foreign, final:
 * any, or those alone that list themselves. An address of the rewriting scheme (SRS) in a domain of ours leads back to where it came from.
 */
#pragma once
#include "proto/directory.h"
#include "row.h"
#include "site.h"

#define MR_RESOLVE_DEPTH  20                /* aliases in a chain */
#define MR_RESOLVE_CLOSED MR_DIR_RIGHTS_MAX /* aliases of one address that not everybody may send to */
#define MR_RESOLVE_STEPS  16000             /* destinations visited and rows looked at for one address */

/* What every pure function is given. */
struct mr_walk {
	struct mr_view *view;
	const struct mr_site *site;
	struct mr_arena *arena; /* for what it returns */
	int64_t now;            /* seconds since 1970 */
};

struct mr_final {
	bool local;
	bool receive;            /* takes mail; false for send-only and expired mailboxes */
	bool send;               /* its owner may send */
	bool extended;           /* the address had a delimiter, `extension` may still be empty */
	bool aliased;            /* there is an alias of the same address, which led here */
	struct mr_slice address; /* local: of the mailbox, without extension; foreign: as the alias has it */
	struct mr_slice extension;
	const struct mr_row *mailbox; /* local only; these live as long as the view's rows */
	const struct mr_row *domain;  /* of a foreign address: the relay domain that it is in, or NULL */
};

struct mr_resolved {
	bool waiting;              /* rows are missing, nothing else here counts */
	enum mr_dir_status status; /* NOTFOUND: nobody takes mail there, or the domain is not ours */
	const char *reason;        /* for BAD */
	bool hosted;
	const struct mr_row **aliases; /* walked through that not everybody may send to; no duplicates */
	size_t n_aliases;
	struct mr_final *finals; /* no duplicates; also those with receive == false */
	size_t n_finals;
};

enum mr_resolve_purpose {
	MR_RESOLVE_DELIVER, /* who gets mail for it */
	MR_RESOLVE_OWN,     /* who may send under it: as above, but an address that has a mailbox belongs to that mailbox alone */
};
void mr_resolve(const struct mr_walk *w, struct mr_slice address, enum mr_resolve_purpose purpose, struct mr_resolved *out);

/* The address to deliver to: "local+extension@domain". With `closed`, a mailbox behind an alias of its own name gets an empty extension:
 * asked again, that address means the mailbox alone, so a final can be put into an envelope without being expanded twice. */
struct mr_slice mr_final_deliver(const struct mr_final *f, bool closed, struct mr_arena *arena);
