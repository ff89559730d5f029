/* dmarc-record: a policy record read (RFC 9989 section 4.7). */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/dmarc.h"
#include "mail/tags.h"

static const char *const policies[] = { [MR_DMARC_ACCEPT] = "none", [MR_DMARC_QUARANTINE] = "quarantine", [MR_DMARC_REJECT] = "reject" };

const char *mr_dmarc_policy_str(enum mr_dmarc_policy p)
{
	return policies[p];
}

/* What the tags p, sp and np say: */
enum said { ABSENT, VALID, INVALID };

static enum said read_policy(struct mr_slice value, enum mr_dmarc_policy *out)
{
	for (size_t i = 0; i < MR_COUNT(policies); i++) {
		if (mr_slice_ieq(value, mr_slice_of(policies[i]))) {
			*out = (enum mr_dmarc_policy)i;
			return VALID;
		}
	}
	return INVALID;
}

/* A scheme, a colon, and something after it (RFC 3986 section 3). */
static bool is_uri(struct mr_slice s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != ':') {
		char c = mr_lower(s.p[i]);
		bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';

		if (!(c >= 'a' && c <= 'z') && !(later && i > 0))
			return false;
		i++;
	}
	return i > 0 && i + 1 < s.n && !memchr(s.p, ' ', s.n);
}

/* At least one URI, of whatever scheme. */
static bool has_uri(struct mr_slice list)
{
	struct mr_slice uri;

	while (mr_slice_next(&list, ',', &uri)) {
		if (is_uri(mr_slice_trim(uri)))
			return true;
	}
	return false;
}

static bool is(struct mr_slice value, char letter)
{
	return value.n == 1 && mr_lower(value.p[0]) == letter;
}

static void read_tag(const struct mr_tag *t, struct mr_dmarc_record *r, enum said *p, enum said *sp, enum said *np)
{
	if (mr_slice_ieq(t->name, MR_LIT("p")))
		*p = read_policy(t->value, &r->p);
	else if (mr_slice_ieq(t->name, MR_LIT("sp")))
		*sp = read_policy(t->value, &r->sp);
	else if (mr_slice_ieq(t->name, MR_LIT("np")))
		*np = read_policy(t->value, &r->np);
	else if (mr_slice_ieq(t->name, MR_LIT("adkim")))
		r->strict_dkim = is(t->value, 's');
	else if (mr_slice_ieq(t->name, MR_LIT("aspf")))
		r->strict_spf = is(t->value, 's');
	else if (mr_slice_ieq(t->name, MR_LIT("t")))
		r->testing = is(t->value, 'y');
	else if (mr_slice_ieq(t->name, MR_LIT("psd")))
		r->psd = is(t->value, 'y') ? 'y' : is(t->value, 'n') ? 'n' : 'u';
	else if (mr_slice_ieq(t->name, MR_LIT("rua")))
		r->rua = t->value;
	else if (mr_slice_ieq(t->name, MR_LIT("ruf")))
		r->ruf = t->value;
	else if (mr_slice_ieq(t->name, MR_LIT("fo")))
		r->fo = t->value;
}

bool mr_dmarc_parse(struct mr_slice text, struct mr_dmarc_record *out)
{
	struct mr_dmarc_record r = { .psd = 'u' };
	enum said p = ABSENT, sp = ABSENT, np = ABSENT;
	struct mr_tag t;
	int status = mr_tag_next(&text, &t);

	if (status != 1 || !mr_slice_ieq(t.name, MR_LIT("v")) || !mr_slice_eq(t.value, MR_LIT("DMARC1")))
		return false;
	while ((status = mr_tag_next(&text, &t)) != 0) {
		if (status == 1) /* broken ones are passed over */
			read_tag(&t, &r, &p, &sp, &np);
	}
	if (p != VALID || sp == INVALID || np == INVALID) { /* section 4.10.1 */
		r.unusable = !has_uri(r.rua);
		r.p = r.sp = r.np = MR_DMARC_ACCEPT;
		sp = np = VALID;
	}
	if (!r.ruf.n)
		r.fo = (struct mr_slice){ 0 };
	if (sp == ABSENT)
		r.sp = r.p;
	if (np == ABSENT)
		r.np = r.sp;
	*out = r;
	return true;
}
