/* resolve: see resolve.h. */
/* ours */
#include "resolve.h"
#include "rt/clock.h"
#include "rt/dns.h"

struct asking {
	struct mr_loop *loop;
	struct mr_dns_view *view;
	size_t open;
};

static void on_answer(const struct mr_dns_answer *a, void *arg)
{
	struct asking *q = arg;

	mr_dns_view_add(q->view, a);
	if (--q->open == 0)
		mr_loop_stop(q->loop);
}

int verbs_resolve(const char *resolver, struct mr_dns_view *view, uint64_t timeout_ms, struct mr_diag *diag)
{
	struct asking q = { .loop = mr_loop_new(), .view = view };
	uint64_t until = mr_now_ms() + timeout_ms;
	struct mr_dns *dns = NULL;
	enum mr_dns_type type;
	const char *name;
	int r = mr_dns_new(q.loop, resolver, &dns, diag);

	for (size_t i = 0; r == 0 && mr_dns_view_question(view, i, &name, &type); i++) {
		q.open++;
		mr_dns_ask(dns, name, type, until, on_answer, &q);
	}
	if (q.open)
		mr_loop_run(q.loop);
	mr_dns_free(dns);
	mr_loop_free(q.loop);
	return r;
}
