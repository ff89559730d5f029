/* What may be stored. */
#include "store/validate.h"

/* system */
#include <errno.h>
#include <string.h>
#include <time.h>

/* ours */
#include "base/parse.h"
#include "base/text.h"
#include "mail/idn.h"

#define DURATION_MAX_MS (100ULL * 366 * 86400 * 1000)

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
	return mr_diag_about(diag, domain_of(mr_idn_ascii(mr_slice_of(text), arena), arena, out, diag), text);
}

static const char *domain_in(const char *address)
{
	return strrchr(address, '@') + 1;
}

int mr_validate_account(const char *text, struct mr_arena *arena, struct mr_account *out, struct mr_diag *diag)
{
	struct mr_slice address;
	const char *whole, *domain;
	int r = mr_address_account(mr_idn_address(mr_slice_of(text), arena), arena, &address, diag);

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
	int r = mr_address_destination(mr_idn_address(mr_slice_of(text), arena), arena, &address, diag);

	if (r < 0)
		return mr_diag_about(diag, r, text);
	whole = mr_arena_slice(arena, address);
	*out = (struct mr_account){ whole, domain_in(whole) };
	return 0;
}

/* HOST, HOST:PORT and, as Postfix spells it, [HOST] and [HOST]:PORT. */
static int split_nexthop(struct mr_slice s, struct mr_slice *host, uint64_t *port)
{
	ptrdiff_t close = s.n > 0 && s.p[0] == '[' ? mr_slice_chr(s, ']') : -1, colon = mr_slice_rchr(s, ':');
	struct mr_slice behind = { NULL, 0 };
	struct mr_ip ip;

	*host = s;
	if (close > 0) {
		*host = (struct mr_slice){ s.p + 1, (size_t)close - 1 };
		behind = mr_slice_from(s, (size_t)close + 1);
	} else if (colon >= 0 && mr_parse_ip(s, &ip) < 0) {
		*host = (struct mr_slice){ s.p, (size_t)colon };
		behind = mr_slice_from(s, (size_t)colon);
	}
	if (behind.n == 0)
		return 0;
	return behind.p[0] == ':' ? mr_parse_u64(mr_slice_from(behind, 1), 1, UINT16_MAX, port) : -EINVAL;
}

static int nexthop_of(struct mr_slice s, unsigned port, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	struct mr_slice host, name;
	uint64_t given = port;
	char text[MR_IP_STRLEN];
	struct mr_ip ip;

	if (split_nexthop(s, &host, &given) < 0)
		return mr_diag_set(diag, -EINVAL, "a host or HOST:PORT, an IPv6 address with a port in brackets");
	if (mr_parse_ip(host, &ip) == 0) {
		*out = mr_arena_printf(arena, "[%s]:%u", mr_ip_str(&ip, text), (unsigned)given);
		return 0;
	}
	int r = mr_domain_check(host, false, arena, &name, diag);
	if (r == 0)
		*out = mr_arena_printf(arena, "[%.*s]:%u", (int)name.n, name.p, (unsigned)given);
	return r;
}

int mr_validate_nexthop(const char *text, unsigned port, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	return mr_diag_about(diag, nexthop_of(mr_slice_of(text), port, arena, out, diag), text);
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
		r = mr_address_destination(mr_idn_address(s, arena), arena, &address, diag);
		if (r == 0)
			*out = mr_arena_slice(arena, mr_address_lower(address, arena));
		return mr_diag_about(diag, r, text);
	}
	r = mr_domain_check(mr_idn_ascii(mr_slice_from(s, below ? 1 : 0), arena), true, arena, &domain, diag);
	if (r < 0)
		return mr_diag_about(diag, r, text);
	*out = mr_arena_printf(arena, "%s%.*s", below ? "." : "", (int)domain.n, domain.p);
	return 0;
}

int mr_validate_right(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	struct mr_slice word = mr_address_lower(mr_slice_of(text), arena);

	if (mr_slice_eq(word, MR_LIT("internal")) || mr_slice_eq(word, MR_LIT("members"))) {
		*out = mr_arena_slice(arena, word);
		return 0;
	}
	if (mr_slice_eq(word, MR_LIT("anybody")))
		return mr_diag_set(diag, -EINVAL, "anybody stands alone");
	if (mr_slice_chr(word, '.') < 0)
		return mr_diag_set(diag, -EINVAL, "%s: anybody, or any of internal, members, an address, a domain", text);
	return mr_validate_pattern(text, arena, out, diag);
}

/* One line for people. */
static int check_line(const char *what, const char *text, size_t min, size_t max, struct mr_diag *diag)
{
	struct mr_slice s = mr_slice_of(text);

	if (s.n < min || s.n > max)
		return mr_diag_set(diag, -EINVAL, "the %s has %zu to %zu bytes", what, min, max);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return mr_diag_set(diag, -EINVAL, "the %s is one line without control characters", what);
	return mr_utf8_valid(s) ? 0 : mr_diag_set(diag, -EINVAL, "the %s is not UTF-8", what);
}

int mr_validate_reason(const char *text, struct mr_diag *diag)
{
	return check_line("reason", text, 1, MR_REASON_MAX, diag);
}

int mr_validate_note(const char *text, struct mr_diag *diag)
{
	return check_line("note", text, 0, MR_NOTE_MAX, diag);
}

/* The whole text or nothing; a day that is none (31 February) is refused. */
static bool date_of(const char *text, const char *format, int64_t *out)
{
	struct tm tm = { 0 }, again;
	const char *end = strptime(text, format, &tm);
	time_t at;

	if (end == NULL || *end != '\0')
		return false;
	again = tm;
	at = timegm(&again);
	if (at <= 0 || again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon)
		return false;
	*out = at;
	return true;
}

int mr_validate_end(const char *text, int64_t now, int64_t *out, struct mr_diag *diag)
{
	uint64_t ms = 0;
	int64_t at;

	if (mr_slice_eq(mr_slice_of(text), MR_LIT("never"))) {
		*out = 0;
		return 0;
	}
	if (mr_parse_duration(mr_slice_of(text), DURATION_MAX_MS, &ms) == 0 && ms >= 1000) {
		*out = now + (int64_t)(ms / 1000);
		return 0;
	}
	if (date_of(text, "%Y-%m-%d", &at) || date_of(text, "%Y-%m-%dT%H:%M", &at)) {
		if (at <= now)
			return mr_diag_set(diag, -EINVAL, "%s: that has passed", text);
		*out = at;
		return 0;
	}
	return mr_diag_set(diag, -EINVAL,
			   "%s: when it ends: a duration such as 30d, a time such as 2026-12-31 or 2026-12-31T18:00 (UTC), or never", text);
}
