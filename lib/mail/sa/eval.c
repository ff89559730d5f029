/* sa/eval: see eval.h */
/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

const struct mr_sa_eval *mr_sa_eval_find(struct mr_slice name)
{
	static const struct mr_sa_eval *const tables[] = { sa_evals_body,     sa_evals_charset, sa_evals_date,   sa_evals_forged,
							   sa_evals_freemail, sa_evals_header,  sa_evals_html,   sa_evals_image,
							   sa_evals_list,     sa_evals_mime,    sa_evals_office, sa_evals_pdf,
							   sa_evals_proof,    sa_evals_relay,   sa_evals_uri };

	for (size_t t = 0; t < MR_COUNT(tables); t++)
		for (const struct mr_sa_eval *e = tables[t]; e->name; e++)
			if (mr_slice_eq(name, mr_slice_of(e->name)))
				return e;
	return NULL;
}
