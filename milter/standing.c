/* standing: see standing.h. */

/* ours */
#include "mail/address.h"
#include "scan.h"

static bool related(struct mr_slice a, struct mr_slice b)
{
	return mr_domain_below(a, b) || mr_domain_below(b, a);
}

static bool signed_by(const struct mr_scan *scan, struct mr_slice domain)
{
	const struct mr_dkim_answer *a = scan->dkim;

	for (size_t i = 0; a && i < a->n; i++)
		if (a->signatures[i].result == MR_DKIM_PASS && a->signatures[i].aligns && related(domain, a->signatures[i].domain))
			return true;
	return false;
}

/* Of the domain that SPF was asked about. */
static enum mr_standing by_spf(const struct mr_scan *scan)
{
	if (!scan->spf)
		return MR_STANDING_UNKNOWN;
	if (scan->spf->result == MR_SPF_PASS)
		return MR_STANDING_PROVEN;
	return scan->spf->result == MR_SPF_FAIL || scan->spf->result == MR_SPF_SOFTFAIL ? MR_STANDING_FORGED : MR_STANDING_UNKNOWN;
}

enum mr_standing mr_standing_of_sender(const struct mr_scan *scan)
{
	ptrdiff_t at = mr_slice_rchr(scan->in->sender, '@');

	if (at < 0)
		return MR_STANDING_UNKNOWN; /* the null sender is nobody's */
	if (signed_by(scan, mr_slice_from(scan->in->sender, (size_t)at + 1)))
		return MR_STANDING_PROVEN;
	return by_spf(scan);
}

enum mr_standing mr_standing_of_author(const struct mr_scan *scan)
{
	const struct mr_dmarc_answer *a = scan->dmarc;

	if (!a || a->result == MR_DMARC_TEMPERROR)
		return MR_STANDING_UNKNOWN;
	if (a->result == MR_DMARC_PASS || a->overridden)
		return MR_STANDING_PROVEN;
	if (a->result == MR_DMARC_PERMERROR || a->published != MR_DMARC_ACCEPT)
		return MR_STANDING_FORGED;
	if (a->result == MR_DMARC_NONE && signed_by(scan, a->author))
		return MR_STANDING_PROVEN;
	if (!scan->spf || !related(a->author, scan->spf->domain))
		return MR_STANDING_UNKNOWN;
	/* A policy that only watches may ask for more than SPF for a relative. */
	return a->result == MR_DMARC_FAIL && scan->spf->result == MR_SPF_PASS ? MR_STANDING_UNKNOWN : by_spf(scan);
}
