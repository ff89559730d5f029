/* dns-check: the resolver asked one thing, for `--check` and the verbs */

/* system */
#include <errno.h>

/* ours */
#include "rt/clock.h"
#include "rt/dns.h"

struct question {
	struct mr_loop *loop;
	bool answered;
};

/* Any answer will do, "no such name" too. */
static void on_answer(const struct mr_dns_answer *a, void *arg)
{
	struct question *q = arg;

	q->answered = a->status != MR_DNS_TEMP;
	mr_loop_stop(q->loop);
}

int mr_dns_check(const char *resolver, uint64_t timeout_ms, struct mr_diag *diag)
{
	struct question q = { .loop = mr_loop_new() };
	struct mr_dns *dns = NULL;
	int r = mr_dns_new(q.loop, resolver, &dns, diag);

	if (r == 0) {
		mr_dns_ask(dns, ".", MR_DNS_TXT, mr_now_ms() + timeout_ms, on_answer, &q);
		mr_loop_run(q.loop);
	}
	if (r == 0 && !q.answered)
		r = mr_diag_set(diag, -EAGAIN, "%s gives no answers (does Unbound run there, and reach the Internet?)", resolver);
	mr_dns_free(dns);
	mr_loop_free(q.loop);
	return r;
}
