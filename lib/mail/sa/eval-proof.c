/* sa/eval-proof: functions about what SPF, DKIM, ARC and DMARC prove of a sender. Who looks at a message without asking DNS knows nothing,
 * and all say no. */
/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

static const struct mr_sa_proofs *proofs(struct mr_sa *sa)
{
	static const struct mr_sa_proofs none;

	return sa->proofs ? sa->proofs : &none;
}

static int dependable(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return sa->proofs != NULL; /* messages are always seen whole */
}

/* -- DKIM -- */

/* ".b.example" and "*.b.example" are that domain and all below; else below does not count. */
static bool domain_fits(struct mr_slice signer, struct mr_slice wanted, bool itself)
{
	if (mr_slice_starts(wanted, MR_LIT("*.")))
		wanted = mr_slice_from(wanted, 1);
	if (!mr_slice_starts(wanted, MR_LIT(".")))
		return mr_slice_ieq(signer, wanted);
	return mr_slice_iends(signer, wanted) || (itself && mr_slice_ieq(signer, mr_slice_from(wanted, 1)));
}

/* Arguments: domains, one of which it must be; none: any. */
static bool any_wanted(const struct mr_sa_args *args, struct mr_slice signer)
{
	for (size_t i = 0; i < args->n; i++)
		if (domain_fits(signer, args->v[i], true))
			return true;
	return !args->n;
}

static struct mr_slice domain_of(struct mr_slice address)
{
	ptrdiff_t at = mr_slice_rchr(address, '@');

	return at < 0 ? (struct mr_slice){ 0 } : mr_slice_from(address, (size_t)at + 1);
}

static bool is_author(struct mr_sa *sa, struct mr_slice signer)
{
	const struct mr_sa_list *from = mr_sa_get(sa, MR_LIT("From:addr"));

	for (size_t i = 0; i < from->n; i++)
		if (signer.n && mr_slice_ieq(domain_of(from->items[i]), signer))
			return true;
	return false;
}

static int is_signed(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_proofs *p = proofs(sa);

	for (size_t i = 0; i < p->n_signatures; i++)
		if (any_wanted(args, p->signatures[i].domain))
			return 1;
	return 0;
}

static int valid(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_proofs *p = proofs(sa);

	for (size_t i = 0; i < p->n_signatures; i++)
		if (p->signatures[i].valid && any_wanted(args, p->signatures[i].domain))
			return 1;
	return 0;
}

static int valid_author(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_proofs *p = proofs(sa);

	for (size_t i = 0; i < p->n_signatures; i++)
		if (p->signatures[i].valid && is_author(sa, p->signatures[i].domain) && any_wanted(args, p->signatures[i].domain))
			return 1;
	return 0;
}

static int valid_envelope(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_sa_args wanted = { .v = { domain_of(sa_scalar(sa, "EnvelopeFrom:addr")) }, .n = 1 };

	(void)args;
	return wanted.v[0].n ? valid(sa, &wanted) : 0;
}

/* Is the author in a list "ADDRESS [DOMAIN]", signed for by that domain, or where none is given by the author's? */
static bool listed_signed(struct mr_sa *sa, const char *list)
{
	const struct mr_sa_proofs *p = proofs(sa);
	const struct mr_sa_list *from = p->n_signatures ? mr_sa_get(sa, MR_LIT("From:addr")) : NULL;
	struct mr_slice wanted;

	for (size_t i = 0; from && i < from->n; i++) {
		const void *at = NULL;

		while (mr_sa_conf_second(sa->conf, mr_slice_of(list), from->items[i], &at, &wanted))
			for (size_t k = 0; k < p->n_signatures; k++)
				if (p->signatures[k].valid &&
				    domain_fits(p->signatures[k].domain, wanted.n ? wanted : domain_of(from->items[i]), false))
					return true;
	}
	return false;
}

static bool listed_author(struct mr_sa *sa, const char *list)
{
	const struct mr_sa_proofs *p = proofs(sa);
	const struct mr_sa_list *from = p->n_signatures ? mr_sa_get(sa, MR_LIT("From:addr")) : NULL;

	for (size_t i = 0; from && i < from->n; i++)
		for (size_t k = 0; k < p->n_signatures; k++)
			if (p->signatures[k].valid && mr_slice_ieq(p->signatures[k].domain, domain_of(from->items[i])) &&
			    mr_sa_conf_listed(sa->conf, mr_slice_of(list), from->items[i]))
				return true;
	return false;
}

static int dkim_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return listed_signed(sa, "welcomelist_from_dkim") || listed_author(sa, "welcomelist_auth");
}

static int dkim_default_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return listed_signed(sa, "def_welcomelist_from_dkim") || listed_author(sa, "def_welcomelist_auth");
}

/* -- SPF -- */

#define SPF(name, identity, word)                                                                                                          \
	static int name(struct mr_sa *sa, const struct mr_sa_args *args)                                                                   \
	{                                                                                                                                  \
		(void)args;                                                                                                                \
		return mr_slice_eq(proofs(sa)->identity, MR_LIT(word));                                                                    \
	}
SPF(spf_pass, spf, "pass")
SPF(spf_fail, spf, "fail")
SPF(spf_softfail, spf, "softfail")
SPF(spf_neutral, spf, "neutral")
SPF(spf_none, spf, "none")
SPF(spf_permerror, spf, "permerror")
SPF(spf_temperror, spf, "temperror")

SPF(helo_pass, spf_helo, "pass")
SPF(helo_fail, spf_helo, "fail")
SPF(helo_softfail, spf_helo, "softfail")
SPF(helo_neutral, spf_helo, "neutral")
SPF(helo_none, spf_helo, "none")
SPF(helo_permerror, spf_helo, "permerror")
SPF(helo_temperror, spf_helo, "temperror")

static bool sender_listed(struct mr_sa *sa, const char *one, const char *other)
{
	struct mr_slice sender = sa_scalar(sa, "EnvelopeFrom:addr");

	return mr_slice_eq(proofs(sa)->spf, MR_LIT("pass")) &&
	       (mr_sa_conf_listed(sa->conf, mr_slice_of(one), sender) || mr_sa_conf_listed(sa->conf, mr_slice_of(other), sender));
}

static int spf_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return sender_listed(sa, "welcomelist_from_spf", "welcomelist_auth");
}

static int spf_default_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return sender_listed(sa, "def_welcomelist_from_spf", "def_welcomelist_auth");
}

/* -- DMARC, ARC -- */

#define DMARC(name, word)                                                                                                                  \
	static int name(struct mr_sa *sa, const struct mr_sa_args *args)                                                                   \
	{                                                                                                                                  \
		(void)args;                                                                                                                \
		return proofs(sa)->dmarc == (word);                                                                                        \
	}
DMARC(dmarc_pass, MR_SA_DMARC_PASS)
DMARC(dmarc_reject, MR_SA_DMARC_REJECT)
DMARC(dmarc_quarantine, MR_SA_DMARC_QUARANTINE)
DMARC(dmarc_none, MR_SA_DMARC_NONE)
DMARC(dmarc_missing, MR_SA_DMARC_MISSING)

/* They have nothing to say of single domains. */
static int arc_signed(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return proofs(sa)->arc_signed && !args->n;
}

static int arc_valid(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return proofs(sa)->arc_valid && !args->n;
}

const struct mr_sa_eval sa_evals_proof[] = {
	{ "check_dkim_dependable", NULL, dependable, MR_SA_EVAL_PROOF },
	{ "check_dkim_signed", NULL, is_signed, MR_SA_EVAL_TOLD },
	{ "check_dkim_valid", NULL, valid, MR_SA_EVAL_TOLD },
	{ "check_dkim_valid_author_sig", NULL, valid_author, MR_SA_EVAL_TOLD },
	{ "check_dkim_valid_envelopefrom", NULL, valid_envelope, MR_SA_EVAL_TOLD },
	{ "check_for_dkim_welcomelist_from", NULL, dkim_welcome, MR_SA_EVAL_PROOF },
	{ "check_for_dkim_whitelist_from", NULL, dkim_welcome, MR_SA_EVAL_PROOF },
	{ "check_for_def_dkim_welcomelist_from", NULL, dkim_default_welcome, MR_SA_EVAL_PROOF },
	{ "check_for_def_dkim_whitelist_from", NULL, dkim_default_welcome, MR_SA_EVAL_PROOF },
	{ "check_for_spf_pass", NULL, spf_pass, MR_SA_EVAL_TOLD },
	{ "check_for_spf_fail", NULL, spf_fail, MR_SA_EVAL_TOLD },
	{ "check_for_spf_softfail", NULL, spf_softfail, MR_SA_EVAL_TOLD },
	{ "check_for_spf_neutral", NULL, spf_neutral, MR_SA_EVAL_TOLD },
	{ "check_for_spf_none", NULL, spf_none, MR_SA_EVAL_TOLD },
	{ "check_for_spf_permerror", NULL, spf_permerror, MR_SA_EVAL_TOLD },
	{ "check_for_spf_temperror", NULL, spf_temperror, MR_SA_EVAL_TOLD },
	{ "check_for_spf_helo_pass", NULL, helo_pass, MR_SA_EVAL_TOLD },
	{ "check_for_spf_helo_fail", NULL, helo_fail, MR_SA_EVAL_TOLD },
	{ "check_for_spf_helo_softfail", NULL, helo_softfail, MR_SA_EVAL_TOLD },
	{ "check_for_spf_helo_neutral", NULL, helo_neutral, MR_SA_EVAL_TOLD },
	{ "check_for_spf_helo_none", NULL, helo_none, MR_SA_EVAL_TOLD },
	{ "check_for_spf_helo_permerror", NULL, helo_permerror, MR_SA_EVAL_TOLD },
	{ "check_for_spf_helo_temperror", NULL, helo_temperror, MR_SA_EVAL_TOLD },
	{ "check_dmarc_pass", NULL, dmarc_pass, MR_SA_EVAL_TOLD },
	{ "check_dmarc_reject", NULL, dmarc_reject, MR_SA_EVAL_TOLD },
	{ "check_dmarc_quarantine", NULL, dmarc_quarantine, MR_SA_EVAL_TOLD },
	{ "check_dmarc_none", NULL, dmarc_none, MR_SA_EVAL_TOLD },
	{ "check_dmarc_missing", NULL, dmarc_missing, MR_SA_EVAL_TOLD },
	{ "check_arc_signed", NULL, arc_signed, MR_SA_EVAL_TOLD },
	{ "check_arc_valid", NULL, arc_valid, MR_SA_EVAL_TOLD },
	{ "check_for_spf_welcomelist_from", NULL, spf_welcome, MR_SA_EVAL_PROOF },
	{ "check_for_spf_whitelist_from", NULL, spf_welcome, MR_SA_EVAL_PROOF },
	{ "check_for_def_spf_welcomelist_from", NULL, spf_default_welcome, MR_SA_EVAL_PROOF },
	{ "check_for_def_spf_whitelist_from", NULL, spf_default_welcome, MR_SA_EVAL_PROOF },
	{ 0 },
};
