/* test-lookup-names: alias domains, what is off, expired or refused, relay domains, accounts with an end, rules, over one directory; each
 * question is also asked of a view that gives its rows only after they were asked for. G05, and of G09 expiry and switches. */

/* system */
#include <math.h>
#include <string.h>

/* ours */
#include "account.h"
#include "map.h"
#include "support/rowtext.h"
#include "unit.h"

#define NOW 1800000000

static const char directory[] = "domain here.test\n"
				"domain catching.test\n"
				"domain closed.test off\n"
				"domain twin.test alias-of here.test\n"
				"domain second.test alias-of catching.test\n"
				"domain third.test alias-of twin.test\n"
				"domain round1.test alias-of round2.test\n"
				"domain round2.test alias-of round1.test\n"
				"domain dangling.test alias-of foreign.test\n"
				"domain shut.test alias-of closed.test\n"
				"domain off.test off alias-of here.test\n"
				"domain relay.test relay smtp:[192.0.2.9]:25 junk 7 outbound 3 deny bad.test\n"
				"domain listed.test relay smtp:[192.0.2.9]:25 listed\n"
				"domain relaytwin.test alias-of listed.test\n"
				"mailbox john@here.test\n"
				"mailbox jane@here.test\n"
				"mailbox late@here.test expires 1800000000\n"
				"mailbox soon@here.test expires 1800000001\n"
				"mailbox reader@here.test receive-only\n"
				"mailbox own@twin.test\n"
				"mailbox deep@twin.test\n"
				"mailbox ended@catching.test expires 5\n"
				"mailbox copied@here.test\n"
				"mailbox lost@closed.test\n"
				"alias sales@here.test john@here.test jane@here.test\n"
				"alias loop@here.test loop@twin.test\n"
				"alias copied@here.test off copied@here.test out@foreign.test\n"
				"alias john@twin.test jane@here.test\n"
				"alias @catching.test jane@here.test\n"
				"alias off@catching.test off john@here.test\n"
				"alias over@catching.test expires 1800000000 john@here.test\n"
				"alias still@catching.test expires 1800000001 john@here.test\n"
				"alias refused@catching.test refused\n"
				"alias mixed@here.test late@here.test john@here.test\n"
				"alias team@here.test reader@here.test john@here.test\n"
				"alias local@relay.test john@here.test\n"
				"alias gone@relay.test refused\n"
				"alias known@listed.test known@listed.test\n"
				"alias copy@listed.test copy@listed.test john@here.test\n"
				"alias ended@listed.test off ended@listed.test\n"
				"rule client 192.0.2.0/24 REJECT_go_away\n"
				"rule client 192.0.2.7 DUNNO\n"
				"rule client 2001:db8::/32 DEFER\n"
				"rule client bad.test REJECT\n"
				"rule client .bad.test HOLD\n"
				"rule client good.bad.test DUNNO\n"
				"rule client open.test OK\n"
				"rule client open.test permit\n"
				"rule sender evil@foreign.test REJECT_5.7.1_no\n"
				"rule sender foreign.test WARN\n"
				"rule sender .foreign.test DEFER\n"
				"rule sender <> HOLD\n"
				"rule recipient john@here.test REJECT\n"
				"rule milter 192.0.2.0/24 DISABLE\n"
				"rule milter 192.0.2.8 inet:127.0.0.1:8891,unix:/run/x.sock\n"
				"rule transport far.test smtp:[192.0.2.1]:2525\n"
				"rule transport .far.test smtp:[192.0.2.2]\n"
				"rule transport .test error:5.1.2_closed\n"
				"rule transport boss@relay.test lmtp:unix:/run/x\n"
				"rule transport jane@here.test smtp:[192.0.2.3]\n";

static const struct map_case {
	const char *map, *key, *expected; /* NULL: not found */
} cases[] = {
	/* an alias domain: each address of it means that of the other, unless it has a row of its own */
	{ "domain", "twin.test", "twin.test" },
	{ "alias", "jane@twin.test", "jane@here.test" },
	{ "alias", "Jane@TWIN.test", "jane@here.test" },
	{ "alias", "jane+x@twin.test", "jane+x@here.test" },
	{ "alias", "sales@twin.test", "john@here.test, jane@here.test" },
	{ "alias", "john@twin.test", "jane@here.test" },
	{ "mailbox", "jane@twin.test", NULL },
	{ "mailbox", "own@twin.test", "own@twin.test" },
	{ "alias", "own@twin.test", NULL },
	{ "alias", "nobody@twin.test", NULL },
	{ "mailbox", "nobody@twin.test", NULL },
	{ "alias", "anything@second.test", "jane@here.test" },
	{ "alias", "off@second.test", NULL },
	{ "alias", "refused@second.test", NULL },
	{ "alias", "reader@twin.test", "reader@here.test" },
	/* one step, never round, never abroad */
	{ "alias", "jane@third.test", NULL },
	{ "alias", "deep@third.test", "deep@twin.test" },
	{ "alias", "x@round1.test", NULL },
	{ "alias", "x@dangling.test", NULL },
	{ "alias", "lost@shut.test", NULL },
	{ "alias", "jane@off.test", NULL },
	{ "alias", "loop@here.test", NULL },
	/* who may send under it */
	{ "sender-login", "jane@twin.test", "jane@here.test" },
	{ "sender-login", "sales@twin.test", "john@here.test, jane@here.test" },
	{ "sender-login", "own@twin.test", "own@twin.test" },
	{ "sender-login", "anything@second.test", "jane@here.test" },
	{ "sender-login", "jane@third.test", NULL },
	{ "sender-transport", "jane@twin.test", NULL },
	/* off, expired, refused: the name exists, so the catch-all does not take it */
	{ "alias", "anything@catching.test", "jane@here.test" },
	{ "alias", "off@catching.test", NULL },
	{ "alias", "off+x@catching.test", NULL },
	{ "alias", "over@catching.test", NULL },
	{ "alias", "still@catching.test", "john@here.test" },
	{ "alias", "refused@catching.test", NULL },
	{ "alias", "refused+x@catching.test", NULL },
	{ "sender-login", "off@catching.test", NULL },
	{ "sender-login", "over@catching.test", NULL },
	{ "sender-login", "refused@catching.test", NULL },
	{ "sender-login", "still@catching.test", "john@here.test" },
	{ "mailbox", "copied@here.test", "copied@here.test" },
	{ "alias", "copied@here.test", NULL },
	/* mailboxes with an end, mailboxes that only receive */
	{ "mailbox", "late@here.test", NULL },
	{ "mailbox", "soon@here.test", "soon@here.test" },
	{ "alias", "ended@catching.test", NULL },
	{ "alias", "mixed@here.test", "john@here.test" },
	{ "sender-login", "late@here.test", NULL },
	{ "sender-login", "soon@here.test", "soon@here.test" },
	{ "mailbox", "reader@here.test", "reader@here.test" },
	{ "sender-login", "reader@here.test", NULL },
	{ "sender-login", "team@here.test", "john@here.test" },
	/* relay domains */
	{ "domain", "relay.test", NULL },
	{ "alias", "anybody@relay.test", NULL },
	{ "alias", "Any.Body@relay.test", NULL },
	{ "alias", "local@relay.test", "john@here.test" },
	{ "alias", "known@listed.test", NULL },
	{ "alias", "copy@listed.test", "copy@listed.test, john@here.test" },
	{ "alias", "known@relaytwin.test", "known@listed.test" },
	{ "mailbox", "anybody@relay.test", NULL },
	{ "sender-login", "local@relay.test", "john@here.test" },
	{ "sender-login", "anybody@relay.test", NULL },
	{ "sender-transport", "anybody@relay.test", NULL },
	{ "relay-domain", "relay.test", "relay.test" },
	{ "relay-domain", "Relay.TEST", "Relay.TEST" },
	{ "relay-domain", "here.test", NULL },
	{ "relay-domain", "mx.here.test", NULL },
	{ "relay-domain", "foreign.test", NULL },
	{ "relay-domain", "anybody@relay.test", NULL },
	{ "relay-recipient", "Any.Body@relay.test", "Any.Body@relay.test" },
	{ "relay-recipient", "local@relay.test", NULL },
	{ "relay-recipient", "gone@relay.test", NULL },
	{ "relay-recipient", "known@listed.test", "known@listed.test" },
	{ "relay-recipient", "known+x@listed.test", "known+x@listed.test" },
	{ "relay-recipient", "copy@listed.test", "copy@listed.test" },
	{ "relay-recipient", "ended@listed.test", NULL },
	{ "relay-recipient", "unknown@listed.test", NULL },
	{ "relay-recipient", "john@here.test", NULL },
	{ "relay-recipient", "out@foreign.test", NULL },
	/* rules: the narrowest holds */
	{ "client-access", "192.0.2.1", "REJECT go away" },
	{ "client-access", "192.0.2.7", "DUNNO" },
	{ "client-access", "192.0.3.1", NULL },
	{ "client-access", "2001:db8::1", "DEFER" },
	{ "client-access", "bad.test", "REJECT" },
	{ "client-access", "host.BAD.test", "HOLD" },
	{ "client-access", "good.bad.test", "DUNNO" },
	{ "client-access", "notbad.test", NULL },
	{ "client-access", "unknown", NULL },
	{ "client-access", "open.test", NULL },
	{ "sender-access", "Evil@foreign.test", "REJECT 5.7.1 no" },
	{ "sender-access", "other@foreign.test", "WARN" },
	{ "sender-access", "other@sub.foreign.test", "DEFER" },
	{ "sender-access", "<>", "HOLD" },
	{ "sender-access", "other@elsewhere.test", NULL },
	{ "recipient-access", "john@here.test", "REJECT" },
	{ "recipient-access", "jane@here.test", NULL },
	{ "milter", "192.0.2.1", "DISABLE" },
	{ "milter", "192.0.2.8", "inet:127.0.0.1:8891, unix:/run/x.sock" },
	{ "milter", "198.51.100.1", NULL },
	{ "transport", "*", NULL },
	{ "transport", "x@far.test", "smtp:[192.0.2.1]:2525" },
	{ "transport", "x@sub.far.test", "smtp:[192.0.2.2]" },
	{ "transport", "x@other.test", "error:5.1.2 closed" },
	{ "transport", "john@here.test", NULL },
	{ "transport", "jane@here.test", "smtp:[192.0.2.3]" },
	{ "transport", "jane+x@here.test", NULL },
	{ "transport", "x@relay.test", "smtp:[192.0.2.9]:25" },
	{ "transport", "boss@relay.test", "lmtp:unix:/run/x" },
	{ "transport", "x@mx.here.test", NULL },
	{ "transport", "x@elsewhere.example", NULL },
};

static const struct mr_map *map_named(const char *name)
{
	for (size_t i = 0; mr_maps[i]; i++)
		if (strcmp(mr_maps[i]->name, name) == 0)
			return mr_maps[i];
	fail_msg("no map %s", name);
	return NULL;
}

static const struct mr_site site = { .delimiter = '+',
				     .hostname = MR_LIT("mx.here.test"),
				     .forward = MR_LIT("smtp:[127.0.0.1]:10027"),
				     .srs = {
					 .secrets = { MR_LIT("secret") }, .n_secrets = 1, .domain = MR_LIT("mx.here.test"), .now = NOW } };

static void ask(struct rowview *view, struct mr_arena *arena, const char *map, const char *key, struct mr_map_answer *out)
{
	struct mr_walk w = { &view->view, &site, arena, NOW };

	for (unsigned rounds = 0; rounds < 20; rounds++) {
		*out = (struct mr_map_answer){ .status = MR_SOCKETMAP_NOTFOUND };
		map_named(map)->find(&w, mr_slice_of(key), out);
		if (!out->waiting)
			return;
		assert_true(rowview_fetch(view) > 0);
	}
	fail_msg("%s %s: never ends", map, key);
}

static void answers(struct rowtext *rows, const struct map_case *c, bool staged)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_map_answer a;
	struct rowview view;

	rowview_init(&view, rows, staged);
	ask(&view, arena, c->map, c->key, &a);
	if (c->expected == NULL && a.status != MR_SOCKETMAP_NOTFOUND)
		fail_msg("%s %s: found %.*s", c->map, c->key, (int)a.data.n, a.data.p);
	if (c->expected != NULL && (a.status != MR_SOCKETMAP_OK || !mr_slice_eq(a.data, mr_slice_of(c->expected))))
		fail_msg("%s %s: %d %.*s", c->map, c->key, (int)a.status, (int)a.data.n, a.data.p);
	rowview_done(&view);
}

static void maps(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		answers(rows, &cases[i], false);
		answers(rows, &cases[i], true);
	}
	rowtext_free(rows);
}

/* A plain mailbox costs the three rows that it always did; an alias domain those of both domains, in two rounds. */
static void rows_looked_at(void **state)
{
	static const struct {
		const char *key;
		size_t looks, rounds;
	} asked[] = { { "john@here.test", 3, 1 }, { "jane@twin.test", 6, 2 }, { "anybody@relay.test", 3, 1 } };
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	mr_autoarena arena = mr_arena_new(0);
	struct rowview view;
	struct mr_resolved r;

	for (size_t i = 0; i < MR_COUNT(asked); i++) {
		size_t rounds = 0;
		rowview_init(&view, rows, true);
		struct mr_walk w = { &view.view, &site, arena, NOW };
		for (mr_resolve(&w, mr_slice_of(asked[i].key), MR_RESOLVE_DELIVER, &r); r.waiting; rounds++) {
			view.looks = 0;
			rowview_fetch(&view);
			mr_resolve(&w, mr_slice_of(asked[i].key), MR_RESOLVE_DELIVER, &r);
		}
		assert_int_equal(rounds, asked[i].rounds);
		assert_int_equal(view.looks, asked[i].looks);
		rowview_done(&view);
	}
	rowtext_free(rows);
}

/* The rows of the other domain away: not now, never "nobody". */
static void away(void **state)
{
	struct rowtext *rows = rowtext_new(MR_LIT("domain twin.test alias-of here.test\n"));
	mr_autoarena arena = mr_arena_new(0);
	struct rowview view;
	struct mr_map_answer a;

	rowview_init(&view, rows, false);
	view.temp = true;
	ask(&view, arena, "alias", "jane@twin.test", &a);
	assert_int_equal(a.status, MR_SOCKETMAP_TEMP);
	rowview_done(&view);
	rowtext_free(rows);
}

/* A rule that may be out of date does not refuse for good. */
static void stale(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	mr_autoarena arena = mr_arena_new(0);
	struct rowview view;
	struct mr_map_answer a;

	rowview_init(&view, rows, false);
	view.view.stale = true;
	ask(&view, arena, "client-access", "192.0.2.1", &a);
	assert_int_equal(a.status, MR_SOCKETMAP_TEMP);
	ask(&view, arena, "client-access", "2001:db8::1", &a);
	assert_int_equal(a.status, MR_SOCKETMAP_OK);
	rowview_done(&view);
	rowtext_free(rows);
}

/* Maps of the site: the key in lower case, never one that the database would choke on; what may be out of date says "there", not "not
 * there". */
static void views(void **state)
{
	static const struct {
		const char *key;
		bool away, stale;
		enum mr_socketmap_status status;
	} asked[] = { { "Acme.Test", false, false, MR_SOCKETMAP_OK },       { "acme.test", false, true, MR_SOCKETMAP_OK },
		      { "else.test", false, false, MR_SOCKETMAP_NOTFOUND }, { "else.test", false, true, MR_SOCKETMAP_TEMP },
		      { "else.test", true, false, MR_SOCKETMAP_TEMP },      { "\xff\xfe", true, false, MR_SOCKETMAP_NOTFOUND },
		      { "", false, false, MR_SOCKETMAP_NOTFOUND } };
	struct rowtext *rows = rowtext_new(MR_LIT("view v_partners acme.test smtp:[a]\n"));
	mr_autoarena arena = mr_arena_new(0);
	struct rowview view;

	rowview_init(&view, rows, false);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	for (size_t i = 0; i < MR_COUNT(asked); i++) {
		struct mr_map_answer a = { .status = MR_SOCKETMAP_NOTFOUND };
		view.temp = asked[i].away;
		view.view.stale = asked[i].stale;
		mr_map_view(&w, MR_LIT("v_partners"), mr_slice_of(asked[i].key), &a);
		assert_int_equal(a.status, asked[i].status);
	}
	rowview_done(&view);
	rowtext_free(rows);
}

/* What an account may do after its end, and one that only receives. */
static void accounts(void **state)
{
	static const struct {
		const char *address;
		bool enabled, receive, receive_only;
	} asked[] = { { "john@here.test", true, true, false },
		      { "late@here.test", false, false, false },
		      { "soon@here.test", true, true, false },
		      { "reader@here.test", true, true, true } };
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	mr_autoarena arena = mr_arena_new(0);
	struct mr_usage *usage = mr_usage_new(NULL, &(struct mr_usage_config){ .path = "", .redis_prefix = "" });
	const struct mr_directory_context context = { .usage = usage, .defaults.at = { NAN, NAN, 6, NAN, 15, NAN, NAN } };
	struct rowview view;
	struct mr_account a;

	rowview_init(&view, rows, false);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	for (size_t i = 0; i < MR_COUNT(asked); i++) {
		mr_account_find(&w, &context, mr_slice_of(asked[i].address), &a);
		assert_int_equal(a.status, MR_DIR_OK);
		assert_int_equal(a.account.enabled, asked[i].enabled);
		assert_int_equal(a.account.receive, asked[i].receive);
		assert_int_equal(a.account.receive_only, asked[i].receive_only);
	}
	mr_usage_free(usage);
	rowview_done(&view);
	rowtext_free(rows);
}

/* An address in a relay domain has the thresholds and lists of that domain and of the site; one elsewhere is in none of ours. */
static void relayed(void **state)
{
	static const struct {
		const char *asked, *domain;
	} t[] = { { "anybody@relay.test", "relay.test" },
		  { "known@listed.test", "listed.test" },
		  { "known@relaytwin.test", "listed.test" },
		  { "x@foreign.test", NULL } };
	const struct mr_directory_context context = { .defaults.at = { NAN, NAN, 6, NAN, 15, NAN, NAN } };
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	char pattern[] = "worse.test";
	struct mr_row_pattern patterns = { pattern, false };
	struct mr_row_global site_wide = { .patterns = &patterns, .n_patterns = 1, .limits = "" };
	struct mr_row *global = mr_row_of_global(&site_wide);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dir_account a;
	struct mr_resolved r;
	struct rowview view;

	rowview_init(&view, rows, false);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_resolve(&w, mr_slice_of(t[i].asked), MR_RESOLVE_DELIVER, &r);
		assert_int_equal(r.n_finals, t[i].domain != NULL);
		assert_true(r.n_finals == 0 || strcmp(r.finals[0].domain->domain.name, t[i].domain) == 0);
		if (r.n_finals == 0)
			continue;
		bool own = strcmp(t[i].domain, "relay.test") == 0;
		mr_account_fill_relayed(&w, &context, r.finals[0].domain, global, &a);
		assert_true(a.thresholds.at[MR_AT_JUNK] == (own ? 7 : 6) && a.thresholds.at[MR_AT_REJECT] == 15);
		assert_true(isnan(a.thresholds.at[MR_AT_HEADER]));
		assert_int_equal(a.n_patterns, own ? 2 : 1);
		assert_slice(a.patterns[a.n_patterns - 1].pattern, "worse.test");
		assert_true(!own || mr_slice_eq(a.patterns[0].pattern, MR_LIT("bad.test")));
	}
	mr_resolve(&w, MR_LIT("copied@here.test"), MR_RESOLVE_DELIVER, &r);
	for (size_t i = 0; i < r.n_finals; i++)
		assert_true(r.finals[i].local || r.finals[i].domain == NULL);
	mr_row_unref(global);
	rowview_done(&view);
	rowtext_free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(maps),   cmocka_unit_test(rows_looked_at), cmocka_unit_test(away),
					    cmocka_unit_test(stale),  cmocka_unit_test(views),          cmocka_unit_test(accounts),
					    cmocka_unit_test(relayed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
