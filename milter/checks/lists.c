/* lists: what lists in DNS say of where a message comes from and where it leads to (mail/dnslist.h). The symbols are those of the rows of
 * dns_lists, each once a message. What the administrator has no row for is not asked.
 *
 * Of mail of our own only what is in it is asked about, not who sent it. */

/* system */
#include <errno.h>

/* ours */
#include "list-subjects.h"

#define HOSTS_MAX   10  /* whose addresses, and domains whose name servers, are asked for */
#define SIXES_MAX   20  /* questions for IPv6 addresses: a share, so that room remains to ask the lists */
#define LOOKUPS_MAX 100 /* of these, with the addresses of name servers */
#define NS_MAX      4   /* name servers of one domain */

/* That a row wants to know of a name. */
struct question {
	size_t row;
	struct mr_slice name;
};

/* What must be known before lists are asked about it. */
struct lookup {
	enum mr_dnslist_subject what; /* LINK_ADDRESS: of the host; NS: of the domain; NS_ADDRESS: of the name server */
	enum mr_dns_type type;
	struct mr_slice name;
	bool done;
};

struct mr_list_state {
	struct mr_scan *scan;
	struct question *questions;
	size_t n_questions, max; /* max: of both */
	unsigned of_row[MR_DNSLIST_ROWS_MAX];
	struct lookup lookups[LOOKUPS_MAX];
	size_t n_lookups, n_hosts, n_domains, n_sixes;
	uint32_t wanted; /* subjects, of all rows */
	bool dkim_done;
};

static bool wants(const struct mr_list_state *st, enum mr_dnslist_subject what)
{
	return st->wanted & 1u << what;
}

/* False: the row has had its share. */
static bool ask(struct mr_list_state *st, size_t row, struct mr_slice before)
{
	const struct mr_dnslist *l = &st->scan->setup->lists[row];
	struct mr_slice name;

	if (st->of_row[row] >= l->max || st->n_questions + st->n_lookups >= st->max)
		return false;
	if (before.n + 1 + l->zone.n > MR_DNS_NAME_MAX)
		return true;
	name = mr_slice_of(mr_arena_printf(st->scan->arena, "%.*s.%.*s", (int)before.n, before.p, (int)l->zone.n, l->zone.p));
	for (size_t i = 0; i < st->n_questions; i++)
		if (st->questions[i].row == row && mr_slice_eq(st->questions[i].name, name))
			return true;
	st->questions[st->n_questions++] = (struct question){ .row = row, .name = name };
	st->of_row[row]++;
	return true;
}

static bool row_wants(const struct mr_list_state *st, size_t row, enum mr_dnslist_subject what)
{
	return st->scan->setup->lists[row].subjects & 1u << what;
}

static bool ask_ip(enum mr_dnslist_subject what, const struct mr_ip *ip, void *arg)
{
	struct mr_list_state *st = arg;

	for (size_t row = 0; row < st->scan->setup->n_lists; row++) {
		struct mr_buf before = MR_BUF(100);

		if (row_wants(st, row, what) && mr_dnslist_ip(&st->scan->setup->lists[row], ip, &before))
			ask(st, row, mr_buf_slice(&before));
		mr_buf_done(&before);
	}
	return true;
}

/* True: it is a new one. */
static bool look_up(struct mr_list_state *st, enum mr_dnslist_subject what, enum mr_dns_type type, struct mr_slice name)
{
	if (st->n_lookups == LOOKUPS_MAX || st->n_questions + st->n_lookups >= st->max)
		return false;
	if (type == MR_DNS_AAAA && st->n_sixes == SIXES_MAX)
		return false;
	for (size_t i = 0; i < st->n_lookups; i++)
		if (st->lookups[i].what == what && st->lookups[i].type == type && mr_slice_eq(st->lookups[i].name, name))
			return false;
	st->lookups[st->n_lookups++] =
	    (struct lookup){ .what = what, .type = type, .name = mr_slice_of(mr_arena_slice(st->scan->arena, name)) };
	st->n_sixes += type == MR_DNS_AAAA;
	return true;
}

/* Those of each family that a row has a use for; the same. */
static bool look_up_addresses(struct mr_list_state *st, enum mr_dnslist_subject what, struct mr_slice name)
{
	bool four = false, six = false, new = false;

	for (size_t row = 0; row < st->scan->setup->n_lists; row++) {
		const struct mr_dnslist *l = &st->scan->setup->lists[row];

		four |= row_wants(st, row, what) && !l->names_only && !l->no_ipv4;
		six |= row_wants(st, row, what) && !l->names_only && !l->no_ipv6;
	}
	if (four)
		new |= look_up(st, what, MR_DNS_A, name);
	if (six)
		new |= look_up(st, what, MR_DNS_AAAA, name);
	return new;
}

static bool ask_name(enum mr_dnslist_subject what, struct mr_slice name, void *arg)
{
	struct mr_list_state *st = arg;

	if (mr_list_skips(st->scan->setup->lists_skip, name))
		return true;
	for (size_t row = 0; row < st->scan->setup->n_lists; row++)
		if (row_wants(st, row, what))
			ask(st, row, name);
	if (what == MR_DNSLIST_LINK_HOST && wants(st, MR_DNSLIST_LINK_ADDRESS) && st->n_hosts < HOSTS_MAX)
		st->n_hosts += look_up_addresses(st, MR_DNSLIST_LINK_ADDRESS, name);
	if (what == MR_DNSLIST_LINK && st->n_domains < HOSTS_MAX && (wants(st, MR_DNSLIST_NS) || wants(st, MR_DNSLIST_NS_ADDRESS)))
		st->n_domains += look_up(st, MR_DNSLIST_NS, MR_DNS_NS, name);
	return true;
}

static bool ask_hashed(enum mr_dnslist_subject what, struct mr_slice bytes, void *arg)
{
	struct mr_list_state *st = arg;
	bool more = false;

	for (size_t row = 0; row < st->scan->setup->n_lists; row++) {
		struct mr_buf before = MR_BUF(100);

		if (row_wants(st, row, what)) {
			mr_dnslist_hashed(&st->scan->setup->lists[row], bytes, &before);
			more |= ask(st, row, mr_buf_slice(&before));
		}
		mr_buf_done(&before);
	}
	return more;
}

/* Of signatures that hold, so nobody is blamed for what others sign in his name. */
static bool ask_signers(struct mr_list_state *st)
{
	const struct mr_dkim_answer *a = st->scan->dkim;

	if (!a)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		struct mr_slice domain = a->signatures[i].result == MR_DKIM_PASS ? mr_list_domain(a->signatures[i].domain, st->scan->arena)
										 : (struct mr_slice){ 0 };

		if (domain.n)
			ask_name(MR_DNSLIST_DKIM, domain, st);
	}
	return true;
}

static void learned(struct mr_list_state *st, const struct lookup *l, const struct mr_dns_answer *a)
{
	for (size_t i = 0; i < a->n_rrs && (l->what != MR_DNSLIST_NS || i < NS_MAX); i++) {
		struct mr_slice data = a->rrs[i].data, domain;

		if (l->what == MR_DNSLIST_NS) {
			domain = wants(st, MR_DNSLIST_NS) ? mr_list_domain(data, st->scan->arena) : (struct mr_slice){ 0 };
			if (domain.n)
				ask_name(MR_DNSLIST_NS, domain, st);
			if (wants(st, MR_DNSLIST_NS_ADDRESS))
				look_up_addresses(st, MR_DNSLIST_NS_ADDRESS, data);
		} else if (data.n == (l->type == MR_DNS_A ? 4 : 16)) {
			struct mr_ip ip = { .family = l->type == MR_DNS_A ? AF_INET : AF_INET6 };

			memcpy(ip.bytes, data.p, data.n);
			ask_ip(l->what, &ip, st);
		}
	}
}

/* True: some are open. */
static bool look_ups_open(struct mr_list_state *st)
{
	bool open = false;

	for (size_t i = 0; i < st->n_lookups; i++) {
		struct lookup *l = &st->lookups[i];
		const struct mr_dns_answer *a;

		if (l->done)
			continue;
		a = mr_dns_view_get(st->scan->dns, l->name, l->type);
		open |= !a;
		l->done = a != NULL;
		if (a && a->status == MR_DNS_OK)
			learned(st, l, a);
	}
	return open;
}

static void add_symbols(struct mr_scan *scan, const uint32_t *hits)
{
	struct mr_scan_result *r = &scan->result;
	size_t first = r->n_symbols;

	for (size_t row = 0; row < scan->setup->n_lists; row++) {
		const struct mr_dnslist *l = &scan->setup->lists[row];

		for (size_t c = 0; c < l->n_codes; c++) {
			bool there = !(hits[row] & 1u << c);

			for (size_t i = first; i < r->n_symbols; i++)
				there |= mr_slice_eq(r->symbols[i].name, mr_slice_of(l->codes[c].symbol));
			if (!there)
				mr_scan_symbol(scan, l->codes[c].symbol, l->codes[c].score);
		}
	}
}

/* True: some are open, or `open` says that more is to come. */
static bool judge(struct mr_list_state *st, bool open)
{
	uint32_t hits[MR_DNSLIST_ROWS_MAX] = { 0 };

	for (size_t i = 0; i < st->n_questions; i++) {
		const struct question *q = &st->questions[i];
		const struct mr_dns_answer *a = mr_dns_view_get(st->scan->dns, q->name, MR_DNS_A);

		open |= !a;
		if (a)
			mr_dnslist_judge(&st->scan->setup->lists[q->row], a, &hits[q->row]);
	}
	if (open)
		return true;
	add_symbols(st->scan, hits);
	return false;
}

static struct mr_list_state *begin(struct mr_scan *scan)
{
	static const uint32_t content = 1u << MR_DNSLIST_LINK | 1u << MR_DNSLIST_LINK_HOST | 1u << MR_DNSLIST_LINK_ADDRESS |
					1u << MR_DNSLIST_NS | 1u << MR_DNSLIST_NS_ADDRESS | 1u << MR_DNSLIST_URL | 1u << MR_DNSLIST_FILE;
	struct mr_list_state *st = mr_arena_alloc(scan->arena, sizeof(*st));
	uint32_t seen;

	*st = (struct mr_list_state){ .scan = scan, .max = scan->setup->list_questions };
	st->questions = mr_arena_alloc(scan->arena, st->max * sizeof(*st->questions) + 1);
	for (size_t row = 0; row < scan->setup->n_lists; row++)
		st->wanted |= scan->setup->lists[row].subjects;
	if (scan->in->trusted)
		st->wanted &= content;
	seen = st->wanted;
	if (wants(st, MR_DNSLIST_LINK_ADDRESS))
		seen |= 1u << MR_DNSLIST_LINK_HOST;
	if (wants(st, MR_DNSLIST_NS) || wants(st, MR_DNSLIST_NS_ADDRESS))
		seen |= 1u << MR_DNSLIST_LINK;
	mr_list_subjects(scan, seen, &(struct mr_list_seer){ .ip = ask_ip, .name = ask_name, .hashed = ask_hashed, .arg = st });
	st->dkim_done = !wants(st, MR_DNSLIST_DKIM);
	return st;
}

static int run(struct mr_scan *scan)
{
	bool open;

	if (!scan->setup->n_lists)
		return 0;
	if (!scan->lists)
		scan->lists = begin(scan);
	if (!scan->lists->dkim_done)
		scan->lists->dkim_done = ask_signers(scan->lists);
	open = look_ups_open(scan->lists) || !scan->lists->dkim_done;
	return judge(scan->lists, open) ? -EAGAIN : 0;
}

const struct mr_check mr_check_lists = { .name = "lists", .run = run };
