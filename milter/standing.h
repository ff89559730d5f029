/* standing: does an address stand behind the message that names it, by SPF, DKIM and DMARC? For lists of senders who are allowed, which
 * must not let in whoever writes such a name. Pure. */
#pragma once

struct mr_scan;
enum mr_standing {
	MR_STANDING_UNKNOWN, /* nothing speaks for it or against it: its domain publishes nothing that would tell, or DNS did not */
	MR_STANDING_PROVEN,
	MR_STANDING_FORGED, /* as far as its domain tells */
};
#define MR_STANDINGS 3

/* Of the envelope sender: SPF passes, or a signature of its domain holds (that, one above or below it); forged: SPF fails, softly too. */
enum mr_standing mr_standing_of_sender(const struct mr_scan *scan);
/* Of the author in From: DMARC passes, or would (an overruling by a trusted ARC chain counts); without a policy, a signature of its domain
 * holds or SPF passes for it. Forged: DMARC fails and the domain wants such mail quarantined or rejected; there are several authors'
 * fields; without a policy, SPF fails for its domain. */
enum mr_standing mr_standing_of_author(const struct mr_scan *scan);
