/* zone: see zone.h. */
/* system */
#include <arpa/inet.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "support/zone.h"

#define CHAIN_MAX 8

struct line {
	struct mr_slice name, type, data;
};

struct mr_slice zone_unescape(struct mr_slice s, struct mr_arena *arena)
{
	char *p = mr_arena_alloc(arena, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 3 < s.n && s.p[i + 1] == 'x' &&
		    mr_hex_decode((struct mr_slice){ s.p + i + 2, 2 }, p + n, 1) == 1) {
			n++;
			i += 3;
		} else {
			p[n++] = s.p[i];
		}
	}
	return (struct mr_slice){ p, n };
}

static _Noreturn void broken(const struct line *l)
{
	fprintf(stderr, "zone: bad record for %.*s\n", (int)l->name.n, l->name.p);
	exit(1);
}

static bool next_line(struct mr_slice *rest, struct mr_arena *arena, struct line *out)
{
	struct mr_slice text;

	while (mr_slice_next(rest, '\n', &text)) {
		if (!text.n)
			continue;
		if (!mr_slice_next(&text, ' ', &out->name) || !mr_slice_next(&text, ' ', &out->type))
			broken(out);
		out->name = zone_unescape(out->name, arena);
		out->data = zone_unescape(text, arena);
		return true;
	}
	return false;
}

/* As the real parser gives names: lower case, no final dot. */
static struct mr_slice host_name(struct mr_slice s, struct mr_arena *arena)
{
	char *p = mr_arena_slice(arena, s);

	for (size_t i = 0; i < s.n; i++)
		p[i] = mr_lower(p[i]);
	return (struct mr_slice){ p, s.n && p[s.n - 1] == '.' ? s.n - 1 : s.n };
}

static struct mr_dns_rr record(const struct line *l, enum mr_dns_type type, struct mr_arena *arena)
{
	struct mr_dns_rr rr = { .data = l->data };
	struct mr_slice host = l->data, preference;
	uint64_t value;

	if (type == MR_DNS_A || type == MR_DNS_AAAA) {
		char *bytes = mr_arena_alloc(arena, 16), *text = mr_arena_slice(arena, l->data);

		if (inet_pton(type == MR_DNS_A ? AF_INET : AF_INET6, text, bytes) != 1)
			broken(l);
		rr.data = (struct mr_slice){ bytes, type == MR_DNS_A ? 4 : 16 };
	} else if (type == MR_DNS_MX) {
		if (!mr_slice_next(&host, ' ', &preference) || mr_parse_u64(preference, 0, 65535, &value) < 0)
			broken(l);
		rr = (struct mr_dns_rr){ .data = host, .preference = (uint16_t)value };
	}
	if (type == MR_DNS_MX || type == MR_DNS_PTR || type == MR_DNS_CNAME || type == MR_DNS_NS)
		rr.data = host_name(rr.data, arena);
	return rr;
}

static void look_up(const char *zone, struct mr_slice name, struct mr_arena *arena, int depth, struct mr_dns_answer *a)
{
	struct mr_slice rest = mr_slice_of(zone), alias = { 0 };
	bool exists = false, times_out = false;
	enum mr_dns_type type;
	struct line l;

	while (next_line(&rest, arena, &l)) {
		if (l.name.n && l.name.p[l.name.n - 1] == '.')
			l.name.n--;
		if (!mr_slice_ieq(l.name, name))
			continue;
		exists = true;
		if (mr_slice_eq(l.type, MR_LIT("TIMEOUT"))) {
			times_out = true;
			continue;
		}
		if (mr_dns_type_parse(l.type, &type) < 0)
			broken(&l);
		if (type == a->type && a->n_rrs < MR_DNS_RRS_MAX)
			a->rrs[a->n_rrs++] = record(&l, type, arena);
		else if (type == MR_DNS_CNAME)
			alias = record(&l, type, arena).data;
	}
	if (a->n_rrs)
		a->status = MR_DNS_OK;
	else if (times_out || depth > CHAIN_MAX)
		a->status = MR_DNS_TEMP;
	else if (alias.n)
		look_up(zone, alias, arena, depth + 1, a);
	else
		a->status = exists ? MR_DNS_NODATA : MR_DNS_NXDOMAIN;
}

size_t zone_open(const struct mr_dns_view *view)
{
	enum mr_dns_type type;
	const char *name;
	size_t n = 0;

	while (mr_dns_view_question(view, n, &name, &type))
		n++;
	return n;
}

void zone_answer(const char *zone, struct mr_dns_view *view)
{
	mr_autoarena arena = mr_arena_new(0);
	enum mr_dns_type type;
	const char *name;

	while (mr_dns_view_question(view, 0, &name, &type)) {
		struct mr_dns_answer a = { .name = mr_arena_strdup(arena, name), .type = (uint16_t)type, .ttl = 60 };

		a.rrs = mr_arena_alloc(arena, MR_DNS_RRS_MAX * sizeof(*a.rrs));
		look_up(zone, mr_slice_of(a.name), arena, 0, &a);
		mr_dns_view_add(view, &a);
		mr_arena_reset(arena);
	}
}
