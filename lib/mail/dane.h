/* dane: do the mail hosts of a domain publish TLSA records (RFC 7672)? Pure. */
#pragma once
#include "proto/dns.h"

#define MR_DANE_HOSTS_MAX 20 /* that are looked at, the preferred ones first */

enum mr_dane_state {
	MR_DANE_NONE, /* of no host, or the answers about it are not secure */
	MR_DANE_SOME, /* of some hosts that mail can go to */
	MR_DANE_ALL,
	MR_DANE_TEMP, /* it cannot be known now */
};
struct mr_dane {
	enum mr_dane_state state;
	bool secure_mx;         /* the answer about the domain's hosts was validated */
	size_t hosts, with;     /* hosts looked at that have an address; of these with usable records */
	struct mr_slice reason; /* in words, in the arena */
};
/* Looks into the view, whose answers must tell whether they are secure. -EAGAIN: questions were noted. As RFC 7672 section 2.1.2 has it,
 * the records of a host are asked for only where the answer about its addresses is secure: name servers of other zones are known to lie
 * about such questions. */
int mr_dane_evaluate(struct mr_dns_view *view, struct mr_slice domain, struct mr_arena *arena, struct mr_dane *out);
