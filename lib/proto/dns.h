/* dns: DNS questions and answers as values, and the view that the pure evaluators (SPF, DKIM, DMARC, ARC) ask.
 *
 * The evaluators do no I/O. They look into a view; what is not there yet is noted as a question and the evaluator says "waiting". Whoever
 * runs it gets all the noted questions answered at once, adds the answers and runs it again from the start. Evaluations are cheap, waiting
 * is not. */
#pragma once
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"

enum mr_dns_type {
	MR_DNS_A = 1,
	MR_DNS_NS = 2,
	MR_DNS_CNAME = 5,
	MR_DNS_PTR = 12,
	MR_DNS_MX = 15,
	MR_DNS_TXT = 16,
	MR_DNS_AAAA = 28,
	MR_DNS_TLSA = 52
};
enum mr_dns_status { MR_DNS_OK, MR_DNS_NODATA, MR_DNS_NXDOMAIN, MR_DNS_TEMP /* SERVFAIL, time-out, no resolver */, MR_DNS_BOGUS };

struct mr_dns_rr {
	struct mr_slice
	    data; /* A: 4 bytes, AAAA: 16; TXT: the strings joined; MX, PTR, NS, CNAME: the name in text, no final dot, lower case */
	uint16_t preference; /* MX */
};
struct mr_dns_answer {
	char *name; /* lower case, no final dot */
	uint16_t type;
	enum mr_dns_status status;
	bool secure;  /* the resolver said AD */
	uint32_t ttl; /* seconds */
	struct mr_dns_rr *rrs;
	size_t n_rrs; /* bounded by MR_DNS_RRS_MAX */
};
#define MR_DNS_RRS_MAX       200
#define MR_DNS_NAME_MAX      253
#define MR_DNS_QUESTIONS_MAX 500 /* of one message; further ones are answered TEMP at once */

struct mr_dns_view;
struct mr_dns_view *mr_dns_view_new(void);
void mr_dns_view_free(struct mr_dns_view *v);
/* The answer, which lives as long as the view and until another one for the same question is added; or NULL: noted as a question (once).
 * Names are ASCII without control characters and backslash, spaces included (SPF macros make them); any other is answered NXDOMAIN. */
const struct mr_dns_answer *mr_dns_view_get(struct mr_dns_view *v, struct mr_slice name, enum mr_dns_type type);
/* Adds a copy of an answer; it is no longer a question. */
void mr_dns_view_add(struct mr_dns_view *v, const struct mr_dns_answer *a);
/* The i-th open question; false at the end. */
bool mr_dns_view_question(const struct mr_dns_view *v, size_t i, const char **name, enum mr_dns_type *type);
/* Answers every open question TEMP: the deadline has come. */
void mr_dns_view_give_up(struct mr_dns_view *v);

/* Bytes of a DNS message (RFC 1035) for (name, type) → answer in the arena. -EPROTO when broken; CNAMEs are followed inside the message.
 * An answer that was cut off (TC) and every error but NXDOMAIN is TEMP; BOGUS is for the caller to set, who knows of validation. */
int mr_dns_parse(struct mr_slice packet, struct mr_slice name, enum mr_dns_type type, struct mr_arena *arena, struct mr_dns_answer *out);
/* One text value (fields with tabs between) for the wire between scanner and I/O loop, and back. -EINVAL, -ENOBUFS, -ENOMEM. */
int mr_dns_answer_encode(struct mr_buf *out, const struct mr_dns_answer *a);
int mr_dns_answer_decode(struct mr_slice text, struct mr_arena *arena, struct mr_dns_answer *out);
const char *mr_dns_type_str(enum mr_dns_type t);
int mr_dns_type_parse(struct mr_slice s, enum mr_dns_type *out);
