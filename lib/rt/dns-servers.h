/* dns-servers: the same questions to every authoritative server of a zone, each by itself: has a change reached all of them? */
#pragma once
#include "base/diag.h"
#include "base/parse.h"
#include "proto/dns.h"
#include "rt/loop.h"

#define MR_DNS_PORT        53
#define MR_DNS_SERVERS_MAX 32 /* addresses; further ones are not asked */

struct mr_dns_servers_ask {
	const char *resolver;     /* of the site: finds the servers */
	unsigned port;            /* of the servers: MR_DNS_PORT */
	const char *inside;       /* a name in the zone, lower case: its servers are those of the nearest zone above */
	const char *const *names; /* to ask for, all in that zone */
	size_t n_names;
	enum mr_dns_type type;
	uint64_t deadline_ms; /* absolute, mr_now_ms() */
};
struct mr_dns_server {
	char *name;                 /* of the NS record; "" the resolver itself, see below */
	char address[MR_IP_STRLEN]; /* "": not found, or the resolver */
	struct mr_dns_view *view;   /* an answer for each name; MR_DNS_TEMP: none came */
};
struct mr_dns_servers {
	const char *problem; /* NULL, or why the servers are not known; a constant */
	struct mr_dns_server *v;
	size_t n;
};
/* Called once, later; what it gets lives during the call. A server with IPv4 addresses is not asked by IPv6. Where the resolver knows of no
 * name server at all, not even of the root, it holds the zone itself (as some sites do for names of their own) and is the only one asked.
 */
typedef void mr_dns_servers_cb(const struct mr_dns_servers *s, void *arg);
int mr_dns_servers_ask(struct mr_loop *l, const struct mr_dns_servers_ask *ask, mr_dns_servers_cb *cb, void *arg, struct mr_diag *diag);
