/* limit: how much authenticated mail may be sent: one rule as the database keeps it, lookup hands it out, policyd applies it.
 *
 *   SCOPE WHAT AMOUNT/WINDOW ACTION            "user messages 100/1h defer", "domain recipients 10000/1d hold"
 *   SCOPE NET WHAT AMOUNT/WINDOW ACTION        scope address or network; NET is "*" or "192.0.2.0/24": clients it holds for
 *   ... WHAT unlimited
 *
 * The scope says what is counted: each login, each login's domain, each client address (an IPv6 host is its /64), each client network
 * (IPv4 /24, IPv6 /48). */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/parse.h"

enum mr_limit_scope { MR_LIMIT_USER, MR_LIMIT_DOMAIN, MR_LIMIT_ADDRESS, MR_LIMIT_NETWORK };
#define MR_LIMIT_SCOPES 4
enum mr_limit_what { MR_LIMIT_MESSAGES, MR_LIMIT_RECIPIENTS };
#define MR_LIMIT_WHATS 2
enum mr_limit_action { MR_LIMIT_DEFER, MR_LIMIT_REJECT, MR_LIMIT_HOLD, MR_LIMIT_LOCK };

#define MR_LIMIT_AMOUNT_MAX UINT64_C(1000000000)
#define MR_LIMIT_WINDOW_MIN UINT64_C(1000)                /* ms */
#define MR_LIMIT_WINDOW_MAX (31 * 86400 * UINT64_C(1000)) /* ms */
#define MR_LIMIT_TEXT_MAX   160

struct mr_limit {
	enum mr_limit_scope scope;
	bool every;        /* every client: net means nothing */
	struct mr_net net; /* of address and network only */
	enum mr_limit_what what;
	uint64_t amount; /* 0: unlimited, and the rest means nothing */
	uint64_t window; /* ms, whole seconds */
	enum mr_limit_action action;
};

const char *mr_limit_scope_str(enum mr_limit_scope s);
const char *mr_limit_what_str(enum mr_limit_what w);
const char *mr_limit_action_str(enum mr_limit_action a);
int mr_limit_scope_parse(struct mr_slice s, enum mr_limit_scope *out);
int mr_limit_what_parse(struct mr_slice s, enum mr_limit_what *out);
int mr_limit_action_parse(struct mr_slice s, enum mr_limit_action *out);
static inline bool mr_limit_of_client(enum mr_limit_scope s)
{
	return s == MR_LIMIT_ADDRESS || s == MR_LIMIT_NETWORK;
}

/* "100/1h" or "unlimited" into amount and window. -EINVAL, -ERANGE. */
int mr_limit_rate_parse(struct mr_slice s, struct mr_limit *out);
int mr_limit_rate_add(struct mr_buf *out, const struct mr_limit *l);
/* A whole rule. -EINVAL, -ERANGE. */
int mr_limit_parse(struct mr_slice s, struct mr_limit *out);
int mr_limit_add(struct mr_buf *out, const struct mr_limit *l);
/* Those that hold for a login: of each scope and thing the rules of the nearest level that has any; of clients all. levels: of the user,
 * the domain, everybody, a rule a line; what is no rule is left out. Slices of the texts. */
size_t mr_limits_hold(const char *const levels[3], struct mr_slice *out, size_t max);
/* Of two rules on clients: does `a` hold for fewer of them than `b`? */
bool mr_limit_narrower(const struct mr_limit *a, const struct mr_limit *b);
/* What a client counts as in this scope: its address, or the network that it is in. */
struct mr_net mr_limit_client(enum mr_limit_scope s, const struct mr_ip *ip);
/* The name that is counted under: "limit:user:anna@example.org:messages:3600". whom: the login, its domain, or the client as above. */
char *mr_limit_name(struct mr_arena *arena, const struct mr_limit *l, struct mr_slice whom);
