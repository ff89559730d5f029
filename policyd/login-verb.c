/* login-verb: `mailreeve login`: what is remembered of log-ins and of how accounts send, and forgetting it. Works on the sets in Redis,
 * whose names are made by login-rules.c and checks/hijack.c; what members of sets of passwords are is nobody's business and not looked at.
 */

/* system */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "app/verb.h"
#include "base/hash.h"
#include "base/mem.h"
#include "policyd.h"
#include "proto/hijack.h"

#define REDIS_MS  2000
#define SETS_MAX  10000
#define SCAN_STEP "1000"

static const char usage[] = "usage: mailreeve login show USER|CLIENT [--json]\n"
			    "       mailreeve login clear USER|CLIENT\n"
			    "USER is a log-in name such as anna@example.org, CLIENT an address, or a network as show names it.\n";

/* A set in Redis. */
struct set {
	struct mr_slice key;           /* with the prefix */
	const char *what;              /* "pair" */
	struct mr_slice client, login; /* empty: none stands in the name */
	uint64_t window, max;          /* ms; members, 0 = has none */
	bool refuses;                  /* at `max` */
	bool known;                    /* its members are places that speak for the user */
};

struct work {
	const struct mr_policyd_conf *conf;
	struct mr_redis_session *redis;
	struct mr_arena *arena;
	struct mr_slice login, address, network; /* whose; the last two are of a client, the same where only one is meant */
	struct set sets[SETS_MAX];
	size_t n;
	bool shows, json; /* shows: else clears */
	json_t *all;      /* with json */
	uint64_t now;     /* ms, Redis's */
};

/* --- names */

static struct mr_slice word(struct mr_slice *rest, char end)
{
	struct mr_slice w = { "", 0 };

	mr_slice_next(rest, end, &w);
	return w;
}

static bool name_of_login(struct mr_slice rest, const struct mr_login_conf *c, struct set *s)
{
	struct mr_slice kind = word(&rest, ':');

	if (mr_slice_eq(kind, MR_LIT("known"))) {
		*s = (struct set){ .what = "known", .login = rest, .window = c->known_for, .known = true };
	} else if (mr_slice_eq(kind, MR_LIT("failing"))) {
		*s = (struct set){ .what = "failing", .login = rest, .window = c->window, .max = (uint64_t)c->networks_max };
	} else if (mr_slice_eq(kind, MR_LIT("pair"))) {
		*s = (struct set){ .what = "pair", .client = word(&rest, ' '), .max = (uint64_t)c->pair_max, .refuses = true };
		s->login = rest;
	} else if (mr_slice_eq(kind, MR_LIT("address"))) {
		*s = (struct set){ .what = "address", .client = rest, .max = (uint64_t)c->address_max, .refuses = true };
	} else if (mr_slice_eq(kind, MR_LIT("network"))) {
		*s = (struct set){ .what = "network", .client = rest, .max = (uint64_t)c->network_max, .refuses = true };
	} else if (mr_slice_eq(kind, MR_LIT("place"))) {
		*s = (struct set){ .what = "place", .client = word(&rest, ' '), .max = (uint64_t)c->known_max, .refuses = true };
		word(&rest, ' '); /* the device */
		s->login = rest;
	} else {
		return false;
	}
	s->window = s->window ? s->window : c->window;
	return true;
}

static bool name_of_hijack(struct mr_slice rest, const struct mr_check_settings *c, struct mr_arena *arena, struct set *s)
{
	struct mr_slice kind = word(&rest, ':'), amount, seconds;
	uint64_t n = 0, window = 0;

	if (mr_slice_eq(kind, MR_LIT("known"))) {
		*s = (struct set){ .what = "sent from", .login = rest, .window = c->hijack_known_for, .known = true };
		return true;
	}
	if (mr_slice_eq(kind, MR_LIT("spam"))) {
		*s = (struct set){ .what = "hijack spam", .login = rest, .window = MR_HIJACK_SPAM_WINDOW };
		return true;
	}
	amount = word(&rest, ':');
	seconds = word(&rest, ':');
	if (mr_parse_u64(amount, 0, UINT64_MAX, &n) < 0 || mr_parse_u64(seconds, 1, UINT32_MAX, &window) < 0)
		return false;
	*s = (struct set){
		.what = mr_arena_printf(arena, "hijack %.*s", (int)kind.n, kind.p), .login = rest, .window = window * 1000, .max = n
	};
	return true;
}

/* False where it is none of ours, or somebody else's. */
static bool name_parse(const struct work *w, struct mr_slice key, struct set *s)
{
	struct mr_slice rest = mr_slice_from(key, strlen(w->conf->shared.redis_prefix)), family = word(&rest, ':');
	bool ours;

	*s = (struct set){ 0 };
	if (mr_slice_eq(family, MR_LIT("login")))
		ours = name_of_login(rest, &w->conf->login, s);
	else
		ours = mr_slice_eq(family, MR_LIT("hijack")) && name_of_hijack(rest, &w->conf->checks, w->arena, s);
	s->key = key;
	if (!ours || w->login.n > 0)
		return ours && mr_slice_eq(s->login, w->login);
	return mr_slice_eq(s->client, w->address) || mr_slice_eq(s->client, w->network);
}

/* --- Redis */

static int ask(struct work *w, const struct mr_slice *argv, size_t argc, struct mr_redis_reply *out)
{
	struct mr_diag diag = { 0 };
	int r = mr_redis_ask(w->redis, argc, argv, w->arena, out, &diag);

	if (r == 0 && !out->ok)
		r = mr_diag_set(&diag, -EAGAIN, "redis: %.*s", (int)out->text.n, out->text.p);
	if (r < 0)
		fprintf(stderr, "mailreeve-login: %s\n", diag.text);
	return r;
}

/* Characters of a glob pattern mean themselves. */
static void add_escaped(struct mr_buf *out, struct mr_slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (strchr("*?[]\\^", text.p[i]))
			mr_buf_putc(out, '\\');
		mr_buf_putc(out, text.p[i]);
	}
}

static void take_keys(struct work *w, const struct mr_redis_reply *keys)
{
	struct set s;

	for (size_t i = 0; i < keys->n_items && w->n < SETS_MAX; i++) {
		struct mr_slice key = mr_slice_of(mr_arena_slice(w->arena, keys->items[i].text));

		if (name_parse(w, key, &s))
			w->sets[w->n++] = s;
	}
}

static int scan(struct work *w, struct mr_slice whom)
{
	struct mr_buf pattern = MR_BUF(2048);
	struct mr_slice cursor = MR_LIT("0");
	struct mr_redis_reply reply;
	int r;

	add_escaped(&pattern, mr_slice_of(w->conf->shared.redis_prefix));
	mr_buf_add(&pattern, MR_LIT("*"));
	add_escaped(&pattern, whom);
	mr_buf_add(&pattern, MR_LIT("*"));
	do {
		const struct mr_slice argv[] = { MR_LIT("SCAN"),         cursor,          MR_LIT("MATCH"),
						 mr_buf_slice(&pattern), MR_LIT("COUNT"), MR_LIT(SCAN_STEP) };

		r = ask(w, argv, MR_COUNT(argv), &reply);
		if (r < 0)
			break;
		if (reply.type != MR_REDIS_ARRAY || reply.n_items != 2)
			break;
		cursor = mr_slice_of(mr_arena_slice(w->arena, reply.items[0].text));
		take_keys(w, &reply.items[1]);
	} while (!mr_slice_eq(cursor, MR_LIT("0")));
	mr_buf_done(&pattern);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct set *)a)->key.p, ((const struct set *)b)->key.p);
}

static int find_sets(struct work *w)
{
	int r = w->login.n > 0 ? scan(w, w->login) : scan(w, w->address);
	size_t n = 0;

	if (r == 0 && !mr_slice_eq(w->network, w->address))
		r = scan(w, w->network);
	if (w->n == SETS_MAX)
		fprintf(stderr, "mailreeve-login: there are more than %d, of which these are some\n", SETS_MAX);
	qsort(w->sets, w->n, sizeof(*w->sets), by_name);
	for (size_t i = 0; i < w->n; i++) /* SCAN may name one twice */
		if (n == 0 || !mr_slice_eq(w->sets[n - 1].key, w->sets[i].key))
			w->sets[n++] = w->sets[i];
	w->n = n;
	return r;
}

static int read_clock(struct work *w)
{
	const struct mr_slice argv[] = { MR_LIT("TIME") };
	struct mr_redis_reply reply;
	uint64_t seconds = 0, us = 0;
	int r = ask(w, argv, 1, &reply);

	if (r < 0)
		return r;
	if (reply.n_items == 2 && mr_parse_u64(reply.items[0].text, 0, UINT32_MAX, &seconds) == 0)
		mr_parse_u64(reply.items[1].text, 0, 999999, &us);
	w->now = seconds * 1000 + us / 1000;
	return 0;
}

/* --- show */

static const char *age_text(const struct work *w, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 120)
		return mr_arena_printf(w->arena, "%" PRIu64 "s", s);
	if (s < 7200)
		return mr_arena_printf(w->arena, "%" PRIu64 "m", s / 60);
	return s < 172800 ? mr_arena_printf(w->arena, "%" PRIu64 "h", s / 3600) : mr_arena_printf(w->arena, "%" PRIu64 "d", s / 86400);
}

/* One line: a set, or one of the places in it. */
static void tell(struct work *w, const struct set *s, struct mr_slice client, uint64_t count, uint64_t oldest_ms)
{
	bool full = s->refuses && count >= s->max;
	const char *oldest = age_text(w, oldest_ms), *state = "";

	if (w->json) {
		json_array_append_new(w->all, json_pack("{s:s, s:s%, s:s%, s:o, s:o, s:I, s:b}", "what", s->what, "client",
							client.p ? client.p : "", client.n, "login", s->login.p ? s->login.p : "",
							s->login.n, "count", s->known ? json_null() : json_integer((json_int_t)count),
							"max", s->max ? json_integer((json_int_t)s->max) : json_null(), "oldest",
							(json_int_t)(oldest_ms / 1000), "refused", full));
		return;
	}
	if (full)
		state = mr_arena_printf(w->arena, "refused, %s more", age_text(w, s->window > oldest_ms ? s->window - oldest_ms : 0));
	printf("%-20s %-24.*s %-28.*s", s->what, (int)client.n, client.p, (int)s->login.n, s->login.p);
	if (s->known)
		printf(" %7s", "-");
	else if (s->max)
		printf(" %3" PRIu64 "/%-3" PRIu64, count, s->max);
	else
		printf(" %7" PRIu64, count);
	printf(" %6s  %s\n", oldest, state);
}

/* A member of those that are known is a network, or a network, a space and what stands for a device. */
static void tell_known(struct work *w, const struct set *s, const struct mr_redis_reply *members)
{
	for (size_t i = 0; i + 1 < members->n_items; i += 2) {
		uint64_t at = 0;

		mr_parse_u64(members->items[i + 1].text, 0, UINT64_MAX, &at);
		tell(w, s, members->items[i].text, 1, w->now > at ? w->now - at : 0);
	}
}

static int show_set(struct work *w, const struct set *s)
{
	uint64_t since = w->now > s->window ? w->now - s->window : 0, oldest = w->now;
	const struct mr_slice argv[] = { MR_LIT("ZRANGEBYSCORE"), s->key, mr_slice_of(mr_arena_printf(w->arena, "(%" PRIu64, since)),
					 MR_LIT("+inf"), MR_LIT("WITHSCORES") };
	struct mr_redis_reply reply;
	int r = ask(w, argv, MR_COUNT(argv), &reply);

	if (r < 0)
		return r;
	if (reply.type != MR_REDIS_ARRAY || reply.n_items < 2)
		return 0; /* past its window */
	if (s->known) {
		tell_known(w, s, &reply);
		return 0;
	}
	mr_parse_u64(reply.items[1].text, 0, UINT64_MAX, &oldest);
	tell(w, s, s->client, reply.n_items / 2, w->now > oldest ? w->now - oldest : 0);
	return 0;
}

static int show(struct work *w)
{
	int r = read_clock(w);

	w->all = w->json ? json_array() : NULL;
	if (r == 0 && !w->json)
		printf("%-20s %-24s %-28s %7s %6s\n", "WHAT", "CLIENT", "LOGIN", "COUNT", "OLDEST");
	for (size_t i = 0; i < w->n && r == 0; i++)
		r = show_set(w, &w->sets[i]);
	if (r == 0 && w->json) {
		json_dumpf(w->all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(w->all);
	return r;
}

/* --- clear */

/* What is known of a user speaks for him, and stays. */
static int clear(struct work *w)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < w->n && r == 0; i++) {
		const struct mr_slice argv[] = { MR_LIT("DEL"), w->sets[i].key };
		struct mr_redis_reply reply;

		if (w->sets[i].known)
			continue;
		r = ask(w, argv, MR_COUNT(argv), &reply);
		n += r == 0 && reply.integer == 1;
	}
	if (r == 0)
		printf("%zu cleared\n", n);
	return r;
}

/* --- the command line */

static bool take_whom(struct work *w, const char *text)
{
	struct mr_slice s = mr_slice_of(text);
	struct mr_login_names names;
	struct mr_login_try t = { .remote = s };

	if (mr_slice_chr(s, '@') >= 0) {
		t = (struct mr_login_try){ .login = s, .remote = MR_LIT("192.0.2.1") };
		mr_login_names(&(struct mr_login_conf){ 0 }, &t, w->arena, &names);
		w->login = names.login;
		return true;
	}
	mr_login_names(&(struct mr_login_conf){ 0 }, &t, w->arena, &names);
	w->address = names.address;
	w->network = w->shows || mr_slice_eq(names.address, names.network) ? names.network : names.address;
	return names.counted;
}

/* 0 or 2. */
static int parse(struct work *w, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	bool clears = argc > 0 && strcmp(argv[0], "clear") == 0, bad = false;
	int flag;

	w->shows = argc > 0 && strcmp(argv[0], "show") == 0;
	optind = 0; /* the verb's own options were read with the same function */
	while ((w->shows || clears) && (flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		bad |= flag != 'j' || clears;
		w->json = true;
	}
	if ((w->shows || clears) && !bad && argc - optind == 1 && take_whom(w, argv[optind]))
		return 0;
	fputs(usage, stderr);
	return 2;
}

static int work(struct work *w)
{
	const struct mr_redis_config redis = mr_redis_config(&w->conf->shared);
	struct mr_diag diag = { 0 };
	int r = -ENOENT;

	if (!mr_redis_wanted(&redis))
		mr_diag_set(&diag, r, "no Redis is configured: mailreeve-policyd remembers it alone, until it is restarted");
	else
		r = mr_redis_open(&redis, REDIS_MS, &w->redis, &diag);
	if (r < 0)
		fprintf(stderr, "mailreeve-login: %s\n", diag.text);
	if (r == 0)
		r = find_sets(w);
	if (r == 0)
		r = w->shows ? show(w) : clear(w);
	mr_redis_close(w->redis);
	return r < 0;
}

static int run(const void *conf, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	struct work *w = mr_new(struct work, 1);
	int code;

	w->conf = conf;
	w->arena = arena;
	code = parse(w, argc, argv);
	if (code == 0)
		code = work(w);
	free(w);
	return code;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = {
		.name = "login", .usage = usage, .options = mr_policyd_options, .conf_size = sizeof(struct mr_policyd_conf), .run = run
	};

	return mr_verb_main(argc, argv, &verb);
}
