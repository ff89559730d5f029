/* sa: a message as SpamAssassin 4.0.1 hands it to its rules: header values and pseudo-headers, the rendered body in paragraphs, the raw
 * body in chunks, the list of addresses, relays, and what it notes about HTML. The rules were written and scored against these texts, with
 * all their peculiarities, so this is apart from mail/view.h, which shows a message as its reader sees it. Facts about the behaviour come
 * from SpamAssassin's documentation and from comparing, message by message (tests/support/sa-compare.py).
 *
 * Each text is made when it is asked for first. Everything is in the arena of mr_sa_read(), which needs no more than about ten times
 * MR_SA_BYTES_MAX; it never fails: what goes past a bound is left out. Not for two threads at once. */
#pragma once
#include "mail/sa/conf.h"
#include "mail/sa/html.h"

#define MR_SA_BYTES_MAX   (2u << 20) /* bytes of a message that are looked at */
#define MR_SA_HEADERS_MAX 2000       /* fields of one header */
#define MR_SA_PARTS_MAX   1000       /* nodes of the MIME tree */
#define MR_SA_DEPTH_MAX   20         /* of multiparts and attached messages in each other */
#define MR_SA_RELAYS_MAX  200
#define MR_SA_URIS_MAX    1000       /* raw ones */
#define MR_SA_URI_BYTES   (1u << 20) /* of those in HTML together, and again of those they redirect to */
#define MR_SA_BODY_MAX    50000      /* bytes of the rendered text of one part; SpamAssassin's body_part_scan_size */
#define MR_SA_RAW_MAX     500000     /* bytes of the decoded text of one part; its rawbody_part_scan_size */
#define MR_SA_TEXT_MAX    (1u << 20) /* bytes of the rendered text of all parts; the raw ones together have MR_SA_BYTES_MAX */

struct mr_sa;

/* The connection that brought the message, where the message has no Received field of ours yet. */
struct mr_sa_client {
	struct mr_slice ip, rdns, helo, by, from; /* from: of the envelope, "" for <> */
	bool authenticated;
};

/* What DNS proved of who sends it. */
struct mr_sa_signature {
	struct mr_slice domain;
	bool valid;
};
/* By the author's domain; what it asks for where it does not stand behind the message. */
enum mr_sa_dmarc {
	MR_SA_DMARC_UNKNOWN, /* also where something stood in the way */
	MR_SA_DMARC_PASS,
	MR_SA_DMARC_REJECT,
	MR_SA_DMARC_QUARANTINE,
	MR_SA_DMARC_NONE,
	MR_SA_DMARC_MISSING, /* it says nothing at all */
};
struct mr_sa_proofs {
	struct mr_slice spf;                      /* a result of RFC 7208 for the envelope's sender, "pass"; empty: not asked */
	struct mr_slice spf_helo;                 /* the same for the name in HELO */
	const struct mr_sa_signature *signatures; /* of DKIM */
	size_t n_signatures;
	enum mr_sa_dmarc dmarc;
	bool arc_signed, arc_valid; /* there is a chain; it holds */
};

struct mr_sa_part {
	struct mr_slice type;    /* lower case; "text/..." that is not HTML, a calendar or a card is "text/plain" */
	struct mr_slice charset; /* as the part says, or empty */
	struct mr_slice name;
	size_t n_children;
	bool leaf;
};

struct mr_sa_relay {
	struct mr_slice ip, rdns, helo, by, ident, id, auth, from; /* from: of the envelope; p NULL where unknown */
	bool private_ip, no_rdns /* the host that wrote it looks names up, and found none */, internal, msa;
};

enum mr_sa_uri_type {
	MR_SA_URI_A = 1u << 0,
	MR_SA_URI_IMG = 1u << 1,
	MR_SA_URI_FORM = 1u << 2,
	MR_SA_URI_IFRAME = 1u << 3,
	MR_SA_URI_SCRIPT = 1u << 4,
	MR_SA_URI_LINK = 1u << 5,
	MR_SA_URI_AREA = 1u << 6,
	MR_SA_URI_BODY = 1u << 7,
	MR_SA_URI_TABLE = 1u << 8,
	MR_SA_URI_TR = 1u << 9,
	MR_SA_URI_TD = 1u << 10,
	MR_SA_URI_FRAME = 1u << 11,
	MR_SA_URI_EMBED = 1u << 12,
	MR_SA_URI_BASE = 1u << 13,
	MR_SA_URI_BGSOUND = 1u << 14,
	MR_SA_URI_META = 1u << 15,
	MR_SA_URI_PARSED = 1u << 16,     /* found in the text */
	MR_SA_URI_UNLINKED = 1u << 17,   /* ... without what makes mail programs show it as a link */
	MR_SA_URI_SCHEMELESS = 1u << 18, /* ... without a scheme */
	MR_SA_URI_DOMAINKEYS = 1u << 19, /* the domain of a signature: no address */
};

#define MR_SA_URI_TYPES 20
/* "a", "img", ... "parsed", as rules name it. */
const char *mr_sa_uri_type_str(enum mr_sa_uri_type type);

/* An address in the message. */
struct mr_sa_uri {
	struct mr_slice raw;
	unsigned types;            /* of enum mr_sa_uri_type */
	struct mr_sa_list cleaned; /* raw and its canonical forms */
	struct mr_sa_list domains, hosts;
	struct mr_sa_list anchors; /* what is clicked on */
};

/* Reads the header; the rest comes when it is asked for. The message and conf must live as long as the view. client: NULL for none. */
struct mr_sa *mr_sa_read(struct mr_slice message, const struct mr_sa_conf *conf, const struct mr_sa_client *client, struct mr_arena *arena);

/* They must live as long as the view. Without: nobody has asked. */
void mr_sa_prove(struct mr_sa *sa, const struct mr_sa_proofs *proofs);

/* What `header` rules name: "Subject", "From:addr", "ALL", "ToCc", "X-Spam-Relays-Untrusted", "Received:first:raw" ... All values, in
 * order; none where there is no such field. The request lives as long as sa. */
const struct mr_sa_list *mr_sa_get(struct mr_sa *sa, struct mr_slice request);
/* The same as one text, as a rule's pattern sees it. False where there is no such field. */
bool mr_sa_header(struct mr_sa *sa, struct mr_slice request, struct mr_slice *out);
/* The same as old code sees it: the first value of :addr, :name and the like, else all values in one; "" for none. */
struct mr_slice mr_sa_scalar(struct mr_sa *sa, struct mr_slice request);

/* What S/MIME has signed opaquely (smime.p7m) as if it stood in the message itself, below the same header: NULL: nothing. SpamAssassin has
 * none of it, so it is for rules of ours alone. */
struct mr_sa *mr_sa_signed(struct mr_sa *sa);

const struct mr_sa_list *mr_sa_body(struct mr_sa *sa);    /* subject first, then paragraphs of the rendered text */
const struct mr_sa_list *mr_sa_rawbody(struct mr_sa *sa); /* chunks of decoded text parts */
const struct mr_sa_list *mr_sa_uris(struct mr_sa *sa);    /* every address and its canonical forms, each once */
struct mr_slice mr_sa_full(struct mr_sa *sa);             /* the whole message, without a mailbox file's first line */
struct mr_slice mr_sa_pristine_body(struct mr_sa *sa);

const struct mr_sa_uri *mr_sa_uri_details(struct mr_sa *sa, size_t *n);
const struct mr_sa_html *const *mr_sa_htmls(struct mr_sa *sa, size_t *n);

/* The MIME tree, depth first, the message itself first. */
size_t mr_sa_n_parts(struct mr_sa *sa);
const struct mr_sa_part *mr_sa_part(struct mr_sa *sa, size_t i);
/* A field of the part as `mimeheader` names it: "Content-Type", "Content-ID:raw", "ALL"; several: the last one. */
bool mr_sa_part_header(struct mr_sa *sa, size_t i, struct mr_slice request, struct mr_slice *out);
struct mr_slice mr_sa_part_decoded(struct mr_sa *sa, size_t i); /* transfer encoding undone */
/* Of leaves of text: UTF-8, or bytes where no character is above U+00FF; html: rendered from it. NULL p where the part is not rendered. */
struct mr_slice mr_sa_part_rendered(struct mr_sa *sa, size_t i, const struct mr_sa_html **html);

/* Things that went wrong in parsing, by SpamAssassin's names: "missing_mime_headers", "truncated_header" ... */
bool mr_sa_flag(struct mr_sa *sa, struct mr_slice name);
/* Regular expressions of functions and settings had more to do than a message may cost: the rest of them has found nothing. */
bool mr_sa_patterns_cut(const struct mr_sa *sa);
bool mr_sa_boundary_missing(struct mr_sa *sa); /* some multipart does not end */

enum mr_sa_trust { MR_SA_TRUSTED, MR_SA_UNTRUSTED, MR_SA_INTERNAL, MR_SA_EXTERNAL };
const struct mr_sa_relay *const *mr_sa_relays(struct mr_sa *sa, enum mr_sa_trust which, size_t *n);
size_t mr_sa_relays_unparseable(struct mr_sa *sa);

/* Addresses that a message is from, or to, whatever field says so; lower case is not applied. */
const struct mr_sa_list *mr_sa_all_from(struct mr_sa *sa);
const struct mr_sa_list *mr_sa_all_to(struct mr_sa *sa);
