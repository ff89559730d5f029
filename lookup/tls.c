#include "tls.h"

/* system */
#include <errno.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <utlist.h>
#include "tls-private.h"

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "rt/clock.h"
#include "rt/dns-trusted.h"
#include "rt/https.h"
#include "rt/log.h"

#define KNOWN_MS    60000
#define FAILED_MS   (5 * 60000) /* RFC 8461 section 3.3 */
#define REFRESH_MS  60000       /* how often it is looked for policies to fetch anew */
#define REFRESH_MAX 4           /* of them begun at a time */
#define REFRESH_AGE 86400       /* seconds */
#define DEADLINE_MS 10000       /* of finding out when nobody waits */
#define OPEN_MAX    2000        /* questions */
#define POLICY_PATH "/.well-known/mta-sts.txt"

struct mr_tls {
	struct mr_loop *loop;
	struct mr_tls_config conf;
	char *folder;
	struct mr_dns_trusted *dns;
	struct mr_https *https;
	struct tls_domain *domains;
	size_t open;
	struct mr_timer *refresh;
};

static void advance(struct tls_domain *d);

/* --- domains */

static void domain_free(struct tls_domain *d)
{
	HASH_DEL(d->tls->domains, d);
	mr_timer_cancel(&d->timer);
	mr_dns_view_free(d->view);
	mr_arena_free(d->work);
	mr_arena_free(d->policy_arena);
	free(d->name);
	free(d);
}

static bool idle(const struct tls_domain *d)
{
	return !d->evaluating && !d->fetching;
}

static void make_room(struct mr_tls *t)
{
	struct tls_domain *d, *next;

	HASH_ITER (hh, t->domains, d, next) {
		if (HASH_COUNT(t->domains) < t->conf.domains_max)
			return;
		if (idle(d))
			domain_free(d);
	}
}

static struct tls_domain *domain_get(struct mr_tls *t, struct mr_slice name)
{
	struct tls_domain *d;

	HASH_FIND(hh, t->domains, name.p, name.n, d);
	if (d != NULL) {
		HASH_DEL(t->domains, d);
	} else {
		make_room(t);
		d = mr_new(struct tls_domain, 1);
		d->tls = t;
		d->name = mr_slice_dup(name);
		d->work = mr_arena_new(0);
		tls_file_load(&t->conf, d);
	}
	HASH_ADD_KEYPTR(hh, t->domains, d->name, strlen(d->name), d);
	return d;
}

/* --- answers */

static void tell(struct tls_domain *d, const struct mr_tls_facts *f)
{
	struct tls_waiter *w;

	while ((w = d->waiters) != NULL) {
		LL_DELETE(d->waiters, w);
		d->tls->open--;
		w->cb(f, w->arg);
		free(w);
	}
}

static struct mr_tls_facts facts_of(const struct tls_domain *d)
{
	return (struct mr_tls_facts){ .dane = d->dane,
				      .policy = tls_policy_holds(d) ? d->policy : NULL,
				      .dane_reason = d->dane_reason,
				      .sts_reason = d->sts_reason };
}

static void finish(struct tls_domain *d)
{
	struct mr_tls_facts f;

	mr_timer_cancel(&d->timer);
	if (d->refresh) /* whatever came of it: not again before it was used again */
		d->used = d->fetched - 1;
	d->evaluating = d->refresh = false;
	d->known_until_ms = d->dane == MR_DANE_TEMP ? 0 : mr_now_ms() + KNOWN_MS;
	mr_dns_view_free(d->view);
	d->view = NULL;
	f = facts_of(d);
	tell(d, &f);
}

/* The fetch goes on; who asks later finds what came of it. */
static void on_late(void *arg)
{
	struct tls_domain *d = arg;

	d->timer = NULL;
	d->dane = MR_DANE_TEMP;
	d->dane_reason = MR_LIT("the policy of MTA-STS is still being fetched");
	finish(d);
}

/* --- DNS */

static void on_dns(const struct mr_dns_answer *a, void *arg)
{
	struct tls_domain *d = arg;

	mr_dns_view_add(d->view, a);
	if (--d->questions == 0)
		advance(d);
}

static void ask_open(struct tls_domain *d)
{
	enum mr_dns_type type;
	const char *name;

	for (size_t i = 0; mr_dns_view_question(d->view, i, &name, &type); i++) {
		d->questions++;
		mr_dns_trusted_ask(d->tls->dns, name, type, d->deadline_ms, on_dns, d);
	}
}

static const struct mr_dns_answer *ask_below(struct tls_domain *d, const char *label, enum mr_dns_type type)
{
	return mr_dns_view_get(d->view, mr_slice_of(mr_arena_printf(d->work, "%s.%s", label, d->name)), type);
}

/* --- the policy */

/* RFC 6890 and its successors: where nobody's public web server is. */
static bool is_public(const struct mr_ip *ip)
{
	static const char *const nets[] = { "0.0.0.0/8",     "10.0.0.0/8",   "100.64.0.0/10",  "127.0.0.0/8",   "169.254.0.0/16",
					    "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
					    "::/16",         "64:ff9b::/96", "fc00::/7",       "fe80::/10",     "fec0::/10",
					    "ff00::/8",      "2002::/16" };
	struct mr_net net;

	for (size_t i = 0; i < MR_COUNT(nets); i++)
		if (mr_parse_net(mr_slice_of(nets[i]), &net) == 0 && net.ip.family == ip->family && mr_net_has(&net, ip))
			return false;
	return true;
}

/* The first address that may be connected to, as curl spells it. */
static bool pick(const struct mr_tls *t, const struct mr_dns_answer *a, char text[MR_IP_STRLEN + 2])
{
	bool four = a->type == MR_DNS_A;
	char bare[MR_IP_STRLEN];

	for (size_t i = 0; a->status == MR_DNS_OK && i < a->n_rrs; i++) {
		struct mr_ip ip = { .family = four ? AF_INET : AF_INET6 };
		memcpy(ip.bytes, a->rrs[i].data.p, four ? 4 : 16);
		if (!t->conf.private_hosts && !is_public(&ip))
			continue;
		snprintf(text, MR_IP_STRLEN + 2, four ? "%s" : "[%s]", mr_ip_str(&ip, bare));
		return true;
	}
	return false;
}

static void failed(struct tls_domain *d, const char *reason)
{
	d->failed_until_ms = mr_now_ms() + FAILED_MS;
	memcpy(d->failed_id, d->fetching_id, sizeof(d->failed_id));
	mr_log(MR_LOG_WARNING, "sts-not-fetched", mr_s("domain", d->name), mr_s("reason", reason),
	       mr_s("effect", tls_policy_holds(d) ? "the policy from before holds" : "as if there were none"));
	d->sts_reason = mr_slice_of(mr_arena_printf(d->work, "announced, but not fetched: %s", reason));
}

static void take_policy(struct tls_domain *d, const struct mr_https_answer *a)
{
	struct mr_diag diag = { 0 };

	if (a->error != NULL)
		failed(d, a->error);
	else if (a->status != 200)
		failed(d, mr_arena_printf(d->work, "status %ld", a->status));
	else if (!mr_slice_istarts(mr_slice_of(a->type), MR_LIT("text/plain")))
		failed(d, "it is not text/plain");
	else if (tls_policy_set(d, d->fetching_id, a->body, mr_wall(), &diag) < 0)
		failed(d, mr_arena_strdup(d->work, diag.text));
	else
		tls_file_save(&d->tls->conf, d, a->body);
}

static void on_fetched(const struct mr_https_answer *a, void *arg)
{
	struct tls_domain *d = arg;

	d->fetching = false;
	d->fetched_now = true;
	take_policy(d, a);
	if (d->evaluating && d->questions == 0)
		advance(d);
}

static void wait_for_fetch(struct tls_domain *d)
{
	uint64_t now = mr_now_ms();

	if (d->timer == NULL)
		d->timer = mr_timer_start(d->tls->loop, d->deadline_ms > now ? d->deadline_ms - now : 0, on_late, d);
}

/* True when something is under way that advance() is to be called after. */
static bool fetch(struct tls_domain *d, const char *id)
{
	const struct mr_dns_answer *a = ask_below(d, "mta-sts", MR_DNS_A), *aaaa = ask_below(d, "mta-sts", MR_DNS_AAAA);
	char address[MR_IP_STRLEN + 2];

	if (a == NULL || aaaa == NULL) {
		ask_open(d);
		return true;
	}
	snprintf(d->fetching_id, sizeof(d->fetching_id), "%s", id);
	d->fetched_now = true;
	if (!pick(d->tls, a, address) && !pick(d->tls, aaaa, address)) {
		failed(d,
		       a->status == MR_DNS_OK || aaaa->status == MR_DNS_OK ? "its host has no public address" : "its host has no address");
		return false;
	}
	const struct mr_https_get get = { .host = mr_arena_printf(d->work, "mta-sts.%s", d->name),
					  .path = POLICY_PATH,
					  .address = address,
					  .port = d->tls->conf.port,
					  .max = MR_STS_POLICY_MAX,
					  .timeout_ms = d->tls->conf.fetch_ms,
					  .done = on_fetched,
					  .arg = d };
	if (mr_https_start(d->tls->https, &get) < 0) {
		failed(d, "too many fetches are under way");
		return false;
	}
	d->fetching = true;
	wait_for_fetch(d);
	return true;
}

static void describe(struct tls_domain *d, bool announced)
{
	const char *mode;

	if (tls_policy_holds(d)) {
		mode = mr_sts_mode_str(d->policy->mode);
		d->sts_reason =
		    mr_slice_of(mr_arena_printf(d->work, "policy %s, mode %s, %zu hosts, for %lld s more", d->id, mode, d->policy->n_mx,
						(long long)(d->fetched + (int64_t)d->policy->max_age - mr_wall())));
	} else if (!announced) {
		d->sts_reason = MR_LIT("no policy is announced");
	} else if (d->sts_reason.n == 0) {
		d->sts_reason = MR_LIT("announced, but not to be had a moment ago");
	}
}

/* True when it goes on later. */
static bool find_policy(struct tls_domain *d)
{
	const struct mr_dns_answer *txt = ask_below(d, "_mta-sts", MR_DNS_TXT);
	char id[MR_STS_ID_MAX + 1] = "";

	if (txt == NULL) {
		ask_open(d);
		return true;
	}
	bool announced = mr_sts_record(txt, id) == 0, holds = tls_policy_holds(d);
	bool newer = announced && (!holds || strcmp(id, d->id) != 0);
	bool tried = mr_now_ms() < d->failed_until_ms && strcmp(id, d->failed_id) == 0;

	if (d->fetching) {
		wait_for_fetch(d);
		return true;
	}
	if (!d->fetched_now && ((newer && !tried) || (d->refresh && holds)) && fetch(d, announced ? id : d->id))
		return true;
	describe(d, announced);
	d->used = mr_wall();
	return false;
}

static void advance(struct tls_domain *d)
{
	struct mr_dane dane;

	if (mr_dane_evaluate(d->view, mr_slice_of(d->name), d->work, &dane) == -EAGAIN) {
		ask_open(d);
		return;
	}
	d->dane = dane.state;
	d->dane_reason = dane.reason;
	bool asks = dane.state == MR_DANE_NONE || dane.state == MR_DANE_SOME;
	if (asks && find_policy(d))
		return;
	if (!asks)
		d->sts_reason = MR_LIT("not looked at: DANE comes first");
	finish(d);
}

static void evaluate(struct tls_domain *d, uint64_t deadline_ms)
{
	d->evaluating = true;
	d->fetched_now = false;
	d->deadline_ms = deadline_ms;
	d->sts_reason = (struct mr_slice){ "", 0 };
	mr_arena_reset(d->work);
	d->view = mr_dns_view_new();
	advance(d);
}

void mr_tls_ask(struct mr_tls *t, struct mr_slice domain, uint64_t deadline_ms, void (*cb)(const struct mr_tls_facts *f, void *arg),
		void *arg)
{
	struct mr_tls_facts busy = { .dane = MR_DANE_TEMP, .dane_reason = MR_LIT("too many questions are open") }, f;
	struct tls_domain *d;
	struct tls_waiter *w;

	if (t->open >= OPEN_MAX) {
		cb(&busy, arg);
		return;
	}
	d = domain_get(t, domain);
	if (!d->evaluating && mr_now_ms() < d->known_until_ms) {
		d->used = mr_wall();
		f = facts_of(d);
		cb(&f, arg);
		return;
	}
	w = mr_new(struct tls_waiter, 1);
	*w = (struct tls_waiter){ .cb = cb, .arg = arg };
	LL_APPEND(d->waiters, w);
	t->open++;
	if (!d->evaluating)
		evaluate(d, deadline_ms);
}

size_t mr_tls_open(const struct mr_tls *t)
{
	return t->open;
}

/* --- refresh: policies that were used since they were fetched, before they end */

static bool due(const struct tls_domain *d)
{
	int64_t half, age = mr_wall() - d->fetched;

	if (!idle(d) || !tls_policy_holds(d) || d->used < d->fetched || mr_now_ms() < d->failed_until_ms)
		return false;
	half = (int64_t)d->policy->max_age / 2;
	return age >= (half < REFRESH_AGE ? half : REFRESH_AGE);
}

static void on_refresh(void *arg)
{
	struct tls_domain *d, *next;
	struct mr_tls *t = arg;
	unsigned begun = 0;

	t->refresh = mr_timer_start(t->loop, REFRESH_MS, on_refresh, t);
	HASH_ITER (hh, t->domains, d, next) {
		if (begun == REFRESH_MAX)
			return;
		if (!due(d))
			continue;
		begun++;
		d->refresh = true;
		evaluate(d, mr_now_ms() + DEADLINE_MS);
	}
}

int mr_tls_new(struct mr_loop *l, const struct mr_tls_config *c, struct mr_tls **out, struct mr_diag *diag)
{
	struct mr_dns_trusted *dns;
	struct mr_tls *t;
	int r = mr_dns_trusted_new(l, c->resolver, &dns, diag);

	if (r < 0)
		return r;
	t = mr_new(struct mr_tls, 1);
	t->loop = l;
	t->dns = dns;
	t->conf = *c;
	t->folder = mr_strdup(c->folder);
	t->conf.folder = t->folder;
	t->conf.resolver = t->conf.ca_file = NULL; /* they are the parts' */
	t->https = mr_https_new(l, c->ca_file);
	t->refresh = mr_timer_start(l, REFRESH_MS, on_refresh, t);
	*out = t;
	return 0;
}

void mr_tls_free(struct mr_tls *t)
{
	const struct mr_tls_facts over = { .dane = MR_DANE_TEMP };
	struct tls_domain *d, *next;

	if (t == NULL)
		return;
	mr_timer_cancel(&t->refresh);
	mr_dns_trusted_free(t->dns);
	mr_https_free(t->https);
	HASH_ITER (hh, t->domains, d, next) {
		tell(d, &over);
		domain_free(d);
	}
	free(t->folder);
	free(t);
}
