/* What may be stored. */
#include "store/validate.h"

/* system */
#include <errno.h>

/* ours */
#include "base/text.h"

/* A hosted domain has two labels at least: a bare word is a host name mistyped. */
static int domain_of(struct mr_slice s, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	struct mr_slice name;
	int r = mr_domain_check(s, false, arena, &name, diag);

	if (r < 0)
		return r;
	if (mr_slice_chr(name, '.') < 0)
		return mr_diag_set(diag, -EINVAL, "not a whole domain name, which has two labels at least, such as example.org");
	*out = mr_arena_slice(arena, name);
	return 0;
}

int mr_validate_domain(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	return mr_diag_about(diag, domain_of(mr_slice_of(text), arena, out, diag), text);
}

static const char *domain_in(const char *address)
{
	return strrchr(address, '@') + 1;
}

int mr_validate_account(const char *text, struct mr_arena *arena, struct mr_account *out, struct mr_diag *diag)
{
	struct mr_slice address;
	const char *whole, *domain;
	int r = mr_address_account(mr_slice_of(text), arena, &address, diag);

	if (r < 0)
		return mr_diag_about(diag, r, text);
	whole = mr_arena_slice(arena, address);
	r = mr_validate_domain(domain_in(whole), arena, &domain, diag);
	if (r == 0)
		*out = (struct mr_account){ whole, domain };
	return r;
}

int mr_validate_alias(const char *text, struct mr_arena *arena, struct mr_account *out, struct mr_diag *diag)
{
	const char *domain;
	int r;

	if (*text != '@')
		return mr_validate_account(text, arena, out, diag);
	r = mr_validate_domain(text + 1, arena, &domain, diag);
	if (r == 0)
		*out = (struct mr_account){ mr_arena_printf(arena, "@%s", domain), domain };
	return r;
}

int mr_validate_destination(const char *text, struct mr_arena *arena, struct mr_account *out, struct mr_diag *diag)
{
	struct mr_slice address;
	const char *whole;
	int r = mr_address_destination(mr_slice_of(text), arena, &address, diag);

	if (r < 0)
		return mr_diag_about(diag, r, text);
	whole = mr_arena_slice(arena, address);
	*out = (struct mr_account){ whole, domain_in(whole) };
	return 0;
}

int mr_validate_pattern(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	struct mr_slice s = mr_slice_of(text), domain = s, address;
	bool below = s.n > 1 && s.p[0] == '.';
	int r;

	if (mr_slice_eq(s, MR_LIT("*"))) {
		*out = "*";
		return 0;
	}
	if (mr_slice_chr(s, '@') > 0) {
		r = mr_address_destination(s, arena, &address, diag);
		if (r == 0)
			*out = mr_arena_slice(arena, mr_address_lower(address, arena));
		return mr_diag_about(diag, r, text);
	}
	r = mr_domain_check(mr_slice_from(s, below ? 1 : 0), true, arena, &domain, diag);
	if (r < 0)
		return mr_diag_about(diag, r, text);
	*out = mr_arena_printf(arena, "%s%.*s", below ? "." : "", (int)domain.n, domain.p);
	return 0;
}

int mr_validate_reason(const char *text, struct mr_diag *diag)
{
	struct mr_slice s = mr_slice_of(text);

	if (s.n == 0 || s.n > MR_REASON_MAX)
		return mr_diag_set(diag, -EINVAL, "the reason has 1 to %d bytes", MR_REASON_MAX);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return mr_diag_set(diag, -EINVAL, "the reason is one line without control characters");
	return mr_utf8_valid(s) ? 0 : mr_diag_set(diag, -EINVAL, "the reason is not UTF-8");
}
