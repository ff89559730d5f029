/* spf-internal: what the files of SPF share: terms of a record (spf-record.c) and macros (spf-macro.c). */
#pragma once
#include "mail/spf.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_EXP,
	SPF_OTHER /* modifier */
};

struct spf_term {
	enum spf_kind kind;
	enum mr_spf_result qualifier;
	struct mr_slice text;   /* the whole term */
	struct mr_slice domain; /* domain-spec with its macros, or empty: the current domain */
	struct mr_ip ip;        /* ip4, ip6 */
	unsigned bits4, bits6;  /* of ip4, ip6, a, mx */
};

/* Takes the next term off *rest. 1, 0 at the end, -EINVAL for broken syntax (out->text is set then too). */
int mr_spf_term_next(struct mr_slice *rest, struct spf_term *out);
/* True for "v=spf1" with a space or nothing behind it; *terms is the rest. */
bool mr_spf_record_is(struct mr_slice text, struct mr_slice *terms);

/* What the macro letters stand for. */
struct spf_macros {
	const struct mr_spf_request *rq;
	struct mr_slice local, sender_domain; /* of the sender, "postmaster" for an empty local part */
	struct mr_slice domain;               /* <domain> of the current check_host() */
	struct mr_slice validated;            /* %{p} */
};

enum spf_macro_use { SPF_MACRO_DOMAIN, SPF_MACRO_EXP /* spaces and the letters c, r, t too */ };
enum { SPF_USES_P = 1 /* %{p} */, SPF_ENDS_IN_MACRO = 2, SPF_USES_LOCAL = 4 /* %{l} or %{s} */ };

/* Syntax of a macro-string: the flags above, or -EINVAL. */
int mr_spf_macro_check(struct mr_slice spec, enum spf_macro_use use);
/* Adds the expansion of a string that was checked. -ENOBUFS. */
int mr_spf_macro_expand(const struct spf_macros *m, struct mr_slice spec, struct mr_buf *out);
/* The name under in-addr.arpa or ip6.arpa without that suffix, forwards or backwards: 63 bytes and the end at most. */
void mr_spf_dotted_ip(const struct mr_ip *ip, bool reverse, char out[64]);
