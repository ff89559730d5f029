#include "mail/sts.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "mail/address.h"

#define VERSION "STSv1"

static const char *const modes[] = { [MR_STS_NONE] = "none", [MR_STS_TESTING] = "testing", [MR_STS_ENFORCE] = "enforce" };

const char *mr_sts_mode_str(enum mr_sts_mode m)
{
	return modes[m];
}

/* "v=STSv1" with whatever behind it: the other records at this name are no concern of ours. */
static bool is_record(struct mr_slice text)
{
	return mr_slice_starts(text, MR_LIT("v=" VERSION)) && text.n > 7 && (text.p[7] == ';' || text.p[7] == ' ' || text.p[7] == '\t');
}

static bool is_id(struct mr_slice id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = mr_lower(id.p[i]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return id.n > 0 && id.n <= MR_STS_ID_MAX;
}

int mr_sts_record(const struct mr_dns_answer *txt, char id[MR_STS_ID_MAX + 1])
{
	struct mr_slice rest = { 0 }, field, found = { 0 };
	size_t records = 0;

	for (size_t i = 0; txt->status == MR_DNS_OK && i < txt->n_rrs; i++) {
		if (!is_record(txt->rrs[i].data))
			continue;
		rest = txt->rrs[i].data;
		records++;
	}
	if (records != 1)
		return -ENOENT;
	while (mr_slice_next(&rest, ';', &field)) {
		field = mr_slice_trim(field);
		if (found.p == NULL && mr_slice_starts(field, MR_LIT("id=")))
			found = mr_slice_from(field, 3);
	}
	if (!is_id(found))
		return -ENOENT;
	memcpy(id, found.p, found.n);
	id[found.n] = '\0';
	return 0;
}

static int add_mx(struct mr_slice value, struct mr_arena *arena, struct mr_sts_policy *p, struct mr_diag *diag)
{
	bool below = mr_slice_starts(value, MR_LIT("*."));
	struct mr_slice name;
	int r = mr_domain_check(mr_slice_from(value, below ? 2 : 0), false, arena, &name, NULL);

	if (r < 0)
		return mr_diag_set(diag, r, "mx: not a host name");
	if (p->n_mx == MR_STS_MX_MAX)
		return mr_diag_set(diag, -EINVAL, "mx: more than %d", MR_STS_MX_MAX);
	p->mx[p->n_mx++] = mr_slice_of(mr_arena_printf(arena, "%s%.*s", below ? "*." : "", (int)name.n, name.p));
	return 0;
}

static int take_mode(struct mr_slice value, struct mr_sts_policy *p, struct mr_diag *diag)
{
	for (size_t i = 0; i < MR_COUNT(modes); i++) {
		if (!mr_slice_eq(value, mr_slice_of(modes[i])))
			continue;
		p->mode = (enum mr_sts_mode)i;
		return 0;
	}
	return mr_diag_set(diag, -EINVAL, "mode: none, testing or enforce");
}

/* Of a field that stands twice the first holds; the others of its name, and unknown ones, are passed over. */
struct fields {
	bool version, mode, max_age;
};

static int take_field(struct mr_slice name, struct mr_slice value, struct mr_arena *arena, struct fields *seen, struct mr_sts_policy *p,
		      struct mr_diag *diag)
{
	if (mr_slice_eq(name, MR_LIT("mx")))
		return add_mx(value, arena, p, diag);
	if (mr_slice_eq(name, MR_LIT("version")) && !seen->version) {
		seen->version = true;
		return mr_slice_eq(value, MR_LIT(VERSION)) ? 0 : mr_diag_set(diag, -EINVAL, "version: not " VERSION);
	}
	if (mr_slice_eq(name, MR_LIT("mode")) && !seen->mode) {
		seen->mode = true;
		return take_mode(value, p, diag);
	}
	if (mr_slice_eq(name, MR_LIT("max_age")) && !seen->max_age) {
		seen->max_age = true;
		if (mr_parse_u64(value, 0, 9999999999, &p->max_age) < 0)
			return mr_diag_set(diag, -EINVAL, "max_age: not a number of seconds");
		if (p->max_age > MR_STS_AGE_MAX)
			p->max_age = MR_STS_AGE_MAX;
	}
	return 0;
}

int mr_sts_policy_parse(struct mr_slice text, struct mr_arena *arena, struct mr_sts_policy *out, struct mr_diag *diag)
{
	struct mr_sts_policy p = { 0 };
	struct fields seen = { 0 };
	struct mr_slice line;
	int r = 0;

	if (text.n > MR_STS_POLICY_MAX)
		return mr_diag_set(diag, -EINVAL, "more than %d bytes", MR_STS_POLICY_MAX);
	while (r == 0 && mr_slice_next(&text, '\n', &line)) {
		ptrdiff_t colon = mr_slice_chr(line, ':');
		if (mr_slice_trim(line).n == 0)
			continue;
		if (colon < 0)
			return mr_diag_set(diag, -EINVAL, "a line without a colon");
		r = take_field(mr_slice_trim((struct mr_slice){ line.p, (size_t)colon }),
			       mr_slice_trim(mr_slice_from(line, (size_t)colon + 1)), arena, &seen, &p, diag);
	}
	if (r == 0 && !(seen.version && seen.mode && seen.max_age))
		r = mr_diag_set(diag, -EINVAL, "version, mode or max_age is missing");
	if (r == 0 && p.mode != MR_STS_NONE && p.n_mx == 0)
		r = mr_diag_set(diag, -EINVAL, "mx is missing");
	if (r == 0)
		*out = p;
	return r;
}
