#include "store/rule.h"

/* system */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "store/validate.h"

#define TRANSPORT_NAME_MAX 32
#define MILTERS_MAX        10 /* of one client */
#define PORT_SMTP          25

static const char *const map_names[MR_RULE_MAPS] = { "client", "sender", "recipient", "milter", "transport", "tls" };

const char *mr_rule_map_str(enum mr_rule_map m)
{
	return map_names[m];
}

bool mr_rule_map_parse(const char *s, enum mr_rule_map *out)
{
	for (unsigned i = 0; i < MR_RULE_MAPS; i++) {
		if (strcmp(map_names[i], s) == 0) {
			*out = (enum mr_rule_map)i;
			return true;
		}
	}
	return false;
}

/* --- patterns */

static bool check_net(const char *text, struct mr_arena *arena, struct mr_rule *out)
{
	char ip[MR_IP_STRLEN];

	if (mr_parse_net(mr_slice_of(text), &out->net) != 0)
		return false;
	mr_ip_str(&out->net.ip, ip);
	bool host = out->net.bits == (out->net.ip.family == AF_INET ? 32 : 128);
	out->pattern = host ? mr_arena_strdup(arena, ip) : mr_arena_printf(arena, "%s/%u", ip, out->net.bits);
	out->is_net = true;
	return true;
}

int mr_rule_pattern_check(enum mr_rule_map m, const char *text, struct mr_arena *arena, struct mr_rule *out, struct mr_diag *diag)
{
	bool client = m == MR_RULE_CLIENT || m == MR_RULE_MILTER;

	if (client && check_net(text, arena, out))
		return 0;
	if (m == MR_RULE_MILTER)
		return mr_diag_set(diag, -EINVAL, "%s: an address or a network, such as 192.0.2.0/24", text);
	if (m == MR_RULE_TLS && text[0] == '[')
		return mr_validate_nexthop(text, PORT_SMTP, arena, &out->pattern, diag);
	if (m == MR_RULE_TLS && strchr(text, '@') != NULL)
		return mr_diag_set(diag, -EINVAL, "%s: a domain, .example.org for its sub-domains, or [host]:port", text);
	if (m == MR_RULE_SENDER && strcmp(text, "<>") == 0) {
		out->pattern = "<>";
		return 0;
	}
	if (strcmp(text, "*") == 0 || (client && strchr(text, '@') != NULL))
		return mr_diag_set(diag, -EINVAL, "%s: %s", text,
				   client ? "an address, a network, a host name, or .example.org for the names below it"
					  : "an address, a domain, or .example.org for its sub-domains");
	return mr_validate_pattern(text, arena, &out->pattern, diag);
}

/* --- values */

static bool printable(const char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
	}
	return true;
}

static int check_access(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	static const char *const actions[] = { "REJECT", "DEFER", "HOLD", "WARN", "DUNNO" };
	struct mr_slice rest = mr_slice_of(text), word;

	(void)mr_slice_next(&rest, ' ', &word);
	for (size_t i = 0; i < MR_COUNT(actions); i++) {
		struct mr_slice why = rest.p != NULL ? mr_slice_trim(rest) : (struct mr_slice){ "", 0 };
		if (!mr_slice_ieq(word, mr_slice_of(actions[i])))
			continue;
		if (why.n > 0 && i + 1 == MR_COUNT(actions))
			return mr_diag_set(diag, -EINVAL, "DUNNO takes no text");
		*out = mr_arena_printf(arena, "%s%s%.*s", actions[i], why.n ? " " : "", (int)why.n, why.p);
		return 0;
	}
	return mr_diag_set(diag, -EINVAL, "%.*s: REJECT, DEFER, HOLD or WARN, each with a text or without, or DUNNO", (int)word.n, word.p);
}

static bool is_milter(struct mr_slice s)
{
	struct mr_slice host;
	uint16_t port;

	if (mr_slice_chr(s, ' ') >= 0)
		return false;
	if (mr_slice_starts(s, MR_LIT("unix:")))
		return s.n > 5;
	return mr_slice_starts(s, MR_LIT("inet:")) && mr_parse_hostport(mr_slice_from(s, 5), &host, &port) == 0;
}

static int check_milters(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	struct mr_slice rest = mr_slice_of(text), part;
	struct mr_buf list = MR_BUF(MR_RULE_VALUE_MAX + 1);
	size_t n = 0;

	if (mr_slice_ieq(rest, MR_LIT("DISABLE"))) {
		*out = "DISABLE";
		return 0;
	}
	while (mr_slice_next(&rest, ',', &part) && n < MILTERS_MAX && is_milter(mr_slice_trim(part))) {
		mr_buf_puts(&list, n++ ? ", " : "");
		mr_buf_add(&list, mr_slice_trim(part));
	}
	bool whole = rest.p == NULL && n > 0 && is_milter(mr_slice_trim(part)) && !list.full;
	if (whole)
		*out = mr_arena_slice(arena, mr_buf_slice(&list));
	mr_buf_done(&list);
	return whole ? 0
		     : mr_diag_set(diag, -EINVAL, "%s: DISABLE, or up to %d milters, such as unix:/run/x.sock or inet:127.0.0.1:8891", text,
				   MILTERS_MAX);
}

static bool all_of(struct mr_slice s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = mr_lower(s.p[i]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return true;
}

/* "[host]:port" "host:port" "host" "unix:/path"; what Postfix cannot resolve it says in its log, and keeps the mail. */
static bool is_next_hop(struct mr_slice s)
{
	ptrdiff_t close = mr_slice_rchr(s, ']');
	struct mr_slice behind = mr_slice_from(s, (size_t)(close + 1));
	uint64_t port;

	if (s.n == 0 || s.p[0] != '[')
		return all_of(s, ".:/_-");
	return close > 1 && all_of((struct mr_slice){ s.p + 1, (size_t)close - 1 }, ".:_-") &&
	       (behind.n == 0 || (behind.p[0] == ':' && mr_parse_u64(mr_slice_from(behind, 1), 1, 65535, &port) == 0));
}

int mr_transport_check(const char *text, bool relay, struct mr_diag *diag)
{
	struct mr_slice s = mr_slice_of(text), name = s;
	ptrdiff_t colon = mr_slice_chr(s, ':');

	name.n = colon < 0 ? 0 : (size_t)colon;
	struct mr_slice hop = mr_slice_from(s, (size_t)(colon + 1));
	bool says = mr_slice_eq(name, MR_LIT("error")) || mr_slice_eq(name, MR_LIT("retry"));
	if (s.n > MR_RULE_VALUE_MAX)
		return mr_diag_set(diag, -EINVAL, "a transport has at most %d characters", MR_RULE_VALUE_MAX);
	if (name.n == 0 || name.n > TRANSPORT_NAME_MAX || !all_of(name, "-_") || !printable(text) ||
	    !(is_next_hop(hop) || (says && !relay)) || (relay && hop.n == 0))
		return mr_diag_set(diag, -EINVAL, "%s: a transport of Postfix, such as smtp:[192.0.2.1]:25 or smtp:[mail.example.org]",
				   text);
	return 0;
}

static bool in_list(const char *const *list, size_t n, struct mr_slice word)
{
	for (size_t i = 0; i < n; i++)
		if (mr_slice_eq(word, mr_slice_of(list[i])))
			return true;
	return false;
}

/* A right side of smtp_tls_policy_maps: what Postfix does not know there would make all mail for that destination wait. */
static int check_tls(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	static const char *const levels[] = { "none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure" };
	static const char *const attributes[] = { "match", "protocols", "ciphers", "exclude", "servername", "tafile", "connection_reuse" };
	struct mr_slice rest = mr_slice_of(text), level, word, name;
	bool match = false;

	(void)mr_slice_next(&rest, ' ', &level);
	if (!in_list(levels, MR_COUNT(levels), level))
		return mr_diag_set(diag, -EINVAL, "%.*s: none, may, encrypt, dane, dane-only, fingerprint, verify or secure", (int)level.n,
				   level.p);
	while (mr_slice_next(&rest, ' ', &word)) {
		ptrdiff_t equals = mr_slice_chr(word, '=');
		name = (struct mr_slice){ word.p, equals < 0 ? 0 : (size_t)equals };
		if (!in_list(attributes, MR_COUNT(attributes), name) || word.n == name.n + 1)
			return mr_diag_set(diag, -EINVAL,
					   "%.*s: NAME=VALUE; match, protocols, ciphers, exclude, servername, tafile or "
					   "connection_reuse",
					   (int)word.n, word.p);
		match |= mr_slice_eq(name, MR_LIT("match"));
	}
	if (mr_slice_eq(level, MR_LIT("fingerprint")) && !match)
		return mr_diag_set(diag, -EINVAL, "fingerprint wants match=FINGERPRINT");
	*out = mr_arena_strdup(arena, text);
	return 0;
}

static int check_value(enum mr_rule_map m, const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	if (!printable(text) || strlen(text) > MR_RULE_VALUE_MAX)
		return mr_diag_set(diag, -EINVAL, "at most %d characters, in ASCII", MR_RULE_VALUE_MAX);
	switch (m) {
	case MR_RULE_CLIENT:
	case MR_RULE_SENDER:
	case MR_RULE_RECIPIENT:
		return check_access(text, arena, out, diag);
	case MR_RULE_MILTER:
		return check_milters(text, arena, out, diag);
	case MR_RULE_TRANSPORT:
		*out = mr_arena_strdup(arena, text);
		return mr_transport_check(text, false, diag);
	case MR_RULE_TLS:
		return check_tls(text, arena, out, diag);
	}
	return -EINVAL;
}

int mr_rule_check(enum mr_rule_map m, const char *pattern, const char *value, struct mr_arena *arena, struct mr_rule *out,
		  struct mr_diag *diag)
{
	struct mr_rule rule = { 0 };
	int r = mr_rule_pattern_check(m, pattern, arena, &rule, diag);

	if (r == 0)
		r = check_value(m, value, arena, &rule.value, diag);
	if (r == 0)
		*out = rule;
	return r;
}

/* --- which one holds */

static int in_order(const void *a, const void *b)
{
	const struct mr_rule *x = a, *y = b;

	if (x->is_net != y->is_net)
		return x->is_net - y->is_net;
	if (x->is_net && x->net.bits != y->net.bits)
		return x->net.bits < y->net.bits ? 1 : -1;
	return strcmp(x->pattern, y->pattern);
}

void mr_rules_sort(struct mr_rule *rules, size_t n)
{
	if (n > 1)
		qsort(rules, n, sizeof(*rules), in_order);
}

static const struct mr_rule *find_net(const struct mr_rule *rules, size_t n, const struct mr_ip *ip)
{
	size_t first = n;

	while (first > 0 && rules[first - 1].is_net)
		first--;
	for (size_t i = first; i < n; i++) {
		if (mr_net_has(&rules[i].net, ip))
			return &rules[i];
	}
	return NULL;
}

static const struct mr_rule *find_name(const struct mr_rule *rules, size_t n, const char *name)
{
	struct mr_rule wanted = { .pattern = name };

	return n == 0 ? NULL : bsearch(&wanted, rules, n, sizeof(*rules), in_order);
}

/* The domain itself, then ".parent" of each of its parents, the nearest first. */
static const struct mr_rule *find_domain(const struct mr_rule *rules, size_t n, const char *domain)
{
	const struct mr_rule *found = find_name(rules, n, domain);

	for (const char *dot = strchr(domain, '.'); dot != NULL && found == NULL; dot = strchr(dot + 1, '.'))
		found = find_name(rules, n, dot);
	return found;
}

const struct mr_rule *mr_rules_find(const struct mr_rule *rules, size_t n, struct mr_slice key, struct mr_arena *arena)
{
	struct mr_slice name = mr_address_lower(key, arena);
	ptrdiff_t at = mr_slice_rchr(name, '@');
	const struct mr_rule *found;
	struct mr_ip ip;

	if (mr_parse_ip(name, &ip) == 0)
		return find_net(rules, n, &ip);
	if (at < 0)
		return name.n == 0 ? find_name(rules, n, "<>") : find_domain(rules, n, name.p);
	found = find_name(rules, n, name.p);
	return found ? found : find_domain(rules, n, name.p + at + 1);
}
