/* dkim-field: a DKIM-Signature field read, and all that can be said about it without its key (RFC 6376 sections 3.5 and 6.1.1). */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/dkim-internal.h"
#include "mail/idn.h"
#include "mail/sig.h"
#include "mail/tags.h"

#define FIELD_MAX     32768 /* bytes of a signature field */
#define SIGNATURE_MAX 2048  /* bytes of a signature: one of RSA with 16384 bits */
#define DRIFT         300   /* seconds that clocks may differ */

/* The tags that we read or that must not stand twice; the values are in the field. */
enum { TAG_V, TAG_A, TAG_B, TAG_BH, TAG_C, TAG_D, TAG_H, TAG_I, TAG_L, TAG_Q, TAG_S, TAG_T, TAG_X, TAGS };
static const char *const names[TAGS] = { "v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s", "t", "x" };

static const char *read_tags(struct mr_slice value, struct mr_slice tags[TAGS])
{
	int r = value.n > FIELD_MAX ? -EMSGSIZE : mr_tags_read(value, names, TAGS, tags);

	if (r == -EMSGSIZE)
		return "signature field is too long";
	if (r == -EEXIST)
		return "a tag stands twice";
	return r < 0 ? "tag list is broken" : NULL;
}

static bool has_name(struct mr_slice list, struct mr_slice wanted)
{
	struct mr_slice name;

	while (mr_slice_next(&list, ':', &name)) {
		if (mr_slice_ieq(mr_slice_trim(name), wanted))
			return true;
	}
	return false;
}

static size_t count_names(struct mr_slice list)
{
	size_t n = 1;

	for (size_t i = 0; i < list.n; i++)
		n += list.p[i] == ':';
	return n;
}

/* d= and s= can stand in DNS, where U-labels have become A-labels (RFC 8616 section 5). */
static const char *check_names(struct mr_arena *arena, struct dkim_field *f)
{
	struct mr_slice name;

	f->domain = mr_idn_ascii(f->domain, arena);
	f->selector = mr_idn_ascii(f->selector, arena);
	if (mr_domain_check(f->domain, true, arena, &f->domain, NULL) < 0)
		return "domain has odd characters";
	/* the whole name, since a selector alone may be a number */
	name =
	    mr_slice_of(mr_arena_printf(arena, "%.*s._domainkey.%.*s", (int)f->selector.n, f->selector.p, (int)f->domain.n, f->domain.p));
	if (mr_domain_check(name, true, arena, &f->key_name, NULL) < 0)
		return "selector has odd characters";
	return NULL;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "=XX" is a byte (section 2.11); what is none stands for itself. */
static struct mr_slice unquote(struct mr_slice s, struct mr_arena *arena)
{
	char *out = mr_arena_alloc(arena, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool byte = s.p[i] == '=' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0;

		out[n++] = byte ? (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])) : s.p[i];
		i += byte ? 2 : 0;
	}
	return (struct mr_slice){ out, n };
}

/* i= is of d= or of a domain below it. */
static const char *check_identity(struct mr_arena *arena, struct dkim_field *f)
{
	struct mr_slice identity, domain;
	ptrdiff_t at;

	if (!f->identity.p)
		return NULL;
	identity = unquote(f->identity, arena);
	at = mr_slice_rchr(identity, '@');
	domain = mr_idn_ascii(mr_slice_from(identity, (size_t)(at + 1)), arena);
	f->below = domain.n > f->domain.n;
	if (at < 0 || !mr_slice_iends(domain, f->domain) || (f->below && domain.p[domain.n - f->domain.n - 1] != '.'))
		return "i= is not within d=";
	return NULL;
}

static const char *check_base64(const struct dkim_field *f)
{
	uint8_t bytes[SIGNATURE_MAX];

	if (mr_base64_decode(f->b, bytes, sizeof(bytes)) < 0)
		return "b= is not base64, or too long";
	return mr_base64_decode(f->body_hash, bytes, sizeof(bytes)) < 0 ? "bh= is not base64, or too long" : NULL;
}

static const char *check_length(struct mr_slice l, struct dkim_field *f)
{
	f->length = UINT64_MAX;
	return l.p && mr_parse_u64(l, 0, UINT64_MAX - 1, &f->length) < 0 ? "length is no number" : NULL;
}

/* Syntax, and what asks for something that does not exist: RFC 8601 section 2.7.1 calls it neutral. */
static const char *check_form(struct mr_slice tags[TAGS], struct mr_arena *arena, struct dkim_field *f)
{
	const char *problem = NULL;

	if (!tags[TAG_V].n || !tags[TAG_A].n || !tags[TAG_B].n || !tags[TAG_BH].n || !tags[TAG_D].n || !tags[TAG_H].n || !tags[TAG_S].n)
		return "a required tag is missing or empty";
	if (!mr_slice_eq(tags[TAG_V], MR_LIT("1")))
		return "signature has another version";
	problem = check_names(arena, f);
	if (!problem)
		problem = check_identity(arena, f);
	if (!problem)
		problem = check_base64(f);
	if (!problem && mr_canon_parse(tags[TAG_C].p ? mr_tag_compact(tags[TAG_C], arena) : MR_LIT("simple"), &f->head, &f->body) < 0)
		problem = "canonical form is unknown";
	if (!problem)
		problem = check_length(tags[TAG_L], f);
	if (!problem && tags[TAG_Q].p && !has_name(tags[TAG_Q], MR_LIT("dns/txt")))
		problem = "key is not in DNS";
	if (!problem && count_names(f->names) > MR_SIG_NAMES_MAX)
		problem = "too many names in h=";
	return problem;
}

static const char *check_algorithm(struct dkim_field *f)
{
	f->ed25519 = mr_slice_ieq(f->algorithm, MR_LIT("ed25519-sha256"));
	f->result = MR_DKIM_PERMERROR;
	if (f->ed25519 || mr_slice_ieq(f->algorithm, MR_LIT("rsa-sha256")))
		return NULL;
	if (!mr_slice_ieq(f->algorithm, MR_LIT("rsa-sha1")))
		return "algorithm is unknown";
	f->result = MR_DKIM_POLICY; /* RFC 8301 section 3.1 */
	return "rsa-sha1 is not accepted";
}

static const char *check_times(struct mr_slice tags[TAGS], int64_t now, struct dkim_field *f)
{
	uint64_t made = 0, expires = INT64_MAX;

	f->result = MR_DKIM_NEUTRAL;
	if ((tags[TAG_T].p && mr_parse_u64(tags[TAG_T], 0, INT64_MAX, &made) < 0) ||
	    (tags[TAG_X].p && mr_parse_u64(tags[TAG_X], 0, INT64_MAX, &expires) < 0))
		return "time is no number";
	f->result = MR_DKIM_FAIL;
	if (tags[TAG_X].p && (int64_t)expires <= now - DRIFT)
		return "signature has expired";
	if ((int64_t)made > now + DRIFT)
		return "signature is from the future";
	return tags[TAG_X].p && made >= expires ? "signature has expired before it was made" : NULL;
}

void mr_dkim_field_parse(const struct mr_header *h, int64_t now, struct mr_arena *arena, struct dkim_field *out)
{
	struct mr_slice tags[TAGS] = { 0 };
	struct dkim_field f = { .header = h, .result = MR_DKIM_NEUTRAL };

	f.problem = read_tags(h->value, tags);
	f.domain = mr_tag_compact(tags[TAG_D], arena);
	f.selector = mr_tag_compact(tags[TAG_S], arena);
	f.algorithm = mr_tag_compact(tags[TAG_A], arena);
	if (tags[TAG_I].p)
		f.identity = mr_tag_compact(tags[TAG_I], arena);
	f.b = tags[TAG_B];
	f.body_hash = tags[TAG_BH];
	f.names = tags[TAG_H];
	if (!f.problem)
		f.problem = check_form(tags, arena, &f);
	if (!f.problem)
		f.problem = check_algorithm(&f);
	if (!f.problem && !has_name(f.names, MR_LIT("From"))) /* section 5.4 */
		f.problem = "From is not signed";
	if (!f.problem)
		f.problem = check_times(tags, now, &f);
	*out = f;
}
