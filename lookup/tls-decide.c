/* What facts mean. */
#include "tls.h"

/* ours */
#include "base/buf.h"

#define ANSWER_MAX 20000

/* Postfix holds the names of the certificate against the policy's, so a host of another name is never taken for one of these.
 * ".example.org" is its spelling of "*.example.org". */
static struct mr_slice secure(const struct mr_sts_policy *p, struct mr_arena *arena)
{
	struct mr_buf text = MR_BUF(ANSWER_MAX);
	struct mr_slice out;

	mr_buf_puts(&text, "secure match=");
	for (size_t i = 0; i < p->n_mx; i++) {
		mr_buf_puts(&text, i ? ":" : "");
		mr_buf_add(&text, mr_slice_from(p->mx[i], p->mx[i].p[0] == '*' ? 1 : 0));
	}
	mr_buf_puts(&text, " servername=hostname");
	out = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&text)));
	mr_buf_done(&text);
	return out;
}

bool mr_tls_decide(const struct mr_tls_facts *f, struct mr_arena *arena, struct mr_slice *out)
{
	bool enforced = f->policy != NULL && f->policy->mode == MR_STS_ENFORCE;

	switch (f->dane) {
	case MR_DANE_TEMP:
		return false;
	case MR_DANE_ALL:
		*out = MR_LIT("dane-only");
		return true;
	case MR_DANE_SOME: /* the others would get no more than opportunistic TLS, which the policy does not allow */
		*out = enforced ? MR_LIT("dane-only") : MR_LIT("dane");
		return true;
	case MR_DANE_NONE:
		*out = enforced ? secure(f->policy, arena) : (struct mr_slice){ "", 0 };
		return true;
	}
	return false;
}
