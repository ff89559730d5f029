/* parse: numbers, sizes and durations; see parse.h. Addresses are in parse-ip.c. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"

/* Digits at the front of *s, taken off. -EINVAL without any, -ERANGE past 2^64 (all digits are taken off then, too). */
static int take_digits(struct mr_slice *s, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = 0;
	int err = 0;

	for (; n < s->n; n++) {
		unsigned digit = (unsigned)(s->p[n] - '0');

		if (s->p[n] < '0' || digit >= base)
			break;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			err = -ERANGE;
	}
	if (n == 0)
		return -EINVAL;
	*s = mr_slice_from(*s, n);
	if (err == 0)
		*out = v;
	return err;
}

int mr_parse_u64(struct mr_slice s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	int err = take_digits(&s, 10, &v);

	if (err == -EINVAL || s.n > 0)
		return -EINVAL;
	if (err < 0 || v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int mr_parse_i64(struct mr_slice s, int64_t min, int64_t max, int64_t *out)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative, magnitude;
	int err = mr_parse_u64(mr_slice_from(s, negative), 0, limit, &magnitude);
	int64_t v;

	if (err < 0)
		return err;
	v = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

/* Digits of a decimal fraction as an integer over a power of ten; beyond 15 significant digits a double holds no more, so the rest is
 * dropped. */
#define EXACT_MAX 1000000000000000 /* 10^15 < 2^53 */

int mr_parse_double(struct mr_slice s, double min, double max, double *out)
{
	bool negative = s.n > 0 && s.p[0] == '-', huge = false;
	size_t digits = 0, i = negative;
	double scale = 1, v;
	uint64_t mantissa = 0;
	bool fraction = false;

	for (; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.' && !fraction && digits > 0 && i + 1 < s.n) {
			fraction = true;
			continue;
		}
		if (c < '0' || c > '9')
			return -EINVAL;
		digits++;
		if (mantissa >= EXACT_MAX / 10) {
			huge |= !fraction;
			continue;
		}
		mantissa = mantissa * 10 + (uint64_t)(c - '0');
		if (fraction)
			scale *= 10;
	}
	if (digits == 0)
		return -EINVAL;
	v = (negative ? -1.0 : 1.0) * (double)mantissa / scale;
	if (huge || v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int mr_parse_bool(struct mr_slice s, bool *out)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (size_t i = 0; i < MR_COUNT(words); i++) {
		if (mr_slice_ieq(s, mr_slice_of(words[i]))) {
			*out = i % 2 == 1;
			return 0;
		}
	}
	return -EINVAL;
}

/* Power of 1024 that the suffix of a size means, -1 for none that we know. */
static int size_power(struct mr_slice suffix)
{
	static const char units[] = "kmgt";

	if (suffix.n == 0 || mr_slice_ieq(suffix, MR_LIT("b")))
		return 0;
	for (int i = 0; units[i]; i++) {
		struct mr_slice rest = mr_slice_from(suffix, 1);

		if (mr_lower(suffix.p[0]) == units[i])
			return rest.n == 0 || mr_slice_ieq(rest, MR_LIT("b")) || mr_slice_ieq(rest, MR_LIT("ib")) ? i + 1 : -1;
	}
	return -1;
}

int mr_parse_size(struct mr_slice s, uint64_t max, uint64_t *bytes)
{
	uint64_t v = 0;
	int err = take_digits(&s, 10, &v), power = size_power(s);

	if (err == -EINVAL || power < 0)
		return -EINVAL;
	if (err < 0 || __builtin_mul_overflow(v, (uint64_t)1 << (10 * power), &v) || v > max)
		return -ERANGE;
	*bytes = v;
	return 0;
}

static const struct duration_unit {
	const char *name;
	uint64_t ms;
} duration_units[] = {
	{ "w", 604800000 }, { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

/* Takes the unit's letters off the front of *s: index in the table, or -1. */
static int take_unit(struct mr_slice *s)
{
	struct mr_slice word = { s->p, 0 };

	while (word.n < s->n && (s->p[word.n] < '0' || s->p[word.n] > '9'))
		word.n++;
	*s = mr_slice_from(*s, word.n);
	for (size_t i = 0; i < MR_COUNT(duration_units); i++)
		if (mr_slice_eq(word, mr_slice_of(duration_units[i].name)))
			return (int)i;
	return -1;
}

int mr_parse_duration(struct mr_slice s, uint64_t max_ms, uint64_t *ms)
{
	uint64_t total = 0;
	bool huge = false;
	int last = -1;

	if (s.n == 0)
		return -EINVAL;
	while (s.n > 0 && !mr_slice_eq(s, MR_LIT("0"))) {
		uint64_t v = 0;
		int err = take_digits(&s, 10, &v), unit = err == -EINVAL ? -1 : take_unit(&s);

		/* Each unit once, the larger ones first. */
		if (unit <= last)
			return -EINVAL;
		last = unit;
		huge |= err < 0 || __builtin_mul_overflow(v, duration_units[unit].ms, &v) || __builtin_add_overflow(total, v, &total);
	}
	if (s.n > 0 && last >= 0)
		return -EINVAL; /* "1h0" */
	if (huge || total > max_ms)
		return -ERANGE;
	*ms = total;
	return 0;
}
