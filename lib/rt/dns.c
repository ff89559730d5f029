/* dns: libunbound forwards each question to the site's resolver and does for us what a stub must: random ports and ids, TCP after a
 * truncated answer, repetition. It calls back now and then before it returns, so every answer is kept for the next turn of the loop.
 * It cannot cancel a question asked on an event base: one that is late is told TEMP and forgotten when libunbound is done with it. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libraries */
#include <unbound-event.h>
#include <unbound.h>
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "rt/clock.h"
#include "rt/dns.h"
#include "rt/log.h"

#define QUESTIONS_MAX 4096 /* at a time, late ones included */
#define CONFIG_MAX    8192
#define CLASS_IN      1
#define ANSWER_ARENA  (1024 * 1024)

struct question {
	struct question *prev, *next;
	struct mr_dns *dns;
	char *name;
	enum mr_dns_type type;
	bool asked, told;       /* libunbound will call back; our caller has been called */
	struct mr_timer *timer; /* the deadline, then the telling */
	struct mr_arena *arena; /* of the answer */
	struct mr_dns_answer answer;
	mr_dns_cb *cb;
	void *arg;
};

struct mr_dns {
	struct mr_loop *loop;
	struct ub_ctx *ctx;
	struct question *questions;
	size_t n_questions;
};

/* Zones that libunbound would answer itself and not forward; what they hold is for the site's resolver to say. (unblock-lan-zones covers
 * the reverse zones of private networks.) */
static const char *const not_local[] = {
	"localhost.",
	"127.in-addr.arpa.",
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
	"home.arpa.",
	"onion.",
	"test.",
	"invalid.",
};

/* The resolver on loopback is down for moments only: what libunbound remembers of its silence is forgotten after a second, not after 15
 * minutes, or one restart would cost them all. Its silence about some names, which anybody can bring about, is not held against the others:
 * to what libunbound takes for dead (max-rtt) it would have to be silent for longer than a question may take. Nothing is cached here: the
 * resolver's cache is enough. */
static const char settings[] = "server:\n"
			       " module-config: \"iterator\"\n"
			       " do-not-query-localhost: no\n"
			       " unblock-lan-zones: yes\n"
			       " outgoing-range: 1024\n"
			       " num-queries-per-thread: 1024\n"
			       " outgoing-num-tcp: 32\n"
			       " infra-cache-max-rtt: 10000\n"
			       " infra-keep-probing: yes\n"
			       " infra-host-ttl: 1\n"
			       " qname-minimisation: no\n" /* the forwarder sees it all; a stub's server need not be asked twice */
			       " use-syslog: no\n";

static int write_config(struct mr_buf *text, const char *resolver, const struct mr_dns_stub *stub)
{
	struct mr_slice host;
	uint16_t port;

	if (mr_parse_hostport(mr_slice_of(resolver), &host, &port) < 0)
		return -EINVAL;
	mr_buf_puts(text, settings);
	for (size_t i = 0; i < MR_COUNT(not_local); i++)
		mr_buf_printf(text, " local-zone: \"%s\" nodefault\n", not_local[i]);
	mr_buf_puts(text, "forward-zone:\n name: \".\"\n forward-no-cache: yes\n forward-addr: ");
	mr_buf_add(text, host);
	mr_buf_printf(text, "@%u\n", port);
	if (stub)
		mr_buf_printf(text, "stub-zone:\n name: \"%s\"\n stub-no-cache: yes\n stub-addr: %s@%u\n", stub->zone, stub->address,
			      stub->port);
	return text->full ? -ENOBUFS : 0;
}

/* libunbound takes local zones and forward-no-cache from a file only. */
static int configure(struct ub_ctx *ctx, const char *resolver, const struct mr_dns_stub *stub, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(CONFIG_MAX);
	char path[64];
	int rc = write_config(&text, resolver, stub), fd;

	if (rc < 0) {
		mr_buf_done(&text);
		return mr_diag_set(diag, rc, "resolver %s: not ADDRESS:PORT", resolver);
	}
	fd = memfd_create("resolver", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n) {
		rc = mr_diag_set(diag, -errno, "resolver %s: %s", resolver, strerror(errno));
	} else {
		rc = ub_ctx_config(ctx, path);
		if (rc)
			rc = mr_diag_set(diag, -EINVAL, "resolver %s: %s", resolver, ub_strerror(rc));
	}
	if (fd >= 0)
		close(fd);
	mr_buf_done(&text);
	return rc;
}

int mr_dns_new_stub(struct mr_loop *l, const char *resolver, const struct mr_dns_stub *stub, struct mr_dns **out, struct mr_diag *diag)
{
	struct mr_dns *d = mr_alloc(sizeof(*d));
	int rc;

	d->loop = l;
	d->ctx = ub_ctx_create_event(mr_loop_base(l));
	if (!d->ctx)
		rc = mr_diag_set(diag, -ENOMEM, "resolver %s: libunbound gives no context", resolver);
	else
		rc = configure(d->ctx, resolver, stub, diag);
	if (rc < 0)
		mr_dns_free(d);
	else
		*out = d;
	return rc;
}

int mr_dns_new(struct mr_loop *l, const char *resolver, struct mr_dns **out, struct mr_diag *diag)
{
	return mr_dns_new_stub(l, resolver, NULL, out, diag);
}

static void forget(struct question *q)
{
	DL_DELETE(q->dns->questions, q);
	q->dns->n_questions--;
	mr_timer_cancel(&q->timer);
	mr_arena_free(q->arena);
	free(q->name);
	free(q);
}

void mr_dns_free(struct mr_dns *d)
{
	struct question *q, *next;

	if (!d)
		return;
	if (d->ctx)
		ub_ctx_delete(d->ctx); /* does not call back */
	DL_FOREACH_SAFE (d->questions, q, next)
		forget(q);
	free(d);
}

/* The answer stands, or the time is over. */
static void on_tell(void *arg)
{
	struct question *q = arg;

	q->timer = NULL;
	q->told = true;
	q->cb(&q->answer, q->arg);
	if (!q->asked)
		forget(q);
}

static void tell_later(struct question *q)
{
	mr_timer_cancel(&q->timer);
	q->timer = mr_timer_start(q->dns->loop, 0, on_tell, q);
}

static void on_answer(void *arg, int rcode, void *packet, int n, int secure, char *why_bogus, int ratelimited)
{
	struct question *q = arg;
	struct mr_slice bytes = { packet, packet && n > 0 ? (size_t)n : 0 };
	struct mr_dns_answer answer;

	q->asked = false;
	if (q->told) {
		forget(q);
		return;
	}
	if (rcode == 0 && mr_dns_parse(bytes, mr_slice_of(q->name), q->type, q->arena, &answer) == 0)
		q->answer = answer;
	tell_later(q);
}

void mr_dns_ask(struct mr_dns *d, const char *name, enum mr_dns_type type, uint64_t deadline_ms, mr_dns_cb *cb, void *arg)
{
	struct question *q = mr_alloc(sizeof(*q));
	uint64_t now = mr_now_ms();
	int rc;

	q->dns = d;
	q->name = mr_strdup(name);
	q->type = type;
	q->cb = cb;
	q->arg = arg;
	q->arena = mr_arena_new(ANSWER_ARENA);
	q->answer = (struct mr_dns_answer){ .name = q->name, .type = (uint16_t)type, .status = MR_DNS_TEMP };
	DL_APPEND(d->questions, q);
	d->n_questions++;
	q->timer = mr_timer_start(d->loop, deadline_ms > now ? deadline_ms - now : 0, on_tell, q);
	if (d->n_questions > QUESTIONS_MAX) {
		tell_later(q);
		return;
	}
	q->asked = true;
	rc = ub_resolve_event(d->ctx, name, type, CLASS_IN, q, on_answer, NULL);
	if (rc == 0)
		return; /* q may have its answer already */
	q->asked = false;
	if (rc == UB_SYNTAX)
		q->answer.status = MR_DNS_NXDOMAIN; /* no such name can be */
	else
		mr_log(MR_LOG_WARNING, "dns-failed", mr_s("name", name), mr_s("reason", ub_strerror(rc)));
	tell_later(q);
}
