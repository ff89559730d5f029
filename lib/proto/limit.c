/* limit: see limit.h */

/* system */
#include <errno.h>
#include <inttypes.h>

/* ours */
#include "base/mem.h"
#include "proto/limit.h"

#define SECOND UINT64_C(1000)

static const char *const scopes[] = { "user", "domain", "address", "network" };
static const char *const whats[] = { "messages", "recipients" };
static const char *const actions[] = { "defer", "reject", "hold", "lock" };

static int index_of(const char *const *words, size_t n, struct mr_slice s, unsigned *out)
{
	for (size_t i = 0; i < n; i++) {
		if (mr_slice_eq(mr_slice_of(words[i]), s)) {
			*out = (unsigned)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *mr_limit_scope_str(enum mr_limit_scope s)
{
	return scopes[s];
}

const char *mr_limit_what_str(enum mr_limit_what w)
{
	return whats[w];
}

const char *mr_limit_action_str(enum mr_limit_action a)
{
	return actions[a];
}

int mr_limit_scope_parse(struct mr_slice s, enum mr_limit_scope *out)
{
	return index_of(scopes, MR_COUNT(scopes), s, out);
}

int mr_limit_what_parse(struct mr_slice s, enum mr_limit_what *out)
{
	return index_of(whats, MR_COUNT(whats), s, out);
}

int mr_limit_action_parse(struct mr_slice s, enum mr_limit_action *out)
{
	return index_of(actions, MR_COUNT(actions), s, out);
}

int mr_limit_rate_parse(struct mr_slice s, struct mr_limit *out)
{
	struct mr_slice amount;
	uint64_t n = 0, window = 0;
	int r;

	if (mr_slice_eq(s, MR_LIT("unlimited"))) {
		out->amount = out->window = 0;
		return 0;
	}
	if (mr_slice_chr(s, '/') < 0)
		return -EINVAL;
	mr_slice_next(&s, '/', &amount);
	r = mr_parse_u64(amount, 1, MR_LIMIT_AMOUNT_MAX, &n);
	if (r == 0)
		r = mr_parse_duration(s, MR_LIMIT_WINDOW_MAX, &window);
	if (r == 0 && (window < MR_LIMIT_WINDOW_MIN || window % SECOND))
		r = -ERANGE;
	if (r < 0)
		return r;
	out->amount = n;
	out->window = window;
	return 0;
}

int mr_limit_rate_add(struct mr_buf *out, const struct mr_limit *l)
{
	static const struct {
		uint64_t ms;
		char unit;
	} units[] = { { 86400 * SECOND, 'd' }, { 3600 * SECOND, 'h' }, { 60 * SECOND, 'm' }, { SECOND, 's' } };
	size_t i = 0;

	if (l->amount == 0)
		return mr_buf_puts(out, "unlimited");
	while (i + 1 < MR_COUNT(units) && l->window % units[i].ms)
		i++;
	return mr_buf_printf(out, "%" PRIu64 "/%" PRIu64 "%c", l->amount, l->window / units[i].ms, units[i].unit);
}

/* The next word; empty at the end. */
static struct mr_slice word(struct mr_slice *rest)
{
	struct mr_slice w = { 0 };

	mr_slice_next(rest, ' ', &w);
	return w;
}

static int parse_net(struct mr_slice s, struct mr_limit *out)
{
	out->every = mr_slice_eq(s, MR_LIT("*"));
	return out->every ? 0 : mr_parse_net(s, &out->net);
}

int mr_limit_parse(struct mr_slice s, struct mr_limit *out)
{
	struct mr_limit l = { .every = true };
	int r = mr_limit_scope_parse(word(&s), &l.scope);

	if (r == 0 && mr_limit_of_client(l.scope))
		r = parse_net(word(&s), &l);
	if (r == 0)
		r = mr_limit_what_parse(word(&s), &l.what);
	if (r == 0)
		r = mr_limit_rate_parse(word(&s), &l);
	if (r == 0 && l.amount)
		r = mr_limit_action_parse(word(&s), &l.action);
	if (r == 0 && s.n)
		r = -EINVAL;
	if (r == 0)
		*out = l;
	return r;
}

int mr_limit_add(struct mr_buf *out, const struct mr_limit *l)
{
	char ip[MR_IP_STRLEN];

	mr_buf_printf(out, "%s ", scopes[l->scope]);
	if (mr_limit_of_client(l->scope) && l->every)
		mr_buf_puts(out, "* ");
	else if (mr_limit_of_client(l->scope))
		mr_buf_printf(out, "%s/%u ", mr_ip_str(&l->net.ip, ip), l->net.bits);
	mr_buf_printf(out, "%s ", whats[l->what]);
	mr_limit_rate_add(out, l);
	if (l->amount)
		mr_buf_printf(out, " %s", actions[l->action]);
	return out->full ? -ENOBUFS : 0;
}

size_t mr_limits_hold(const char *const levels[3], struct mr_slice *out, size_t max)
{
	bool nearer[MR_LIMIT_SCOPES][MR_LIMIT_WHATS] = { { false } };
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		bool here[MR_LIMIT_SCOPES][MR_LIMIT_WHATS] = { { false } };
		struct mr_slice rest = mr_slice_of(levels[i]), line;
		struct mr_limit l;

		while (n < max && mr_slice_next(&rest, '\n', &line)) {
			if (mr_limit_parse(line, &l) < 0 || (nearer[l.scope][l.what] && !mr_limit_of_client(l.scope)))
				continue;
			here[l.scope][l.what] = true;
			out[n++] = line;
		}
		for (size_t k = 0; k < MR_LIMIT_SCOPES * MR_LIMIT_WHATS; k++)
			nearer[k / MR_LIMIT_WHATS][k % MR_LIMIT_WHATS] |= here[k / MR_LIMIT_WHATS][k % MR_LIMIT_WHATS];
	}
	return n;
}

bool mr_limit_narrower(const struct mr_limit *a, const struct mr_limit *b)
{
	return !a->every && (b->every || a->net.bits > b->net.bits);
}

struct mr_net mr_limit_client(enum mr_limit_scope s, const struct mr_ip *ip)
{
	bool v4 = ip->family == AF_INET, host = s == MR_LIMIT_ADDRESS;

	return mr_net_of(ip, v4 ? (host ? 32 : 24) : (host ? 64 : 48));
}

char *mr_limit_name(struct mr_arena *arena, const struct mr_limit *l, struct mr_slice whom)
{
	return mr_arena_printf(arena, "limit:%s:%.*s:%s:%" PRIu64, scopes[l->scope], (int)whom.n, whom.p, whats[l->what],
			       l->window / SECOND);
}
