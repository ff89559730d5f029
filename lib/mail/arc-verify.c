/* arc-verify: does the chain hold (RFC 8617 section 5.2)? The signature of the last set and every seal must. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/arc-internal.h"
#include "mail/idn.h"
#include "mail/key-record.h"
#include "mail/tags.h"

struct run {
	const struct mr_message *m;
	const struct arc_chain *chain;
	int64_t now;
	struct mr_dns_view *dns;
	struct mr_arena *arena;
	bool waiting, temporary; /* a key is not here yet; it could not be fetched */
};

static bool is_time(struct mr_slice s)
{
	uint64_t t;

	return mr_parse_u64(s, 0, INT64_MAX, &t) == 0;
}

/* What a seal and a signature have in common. */
static const char *check_tags(const struct mr_slice *t)
{
	if (!mr_slice_eq(t[ARC_A], MR_LIT("rsa-sha256")) && !mr_slice_eq(t[ARC_A], MR_LIT("ed25519-sha256")))
		return "algorithm is missing or unknown";
	if (!t[ARC_B].n || !t[ARC_D].n || !t[ARC_S].n)
		return "a required tag is missing or empty";
	if (t[ARC_T].p && !is_time(t[ARC_T]))
		return "time is no number";
	return NULL;
}

static const char *check_seal(const struct mr_slice *t, unsigned instance)
{
	const char *problem = check_tags(t);

	if (problem)
		return problem;
	if (t[ARC_H].p)
		return "seal has h=";
	if (mr_slice_eq(t[ARC_CV], MR_LIT("fail")))
		return "chain failed before";
	if (!mr_slice_eq(t[ARC_CV], instance == 1 ? MR_LIT("none") : MR_LIT("pass")))
		return "cv= is missing or wrong";
	return NULL;
}

static bool names_seal(struct mr_slice names)
{
	struct mr_slice name;

	while (mr_slice_next(&names, ':', &name)) {
		if (mr_slice_ieq(mr_slice_trim(name), mr_slice_of(mr_arc_names[ARC_SEAL])))
			return true;
	}
	return false;
}

static const char *check_signature(const struct mr_slice *t, int64_t now)
{
	const char *problem = check_tags(t);
	uint64_t expires = INT64_MAX;

	if (problem)
		return problem;
	if (!t[ARC_BH].n || !t[ARC_H].p)
		return "a required tag is missing or empty";
	if (names_seal(t[ARC_H]))
		return "signature covers seals";
	if (t[ARC_L].p)
		return "signature covers a part of the body only";
	if (t[ARC_X].p && mr_parse_u64(t[ARC_X], 0, INT64_MAX, &expires) < 0)
		return "time is no number";
	return (int64_t)expires < now ? "signature has expired" : NULL;
}

/* What DNS says of a field's key; where that is not known, *problem says why. */
static const struct mr_dns_answer *find_key(struct run *run, const struct mr_slice *t, const char **problem)
{
	struct mr_slice selector = mr_idn_ascii(t[ARC_S], run->arena), domain = mr_idn_ascii(t[ARC_D], run->arena), name;
	const struct mr_dns_answer *a;

	if (selector.n + domain.n > MR_DNS_NAME_MAX ||
	    mr_domain_check(
		mr_slice_of(mr_arena_printf(run->arena, "%.*s._domainkey.%.*s", (int)selector.n, selector.p, (int)domain.n, domain.p)),
		true, run->arena, &name, NULL) < 0) {
		*problem = "domain or selector has odd characters";
		return NULL;
	}
	a = mr_dns_view_get(run->dns, name, MR_DNS_TXT);
	run->waiting |= !a;
	if (a && (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS))
		run->temporary = true;
	*problem = "there is no key";
	return a;
}

static const char *check_with(struct run *run, const struct mr_slice *t, struct mr_slice text, struct mr_slice txt)
{
	struct mr_public_key *key = NULL;
	struct mr_key_record record;
	const char *problem;
	unsigned bits;

	problem = mr_key_record_parse(txt, run->arena, &record);
	if (!problem && record.ed25519 != mr_slice_starts(t[ARC_A], MR_LIT("ed")))
		problem = "key is of another type";
	if (!problem)
		problem = mr_public_key_new(&record, &key, &bits);
	if (!problem && !mr_public_key_verify(key, text, t[ARC_B]))
		problem = "a signature does not hold";
	mr_public_key_free(key);
	return problem;
}

/* With one of the key records that stand at the name; the first one's problem is told. */
static const char *check_text(struct run *run, const struct mr_slice *t, struct mr_slice text)
{
	const char *problem, *next;
	const struct mr_dns_answer *a = find_key(run, t, &problem);
	const struct mr_slice *txt;
	size_t at = 0;

	for (int n = 0; a && problem && n < MR_KEY_RECORDS_MAX && (txt = mr_key_record_next(a, &at)); n++) {
		next = check_with(run, t, text, *txt);
		if (n == 0 || !next)
			problem = next;
	}
	return problem;
}

static const char *verify_signature(struct run *run, const struct arc_field *f)
{
	struct mr_buf text = MR_BUF(2 * MR_HEADER_BYTES_MAX);
	uint8_t hash[MR_SHA256_LEN], said[MR_SHA256_LEN];
	const char *problem = NULL;
	enum mr_canon head, body;
	uint64_t length;

	/* Who leaves it out means relaxed. */
	if (mr_canon_parse(f->tags[ARC_C].p ? f->tags[ARC_C] : MR_LIT("relaxed/relaxed"), &head, &body) < 0)
		return "canonical form is unknown";
	if (mr_base64_decode(f->tags[ARC_BH], said, sizeof(said)) != sizeof(said))
		return "body hash has another length";
	if (mr_canon_body(run->m->body, body, UINT64_MAX, hash, &length) < 0 || memcmp(hash, said, sizeof(hash)) != 0)
		return "body has been altered";
	if (mr_sig_add_signed(&text, run->m, f->tags[ARC_H], head, f->header) < 0 ||
	    mr_sig_add_bare(&text, f->header, f->tags[ARC_B], head) < 0)
		problem = "too much is signed";
	else
		problem = check_text(run, f->tags, mr_buf_slice(&text));
	mr_buf_done(&text);
	return problem;
}

/* Each seal covers all sets before and its own. */
static const char *verify_seals(struct run *run)
{
	struct mr_buf text = MR_BUF(4 * MR_HEADER_BYTES_MAX);
	const char *problem = NULL;

	for (unsigned i = 0; i < run->chain->n && !problem; i++) {
		const struct arc_set *s = &run->chain->sets[i];
		size_t before = text.n;

		mr_canon_field(&text, s->fields[ARC_RESULTS].header, MR_CANON_RELAXED);
		mr_canon_field(&text, s->fields[ARC_SIGNATURE].header, MR_CANON_RELAXED);
		mr_sig_add_bare(&text, s->fields[ARC_SEAL].header, s->fields[ARC_SEAL].tags[ARC_B], MR_CANON_RELAXED);
		problem = text.full ? "too much is sealed" : check_text(run, s->fields[ARC_SEAL].tags, mr_buf_slice(&text));
		mr_buf_truncate(&text, before);
		mr_arc_add_set(&text, s);
	}
	mr_buf_done(&text);
	return problem;
}

/* All that can be said without a key; the questions for the keys are asked on the way. */
static const char *check_form(struct run *run)
{
	const struct arc_chain *c = run->chain;
	const char *problem = c->problem, *ignored;

	for (unsigned i = c->n; i-- > 0 && !problem;) {
		problem = check_seal(c->sets[i].fields[ARC_SEAL].tags, i + 1);
		if (!problem)
			find_key(run, c->sets[i].fields[ARC_SEAL].tags, &ignored);
	}
	if (!problem)
		problem = check_signature(c->sets[c->n - 1].fields[ARC_SIGNATURE].tags, run->now);
	if (!problem)
		find_key(run, c->sets[c->n - 1].fields[ARC_SIGNATURE].tags, &ignored);
	return problem;
}

int mr_arc_verify(const struct mr_message *m, int64_t now, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_arc_answer *out)
{
	struct run run = { .m = m, .chain = mr_arc_collect(m, arena), .now = now, .dns = dns, .arena = arena };
	const struct arc_chain *c = run.chain;
	const char *problem = NULL;

	*out = (struct mr_arc_answer){ .result = c ? MR_ARC_PASS : MR_ARC_NONE };
	if (!c)
		return 0;
	problem = check_form(&run);
	if (!problem && run.waiting)
		return -EAGAIN;
	if (!problem)
		problem = verify_signature(&run, &c->sets[c->n - 1].fields[ARC_SIGNATURE]);
	if (!problem)
		problem = verify_seals(&run);
	if (problem) {
		out->result = run.temporary ? MR_ARC_TEMPERROR : MR_ARC_FAIL;
		out->problem = run.temporary ? MR_LIT("a key could not be fetched") : mr_slice_of(problem);
		return 0;
	}
	out->n = c->n;
	for (unsigned i = 0; i < c->n; i++) {
		out->sets[i].domain = mr_idn_ascii(c->sets[i].fields[ARC_SEAL].tags[ARC_D], arena);
		out->sets[i].selector = mr_idn_ascii(c->sets[i].fields[ARC_SEAL].tags[ARC_S], arena);
		out->sets[i].results = c->sets[i].fields[ARC_RESULTS].results;
	}
	return 0;
}
