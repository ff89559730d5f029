/* rule: the lines of Postfix's access, milter and transport maps, of which each is kept as one row: what may stand there, and which of them
 * holds for a key. No database.
 *
 * client     check_client_access     address, network, host name, ".example.org" (names below it)
 * sender     check_sender_access     "someone@example.org", "example.org", ".example.org" (its sub-domains), "<>"
 * recipient  check_recipient_access  the same without "<>"
 * milter     smtpd_milter_maps       address, network
 * transport  transport_maps          "someone@example.org", "example.org", ".example.org"
 * tls        smtp_tls_policy_maps    "example.org", ".example.org", "[host]:port"
 *
 * Access maps answer REJECT, DEFER, HOLD, WARN, each with a text or without, or DUNNO: nothing that would permit, so that no rule makes an
 * open relay wherever its map is asked; DUNNO takes its pattern out of a wider rule. The narrowest pattern holds. */
#pragma once
#include "base/parse.h"
#include "mail/address.h"

enum mr_rule_map { MR_RULE_CLIENT, MR_RULE_SENDER, MR_RULE_RECIPIENT, MR_RULE_MILTER, MR_RULE_TRANSPORT, MR_RULE_TLS };
#define MR_RULE_MAPS      6
#define MR_RULES_MAX      10000 /* of one map */
#define MR_RULE_VALUE_MAX 500   /* bytes */
const char *mr_rule_map_str(enum mr_rule_map m);
bool mr_rule_map_parse(const char *s, enum mr_rule_map *out);

struct mr_rule {
	const char *pattern, *value;
	bool is_net; /* the pattern is the address or network `net` */
	struct mr_net net;
};
/* In the one spelling that is stored, in the arena. -EINVAL with the reason. */
int mr_rule_check(enum mr_rule_map m, const char *pattern, const char *value, struct mr_arena *arena, struct mr_rule *out,
		  struct mr_diag *diag);
/* Of *out only the pattern is set. */
int mr_rule_pattern_check(enum mr_rule_map m, const char *pattern, struct mr_arena *arena, struct mr_rule *out, struct mr_diag *diag);
/* "smtp:[10.0.0.5]:25" of transport(5); with `relay` there must be a next hop. */
int mr_transport_check(const char *text, bool relay, struct mr_diag *diag);

/* Names in order, then networks, narrow ones first. */
void mr_rules_sort(struct mr_rule *rules, size_t n);
/* Of sorted rules the one for this key, which is an address of a client, a host name, a mail address, or empty (the null sender). NULL:
 * none holds. The arena is for work. */
const struct mr_rule *mr_rules_find(const struct mr_rule *rules, size_t n, struct mr_slice key, struct mr_arena *arena);
