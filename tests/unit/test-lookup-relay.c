/* test-lookup-relay: through which host mail of a sender leaves, with which log-in, as Postfix asks the three maps; each question also over
 * rows that are there only after they were asked for. G06. */

/* system */
#include <string.h>

/* ours */
#include "map.h"
#include "support/rowtext.h"
#include "unit.h"

#define NOW 1800000000

static const char directory[] = "domain example.test\n"
				"domain plain.test\n"
				"domain direct.test\n"
				"mailbox anna@example.test\n"
				"mailbox anna-k@example.test\n"
				"mailbox ben@example.test\n"
				"mailbox carl@plain.test\n"
				"mailbox locked@example.test locked\n"
				"alias info@example.test anna@example.test\n"
				"alias both@example.test anna@example.test ben@example.test\n"
				"alias @plain.test carl@plain.test\n"
				"domain short.test alias-of example.test\n"
				"domain brand.test alias-of example.test\n"
				"relay brand.test [b.relay.test]:25\n"
				"relay plain.test [plain.relay.test]:25\n";

static struct mr_keyring ring;
static struct rowtext *rows;

static void add_relay(const char *owner, const char *nexthop, const char *username, const char *sealed_for, const char *password)
{
	struct mr_buf sealed = MR_BUF(1000), line = MR_BUF(2000);

	assert_int_equal(mr_seal(&ring, mr_slice_of(sealed_for), mr_slice_of(password), &sealed), 0);
	mr_buf_printf(&line, "relay %s %s %s %s", owner, nexthop, username, sealed.p);
	rowtext_set(rows, mr_buf_slice(&line));
	mr_buf_done(&sealed);
	mr_buf_done(&line);
}

static int setup(void **state)
{
	ring = (struct mr_keyring){ .n = 1, .keys = { { "k1", { 7 } } } };
	rows = rowtext_new(MR_LIT(directory));
	add_relay("anna@example.test", "[a.relay.test]:587", "anna", "relay:anna@example.test:[a.relay.test]:587", "se:cret");
	add_relay("locked@example.test", "[a.relay.test]:587", "locked", "relay:locked@example.test:[a.relay.test]:587", "x");
	add_relay("example.test", "[d.relay.test]:465", "firm", "relay:example.test:[d.relay.test]:465", "blue sky");
	return 0;
}

static int teardown(void **state)
{
	rowtext_free(rows);
	return 0;
}

static const struct mr_map *map_of(const char *name)
{
	const struct mr_map *const *const tables[] = { mr_maps, mr_secret_maps };

	for (size_t t = 0; t < MR_COUNT(tables); t++)
		for (size_t i = 0; tables[t][i] != NULL; i++)
			if (strcmp(tables[t][i]->name, name) == 0)
				return tables[t][i];
	fail_msg("no map %s", name);
	return NULL;
}

enum how { AT_ONCE, STAGED, AWAY };

/* "OK value", "NOTFOUND", "TEMP". */
static void ask(const char *name, const char *key, enum how how, const struct mr_keyring *keys, char *text, size_t max)
{
	static const char *const words[] = {
		[MR_SOCKETMAP_OK] = "OK ", [MR_SOCKETMAP_NOTFOUND] = "NOTFOUND", [MR_SOCKETMAP_TEMP] = "TEMP"
	};
	mr_autoarena arena = mr_arena_new(0);
	struct mr_keyring copy = *keys;
	const struct mr_site site = {
		.delimiter = '-',
		.hostname = MR_LIT("mx.example.test"),
		.forward = MR_LIT("smtp:[127.0.0.1]:10027"),
		.relay_ring = &copy,
		.srs = { .secrets = { MR_LIT("secret") }, .n_secrets = 1, .domain = MR_LIT("example.test"), .now = NOW },
	};
	struct mr_map_answer answer;
	struct rowview view;
	unsigned rounds = 0;

	rowview_init(&view, rows, how == STAGED);
	view.temp = how == AWAY;
	struct mr_walk w = { &view.view, &site, arena, NOW };
	do {
		answer = (struct mr_map_answer){ .status = MR_SOCKETMAP_NOTFOUND };
		map_of(name)->find(&w, mr_slice_of(key), &answer);
		assert_in_range(++rounds, 1, 12);
	} while (answer.waiting && rowview_fetch(&view) > 0);
	assert_false(answer.waiting);
	bool ok = answer.status == MR_SOCKETMAP_OK;
	snprintf(text, max, "%s%.*s", words[answer.status], ok ? (int)answer.data.n : 0, ok ? answer.data.p : "");
	rowview_done(&view);
}

static void check(const char *map, const char *key, const char *expected)
{
	char text[500];

	for (enum how how = AT_ONCE; how <= STAGED; how++) {
		ask(map, key, how, &ring, text, sizeof(text));
		if (strcmp(text, expected) != 0)
			fail_msg("%s %s: %s, not %s", map, key, text, expected);
	}
}

#define LOGS_IN "OK mailreeve-relay:"

struct relay_case {
	const char *sender, *host, *transport, *login;
};
static const struct relay_case cases[] = {
	{ "anna@example.test", "OK [a.relay.test]:587", LOGS_IN, "OK anna:se:cret" },
	{ "Anna@Example.TEST", "OK [a.relay.test]:587", LOGS_IN, "OK anna:se:cret" },
	{ "anna+lists@example.test", "OK [a.relay.test]:587", LOGS_IN, "OK anna:se:cret" },
	{ "anna-lists@example.test", "OK [a.relay.test]:587", LOGS_IN, "OK anna:se:cret" },
	/* a mailbox of its own name, not an extension; without a relay host of its own it has its domain's */
	{ "anna-k@example.test", "OK [d.relay.test]:465", LOGS_IN, "OK firm:blue sky" },
	{ "ben@example.test", "OK [d.relay.test]:465", LOGS_IN, "OK firm:blue sky" },
	/* an alias is the domain's, whoever may send under it */
	{ "info@example.test", "OK [d.relay.test]:465", LOGS_IN, "OK firm:blue sky" },
	{ "both@example.test", "OK [d.relay.test]:465", LOGS_IN, "OK firm:blue sky" },
	{ "nobody@example.test", "OK [d.relay.test]:465", LOGS_IN, "OK firm:blue sky" },
	{ "carl@plain.test", "OK [plain.relay.test]:25", "NOTFOUND", "TEMP" },
	{ "anything@plain.test", "OK [plain.relay.test]:25", "NOTFOUND", "TEMP" },
	{ "someone@direct.test", "NOTFOUND", "NOTFOUND", "TEMP" },
	/* an alias domain: the mailbox there, its own host, that of the domain it stands for */
	{ "anna@short.test", "OK [a.relay.test]:587", LOGS_IN, "OK anna:se:cret" },
	{ "anna+x@brand.test", "OK [a.relay.test]:587", LOGS_IN, "OK anna:se:cret" },
	{ "ben@short.test", "OK [d.relay.test]:465", LOGS_IN, "OK firm:blue sky" },
	{ "ben@brand.test", "OK [b.relay.test]:25", "NOTFOUND", "TEMP" },
	/* a lock comes first */
	{ "locked@example.test", "OK [a.relay.test]:587", "OK retry:4.7.0 account locked", "OK locked:x" },
	/* forwarded mail goes round first, and nobody's relay host is for it */
	{ "stranger@foreign.test", "NOTFOUND", "OK smtp:[127.0.0.1]:10027", "TEMP" },
	{ "SRS0=AAAA=BB=foreign.test=stranger@example.test", "NOTFOUND", "NOTFOUND", "TEMP" },
	{ "SRS1=broken@foreign.test", "NOTFOUND", "NOTFOUND", "TEMP" },
	{ "EXEMPT=RRsi=LB=foreign.test=stranger@example.test", "NOTFOUND", "OK mailreeve-exempt:", "TEMP" },
	{ "EXEMPT=AAAA=LB=foreign.test=stranger@example.test", "NOTFOUND", "NOTFOUND", "TEMP" },
	{ "EXEMPT==foreign.test=stranger@example.test", "NOTFOUND", "NOTFOUND", "TEMP" },
	{ "root@mx.example.test", "NOTFOUND", "NOTFOUND", "TEMP" },
	{ "<>", "NOTFOUND", "NOTFOUND", "NOTFOUND" },
	{ "", "NOTFOUND", "NOTFOUND", "NOTFOUND" },
	/* what Postfix asks next, when the sender has no log-in */
	{ "@example.test", "NOTFOUND", "NOTFOUND", "NOTFOUND" },
	{ "d.relay.test", "NOTFOUND", "NOTFOUND", "NOTFOUND" },
	{ "[d.relay.test]:465", "NOTFOUND", "NOTFOUND", "TEMP" },
};

static void nearest_owner_decides(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		check("sender-relayhost", cases[i].sender, cases[i].host);
		check("sender-transport", cases[i].sender, cases[i].transport);
		check("relay-password", cases[i].sender, cases[i].login);
	}
}

/* The host of everybody is for those who have none, for the null sender, and for what is forwarded, on its way out. */
static void everybody(void **state)
{
	add_relay("-", "[All.relay.test]:587", "us", "relay::[All.relay.test]:587", "all of us");
	static const struct relay_case all[] = {
		{ "anna@example.test", "OK [a.relay.test]:587", LOGS_IN, "OK anna:se:cret" },
		{ "carl@plain.test", "OK [plain.relay.test]:25", "NOTFOUND", "TEMP" },
		{ "someone@direct.test", "OK [All.relay.test]:587", LOGS_IN, "OK us:all of us" },
		{ "stranger@foreign.test", "OK [All.relay.test]:587", "OK smtp:[127.0.0.1]:10027", "OK us:all of us" },
		{ "SRS0=AAAA=BB=foreign.test=stranger@example.test", "OK [All.relay.test]:587", LOGS_IN, "OK us:all of us" },
		{ "EXEMPT=RRsi=LB=foreign.test=stranger@example.test", "OK [All.relay.test]:587", LOGS_IN, "OK us:all of us" },
		{ "<>", "OK [All.relay.test]:587", LOGS_IN, "NOTFOUND" },
	};

	for (size_t i = 0; i < MR_COUNT(all); i++) {
		check("sender-relayhost", all[i].sender, all[i].host);
		check("sender-transport", all[i].sender, all[i].transport);
		check("relay-password", all[i].sender, all[i].login);
	}
	check("relay-password", "[all.relay.test]:587", "OK us:all of us");
	check("relay-password", "[all.relay.test]:25", "TEMP");
	check("relay-password", "all.relay.test", "NOTFOUND");
	check("relay-password", "[d.relay.test]:465", "TEMP");
}

/* Mail waits; it is never sent as if there were no log-in, or no relay host. */
static void unknown_is_temporary(void **state)
{
	static const char *const maps[] = { "sender-relayhost", "sender-transport", "relay-password" };
	char text[500];

	for (size_t i = 0; i < MR_COUNT(maps); i++) {
		ask(maps[i], "someone@direct.test", AWAY, &ring, text, sizeof(text));
		assert_string_equal(text, "TEMP");
	}
}

static void unusable_password_is_temporary(void **state)
{
	const struct mr_keyring none = { 0 };
	char text[500];

	ask("relay-password", "anna@example.test", AT_ONCE, &none, text, sizeof(text));
	assert_string_equal(text, "TEMP");
	/* moved to another host, or to another owner */
	add_relay("anna@example.test", "[evil.test]:587", "anna", "relay:anna@example.test:[a.relay.test]:587", "se:cret");
	check("relay-password", "anna@example.test", "TEMP");
	add_relay("ben@example.test", "[a.relay.test]:587", "anna", "relay:anna@example.test:[a.relay.test]:587", "se:cret");
	check("relay-password", "ben@example.test", "TEMP");
	rowtext_set(rows, MR_LIT("relay ben@example.test [a.relay.test]:587 ben garbage"));
	check("relay-password", "ben@example.test", "TEMP");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nearest_owner_decides, setup, teardown),
		cmocka_unit_test_setup_teardown(everybody, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_is_temporary, setup, teardown),
		cmocka_unit_test_setup_teardown(unusable_password_is_temporary, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
