/* sa/internal: what the files of this folder share. */
#pragma once
#include "base/buf.h"
#include "base/parse.h"
#include "mail/sa/sa.h"

#define SA_VALUE_MAX 8192 /* bytes of a field; longer values are cut */

struct sa_field {
	struct mr_slice name;    /* as written, without white space at its end */
	struct mr_slice raw;     /* after the colon, folds and the line break with it; LF only */
	struct mr_slice decoded; /* unfolded, trimmed, encoded words as UTF-8; once it was asked for */
	struct mr_slice line;    /* the same with a line break behind; p NULL until it was asked for */
	bool is_decoded;
};
struct sa_header {
	struct sa_field *fields;
	size_t n;
	uint64_t names; /* the bits of those that are there: most that are asked for are not */
};

/* A leaf, a multipart, or a message that is attached. */
struct sa_node {
	struct mr_sa_part part;
	struct sa_header header;
	size_t end;                   /* nodes below: up to this one */
	struct mr_slice raw;          /* of a leaf */
	struct mr_slice all, all_raw; /* its whole header; p NULL until it was asked for */
	struct mr_slice decoded, rendered;
	struct mr_sa_html *html;
	bool is_decoded, is_rendered;
	bool wide; /* rendered is UTF-8 */
};

struct sa_got {
	struct sa_got *next;
	struct mr_slice request;
	struct mr_sa_list values;
	struct mr_slice joined, scalar; /* once asked for */
	bool is_joined, is_scalar;
};
#define SA_GOT_MAX     512 /* requests whose answers are kept */
#define SA_GOT_BUCKETS 128

struct mr_sa {
	struct mr_arena *arena;
	const struct mr_sa_conf *conf;
	const struct mr_sa_client *client;
	const struct mr_sa_proofs *proofs; /* or NULL */
	struct mr_slice full, pristine_header, pristine_body;
	struct mr_slice body; /* of the message, LF only, no more than 20 empty lines in a row; for the MIME tree */
	struct sa_node *nodes;
	size_t n_nodes, room;
	size_t uri_room, redirect_room; /* bytes that addresses in HTML, and addresses in addresses, may still have */
	size_t inner;                   /* bytes of attached messages so far, all levels */
	size_t pattern_steps;           /* patterns.c */
	bool parsed, boundary_missing;
	bool truncated_header, missing_head_body_separator, missing_mime_headers, missing_mime_head_body_separator, mime_epilogue,
	    part_limit;
	bool uri_truncated;
	struct mr_sa_list body_text, raw_text, uris, all_from, all_to;
	bool has_body_text, has_raw_text, has_uris, has_details, has_relays, has_all_from, has_all_to, has_envelope;
	struct mr_slice envelope; /* p NULL: unknown */
	const struct mr_sa_html **htmls;
	size_t n_htmls;
	struct mr_sa_uri *details;
	size_t n_details, details_room;
	struct mr_sa_relay *relays; /* in order */
	size_t n_relays, n_unparseable;
	const struct mr_sa_relay **by_trust[4];
	size_t n_by_trust[4];
	struct mr_slice trust_text[4];
	long last_trusted, last_internal;
	/* What functions found out (eval-*.c) */
	struct sa_mime_facts *mime_facts;
	struct sa_alternatives *alternatives;
	struct sa_signature *signature;
	struct sa_dates *dates;
	struct sa_images *images;
	struct sa_pdf_info *pdf_info;
	struct sa_office *office;
	struct mr_pdf *pdfs; /* pdf.c */
	size_t n_pdfs;
	bool has_pdfs;
	struct sa_freemail *freemail;
	struct sa_recipients *recipients;
	size_t lines, blank_lines;
	double capitals;
	bool has_capitals;
	struct sa_got *got[SA_GOT_BUCKETS]; /* by request */
	size_t n_got;
};

static inline bool sa_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool sa_is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static inline bool sa_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool sa_is_word(char c)
{
	return sa_is_alpha(c) || sa_is_digit(c) || c == '_';
}
/* NUL is none of any. */
static inline bool sa_one_of(char c, const char *set)
{
	while (*set && *set != c)
		set++;
	return *set;
}
static inline struct mr_slice sa_sub(struct mr_slice s, size_t from, size_t to)
{
	return (struct mr_slice){ s.p + from, to - from };
}
/* Without white space at both ends, vertical tabs and form feeds too. */
struct mr_slice sa_trim(struct mr_slice s);
struct mr_slice sa_keep(struct mr_arena *a, struct mr_slice s);
struct mr_slice sa_keep_buf(struct mr_arena *a, struct mr_buf *b); /* and frees the buffer */
struct mr_slice sa_lower(struct mr_arena *a, struct mr_slice s);
/* A list that grows in the arena, by doubling. False at max. */
bool sa_list_add(struct mr_arena *a, struct mr_sa_list *list, struct mr_slice s, size_t max);
/* UTF-8 whose characters are all below U+0100 as a byte each: so Perl has text in which only entities were no ASCII. */
struct mr_slice sa_narrowed(struct mr_arena *a, struct mr_slice s);
bool sa_list_has(const struct mr_sa_list *list, struct mr_slice s);
size_t sa_wide_space_at(struct mr_slice s, size_t i); /* beyond ASCII */
/* Length of the white space character at i, or 0; in UTF-8 (wide) those of Unicode are some, too. */
static inline size_t sa_space_at(struct mr_slice s, size_t i, bool wide)
{
	if ((signed char)s.p[i] > ' ')
		return 0;
	if (!(s.p[i] & 0x80))
		return sa_is_space(s.p[i]);
	return wide ? sa_wide_space_at(s, i) : 0;
}
/* Where needle begins in s from `from` on; -1. */
ptrdiff_t sa_find(struct mr_slice s, size_t from, struct mr_slice needle);
bool sa_has(struct mr_slice s, struct mr_slice needle);
ptrdiff_t sa_ifind(struct mr_slice s, struct mr_slice needle); /* in any case */
bool sa_ihas(struct mr_slice s, struct mr_slice needle);

/* -- decode.c -- */

struct mr_slice sa_base64(struct mr_arena *a, struct mr_slice s);
struct mr_slice sa_quoted_printable(struct mr_arena *a, struct mr_slice s);
/* Text in a charset that may be named wrongly, as UTF-8. insist: the name is right, bytes that are wrong are replaced. *wide: it was
 * decoded, not handed back as it is. */
struct mr_slice sa_normalize(struct mr_arena *a, struct mr_slice in, struct mr_slice charset, bool insist, bool *wide);
/* A field's value with encoded words (RFC 2047) as UTF-8. name: "" for none that is exempt. */
struct mr_slice sa_decode_words(struct mr_arena *a, struct mr_slice value, struct mr_slice name);

/* -- header.c -- */

/* One of 64 bits, the same for names that differ in case only. */
static inline uint64_t sa_name_bit(struct mr_slice name)
{
	size_t mixed = name.n ? 8 * name.n + (size_t)mr_lower(name.p[0]) + 2 * (size_t)mr_lower(name.p[name.n - 1]) : 0;

	return UINT64_C(1) << mixed % 64;
}
/* Reads the header off the front of *text. crlf: line ends are CRLF. Flags and the header's text go to sa where it is given. */
void sa_header_read(struct mr_arena *a, struct mr_slice *text, bool crlf, struct mr_sa *sa, struct sa_header *out);
void sa_header_add(struct mr_arena *a, struct sa_header *h, size_t *room, struct mr_slice name, struct mr_slice raw);
struct mr_slice sa_without_cr(struct mr_arena *a, struct mr_slice s); /* each CRLF as LF; itself where there is none */
struct mr_slice sa_field_decoded(struct mr_arena *a, struct sa_field *f);
struct mr_slice sa_field_line(struct mr_arena *a, struct sa_field *f);                                /* with a line break behind */
struct sa_field *sa_header_last(const struct sa_header *h, struct mr_slice name);                     /* NULL: none */
struct mr_slice sa_header_value(struct mr_arena *a, const struct sa_header *h, struct mr_slice name); /* of the last one, decoded; or "" */
/* Every field "Name: decoded\n"; no more than 64 KiB. */
void sa_header_all(struct mr_arena *a, const struct sa_header *h, bool raw, struct mr_sa_list *out, bool *truncated);

struct mr_slice sa_raw_in_a_line(struct mr_arena *a, struct mr_slice s); /* a raw value, folds undone */

/* -- mime.c -- */

struct sa_content_type {
	struct mr_slice type, boundary /* p NULL: none */, charset, name;
	bool missing;
};
void sa_content_type(struct mr_arena *a, struct mr_slice value, struct sa_content_type *out);
void sa_mime_parse(struct mr_sa *sa);

/* -- pdf.c -- */

/* The pseudo-headers "X-Mailreeve-PDF", a value a file: what mail/pdf.h finds in it; and "X-Mailreeve-PDF-Text". False: another name. */
bool sa_pdf_header(struct mr_sa *sa, struct mr_slice name, struct mr_sa_list *out);

/* -- svg.c -- */

/* The pseudo-header "X-Mailreeve-SVG", a value a drawing: the first 64 KiB of its text. False: another name. */
bool sa_svg_header(struct mr_sa *sa, struct mr_slice name, struct mr_sa_list *out);

/* -- relays.c, received.c -- */

void sa_relays_read(struct mr_sa *sa);
enum sa_received { SA_RECEIVED_RELAY, SA_RECEIVED_SKIP, SA_RECEIVED_FETCHED, SA_RECEIVED_UNKNOWN };
/* One Received field. qmail_from: what a line of qmail-scanner says of the one after it. */
enum sa_received sa_received_parse(struct mr_arena *a, struct mr_slice line, struct mr_sa_relay *out, struct mr_slice *qmail_from);
/* An IPv4 or IPv6 address at the front of s: its length, or 0. */
size_t sa_ip_length(struct mr_slice s);
bool sa_ip_private(struct mr_slice ip);
/* conf-nets.c: net as settings have it: "10.1.", "10.1/16", "192.0.2.1", "2001:db8::/32". */
bool sa_in_network(struct mr_slice net, const struct mr_ip *ip);

/* -- address.c, get.c -- */

struct sa_address {
	struct mr_slice phrase, address; /* p NULL: none */
};
size_t sa_addresses(struct mr_arena *a, struct mr_slice value, struct sa_address *out, size_t max);

/* -- domain.c -- */

bool sa_tld_valid(const struct mr_sa_conf *c, struct mr_arena *a, struct mr_slice host); /* ends in a known top-level domain */
bool sa_fqdn_valid(struct mr_slice host);
struct mr_slice sa_to_ascii(struct mr_arena *a, struct mr_slice host); /* lower case, IDNA */
/* The registered part, lower case. */
struct mr_slice sa_trim_domain(const struct mr_sa_conf *c, struct mr_arena *a, struct mr_slice host);
/* Of an address in a message: host and registered domain. False: it has none. */
bool sa_uri_domain(const struct mr_sa_conf *c, struct mr_arena *a, struct mr_slice uri, struct mr_slice *domain, struct mr_slice *host);
/* How long a known top-level domain stands at the front of s, with no more of a name behind it; 0: none. */
size_t sa_tld_at(const struct mr_sa_conf *c, struct mr_slice s);

/* -- uri-text.c, uri-canon.c -- */

/* What a text has in addresses, one after the other; false at the end. raw: as it stands there; uri: with a scheme, "" for what is none
 * after all. *types: of enum mr_sa_uri_type. */
bool sa_uri_next(struct mr_sa *sa, struct mr_slice text, size_t *at, struct mr_slice *raw, struct mr_slice *uri, unsigned *types);
/* conf-redirect.c: does the address lead on by a pattern of the administrator's? *where is within it. */
bool sa_conf_redirects(struct mr_sa *sa, struct mr_slice uri, struct mr_slice *where);
/* raw and its canonical forms. */
void sa_uri_canonical(struct mr_sa *sa, struct mr_slice raw, struct mr_sa_list *out);
/* Escapes of printable characters undone, and all that may not stand in an address escaped. */
struct mr_slice sa_uri_decoded(struct mr_arena *a, struct mr_slice s);
bool sa_uri_has_escape(struct mr_slice s);
