/* list-check: see list-check.h */

/* ours */
#include "base/mem.h"
#include "list-check.h"
#include "rt/clock.h"
#include "rt/dns.h"

/* What every list of addresses has (RFC 5782 section 5). A list of names need not know it: that it says so is enough. */
static const char test_point[] = "2.0.0.127";

struct asked {
	struct mr_loop *loop;
	const struct mr_dnslist *list;
	enum mr_dnslist_result result;
	size_t *open;
};

static void on_answer(const struct mr_dns_answer *a, void *arg)
{
	struct asked *q = arg;
	uint32_t hits = 0;

	q->result = mr_dnslist_judge(q->list, a, &hits);
	if (--*q->open == 0)
		mr_loop_stop(q->loop);
}

/* A list of names may refuse an address alone: it is asked about a name. */
static const char *question(const struct mr_dnslist *l, struct mr_arena *arena)
{
	const uint32_t addresses = 1u << MR_DNSLIST_CLIENT | 1u << MR_DNSLIST_RECEIVED;

	return mr_arena_printf(arena, "%s.%.*s", l->subjects & addresses ? test_point : "invalid", (int)l->zone.n, l->zone.p);
}

static int report(const struct asked *q, struct mr_buf *out)
{
	const char *why = q->result == MR_DNSLIST_REFUSED  ? "it refuses: is the resolver one of your own, and known there?"
			  : q->result == MR_DNSLIST_SILENT ? "no answer"
							   : NULL;

	mr_buf_printf(out, "%s dns_lists %.*s%s%s\n", why ? "failed" : "ok", (int)q->list->zone.n, q->list->zone.p, why ? ": " : "",
		      why ? why : "");
	return why != NULL;
}

int mr_lists_check(const struct mr_milter_conf *conf, uint64_t timeout_ms, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_loop *loop = mr_loop_new();
	struct mr_scan_setup setup = { 0 };
	struct mr_dns *dns = NULL;
	struct asked asked[MR_DNSLIST_ROWS_MAX] = { 0 };
	size_t open = 0;
	int failed = 0;

	/* Without a resolver that can be set up another line has said so. */
	if (mr_milter_lists(conf, arena, &setup, NULL) == 0 && mr_dns_new(loop, conf->shared.resolver, &dns, NULL) == 0) {
		for (; open < setup.n_lists; open++) {
			asked[open] = (struct asked){ .loop = loop, .list = &setup.lists[open], .open = &open };
			mr_dns_ask(dns, question(asked[open].list, arena), MR_DNS_A, mr_now_ms() + timeout_ms, on_answer, &asked[open]);
		}
		if (open)
			mr_loop_run(loop);
		for (size_t i = 0; i < setup.n_lists; i++)
			failed |= report(&asked[i], out);
	}
	mr_dns_free(dns);
	mr_loop_free(loop);
	return failed;
}
