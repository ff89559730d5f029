/* scan: what is found in one message. Pure: no I/O; DNS answers come through the view. The same code runs in the sandboxed scanners
 * of the daemon and in `mailreeve scan`.
 *
 * A check that needs answers says -EAGAIN and is run again when the view has them; a check that is finished is not run again. */
#pragma once
#include "base/arena.h"
#include "base/parse.h"
#include "mail/authres.h"
#include "mail/fuzzy.h"
#include "mail/message.h"
#include "mail/view.h"
#include "proto/dns.h"
#include "rules/rules.h"
#include "scan-setup.h"
#include "standing.h"

#define MR_SYMBOLS_MAX     256 /* of one message; further ones are dropped */
#define MR_SYMBOL_NAME_MAX 100
#define MR_CHECKS_MAX      64
#define MR_IDENTITY_MAX    300 /* bytes */

/* A message that nobody gets, whatever the score, the lists and the thresholds are. */
enum mr_refuse { MR_REFUSE_NOT, MR_REFUSE_TEST /* GTUBE */, MR_REFUSE_ATTACHMENT };
#define MR_REFUSES 3

struct mr_scan_input {
	struct mr_slice message;     /* as it will stand; lines end in CRLF */
	struct mr_ip client;         /* family 0: not known */
	struct mr_slice client_name; /* as verified in DNS; empty: none */
	struct mr_slice helo;
	struct mr_slice sender; /* of the envelope, without <>; empty for the null sender */
	bool trusted;           /* submitted by one of our own: who sent it is known, so SPF and DKIM are not asked */
	bool offline;           /* nobody asks DNS: what it would prove stays unknown */
	int64_t now;            /* seconds since 1970 */
};

struct mr_symbol {
	struct mr_slice name; /* [A-Za-z0-9_]+ */
	double score;
	struct mr_slice group; /* the check that found it */
};

/* For the DMARC reports that come later: how it came out, and the row (mail/dmarc.h). */
struct mr_scan_dmarc {
	bool passed, overridden;
	enum mr_dmarc_policy published, policy; /* of the domain for this message; policy: with t=y reckoned in */
	struct mr_slice row;                    /* empty: nobody asks for reports */
};

struct mr_scan_result {
	struct mr_symbol symbols[MR_SYMBOLS_MAX];
	size_t n_symbols;
	double score; /* sum of the symbols' */
	enum mr_refuse refuse;
	bool complete;           /* every check is finished */
	struct mr_slice authres; /* value of Authentication-Results, or empty */
	struct mr_scan_dmarc dmarc;
	enum mr_standing sender, author; /* do they stand behind it? */
	struct mr_slice identity;        /* who proves to stand behind it: "dkim DOMAIN" (of the author), else "spf DOMAIN", else empty */
	struct mr_fuzzy fuzzy;           /* where the setup wants it: by which the message is compared with others */
};

struct mr_list_state;

/* State of one evaluation; the checks write into it. Made by mr_scan_new(). */
struct mr_scan {
	const struct mr_scan_setup *setup;
	const struct mr_scan_input *in;
	struct mr_message message;
	struct mr_view view; /* once mr_scan_view() was called */
	bool viewed;
	struct mr_dns_view *dns;
	struct mr_arena *arena;
	const char *running; /* name of the check that runs now */
	bool done[MR_CHECKS_MAX];
	struct mr_scan_result result;
	/* for Authentication-Results; NULL until known */
	const struct mr_spf_request *spf_request;
	const struct mr_spf_answer *spf;
	const struct mr_dkim_answer *dkim;
	const struct mr_arc_answer *arc;
	const struct mr_dmarc_answer *dmarc;
	struct mr_list_state *lists; /* of the check; NULL at first */
};

struct mr_check {
	const char *name;                 /* [a-z0-9-]+; also that of the group of its symbols */
	bool outside_only;                /* not run for trusted senders */
	int (*run)(struct mr_scan *scan); /* 0, or -EAGAIN: the view has questions; adds its symbols when it returns 0 */
};
extern const struct mr_check *const mr_checks[]; /* generated from the list in checks/meson.build; NULL-terminated */

/* In the arena. What *setup, *in, dns and arena are must outlive the scan. */
struct mr_scan *mr_scan_new(const struct mr_scan_setup *setup, const struct mr_scan_input *in, struct mr_dns_view *dns,
			    struct mr_arena *arena);
/* Runs what is not finished. 0: scan->result is complete. -EAGAIN: it holds what is known so far and the view has questions. */
int mr_scan_run(struct mr_scan *scan);
/* Gives back what the arena does not own. */
void mr_scan_done(struct mr_scan *scan);
/* For checks: the message as its reader sees it, read when the first check asks. */
struct mr_view *mr_scan_view(struct mr_scan *scan);
/* Name and group live as long as the program. Past MR_SYMBOLS_MAX it is left out. */
void mr_scan_result_add(struct mr_scan_result *r, const char *name, double score, const char *group);
/* For checks: the same. */
void mr_scan_symbol(struct mr_scan *scan, const char *name, double score);
/* Valid in a report of a scanner: letters, digits, underscore. */
bool mr_symbol_name_ok(struct mr_slice name);
/* "NAME(0.00),NAME(1.00)", as logs and headers show symbols. */
void mr_symbols_text(const struct mr_scan_result *r, const char *separator, struct mr_buf *out);
