/* dmarc: Domain-based Message Authentication, Reporting and Conformance, RFC 9989: tree walk, organizational domain, alignment, policy.
 * Pure, given the results of SPF and DKIM and a DNS view. */
#pragma once
#include "base/buf.h"
#include "mail/dkim.h"
#include "mail/spf.h"

#define MR_DMARC_AUTHORS_MAX 10 /* domains in From that are looked at; more are an error */

enum mr_dmarc_result { MR_DMARC_NONE, MR_DMARC_PASS, MR_DMARC_FAIL, MR_DMARC_TEMPERROR, MR_DMARC_PERMERROR };
enum mr_dmarc_policy { MR_DMARC_ACCEPT, MR_DMARC_QUARANTINE, MR_DMARC_REJECT }; /* the mildest first */
const char *mr_dmarc_str(enum mr_dmarc_result r);
const char *mr_dmarc_policy_str(enum mr_dmarc_policy p); /* "none", "quarantine", "reject" */

/* A policy record, section 4.7. */
struct mr_dmarc_record {
	enum mr_dmarc_policy p, sp, np; /* what is absent is filled in: sp from p, np from sp */
	bool strict_dkim, strict_spf;   /* adkim=s, aspf=s */
	bool testing;                   /* t=y */
	char psd;                       /* 'y', 'n' or 'u' */
	bool unusable;                  /* no valid policy, and nobody to report to: no DMARC at all */
	struct mr_slice rua, ruf, fo;   /* as they stand; fo without ruf is none */
};
/* False: no DMARC record (section 4.7: v=DMARC1 first). Other faults leave the defaults (section 4.8). */
bool mr_dmarc_parse(struct mr_slice text, struct mr_dmarc_record *out);

struct mr_dmarc_request {
	const struct mr_message *message;
	const struct mr_spf_answer *spf; /* NULL: not evaluated */
	const struct mr_dkim_answer *dkim;
};
struct mr_dmarc_answer {
	enum mr_dmarc_result result;
	enum mr_dmarc_policy policy;    /* of fail: what the domain's owner asks for, t= reckoned in */
	enum mr_dmarc_policy published; /* the same without t= */
	struct mr_slice author; /* the domain in From that this is about: where several disagree, the one with the strictest policy */
	struct mr_slice record_domain;  /* where the record was found */
	struct mr_slice organization;   /* organizational domain of the author's */
	bool spf_aligned, dkim_aligned; /* with a pass */
	struct mr_dmarc_record record;  /* of pass and fail */
	bool overridden;                /* set by the caller: its own policy stands above the domain's */
	struct mr_slice problem;        /* of temperror and permerror, in words, a constant */
};
/* What an aggregate report says of one message (RFC 9990 section 3.1.1), for who makes them later: members of a JSON object, without the
 * braces; who sent it and what became of it are the caller's to add. Nothing for a message of which no report can come: no policy, or
 * nobody asks for reports. -ENOBUFS. */
struct mr_dmarc_row {
	const struct mr_dmarc_answer *dmarc;
	const struct mr_spf_request *spf_request; /* NULL, both: not evaluated */
	const struct mr_spf_answer *spf;
	const struct mr_dkim_answer *dkim;
};
#define MR_DMARC_ROW_MAX 16384
int mr_dmarc_row_write(const struct mr_dmarc_row *row, struct mr_buf *out);

/* 0, or -EAGAIN as in spf.h. */
int mr_dmarc_check(const struct mr_dmarc_request *rq, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_dmarc_answer *out);
