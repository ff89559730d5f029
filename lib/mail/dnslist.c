/* dnslist: see dnslist.h */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/dnslist.h"

#define MAX_DEFAULT 20 /* questions a message */
#define MAX_MAX     200
#define SCORE_MAX   1000
#define NAME_MAX_N  64

static const char *const subjects[MR_DNSLIST_SUBJECTS] = {
	[MR_DNSLIST_CLIENT] = "client",
	[MR_DNSLIST_RECEIVED] = "received",
	[MR_DNSLIST_HELO] = "helo",
	[MR_DNSLIST_SENDER] = "sender",
	[MR_DNSLIST_FROM] = "from",
	[MR_DNSLIST_REPLY_TO] = "reply-to",
	[MR_DNSLIST_DKIM] = "dkim",
	[MR_DNSLIST_LINK] = "link",
	[MR_DNSLIST_LINK_HOST] = "link-host",
	[MR_DNSLIST_LINK_ADDRESS] = "link-address",
	[MR_DNSLIST_NS] = "ns",
	[MR_DNSLIST_NS_ADDRESS] = "ns-address",
	[MR_DNSLIST_ADDRESS] = "address",
	[MR_DNSLIST_URL] = "url",
	[MR_DNSLIST_FILE] = "file",
};
static const char *const hashes[] = {
	[MR_DNSLIST_SHA1] = "sha1",
	[MR_DNSLIST_SHA256] = "sha256",
};

/* Scores are moderate: none of them alone refuses a message. Each operator has terms of its own for who may ask. */
const struct mr_dnslist_ready mr_dnslist_ready[] = {
	{ "spamhaus-zen",
	  "zen.spamhaus.org client 127.0.0.2=SPAMHAUS_SBL:4 127.0.0.3=SPAMHAUS_CSS:4 127.0.0.4-7=SPAMHAUS_XBL:5 127.0.0.9=SPAMHAUS_DROP:6 "
	  "127.0.0.10-11=SPAMHAUS_PBL:3",
	  "addresses of spammers, of hijacked machines, and such as should not send mail" },
	{ "spamhaus-received",
	  "zen.spamhaus.org received max=5 127.0.0.2-3=SPAMHAUS_SBL_RECEIVED:1.5 127.0.0.4-7=SPAMHAUS_XBL_RECEIVED:1 "
	  "127.0.0.9=SPAMHAUS_DROP_RECEIVED:4",
	  "the same for earlier hosts on the way" },
	{ "spamhaus-dbl",
	  "dbl.spamhaus.org names helo sender from reply-to dkim link 127.0.1.2=SPAMHAUS_DBL_SPAM:5 127.0.1.4=SPAMHAUS_DBL_PHISH:6 "
	  "127.0.1.5=SPAMHAUS_DBL_MALWARE:6 127.0.1.6=SPAMHAUS_DBL_BOTNET:6 127.0.1.102-106=SPAMHAUS_DBL_ABUSED:2 127.0.1.255=refused",
	  "domains" },
	{ "spamhaus-sbl-links", "sbl.spamhaus.org link-address ns-address 127.0.0.2-3=SPAMHAUS_SBL_LINK:2 127.0.0.9=SPAMHAUS_DROP_LINK:4",
	  "addresses of the hosts of links and of their name servers" },
	{ "surbl", "multi.surbl.org link 127.0.0.&8=SURBL_PH:5 127.0.0.&16=SURBL_MW:5 127.0.0.&64=SURBL_ABUSE:5 127.0.0.&128=SURBL_CR:3",
	  "domains of links" },
	{ "uribl", "multi.uribl.com link 127.0.0.1=refused 127.0.0.&2=URIBL_BLACK:5 127.0.0.&4=URIBL_GREY:1 127.0.0.&8=URIBL_RED:0.5",
	  "domains of links" },
	{ "spamcop", "bl.spamcop.net client 127.0.0.2=SPAMCOP:2.5", "addresses of which users complained in the last hours" },
	{ "barracuda", "b.barracudacentral.org client ipv4 127.0.0.2=BARRACUDA:3", "addresses; the resolver must be registered" },
	{ "psbl", "psbl.surriel.com client 127.0.0.2=PSBL:2", "addresses that sent to spam traps" },
	{ "ebl", "ebl.msbl.org address sha1 max=10 127.0.0.2=EBL:4", "mail addresses to which fraudsters want answers" },
	{ "dnswl",
	  "list.dnswl.org client 127.0.0.255=refused 127.0.*.0=DNSWL_NONE:0 127.0.*.1=DNSWL_LOW:-1 127.0.*.2=DNSWL_MEDIUM:-2.5 "
	  "127.0.*.3=DNSWL_HIGH:-5",
	  "addresses that are known to send good mail" },
	{ 0 },
};

/* -- a row -- */

static int parse_octet(struct mr_slice s, struct mr_dnslist_octet *out)
{
	ptrdiff_t dash = mr_slice_chr(s, '-');
	uint64_t low = 0, high = 255;

	out->bits = s.n > 1 && s.p[0] == '&';
	if (out->bits)
		s = mr_slice_from(s, 1);
	if (mr_slice_eq(s, MR_LIT("*"))) {
		if (out->bits)
			return -EINVAL;
	} else if (dash > 0 && !out->bits) {
		if (mr_parse_u64((struct mr_slice){ s.p, (size_t)dash }, 0, 255, &low) < 0 ||
		    mr_parse_u64(mr_slice_from(s, (size_t)dash + 1), low, 255, &high) < 0)
			return -EINVAL;
	} else {
		if (mr_parse_u64(s, out->bits, 255, &low) < 0)
			return -EINVAL;
		high = low;
	}
	out->low = (uint8_t)low;
	out->high = (uint8_t)high;
	return 0;
}

static bool symbol_ok(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return s.n > 0 && s.n <= NAME_MAX_N;
}

static int parse_meaning(struct mr_slice s, struct mr_arena *arena, struct mr_dnslist_code *out)
{
	ptrdiff_t colon = mr_slice_rchr(s, ':');
	struct mr_slice symbol;

	if (mr_slice_eq(s, MR_LIT("refused")))
		return 0;
	if (colon < 0)
		return -EINVAL;
	symbol = (struct mr_slice){ s.p, (size_t)colon };
	if (!symbol_ok(symbol) || mr_parse_double(mr_slice_from(s, (size_t)colon + 1), -SCORE_MAX, SCORE_MAX, &out->score) < 0)
		return -EINVAL;
	out->symbol = mr_arena_slice(arena, symbol);
	return 0;
}

static int parse_code(struct mr_slice word, size_t equal, struct mr_arena *arena, struct mr_dnslist_code *out)
{
	struct mr_slice pattern = { word.p, equal }, part;
	size_t n = 0;

	*out = (struct mr_dnslist_code){ 0 };
	while (mr_slice_next(&pattern, '.', &part)) {
		if (n == 4 || parse_octet(part, &out->octets[n++]) < 0)
			return -EINVAL;
	}
	return n == 4 ? parse_meaning(mr_slice_from(word, equal + 1), arena, out) : -EINVAL;
}

static int find(const char *const *names, size_t n, struct mr_slice word)
{
	for (size_t i = 0; i < n; i++)
		if (mr_slice_eq(mr_slice_of(names[i]), word))
			return (int)i;
	return -1;
}

static int parse_word(struct mr_slice word, struct mr_arena *arena, struct mr_dnslist *out)
{
	ptrdiff_t equal = mr_slice_chr(word, '=');
	uint64_t max;
	int i;

	if (mr_slice_starts(word, MR_LIT("max="))) {
		if (mr_parse_u64(mr_slice_from(word, 4), 1, MAX_MAX, &max) < 0)
			return -EINVAL;
		out->max = (unsigned)max;
		return 0;
	}
	if (equal >= 0) {
		if (out->n_codes == MR_DNSLIST_CODES_MAX || parse_code(word, (size_t)equal, arena, &out->codes[out->n_codes]) < 0)
			return -EINVAL;
		out->n_codes++;
		return 0;
	}
	if (mr_slice_eq(word, MR_LIT("ipv4"))) {
		out->no_ipv6 = true;
		return 0;
	}
	if (mr_slice_eq(word, MR_LIT("names"))) {
		out->names_only = true;
		return 0;
	}
	if (mr_slice_eq(word, MR_LIT("ipv6"))) {
		out->no_ipv4 = true;
		return 0;
	}
	i = find(hashes, MR_COUNT(hashes), word);
	if (i >= 0) {
		out->hash = (enum mr_dnslist_hash)i;
		return 0;
	}
	i = find(subjects, MR_COUNT(subjects), word);
	if (i < 0)
		return -EINVAL;
	out->subjects |= 1u << i;
	return 0;
}

static struct mr_slice ready_row(struct mr_slice name)
{
	for (size_t i = 0; mr_dnslist_ready[i].name; i++)
		if (mr_slice_eq(mr_slice_of(mr_dnslist_ready[i].name), name))
			return mr_slice_of(mr_dnslist_ready[i].row);
	return (struct mr_slice){ 0 };
}

/* Something that is listed, and something that is asked. */
static int check(const struct mr_dnslist *l, struct mr_slice row, struct mr_diag *diag)
{
	bool listed = false;

	for (size_t i = 0; i < l->n_codes; i++)
		listed |= l->codes[i].symbol != NULL;
	if (!l->subjects)
		return mr_diag_set(diag, -EINVAL, "\"%.*s\" does not say what is asked about, such as client or link", (int)row.n, row.p);
	if (!listed)
		return mr_diag_set(diag, -EINVAL, "\"%.*s\" has no answer with a meaning, such as 127.0.0.2=NAME:3", (int)row.n, row.p);
	if (l->no_ipv4 && l->no_ipv6)
		return mr_diag_set(diag, -EINVAL, "\"%.*s\" is for ipv4 or for ipv6", (int)row.n, row.p);
	return 0;
}

int mr_dnslist_parse(struct mr_slice row, struct mr_arena *arena, struct mr_dnslist *out, struct mr_diag *diag)
{
	struct mr_dnslist l = { .max = MAX_DEFAULT };
	struct mr_slice rest, word;

	row = mr_slice_trim(row);
	if (row.n > MR_DNSLIST_ROW_MAX)
		return mr_diag_set(diag, -EINVAL, "a row of more than %d bytes", MR_DNSLIST_ROW_MAX);
	if (row.n && mr_slice_chr(row, '.') < 0 && mr_slice_chr(row, ' ') < 0) {
		rest = ready_row(row);
		if (!rest.n)
			return mr_diag_set(diag, -EINVAL, "\"%.*s\" is no ready-made list", (int)row.n, row.p);
		row = rest;
	}
	rest = row;
	if (!mr_slice_next(&rest, ' ', &word) || mr_slice_chr(word, '.') < 0 || word.n > MR_DNS_NAME_MAX / 2 ||
	    mr_domain_check(word, true, arena, &l.zone, NULL) < 0)
		return mr_diag_set(diag, -EINVAL, "\"%.*s\" does not begin with a zone", (int)row.n, row.p);
	while (mr_slice_next(&rest, ' ', &word)) {
		if (word.n && parse_word(word, arena, &l) < 0)
			return mr_diag_set(diag, -EINVAL, "%.*s: what is \"%.*s\"?", (int)l.zone.n, l.zone.p, (int)word.n, word.p);
	}
	if (check(&l, row, diag) < 0)
		return -EINVAL;
	*out = l;
	return 0;
}

/* -- names to ask for -- */

/* Whose addresses no list knows. 127.0.0.0/8 but for 127.0.0.1 may be asked: lists have their test entries there (RFC 5782 section 5). */
static bool is_private(const struct mr_ip *ip)
{
	static const struct {
		uint8_t prefix[4], bits;
	} v4[] = { { { 10 }, 8 },       { { 172, 16 }, 12 },      { { 192, 168 }, 16 }, { { 169, 254 }, 16 },
		   { { 100, 64 }, 10 }, { { 127, 0, 0, 1 }, 32 }, { { 0 }, 8 },         { { 224 }, 3 } };
	struct mr_net net;

	if (ip->family == AF_INET6) {
		static const uint8_t local[16] = { [15] = 1 };

		return (ip->bytes[0] & 0xfe) == 0xfc || (ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80) || ip->bytes[0] == 0xff ||
		       memcmp(ip->bytes, local, sizeof(local)) == 0;
	}
	for (size_t i = 0; i < MR_COUNT(v4); i++) {
		net = (struct mr_net){ .ip = { .family = AF_INET }, .bits = v4[i].bits };
		memcpy(net.ip.bytes, v4[i].prefix, sizeof(v4[i].prefix));
		if (mr_net_has(&net, ip))
			return true;
	}
	return false;
}

bool mr_dnslist_ip(const struct mr_dnslist *l, const struct mr_ip *ip, struct mr_buf *out)
{
	if (l->names_only || is_private(ip) || (ip->family == AF_INET ? l->no_ipv4 : l->no_ipv6))
		return false;
	if (ip->family == AF_INET) {
		mr_buf_printf(out, "%u.%u.%u.%u", ip->bytes[3], ip->bytes[2], ip->bytes[1], ip->bytes[0]);
		return true;
	}
	for (size_t i = 16; i-- > 0;)
		mr_buf_printf(out, "%x.%x%s", ip->bytes[i] & 0xf, ip->bytes[i] >> 4, i ? "." : "");
	return true;
}

/* RFC 4648 section 6, lower case and without padding. */
static void base32(const uint8_t *bytes, size_t n, struct mr_buf *out)
{
	uint32_t value = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		value = value << 8 | bytes[i];
		for (bits += 8; bits >= 5; bits -= 5)
			mr_buf_putc(out, "abcdefghijklmnopqrstuvwxyz234567"[value >> (bits - 5) & 31]);
	}
	if (bits)
		mr_buf_putc(out, "abcdefghijklmnopqrstuvwxyz234567"[value << (5 - bits) & 31]);
}

void mr_dnslist_hashed(const struct mr_dnslist *l, struct mr_slice what, struct mr_buf *out)
{
	uint8_t sum[MR_SHA256_LEN];

	switch (l->hash) {
	case MR_DNSLIST_SHA1:
		if (mr_sha1(what, sum) == 0)
			mr_hex_add(out, (struct mr_slice){ (char *)sum, MR_SHA1_LEN });
		break;
	case MR_DNSLIST_SHA256:
		if (mr_sha256(what, sum) == 0)
			base32(sum, sizeof(sum), out);
		break;
	}
}

struct mr_slice mr_dnslist_address(struct mr_slice address, struct mr_arena *arena)
{
	struct mr_slice lower = mr_slice_of(mr_arena_lower(arena, address));
	ptrdiff_t at = mr_slice_rchr(lower, '@'), plus;
	struct mr_buf out = MR_BUF(512);
	struct mr_slice local, domain, r = { 0 };
	bool gmail;

	if (at <= 0 || lower.n > 320)
		return r;
	local = (struct mr_slice){ lower.p, (size_t)at };
	domain = mr_slice_from(lower, (size_t)at + 1);
	gmail = mr_slice_eq(domain, MR_LIT("gmail.com")) || mr_slice_eq(domain, MR_LIT("googlemail.com"));
	plus = mr_slice_chr(local, '+');
	if (plus > 0)
		local.n = (size_t)plus;
	for (size_t i = 0; i < local.n; i++)
		if (!gmail || local.p[i] != '.')
			mr_buf_putc(&out, local.p[i]);
	mr_buf_putc(&out, '@');
	mr_buf_add(&out, gmail ? MR_LIT("gmail.com") : domain);
	r = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&out)));
	mr_buf_done(&out);
	return r;
}

/* -- answers -- */

static bool octet_matches(const struct mr_dnslist_octet *o, uint8_t n)
{
	return o->bits ? (n & o->low) != 0 : n >= o->low && n <= o->high;
}

static bool matches(const struct mr_dnslist_code *c, const uint8_t a[4])
{
	for (size_t i = 0; i < 4; i++)
		if (!octet_matches(&c->octets[i], a[i]))
			return false;
	return true;
}

static bool names_in_full(const struct mr_dnslist_code *c, const uint8_t a[4])
{
	for (size_t i = 0; i < 4; i++)
		if (c->octets[i].bits || c->octets[i].low != a[i] || c->octets[i].high != a[i])
			return false;
	return c->symbol != NULL;
}

static bool is_refusal(const struct mr_dnslist *l, const uint8_t a[4])
{
	static const uint8_t one[4] = { 127, 0, 0, 1 };
	bool refused = a[0] != 127 || (a[1] == 255 && a[2] == 255) || memcmp(a, one, sizeof(one)) == 0;

	for (size_t i = 0; i < l->n_codes; i++) {
		if (names_in_full(&l->codes[i], a))
			return false;
		if (!l->codes[i].symbol && matches(&l->codes[i], a))
			return true;
	}
	return refused;
}

enum mr_dnslist_result mr_dnslist_judge(const struct mr_dnslist *l, const struct mr_dns_answer *a, uint32_t *hits)
{
	uint32_t found = 0;

	if (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS)
		return MR_DNSLIST_SILENT;
	if (a->status != MR_DNS_OK)
		return MR_DNSLIST_NOT;
	for (size_t i = 0; i < a->n_rrs; i++) {
		uint8_t octets[4];

		if (a->rrs[i].data.n != sizeof(octets))
			continue;
		memcpy(octets, a->rrs[i].data.p, sizeof(octets));
		if (is_refusal(l, octets))
			return MR_DNSLIST_REFUSED;
		for (size_t c = 0; c < l->n_codes; c++)
			if (l->codes[c].symbol && matches(&l->codes[c], octets))
				found |= 1u << c;
	}
	*hits |= found;
	return found ? MR_DNSLIST_LISTED : MR_DNSLIST_NOT;
}
