/* sa/conf-redirect: redirector_pattern: addresses that lead on, and where to. */
/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/sa/conf-internal.h"
#include "mail/sa/patterns.h"

#define WHERE 1 /* the group that has the address */

struct sa_redirectors {
	pcre2_code *v[SA_REDIRECTORS_MAX], *any; /* any: may one of them match? NULL: they are too many for that */
	struct mr_buf together;
	size_t n;
};

/* Without machine code the interpreter does it. */
static pcre2_code *faster(pcre2_code *code)
{
	if (code)
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return code;
}

int mr_sa_conf_redirector(struct mr_sa_conf *c, struct mr_slice pattern, uint32_t options, struct mr_diag *diag)
{
	struct sa_redirectors *r = c->redirectors;
	pcre2_code *code = faster(sa_pattern_compile(pattern, options, NULL, diag));

	if (!code)
		return -EINVAL;
	if (!r) {
		r = c->redirectors = mr_new(struct sa_redirectors, 1);
		r->together = MR_BUF(SA_REDIRECTORS_MAX * 1024);
	}
	if (r->n == SA_REDIRECTORS_MAX) {
		pcre2_code_free(code);
		return mr_diag_set(diag, -EINVAL, "more than %d patterns", SA_REDIRECTORS_MAX);
	}
	r->v[r->n++] = code;
	mr_buf_printf(&r->together, "%s(?%s%s:", r->together.n ? "|" : "", options & PCRE2_CASELESS ? "i" : "",
		      options & PCRE2_DOTALL ? "s" : "");
	mr_buf_add(&r->together, pattern);
	mr_buf_putc(&r->together, ')');
	pcre2_code_free(r->any);
	r->any = r->together.full ? NULL : faster(sa_pattern_compile_quick(mr_buf_slice(&r->together)));
	return 0;
}

/* *out: the first group, where it is set. */
static bool matches(struct mr_sa *sa, const pcre2_code *code, struct mr_slice uri, pcre2_match_data *data, struct mr_slice *out)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(data);
	int n = sa_pattern_match(sa, code, uri, data);

	*out = (struct mr_slice){ 0 };
	if ((n > WHERE || n == 0) && v[2 * WHERE] != PCRE2_UNSET)
		*out = (struct mr_slice){ uri.p + v[2 * WHERE], v[2 * WHERE + 1] - v[2 * WHERE] };
	return n >= 0;
}

bool sa_conf_redirects(struct mr_sa *sa, struct mr_slice uri, struct mr_slice *where)
{
	const struct sa_redirectors *r = sa->conf->redirectors;
	pcre2_match_data *data = r ? pcre2_match_data_create(WHERE + 1, NULL) : NULL;
	bool found = data && (!r->any || sa_pattern_may_match(sa, r->any, uri, data));

	for (size_t i = 0; found && i < r->n; i++)
		if (matches(sa, r->v[i], uri, data, where) && mr_slice_chr(*where, '.') >= 0)
			break;
		else if (i + 1 == r->n)
			found = false;
	pcre2_match_data_free(data);
	return found;
}

void sa_conf_redirectors_done(struct mr_sa_conf *c)
{
	struct sa_redirectors *r = c->redirectors;

	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		pcre2_code_free(r->v[i]);
	pcre2_code_free(r->any);
	mr_buf_done(&r->together);
	free(r);
	c->redirectors = NULL;
}
