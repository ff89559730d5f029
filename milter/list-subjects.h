/* list-subjects: what of a message the lists in DNS are asked about (mail/dnslist.h). Pure. */
#pragma once
#include "mail/dnslist.h"
#include "scan.h"

/* Calls see() for each in the order in which they stand in the message, the same one perhaps more than once; false from it ends that
 * subject. Not of those that need answers first: DKIM, LINK_ADDRESS, NS, NS_ADDRESS. */
struct mr_list_seer {
	bool (*ip)(enum mr_dnslist_subject what, const struct mr_ip *ip, void *arg);
	bool (*name)(enum mr_dnslist_subject what, struct mr_slice name, void *arg);    /* a domain, lower case and punycode */
	bool (*hashed)(enum mr_dnslist_subject what, struct mr_slice bytes, void *arg); /* what is hashed */
	void *arg;
};
void mr_list_subjects(struct mr_scan *scan, uint32_t wanted, const struct mr_list_seer *seer);
/* The registered domain of a host name; empty: it has none. */
struct mr_slice mr_list_domain(struct mr_slice host, struct mr_arena *arena);
/* The name, or a domain above it, is one of those with spaces between. */
bool mr_list_skips(struct mr_slice skip, struct mr_slice name);
/* The address in the "from" part of a Received field's value: the first one in brackets before " by ". */
bool mr_list_received(struct mr_slice value, struct mr_ip *out);
