/* srs: what postsrsd 1.10 does, byte for byte: four base64 characters of an HMAC-SHA1 over the lower-cased parts, days in base32. */
/* system */
#include <errno.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/srs.h"

#define HASH_LEN     4
#define DAY          86400 /* seconds */
#define DAY_SLOTS    1024  /* days that two characters can tell apart */
#define MAX_AGE_DAYS 21
#define FIRST_PARTS  5    /* of what a first hash is over */
#define ADDRESS_MAX  1000 /* bytes; Postfix's own bound is far higher, that of RFC 5321 far lower */

#define EXEMPT       "EXEMPT="
#define EXEMPT_ASKS  EXEMPT "=" /* no hash, no time */
#define EXEMPT_GROWS 7          /* bytes, when it gets them */

static const char days_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

struct parts {
	struct mr_slice local, domain;
};

/* Not mr_address_split(): a rewritten local part is longer than RFC 5321 lets an address be. */
static int split(struct mr_slice address, struct parts *out)
{
	ptrdiff_t at = mr_slice_rchr(address, '@');

	if (at <= 0 || (size_t)at + 1 >= address.n || address.n > ADDRESS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < address.n; i++) {
		if ((unsigned char)address.p[i] < ' ' || address.p[i] == 127)
			return -EINVAL;
	}
	out->local = (struct mr_slice){ address.p, (size_t)at };
	out->domain = mr_slice_from(address, (size_t)at + 1);
	return 0;
}

/* "SRS0=", "SRS0-" or "SRS0+" in any case, `digit` being '0' or '1'. */
static bool is_tagged(struct mr_slice local, char digit)
{
	return local.n > 5 && mr_slice_istarts(local, MR_LIT("srs")) && local.p[3] == digit && memchr("=-+", local.p[4], 3);
}

/* Hash of the parts, one after the other without separators, as the original does. */
static int make_hash(struct mr_slice secret, const struct mr_slice *parts, size_t n, char out[HASH_LEN + 1])
{
	char text[ADDRESS_MAX + 1], encoded[32];
	struct mr_buf buf = MR_BUF(sizeof(encoded));
	uint8_t digest[MR_SHA1_LEN];
	size_t len = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < parts[i].n && len < ADDRESS_MAX; j++)
			text[len++] = mr_lower(parts[i].p[j]);
	}
	r = mr_hmac_sha1(secret, (struct mr_slice){ text, len }, digest);
	if (r == 0)
		r = mr_base64_add(&buf, (struct mr_slice){ (const char *)digest, sizeof(digest) });
	if (r == 0) {
		memcpy(out, buf.p, HASH_LEN);
		out[HASH_LEN] = 0;
	}
	mr_buf_done(&buf);
	return r;
}

/* As the original: without regard to case, and what stands after the fourth character does not count. */
static int check_hash(const struct mr_srs *srs, struct mr_slice given, const struct mr_slice *parts, size_t n)
{
	char hash[HASH_LEN + 1];
	int r = -EBADMSG;

	if (given.n < HASH_LEN)
		return -EBADMSG;
	given.n = HASH_LEN;
	for (size_t i = 0; i < srs->n_secrets && r == -EBADMSG; i++) {
		int made = make_hash(srs->secrets[i], parts, n, hash);

		if (made < 0)
			r = made;
		else if (mr_slice_ieq(given, mr_slice_of(hash)))
			r = 0;
	}
	return r;
}

static void make_stamp(int64_t now, char out[3])
{
	int64_t day = now / DAY;

	out[0] = days_alphabet[day >> 5 & 31];
	out[1] = days_alphabet[day & 31];
	out[2] = 0;
}

static int check_stamp(const struct mr_srs *srs, struct mr_slice stamp)
{
	int64_t then = 0, today = srs->now / DAY % DAY_SLOTS, age;

	if (stamp.n != 2)
		return -ETIME;
	for (size_t i = 0; i < 2; i++) {
		char lower = mr_lower(stamp.p[i]), upper = lower >= 'a' && lower <= 'z' ? (char)(lower - 'a' + 'A') : lower;
		const char *at = memchr(days_alphabet, upper, sizeof(days_alphabet) - 1);

		if (!at)
			return -ETIME;
		then = then << 5 | (at - days_alphabet);
	}
	age = (today - then + DAY_SLOTS) % DAY_SLOTS;
	return age <= (srs->max_age_days ? srs->max_age_days : MAX_AGE_DAYS) ? 0 : -ETIME;
}

static struct mr_slice print(struct mr_arena *arena, struct mr_slice *parts, size_t n)
{
	size_t len = 0, at = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		len += parts[i].n;
	p = mr_arena_alloc(arena, len + 1);
	for (size_t i = 0; i < n; i++) {
		memcpy(p + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return (struct mr_slice){ p, len };
}

/* SRS1=HHHH=host=user: `host` made the SRS0 address, `user` is its local part after "SRS0", separator included. */
static int forward_again(const struct mr_srs *srs, struct mr_slice host, struct mr_slice user, struct mr_arena *arena, struct mr_slice *out)
{
	char hash[HASH_LEN + 1];
	int r = make_hash(srs->secrets[0], (struct mr_slice[]){ host, user }, 2, hash);

	if (r == 0)
		*out = print(arena,
			     (struct mr_slice[]){ MR_LIT("SRS1="), mr_slice_of(hash), MR_LIT("="), host, MR_LIT("="), user, MR_LIT("@"),
						  srs->domain },
			     8);
	return r;
}

/* An SRS0 address is had by sending something through here; line ends, which no address has, keep its hash from being good for more. */
static void first_parts(bool exempt, struct mr_slice stamp, const struct parts *from, struct mr_slice out[FIRST_PARTS])
{
	const struct mr_slice none = { "", 0 };

	out[0] = exempt ? MR_LIT("exempt\n") : none;
	out[1] = stamp;
	out[2] = from->domain;
	out[3] = exempt ? MR_LIT("\n") : none;
	out[4] = from->local;
}

static int forward_first(const struct mr_srs *srs, const struct parts *from, bool exempt, struct mr_arena *arena, struct mr_slice *out)
{
	struct mr_slice tag = exempt ? MR_LIT(EXEMPT) : MR_LIT("SRS0="), hashed[FIRST_PARTS];
	char hash[HASH_LEN + 1], stamp[3];
	int r;

	make_stamp(srs->now, stamp);
	first_parts(exempt, mr_slice_of(stamp), from, hashed);
	r = make_hash(srs->secrets[0], hashed, FIRST_PARTS, hash);
	if (r == 0)
		*out = print(arena,
			     (struct mr_slice[]){ tag, mr_slice_of(hash), MR_LIT("="), mr_slice_of(stamp), MR_LIT("="), from->domain,
						  MR_LIT("="), from->local, MR_LIT("@"), srs->domain },
			     10);
	return r;
}

int mr_srs_forward(const struct mr_srs *srs, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out)
{
	struct mr_slice rest, hash, host;
	struct parts from;

	if (split(address, &from) < 0 || !srs->n_secrets || !srs->domain.n)
		return -EINVAL;
	if (mr_slice_chr(from.domain, '=') >= 0) /* nobody could tell where it ends */
		return -EINVAL;
	if (mr_slice_ieq(from.domain, srs->domain)) {
		*out = address;
		return 0;
	}
	if (is_tagged(from.local, '0'))
		return forward_again(srs, from.domain, mr_slice_from(from.local, 4), arena, out);
	if (is_tagged(from.local, '1')) {
		rest = mr_slice_from(from.local, 5);
		if (!mr_slice_next(&rest, '=', &hash) || !mr_slice_next(&rest, '=', &host) || !host.n || !rest.n)
			return -EINVAL;
		return forward_again(srs, host, rest, arena, out);
	}
	return forward_first(srs, &from, false, arena, out);
}

int mr_srs_exempt_ask(struct mr_slice domain, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out)
{
	struct mr_slice asks;
	struct parts from;

	if (split(address, &from) < 0 || !domain.n || mr_slice_chr(from.domain, '=') >= 0 || mr_slice_ieq(from.domain, domain))
		return -EINVAL;
	asks = print(arena, (struct mr_slice[]){ MR_LIT(EXEMPT_ASKS), from.domain, MR_LIT("="), from.local, MR_LIT("@"), domain }, 6);
	if (asks.n + EXEMPT_GROWS > ADDRESS_MAX)
		return -EINVAL;
	*out = asks;
	return 0;
}

int mr_srs_exempt_sign(const struct mr_srs *srs, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out)
{
	struct parts asks, from;
	struct mr_slice rest;

	if (split(address, &asks) < 0 || !mr_slice_ieq(asks.domain, srs->domain) || !mr_slice_istarts(asks.local, MR_LIT(EXEMPT_ASKS)))
		return -ENOENT;
	rest = mr_slice_from(asks.local, strlen(EXEMPT_ASKS));
	if (!mr_slice_next(&rest, '=', &from.domain) || !from.domain.n || !rest.n)
		return -ENOENT;
	from.local = rest;
	return srs->n_secrets ? forward_first(srs, &from, true, arena, out) : -EINVAL;
}

bool mr_srs_is_exempt(struct mr_slice address)
{
	return mr_slice_istarts(address, MR_LIT(EXEMPT));
}

/* SRS1: back to the SRS0 address of the host that made it. */
static int reverse_again(const struct mr_srs *srs, struct mr_slice rest, struct mr_arena *arena, struct mr_slice *out)
{
	struct mr_slice hash, host;
	int r;

	if (!mr_slice_next(&rest, '=', &hash) || !mr_slice_next(&rest, '=', &host) || !host.n || !rest.n)
		return -EBADMSG;
	r = check_hash(srs, hash, (struct mr_slice[]){ host, rest }, 2);
	if (r == 0)
		*out = print(arena, (struct mr_slice[]){ MR_LIT("SRS0"), rest, MR_LIT("@"), host }, 4);
	return r;
}

/* The hash first: what is not ours is not called too old. */
static int reverse_first(const struct mr_srs *srs, struct mr_slice rest, bool exempt, struct mr_arena *arena, struct mr_slice *out)
{
	struct mr_slice hash, stamp, hashed[FIRST_PARTS];
	struct parts from;
	int r;

	if (!mr_slice_next(&rest, '=', &hash) || !mr_slice_next(&rest, '=', &stamp) || !mr_slice_next(&rest, '=', &from.domain) ||
	    !from.domain.n || !rest.n)
		return -EBADMSG;
	from.local = rest;
	first_parts(exempt, stamp, &from, hashed);
	r = check_hash(srs, hash, hashed, FIRST_PARTS);
	if (r == 0)
		r = check_stamp(srs, stamp);
	if (r == 0)
		*out = print(arena, (struct mr_slice[]){ from.local, MR_LIT("@"), from.domain }, 3);
	return r;
}

int mr_srs_reverse(const struct mr_srs *srs, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out)
{
	struct parts from;

	if (split(address, &from) < 0 || !mr_slice_ieq(from.domain, srs->domain))
		return -ENOENT;
	if (is_tagged(from.local, '0'))
		return reverse_first(srs, mr_slice_from(from.local, 5), false, arena, out);
	if (mr_slice_istarts(from.local, MR_LIT(EXEMPT)))
		return reverse_first(srs, mr_slice_from(from.local, strlen(EXEMPT)), true, arena, out);
	if (is_tagged(from.local, '1'))
		return reverse_again(srs, mr_slice_from(from.local, 5), arena, out);
	return -ENOENT;
}
