/* login-rules: what is counted of a try under which names, and what the counts mean. */

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "login.h"

#define LOGIN_MAX   320 /* longer ones are no mailbox: by their hash */
#define PLACES_MAX  100 /* of a login, networks and devices in them */
#define ADDRESS_V6  64  /* bits of one client's IPv6 network */
#define NETWORK_V4  24
#define NETWORK_V6  48
#define DELAYS_FROM 2 /* delays begin past max / 2 */

static struct mr_slice masked(const struct mr_ip *ip, unsigned bits, struct mr_arena *arena)
{
	struct mr_net net = mr_net_of(ip, bits);
	char text[MR_IP_STRLEN];

	return mr_slice_of(mr_arena_strdup(arena, mr_ip_str(&net.ip, text)));
}

static bool is_exempt(const struct mr_login_conf *conf, const struct mr_ip *ip)
{
	for (size_t i = 0; i < conf->exempt.n; i++)
		if (mr_net_has(&conf->exempt.v[i], ip))
			return true;
	return false;
}

static struct mr_slice join(struct mr_arena *arena, const char *kind, struct mr_slice a, struct mr_slice b)
{
	return mr_slice_of(mr_arena_printf(arena, "%s%.*s%s%.*s", kind, (int)a.n, a.p, b.n ? " " : "", (int)b.n, b.p ? b.p : ""));
}

void mr_login_names(const struct mr_login_conf *conf, const struct mr_login_try *t, struct mr_arena *arena, struct mr_login_names *out)
{
	struct mr_ip ip;

	*out = (struct mr_login_names){ .counted = mr_parse_ip(t->remote, &ip) == 0 && !is_exempt(conf, &ip) };
	if (!out->counted)
		return;
	out->login = mr_slice_of(mr_arena_lower(arena, t->login));
	if (out->login.n > LOGIN_MAX)
		out->login = join(arena, "#", mr_digest(out->login, arena), (struct mr_slice){ 0 });
	out->address = masked(&ip, ip.family == AF_INET ? 32 : ADDRESS_V6, arena);
	out->network = masked(&ip, ip.family == AF_INET ? NETWORK_V4 : NETWORK_V6, arena);
	out->place = join(arena, "", out->network, t->device.n ? mr_digest(t->device, arena) : MR_LIT("-"));
	out->pwhash = t->pwhash;
	out->both = join(arena, "", mr_digest(out->login, arena), t->pwhash);
}

static struct mr_distinct_item known_item(const struct mr_login_conf *conf, const struct mr_login_names *n, struct mr_slice member,
					  enum mr_distinct_op op, struct mr_arena *arena)
{
	return (struct mr_distinct_item){ join(arena, "login:known:", n->login, (struct mr_slice){ 0 }), member, conf->known_for,
					  PLACES_MAX, op };
}

static struct mr_distinct_item failing_item(const struct mr_login_conf *conf, const struct mr_login_names *n, enum mr_distinct_op op,
					    struct mr_arena *arena)
{
	return (struct mr_distinct_item){ join(arena, "login:failing:", n->login, (struct mr_slice){ 0 }), n->network, conf->window,
					  (uint64_t)conf->networks_max, op };
}

static struct mr_distinct_item wrong_item(const struct mr_login_conf *conf, struct mr_slice name, struct mr_slice member, int64_t max,
					  enum mr_distinct_op op)
{
	return (struct mr_distinct_item){ name, member, conf->window, (uint64_t)max, op };
}

static struct mr_distinct_item pair_item(const struct mr_login_conf *conf, const struct mr_login_names *n, enum mr_distinct_op op,
					 struct mr_arena *arena)
{
	return wrong_item(conf, join(arena, "login:pair:", n->address, n->login), n->pwhash, conf->pair_max, op);
}

static struct mr_distinct_item address_item(const struct mr_login_conf *conf, const struct mr_login_names *n, enum mr_distinct_op op,
					    struct mr_arena *arena)
{
	return wrong_item(conf, join(arena, "login:address:", n->address, (struct mr_slice){ 0 }), n->both, conf->address_max, op);
}

static struct mr_distinct_item network_item(const struct mr_login_conf *conf, const struct mr_login_names *n, enum mr_distinct_op op,
					    struct mr_arena *arena)
{
	return wrong_item(conf, join(arena, "login:network:", n->network, (struct mr_slice){ 0 }), n->both, conf->network_max, op);
}

/* In a known network each known device counts alone, and all others together. */
static struct mr_distinct_item place_item(const struct mr_login_conf *conf, const struct mr_login_names *n, bool known_device,
					  enum mr_distinct_op op, struct mr_arena *arena)
{
	struct mr_slice place = known_device ? n->place : join(arena, "", n->network, MR_LIT("*"));

	return wrong_item(conf, join(arena, "login:place:", place, n->login), n->pwhash, conf->known_max, op);
}

size_t mr_login_look(const struct mr_login_conf *conf, const struct mr_login_names *n, struct mr_arena *arena, struct mr_distinct_item *out)
{
	out[MR_LOGIN_KNOWN_NETWORK] = known_item(conf, n, n->network, MR_DISTINCT_LOOK, arena);
	out[MR_LOGIN_KNOWN_PLACE] = known_item(conf, n, n->place, MR_DISTINCT_LOOK, arena);
	out[MR_LOGIN_FAILING] = failing_item(conf, n, MR_DISTINCT_LOOK, arena);
	return 3;
}

size_t mr_login_take(const struct mr_login_conf *conf, const struct mr_login_names *n, const struct mr_distincts *known,
		     struct mr_arena *arena, struct mr_distinct_item *out)
{
	if (known->v[MR_LOGIN_KNOWN_NETWORK].has) {
		out[0] = place_item(conf, n, known->v[MR_LOGIN_KNOWN_PLACE].has, MR_DISTINCT_TAKE, arena);
		return 1;
	}
	out[0] = pair_item(conf, n, MR_DISTINCT_TAKE, arena);
	out[1] = address_item(conf, n, MR_DISTINCT_TAKE, arena);
	out[2] = network_item(conf, n, MR_DISTINCT_TAKE, arena);
	return 3;
}

size_t mr_login_failed(const struct mr_login_conf *conf, const struct mr_login_names *n, struct mr_arena *arena,
		       struct mr_distinct_item *out)
{
	out[0] = failing_item(conf, n, MR_DISTINCT_NOTE, arena);
	return 1;
}

size_t mr_login_succeeded(const struct mr_login_conf *conf, const struct mr_login_names *n, struct mr_arena *arena,
			  struct mr_distinct_item *out)
{
	size_t i = 0;

	out[i++] = known_item(conf, n, n->network, MR_DISTINCT_NOTE, arena);
	out[i++] = known_item(conf, n, n->place, MR_DISTINCT_NOTE, arena);
	out[i++] = pair_item(conf, n, MR_DISTINCT_CLEAR, arena);
	out[i++] = address_item(conf, n, MR_DISTINCT_DROP, arena);
	out[i++] = network_item(conf, n, MR_DISTINCT_DROP, arena);
	out[i++] = place_item(conf, n, true, MR_DISTINCT_CLEAR, arena);
	out[i++] = place_item(conf, n, false, MR_DISTINCT_DROP, arena);
	out[i++] = failing_item(conf, n, MR_DISTINCT_DROP, arena);
	return i;
}

static const char *kind_of(const struct mr_distinct_item *item)
{
	static const char *const kinds[] = { "pair", "address", "network", "place" };
	struct mr_slice rest = mr_slice_from(item->name, sizeof("login:") - 1);

	for (size_t i = 0; i < MR_COUNT(kinds); i++)
		if (mr_slice_starts(rest, mr_slice_of(kinds[i])))
			return kinds[i];
	return "-";
}

/* 1 s for the first one past the free ones, then twice as long each time. */
static uint64_t delay_of(uint64_t count, uint64_t max, uint64_t longest)
{
	uint64_t step = count > max / DELAYS_FROM ? count - max / DELAYS_FROM - 1 : 0, delay = 0;

	if (count > max / DELAYS_FROM)
		delay = step < 16 ? 1ULL << step : longest;
	return delay < longest ? delay : longest;
}

struct mr_login_answer mr_login_decide(const struct mr_login_conf *conf, const struct mr_distincts *known,
				       const struct mr_distinct_item *items, size_t n, const struct mr_distincts *taken)
{
	uint64_t longest = conf->delay_max / 1000;
	const struct mr_distinct *failing = &known->v[MR_LOGIN_FAILING];
	struct mr_login_answer a = { 0 };

	if (taken->full < n) {
		const struct mr_distinct *full = &taken->v[taken->full];
		uint64_t left = full->oldest < conf->window ? conf->window - full->oldest : 0;

		return (struct mr_login_answer){ true, left / 1000 + 1, kind_of(&items[taken->full]), full->count, items[taken->full].max };
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t count = taken->v[i].count + !taken->v[i].has, delay = delay_of(count, items[i].max, longest);

		if (delay > a.seconds)
			a = (struct mr_login_answer){ false, delay, kind_of(&items[i]), count, items[i].max };
	}
	if (!known->v[MR_LOGIN_KNOWN_NETWORK].has && failing->count >= (uint64_t)conf->networks_max && longest > a.seconds)
		a = (struct mr_login_answer){ false, longest, "many-networks", failing->count, (uint64_t)conf->networks_max };
	return a;
}
