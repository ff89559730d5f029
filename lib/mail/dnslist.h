/* dnslist: lists that are published in DNS (RFC 5782, and its kin for domains and hashes): one row of configuration each, the names that
 *are asked for, and what an answer means. Pure.
 *
 * A row is words with spaces between: the zone; what of a message is asked about (names of enum mr_dnslist_subject); for whom it matters
 * ipv4, ipv6 (addresses of one family only), names (no addresses, as such lists want
 * it), sha1, sha256 (how addresses, urls and files are hashed), max=N (questions a
 * message); and what answers mean, PATTERN=SYMBOL:SCORE or PATTERN=refused:
 *
 *	zen.dnsbl.example client received ipv4 127.0.0.2=ZEN_SPAM:4 127.0.0.10-11=ZEN_DYNAMIC:2 127.0.1.&8=ZEN_PHISH:5 127.0.0.255=refused
 *
 * Each of a pattern's four numbers is one, a range, "*", or "&N": one of these bits is set. All patterns that match count, each symbol once
 * a message. Answers outside 127.0.0.0/8, in 127.255.255.0/24, and 127.0.0.1, unless a pattern names it in full, are refusals too: of a
 * resolver that the list does not serve, of a zone that is gone. One of them and the whole answer counts for nothing.
 *
 * A row of one word without a dot is the name of a ready-made one. */
#pragma once
#include "base/diag.h"
#include "base/parse.h"
#include "proto/dns.h"

#define MR_DNSLIST_ROWS_MAX  64
#define MR_DNSLIST_CODES_MAX 32
#define MR_DNSLIST_ROW_MAX   2000 /* bytes */

enum mr_dnslist_subject {
	MR_DNSLIST_CLIENT,   /* address of the client */
	MR_DNSLIST_RECEIVED, /* addresses in Received fields */
	MR_DNSLIST_HELO,     /* domain names: of the client */
	MR_DNSLIST_SENDER,   /* of the envelope */
	MR_DNSLIST_FROM,     /* of the header From */
	MR_DNSLIST_REPLY_TO,
	MR_DNSLIST_DKIM,         /* of signatures that hold */
	MR_DNSLIST_LINK,         /* of links: registered domains, and addresses that stand in place of a name */
	MR_DNSLIST_LINK_HOST,    /* of links: whole host names */
	MR_DNSLIST_LINK_ADDRESS, /* addresses of the hosts */
	MR_DNSLIST_NS,           /* registered domains of the name servers of links' domains */
	MR_DNSLIST_NS_ADDRESS,   /* their addresses */
	MR_DNSLIST_ADDRESS,      /* hashes: of the mail addresses in From, Reply-To and envelope, and in the text */
	MR_DNSLIST_URL,          /* of links without the scheme and the fragment */
	MR_DNSLIST_FILE,         /* of attached files */
};
#define MR_DNSLIST_SUBJECTS 15

enum mr_dnslist_hash { MR_DNSLIST_SHA1 /* hex */, MR_DNSLIST_SHA256 /* base 32, since a label has no room for 64 digits */ };

/* One number of a pattern. */
struct mr_dnslist_octet {
	bool bits;
	uint8_t low, high; /* bits: in low */
};
struct mr_dnslist_code {
	struct mr_dnslist_octet octets[4];
	const char *symbol; /* NULL: refused */
	double score;
};
struct mr_dnslist {
	struct mr_slice zone; /* lower case */
	uint32_t subjects;    /* bits */
	bool no_ipv4, no_ipv6, names_only;
	enum mr_dnslist_hash hash;
	unsigned max; /* questions a message */
	struct mr_dnslist_code codes[MR_DNSLIST_CODES_MAX];
	size_t n_codes;
};

struct mr_dnslist_ready {
	const char *name, *row, *help;
};
extern const struct mr_dnslist_ready mr_dnslist_ready[]; /* ended by a NULL name */

/* -EINVAL with what is wrong. Slices live in the arena. */
int mr_dnslist_parse(struct mr_slice row, struct mr_arena *arena, struct mr_dnslist *out, struct mr_diag *diag);

/* What stands before the zone: "4.3.2.1", or 32 nibbles; false where the list is for the other family or the address is of a private
 * network. */
bool mr_dnslist_ip(const struct mr_dnslist *l, const struct mr_ip *ip, struct mr_buf *out);
void mr_dnslist_hashed(const struct mr_dnslist *l, struct mr_slice what, struct mr_buf *out);
/* A mail address as lists hash it: lower case, without a tag behind "+"; at Gmail without dots. Empty: none. */
struct mr_slice mr_dnslist_address(struct mr_slice address, struct mr_arena *arena);

enum mr_dnslist_result { MR_DNSLIST_NOT, MR_DNSLIST_LISTED, MR_DNSLIST_REFUSED, MR_DNSLIST_SILENT };
/* What an answer to the A question means; LISTED: the bits of the codes that match are added to *hits. */
enum mr_dnslist_result mr_dnslist_judge(const struct mr_dnslist *l, const struct mr_dns_answer *a, uint32_t *hits);
