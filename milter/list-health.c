/* list-health: see list-health.h */

/* system */
#include <stdatomic.h>

/* ours */
#include "base/mem.h"
#include "list-health.h"
#include "rt/clock.h"
#include "rt/log.h"

#define SHOWN_MAX 200 /* bytes of the addresses of a refusal in the log */

struct mr_list_counters mr_list_counters;

struct zone {
	struct mr_slice name;
	enum mr_dnslist_result state; /* SILENT or REFUSED: it is passed over */
	unsigned bad;                 /* answers in a row that are none */
	uint64_t until;               /* ms: not asked before */
};

struct mr_list_health {
	struct mr_arena *arena;
	struct mr_dnslist *lists;
	size_t n_lists, n_zones;
	struct zone zones[MR_DNSLIST_ROWS_MAX];
};

static struct zone *find(struct mr_list_health *h, struct mr_slice name)
{
	for (size_t i = 0; i < h->n_zones; i++) {
		struct mr_slice z = h->zones[i].name;

		if (mr_slice_iends(name, z) && (name.n == z.n || name.p[name.n - z.n - 1] == '.'))
			return &h->zones[i];
	}
	return NULL;
}

struct mr_list_health *mr_list_health_new(const struct mr_scan_setup *setup)
{
	struct mr_list_health *h = mr_new(struct mr_list_health, 1);

	h->arena = mr_arena_new(0);
	h->lists = mr_arena_alloc(h->arena, setup->n_lists * sizeof(*h->lists) + 1);
	/* They were read before, so they can be again. */
	for (size_t i = 0; i < setup->n_lists; i++) {
		struct mr_dnslist *l = &h->lists[h->n_lists];

		if (mr_dnslist_parse(setup->list_rows[i], h->arena, l, NULL) < 0)
			continue;
		h->n_lists++;
		if (!find(h, l->zone))
			h->zones[h->n_zones++].name = l->zone;
	}
	return h;
}

void mr_list_health_free(struct mr_list_health *h)
{
	if (!h)
		return;
	mr_arena_free(h->arena);
	free(h);
}

enum mr_list_way mr_list_health_way(struct mr_list_health *h, const char *name)
{
	struct zone *z = find(h, mr_slice_of(name));

	if (!z)
		return MR_LIST_NONE;
	if (z->state != MR_DNSLIST_NOT) {
		if (mr_now_ms() < z->until) {
			atomic_fetch_add(&mr_list_counters.passed_over, 1);
			return MR_LIST_PASS_OVER;
		}
		/* This one tries it; the others do not wait for it. */
		z->until = mr_now_ms() + (z->state == MR_DNSLIST_REFUSED ? MR_LIST_REFUSED_MS : MR_LIST_AWAY_MS);
	}
	atomic_fetch_add(&mr_list_counters.asked, 1);
	return MR_LIST_ASK;
}

/* All rows of the zone are asked: one may know more refusals than another. */
static enum mr_dnslist_result judge(const struct mr_list_health *h, const struct zone *z, const struct mr_dns_answer *a)
{
	enum mr_dnslist_result r = MR_DNSLIST_NOT;

	for (size_t i = 0; i < h->n_lists && r != MR_DNSLIST_REFUSED; i++) {
		uint32_t hits = 0;

		if (mr_slice_eq(h->lists[i].zone, z->name))
			r = mr_dnslist_judge(&h->lists[i], a, &hits);
	}
	return r;
}

static void show_addresses(const struct mr_dns_answer *a, struct mr_buf *out)
{
	for (size_t i = 0; i < a->n_rrs; i++) {
		struct mr_ip ip = { .family = AF_INET };
		char text[MR_IP_STRLEN];

		if (a->rrs[i].data.n != 4)
			continue;
		memcpy(ip.bytes, a->rrs[i].data.p, 4);
		mr_buf_printf(out, "%s%s", out->n ? " " : "", mr_ip_str(&ip, text));
	}
}

static void bad_answer(struct zone *z, enum mr_dnslist_result r, const struct mr_dns_answer *a)
{
	struct mr_buf addresses = MR_BUF(SHOWN_MAX);
	bool refused = r == MR_DNSLIST_REFUSED;

	atomic_fetch_add(refused ? &mr_list_counters.refused : &mr_list_counters.silent, 1);
	if (++z->bad < MR_LIST_BAD_MAX || (z->state == r && mr_now_ms() < z->until))
		return;
	show_addresses(a, &addresses);
	if (z->state != r)
		mr_log(MR_LOG_WARNING, refused ? "dns-list-refuses" : "dns-list-away", mr_sl("list", z->name),
		       mr_sl("answer", mr_buf_slice(&addresses)));
	z->state = r;
	z->until = mr_now_ms() + (refused ? MR_LIST_REFUSED_MS : MR_LIST_AWAY_MS);
	mr_buf_done(&addresses);
}

void mr_list_health_note(struct mr_list_health *h, const struct mr_dns_answer *a)
{
	struct zone *z = find(h, mr_slice_of(a->name));
	enum mr_dnslist_result r;

	if (!z)
		return;
	r = judge(h, z, a);
	if (r == MR_DNSLIST_SILENT || r == MR_DNSLIST_REFUSED) {
		bad_answer(z, r, a);
		return;
	}
	if (z->state != MR_DNSLIST_NOT)
		mr_log(MR_LOG_NOTICE, "dns-list-back", mr_sl("list", z->name));
	z->state = MR_DNSLIST_NOT;
	z->bad = 0;
}

void mr_list_health_print(const struct mr_list_health *h, struct mr_buf *out)
{
	static const char *const states[] = { [MR_DNSLIST_NOT] = "ok", [MR_DNSLIST_REFUSED] = "refuses", [MR_DNSLIST_SILENT] = "away" };

	for (size_t i = 0; i < h->n_zones; i++)
		mr_buf_printf(out, "dns_list=%.*s %s\n", (int)h->zones[i].name.n, h->zones[i].name.p, states[h->zones[i].state]);
}
