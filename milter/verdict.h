/* verdict: what is done with a message, from what the scan found and who its recipients finally are. Pure.
 *
 * Each final mailbox has its own lists and thresholds, so each has its own disposition. Where all agree the message is treated as a whole;
 * where they differ the envelope says it: the recipient is replaced by its finals, those for Junk as local+junk@domain, those who refuse
 * left out after a quarantine copy. A foreign address that got the message before is left out without one. Nothing that was accepted is
 * lost without a copy.
 *
 * What our own people send is not judged by the recipients' thresholds but, as a whole, by those that its sender has for outgoing mail. */
#pragma once
#include "proto/directory.h"
#include "scan.h"

enum mr_disposition { MR_ACCEPT, MR_JUNK, MR_QUARANTINE, MR_REJECT, MR_HAD /* it was forwarded there before */ };

struct mr_verdict_recipient {
	struct mr_slice address;               /* as in the envelope, without <> */
	struct mr_slice esmtp;                 /* parameters of RCPT (NOTIFY=, ORCPT=), or empty */
	const struct mr_dir_resolve *resolved; /* never NULL */
};

/* At `score` the action is done, at `reject_score` the message is refused whatever the action is. */
enum mr_outbound_action { MR_OUTBOUND_LOG, MR_OUTBOUND_HOLD, MR_OUTBOUND_QUARANTINE, MR_OUTBOUND_REJECT };
struct mr_verdict_outbound {
	double score, reject_score;
	enum mr_outbound_action action;
};

enum mr_virus {
	MR_VIRUS_NONE,      /* or nobody was to look */
	MR_VIRUS_UNCHECKED, /* nobody has looked, and that is how the site wants it */
	MR_VIRUS_SUSPECTED, /* that is a matter of the score */
	MR_VIRUS_AWAY,      /* nobody has looked, and that will not do */
	MR_VIRUS_SLOW,      /* the same, and it was so each time that it came */
	MR_VIRUS_FOUND,
};

struct mr_verdict_input {
	const struct mr_scan_result *scan; /* NULL: nothing is known */
	bool held;                         /* its content kills scanners */
	enum mr_virus virus;
	const char *virus_name;          /* of FOUND */
	bool virus_withhold;             /* what comes from outside with one is kept in the quarantine, not refused */
	bool trusted;                    /* from one of our own: thresholds are not for it, lists only where they name the sender */
	bool defer_undecided;            /* dns_away = defer */
	bool accept_unknown;             /* on_error = accept: what is not known counts as clean and unlisted */
	bool proven_only;                /* allow_unproven = no: who is on a list is allowed only when it is proven who that is */
	struct mr_slice sender, from;    /* envelope and header From, lower case; from may be empty */
	const struct mr_message *marked; /* it was forwarded before, its fields say to whom (circle.h); or NULL */
	struct mr_thresholds site;       /* for recipients that have none of their own */
	const struct mr_verdict_outbound *outbound; /* of what one of our own wrote, else NULL */
	bool outbound_away;                         /* it is not known whether its sender has thresholds of his own */
	const struct mr_verdict_recipient *recipients;
	size_t n_recipients;
};

enum mr_action {
	MR_ACTION_ACCEPT,     /* nothing but headers changes */
	MR_ACTION_JUNK,       /* all finals agree: X-Spam: Yes */
	MR_ACTION_SPLIT,      /* finals differ: the edits say how */
	MR_ACTION_QUARANTINE, /* nobody gets it; the copy is the message */
	MR_ACTION_REJECT,     /* 550: no final wants it */
	MR_ACTION_GREYLIST,   /* 451: it has to come again, see greylist below */
	MR_ACTION_TEMPFAIL,   /* 451 */
	MR_ACTION_HOLD,       /* into Postfix's hold queue */
};
const char *mr_action_str(enum mr_action a);

struct mr_verdict_edit {
	bool add; /* else delete */
	struct mr_slice address, esmtp;
};

/* Who does not get a message that others get, or nobody: a copy is kept for them first. */
struct mr_verdict_withheld {
	struct mr_slice address, esmtp;
	enum mr_disposition why; /* QUARANTINE or REJECT */
};

struct mr_verdict {
	enum mr_action action;
	enum mr_disposition site;      /* what the site's own thresholds say: shown to recipients, tells nothing of the others */
	bool level;                    /* X-Spam-Level is shown: all who get it want that, or, as they differ, the site does */
	bool in_house;                 /* every final is a mailbox here */
	size_t n_unproven;             /* finals that allow the sender, who is not proven or forged: that did not count */
	bool greylist;                 /* of ACCEPT: unless its sender came again before */
	uint64_t wait_ms;              /* of GREYLIST: until it may come again */
	bool circle;                   /* of REJECT: it goes in a circle */
	const char *reason;            /* a fixed word for the log, or NULL */
	const char *text;              /* of REJECT and TEMPFAIL: for the client, or NULL */
	struct mr_verdict_edit *edits; /* of SPLIT, in this order */
	size_t n_edits;
	struct mr_verdict_withheld *withheld; /* of SPLIT and QUARANTINE: a copy first, then the edits */
	size_t n_withheld;
};

/* 0, or -ENOMEM (more finals than the arena bears). */
int mr_verdict_decide(const struct mr_verdict_input *in, struct mr_arena *arena, struct mr_verdict *out);
