/* dns-servers: see dns-servers.h. Three steps, each with all its questions at once: the NS records of the name and of all names above, the
 * addresses of the servers, the questions themselves. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/dns-servers.h"
#include "rt/dns.h"

#define NAMES_MAX 16 /* name servers of one zone */

struct server {
	char *name;
	struct mr_ip v4[MR_DNS_SERVERS_MAX], v6[MR_DNS_SERVERS_MAX];
	size_t n_v4, n_v6;
};

struct asking {
	struct mr_loop *loop;
	char *resolver, *inside, **names;
	size_t n_names;
	unsigned port;
	enum mr_dns_type type;
	uint64_t until;
	mr_dns_servers_cb *cb;
	void *arg;
	struct mr_dns *dns; /* the resolver */
	size_t open;        /* questions of this step */
	void (*next)(struct asking *a);
	/* Names by their length, as ends of `inside`: the longest with NS records, the longest that could not be asked. 0 is the root, -1
	 * none.
	 */
	ptrdiff_t zone, unknown;
	bool alias; /* `inside` is one: its NS records are those of another name */
	struct server servers[NAMES_MAX];
	size_t n_servers;
	struct mr_dns_servers result;
	struct mr_dns *stubs[MR_DNS_SERVERS_MAX];
};

/* One question: about the end of `inside` that has so many bytes, about server number `at`, or to address number `at`. */
struct asked {
	struct asking *a;
	size_t at;
};

static void ask(struct asking *a, struct mr_dns *dns, const char *name, enum mr_dns_type type, size_t at, mr_dns_cb *cb)
{
	struct asked *q = mr_new(struct asked, 1);

	*q = (struct asked){ .a = a, .at = at };
	a->open++;
	mr_dns_ask(dns, name, type, a->until, cb, q);
}

static void run_next(void *arg)
{
	struct asking *a = arg;

	a->next(a);
}

/* Not from inside an answer: the next step may free what answers. */
static void answered(struct asked *q)
{
	struct asking *a = q->a;

	free(q);
	if (--a->open == 0)
		mr_loop_post(a->loop, run_next, a);
}

/* -- the end -- */

static void forget_servers(struct asking *a)
{
	while (a->n_servers > 0)
		free(a->servers[--a->n_servers].name);
}

static void finish(struct asking *a)
{
	a->cb(&a->result, a->arg);
	for (size_t i = 0; i < a->result.n; i++) {
		mr_dns_free(a->stubs[i]);
		mr_dns_view_free(a->result.v[i].view);
		free(a->result.v[i].name);
	}
	forget_servers(a);
	for (size_t i = 0; i < a->n_names; i++)
		free(a->names[i]);
	mr_dns_free(a->dns);
	free(a->result.v);
	free(a->names);
	free(a->resolver);
	free(a->inside);
	free(a);
}

static void fail(struct asking *a, const char *problem)
{
	a->result.problem = problem;
	a->next = finish;
	mr_loop_post(a->loop, run_next, a);
}

/* -- the questions -- */

static void on_found(const struct mr_dns_answer *answer, void *arg)
{
	struct asked *q = arg;

	mr_dns_view_add(q->a->result.v[q->at].view, answer);
	answered(q);
}

static struct mr_dns_server *add_address(struct asking *a, const char *name)
{
	struct mr_dns_server *s = &a->result.v[a->result.n++];

	*s = (struct mr_dns_server){ .name = mr_strdup(name), .view = mr_dns_view_new() };
	return s;
}

static void ask_names(struct asking *a, size_t at, struct mr_dns *dns)
{
	for (size_t i = 0; i < a->n_names; i++) {
		mr_dns_view_get(a->result.v[at].view, mr_slice_of(a->names[i]), a->type);
		if (dns)
			ask(a, dns, a->names[i], a->type, at, on_found);
	}
	if (!dns)
		mr_dns_view_give_up(a->result.v[at].view);
}

static void ask_address(struct asking *a, const struct server *s, const struct mr_ip *ip)
{
	struct mr_dns_stub stub = { .zone = a->inside + strlen(a->inside) - a->zone, .port = a->port };
	size_t at = a->result.n;

	if (at == MR_DNS_SERVERS_MAX)
		return;
	stub.address = mr_ip_str(ip, add_address(a, s->name)->address);
	if (mr_dns_new_stub(a->loop, a->resolver, &stub, &a->stubs[at], NULL) < 0)
		a->stubs[at] = NULL;
	ask_names(a, at, a->stubs[at]);
}

static void ask_servers(struct asking *a)
{
	a->next = finish;
	for (size_t i = 0; i < a->n_servers; i++) {
		const struct server *s = &a->servers[i];

		for (size_t k = 0; k < s->n_v4; k++)
			ask_address(a, s, &s->v4[k]);
		for (size_t k = 0; k < s->n_v6 && !s->n_v4; k++)
			ask_address(a, s, &s->v6[k]);
		if (!s->n_v4 && !s->n_v6 && a->result.n < MR_DNS_SERVERS_MAX) {
			add_address(a, s->name);
			ask_names(a, a->result.n - 1, NULL);
		}
	}
	if (a->open == 0)
		mr_loop_post(a->loop, run_next, a);
}

/* -- their addresses -- */

static void on_address(const struct mr_dns_answer *answer, void *arg)
{
	struct asked *q = arg;
	struct server *s = &q->a->servers[q->at];
	bool v6 = answer->type == MR_DNS_AAAA;
	size_t *n = v6 ? &s->n_v6 : &s->n_v4, bytes = v6 ? 16 : 4;

	for (size_t i = 0; i < answer->n_rrs && *n < MR_DNS_SERVERS_MAX; i++) {
		struct mr_ip *ip = v6 ? &s->v6[*n] : &s->v4[*n];

		if (answer->rrs[i].data.n != bytes)
			continue;
		ip->family = v6 ? AF_INET6 : AF_INET;
		memcpy(ip->bytes, answer->rrs[i].data.p, bytes);
		++*n;
	}
	answered(q);
}

static void ask_addresses(struct asking *a)
{
	a->next = ask_servers;
	for (size_t i = 0; i < a->n_servers; i++) {
		ask(a, a->dns, a->servers[i].name, MR_DNS_A, i, on_address);
		ask(a, a->dns, a->servers[i].name, MR_DNS_AAAA, i, on_address);
	}
}

/* -- their names -- */

static void on_ns(const struct mr_dns_answer *answer, void *arg)
{
	struct asked *q = arg;
	struct asking *a = q->a;
	ptrdiff_t length = (ptrdiff_t)q->at;

	if (answer->status == MR_DNS_TEMP && length > a->unknown)
		a->unknown = length;
	if (answer->n_rrs > 0 && length > a->zone && !(a->alias && (size_t)length == strlen(a->inside))) {
		forget_servers(a);
		a->zone = length;
		for (; a->n_servers < answer->n_rrs && a->n_servers < NAMES_MAX; a->n_servers++)
			a->servers[a->n_servers] = (struct server){ .name = mr_slice_dup(answer->rrs[a->n_servers].data) };
	}
	answered(q);
}

static void with_servers(struct asking *a)
{
	if (a->unknown > a->zone) {
		fail(a, "DNS cannot be asked now");
	} else if (a->zone == 0) {
		fail(a, "no zone is found that it could be in");
	} else if (a->zone < 0) {
		a->next = finish;
		add_address(a, "");
		ask_names(a, 0, a->dns);
	} else {
		ask_addresses(a);
	}
}

static void ask_ns(struct asking *a)
{
	const char *name = a->inside;

	a->next = with_servers;
	for (;;) {
		ask(a, a->dns, name, MR_DNS_NS, strlen(name), on_ns);
		name = strchr(name, '.');
		if (!name)
			break;
		name++;
	}
	ask(a, a->dns, ".", MR_DNS_NS, 0, on_ns);
}

/* A wildcard that is an alias, say, above a name that does not exist. */
static void on_alias(const struct mr_dns_answer *answer, void *arg)
{
	struct asked *q = arg;

	q->a->alias = answer->n_rrs > 0;
	answered(q);
}

int mr_dns_servers_ask(struct mr_loop *l, const struct mr_dns_servers_ask *how, mr_dns_servers_cb *cb, void *arg, struct mr_diag *diag)
{
	struct mr_dns *dns;
	struct asking *a;
	int r = mr_dns_new(l, how->resolver, &dns, diag);

	if (r < 0)
		return r;
	a = mr_new(struct asking, 1);
	*a = (struct asking){
		.loop = l,
		.resolver = mr_strdup(how->resolver),
		.inside = mr_strdup(how->inside),
		.names = mr_new(char *, how->n_names + 1),
		.n_names = how->n_names,
		.port = how->port,
		.type = how->type,
		.until = how->deadline_ms,
		.cb = cb,
		.arg = arg,
		.dns = dns,
		.next = ask_ns,
		.zone = -1,
		.unknown = -1,
		.result.v = mr_new(struct mr_dns_server, MR_DNS_SERVERS_MAX),
	};
	for (size_t i = 0; i < how->n_names; i++)
		a->names[i] = mr_strdup(how->names[i]);
	ask(a, dns, a->inside, MR_DNS_CNAME, 0, on_alias);
	return 0;
}
