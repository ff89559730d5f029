/* signals: see signals.h */

/* system */
#include <errno.h>

/* ours */
#include "base/parse.h"
#include "proto/limit.h"
#include "signals.h"

#define AMOUNT_MAX 1000
#define POINTS_MAX 100

static const char *const names[MR_SIGNALS] = { "recipients",   "senders", "networks", "logins",      "new-networks",
					       "null-senders", "bounces", "spam",     "bounce-ratio" };

const char *mr_signal_str(enum mr_signal s)
{
	return names[s];
}

static int parse_name(struct mr_slice s, enum mr_signal *out)
{
	for (size_t i = 0; i < MR_SIGNALS; i++)
		if (mr_slice_eq(s, mr_slice_of(names[i]))) {
			*out = (enum mr_signal)i;
			return 0;
		}
	return -EINVAL;
}

int mr_signal_row_parse(struct mr_slice text, struct mr_signal_row *out)
{
	struct mr_slice name, rate, points;
	struct mr_limit limit = { 0 };
	struct mr_signal_row row = { 0 };
	int r;

	if (!mr_slice_next(&text, ':', &name) || !mr_slice_next(&text, ':', &rate) || !mr_slice_next(&text, ':', &points) || text.p)
		return -EINVAL;
	r = parse_name(name, &row.signal);
	if (r == 0)
		r = mr_limit_rate_parse(rate, &limit);
	if (r == 0 && (limit.amount == 0 || limit.amount > AMOUNT_MAX))
		r = -ERANGE;
	if (r == 0)
		r = mr_parse_u64(points, 1, POINTS_MAX, &row.points);
	if (r < 0)
		return r;
	row.amount = limit.amount;
	row.window = limit.window;
	*out = row;
	return 0;
}
