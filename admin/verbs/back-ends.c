/* Redis and the resolver. */
#include "back-ends.h"

/* system */
#include <errno.h>

/* ours */
#include "rt/clock.h"
#include "rt/dns.h"
#include "rt/redis.h"

#define WAIT_MS 3000

struct question {
	struct mr_loop *loop;
	int result;
};

int back_end_redis(const struct mr_conf_shared *conf, struct mr_diag *diag)
{
	const struct mr_redis_config c = mr_redis_config(conf);

	return mr_redis_wanted(&c) ? mr_redis_check(&c, WAIT_MS, diag) : BACK_END_UNUSED;
}

/* Any answer will do, "no such name" too. */
static void dns_answered(const struct mr_dns_answer *a, void *arg)
{
	struct question *q = arg;

	if (a->status == MR_DNS_TEMP)
		q->result = -EAGAIN;
	mr_loop_stop(q->loop);
}

int back_end_resolver(const struct mr_conf_shared *conf, struct mr_diag *diag)
{
	struct question q = { .loop = mr_loop_new() };
	struct mr_dns *dns = NULL;

	q.result = mr_dns_new(q.loop, conf->resolver, &dns, diag);
	if (q.result == 0) {
		mr_dns_ask(dns, ".", MR_DNS_TXT, mr_now_ms() + WAIT_MS, dns_answered, &q);
		mr_loop_run(q.loop);
	}
	if (q.result == -EAGAIN)
		mr_diag_set(diag, -EAGAIN, "%s does not answer (is Unbound running? the option resolver says where)", conf->resolver);
	mr_dns_free(dns);
	mr_loop_free(q.loop);
	return q.result;
}
