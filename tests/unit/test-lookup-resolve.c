/* test-lookup-resolve: who gets mail for an address, and what Postfix's maps say, over one directory. Each question is also asked of a view
 * that gives its rows only after they were asked for: the answer must be the same. F003 to F010, F013, F022 to F024, F210, G07. */

/* system */
#include <string.h>

/* ours */
#include "mail/address.h"
#include "map.h"
#include "resolve.h"
#include "support/rowtext.h"
#include "unit.h"

#define NOW 1800000000

static const char directory[] = "domain example.test\n"
				"domain other.test\n"
				"domain closed.test off\n"
				"mailbox john@example.test\n"
				"mailbox john-doe@example.test\n"
				"mailbox jane@example.test\n"
				"mailbox robot@example.test send-only\n"
				"mailbox sleeper@example.test off\n"
				"mailbox team@example.test\n"
				"mailbox moved@example.test\n"
				"mailbox ring1@example.test\n"
				"mailbox admin@other.test\n"
				"mailbox lost@closed.test\n"
				"alias sales@example.test john@example.test jane@example.test out@foreign.test\n"
				"alias twice@example.test john@example.test JOHN@Example.Test sales@example.test\n"
				"alias info@example.test sales@example.test\n"
				"alias team@example.test john@example.test team@example.test out@foreign.test\n"
				"alias moved@example.test New.Home@foreign.test\n"
				"alias machine@example.test robot@example.test\n"
				"alias mixed@example.test robot@example.test jane@example.test\n"
				"alias loop1@example.test loop2@example.test\n"
				"alias loop2@example.test loop1@example.test\n"
				"alias ring1@example.test ring2@example.test\n"
				"alias ring2@example.test ring1@example.test\n"
				"alias self@example.test self@example.test\n"
				"alias nowhere@example.test gone@example.test\n"
				"alias broken@example.test no-address @ jane@example.test\n"
				"alias tagged@example.test john+shop@example.test\n"
				"alias toclosed@example.test lost@closed.test jane@example.test\n"
				"alias abuse@example.test jane@example.test\n"
				"alias @other.test jane@example.test\n"
				"alias exact@other.test john@example.test\n"
				"mailbox sendonly@other.test send-only\n"
				"mailbox locked@example.test locked\n"
				"mailbox caught@example.test locked\n"
				"alias both@example.test locked@example.test caught@example.test\n"
				"alias shared@example.test locked@example.test john@example.test\n"
				"alias onward@example.test locked@example.test out@foreign.test\n";

static struct mr_slice exempt[] = { MR_LIT("exempt.test"), MR_LIT(".below.test"), MR_LIT("one@only.test") };

static struct mr_site site_with(char delimiter)
{
	return (struct mr_site){
		.delimiter = delimiter,
		.hostname = MR_LIT("mx.example.test"),
		.postmaster = MR_LIT("admin@other.test"),
		.forward = MR_LIT("smtp:[127.0.0.1]:10027"),
		.exempt = exempt,
		.n_exempt = MR_COUNT(exempt),
		.srs = { .secrets = { MR_LIT("secret") }, .n_secrets = 1, .domain = MR_LIT("srs.example.test"), .now = NOW },
	};
}

/* "status finals..." with L for local, F for foreign, - before what takes no mail. */
static void describe(const struct mr_resolved *r, struct mr_arena *arena, char *text, size_t max)
{
	size_t n = (size_t)snprintf(text, max, "%s%s", mr_dir_status_str(r->status), r->hosted ? "" : " foreign-domain");

	for (size_t i = 0; i < r->n_finals && n < max; i++) {
		struct mr_slice d = mr_final_deliver(&r->finals[i], true, arena);
		n += (size_t)snprintf(text + n, max - n, " %s%s:%.*s", r->finals[i].receive ? "" : "-", r->finals[i].local ? "L" : "F",
				      (int)d.n, d.p);
	}
}

static void resolve_text(struct rowtext *rows, bool staged, char delimiter, const char *address, enum mr_resolve_purpose purpose,
			 char *text, size_t max)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_site site = site_with(delimiter);
	struct rowview view;
	struct mr_resolved r;
	unsigned rounds = 0;

	rowview_init(&view, rows, staged);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	mr_resolve(&w, mr_slice_of(address), purpose, &r);
	while (r.waiting) {
		assert_true(rowview_fetch(&view) > 0);
		assert_in_range(++rounds, 1, 40);
		mr_resolve(&w, mr_slice_of(address), purpose, &r);
	}
	describe(&r, arena, text, max);
	rowview_done(&view);
}

struct resolve_case {
	const char *address, *expected;
	char delimiter; /* 0 = '+' */
};

static const struct resolve_case cases[] = {
	{ "john@example.test", "ok L:john@example.test" },
	{ "John@EXAMPLE.test", "ok L:john@example.test" }, /* F010 */
	{ "nobody@example.test", "notfound" },
	{ "someone@foreign.test", "notfound foreign-domain" },
	{ "", "notfound foreign-domain" },
	{ "no-at-sign", "notfound foreign-domain" },
	{ "@example.test", "notfound foreign-domain" },
	/* extensions: F008, F009 */
	{ "john+shop@example.test", "ok L:john+shop@example.test" },
	{ "john+a+b@example.test", "ok L:john+a+b@example.test" },
	{ "john+@example.test", "ok L:john@example.test" },
	{ "john-shop@example.test", "notfound" },
	{ "john-shop@example.test", "ok L:john+shop@example.test", '-' },
	{ "john-doe@example.test", "ok L:john-doe@example.test", '-' },
	{ "john-doe@example.test", "ok L:john-doe@example.test" },
	{ "john-doe-shop@example.test", "ok L:john-doe+shop@example.test", '-' },
	{ "john+shop@example.test", "ok L:john+shop@example.test", '-' },
	{ "sales+x@example.test", "ok L:john+x@example.test L:jane+x@example.test F:out@foreign.test" },
	{ "john+doe-x@example.test", "ok L:john+doe-x@example.test", '-' },
	{ "john-doe+a-b@example.test", "ok L:john-doe+a-b@example.test", '-' },
	{ "-john@example.test", "notfound", '-' },
	/* aliases: F005, F006, F007 */
	{ "sales@example.test", "ok L:john@example.test L:jane@example.test F:out@foreign.test" },
	{ "twice@example.test", "ok L:john@example.test L:jane@example.test F:out@foreign.test" },
	{ "info@example.test", "ok L:john@example.test L:jane@example.test F:out@foreign.test" },
	{ "moved@example.test", "ok F:New.Home@foreign.test" },
	{ "tagged@example.test", "ok L:john+shop@example.test" },
	{ "tagged+own@example.test", "ok L:john+shop@example.test" },
	{ "broken@example.test", "ok L:jane@example.test" },
	{ "nowhere@example.test", "notfound" },
	/* a copy kept, and how that mailbox is named so that it is not opened again */
	{ "team@example.test", "ok L:john@example.test L:team+@example.test F:out@foreign.test" },
	{ "team+@example.test", "ok L:team+@example.test" },
	{ "team+junk@example.test", "ok L:team+junk@example.test" },
	/* loops */
	{ "loop1@example.test", "notfound" },
	{ "self@example.test", "notfound" },
	{ "ring1@example.test", "ok L:ring1+@example.test" },
	{ "ring2@example.test", "ok L:ring1+@example.test" },
	/* switches: F013 */
	{ "robot@example.test", "notfound -L:robot@example.test" },
	{ "robot+x@example.test", "notfound -L:robot+x@example.test" },
	{ "machine@example.test", "notfound -L:robot@example.test" },
	{ "mixed@example.test", "ok -L:robot@example.test L:jane@example.test" },
	{ "sleeper@example.test", "ok L:sleeper@example.test" },
	{ "lost@closed.test", "notfound" },
	{ "toclosed@example.test", "ok L:jane@example.test" },
	/* catch-all: F003, F004 */
	{ "anything@other.test", "ok L:jane@example.test" },
	{ "exact@other.test", "ok L:john@example.test" },
	{ "admin@other.test", "ok L:admin@other.test" },
	{ "admin+x@other.test", "ok L:admin+x@other.test" },
	{ "sendonly@other.test", "notfound -L:sendonly@other.test" },
	/* role addresses: F210 */
	{ "postmaster@example.test", "ok L:admin@other.test" },
	{ "PostMaster@example.test", "ok L:admin@other.test" },
	{ "abuse@example.test", "ok L:jane@example.test" },
	{ "postmaster@mx.example.test", "ok L:admin@other.test" },
	{ "abuse@srs.example.test", "ok L:admin@other.test" },
	{ "postmaster@other.test", "ok L:jane@example.test" },
	{ "postmaster@foreign.test", "notfound foreign-domain" },
	{ "root@mx.example.test", "notfound" },
};

static void resolves(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	char text[1000], staged[1000];

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		const struct resolve_case *c = &cases[i];
		resolve_text(rows, false, c->delimiter ? c->delimiter : '+', c->address, MR_RESOLVE_DELIVER, text, sizeof(text));
		resolve_text(rows, true, c->delimiter ? c->delimiter : '+', c->address, MR_RESOLVE_DELIVER, staged, sizeof(staged));
		if (strcmp(text, c->expected) != 0)
			print_error("%s (delimiter %c)\n", c->address, c->delimiter ? c->delimiter : '+');
		assert_string_equal(text, c->expected);
		assert_string_equal(staged, c->expected);
	}
	rowtext_free(rows);
}

/* F012. What was taken in before still finds its mailbox, so such a one is listed among the finals. */
static void disabled_refused(void **state)
{
	static const struct {
		const char *address;
		enum mr_dir_status store, refuse;
	} asked[] = {
		{ "sleeper@example.test", MR_DIR_OK, MR_DIR_NOTFOUND }, { "sleeper+x@example.test", MR_DIR_OK, MR_DIR_NOTFOUND },
		{ "nap@example.test", MR_DIR_OK, MR_DIR_NOTFOUND },     { "both@example.test", MR_DIR_OK, MR_DIR_OK },
		{ "john@example.test", MR_DIR_OK, MR_DIR_OK },
	};
	struct rowtext *rows = rowtext_new(MR_LIT("domain example.test\nmailbox sleeper@example.test off\nmailbox john@example.test\n"
						  "alias nap@example.test sleeper@example.test\n"
						  "alias both@example.test sleeper@example.test john@example.test\n"));
	mr_autoarena arena = mr_arena_new(0);
	struct mr_site site = site_with('+');
	struct rowview view;
	struct mr_resolved r;

	rowview_init(&view, rows, false);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	for (size_t i = 0; i < MR_COUNT(asked); i++) {
		site.refuse_disabled = false;
		mr_resolve(&w, mr_slice_of(asked[i].address), MR_RESOLVE_DELIVER, &r);
		assert_int_equal(r.status, asked[i].store);
		site.refuse_disabled = true;
		mr_resolve(&w, mr_slice_of(asked[i].address), MR_RESOLVE_DELIVER, &r);
		assert_int_equal(r.status, asked[i].refuse);
		for (size_t k = 0; k < r.n_finals; k++)
			assert_int_equal(r.finals[k].receive, r.finals[k].mailbox->mailbox.enabled);
	}
	rowview_done(&view);
	rowtext_free(rows);
}

/* Whatever is behind an address: asked for one of its finals, lookup names nothing that was not named before. */
static void finals_are_closed(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_site site = site_with('-');
	struct rowview view;
	struct mr_resolved r, again;
	unsigned compared = 0;

	rowview_init(&view, rows, false);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_resolve(&w, mr_slice_of(cases[i].address), MR_RESOLVE_DELIVER, &r);
		for (size_t k = 0; k < r.n_finals; k++) {
			if (!r.finals[k].local)
				continue;
			struct mr_slice name = mr_final_deliver(&r.finals[k], true, arena);
			mr_resolve(&w, name, MR_RESOLVE_DELIVER, &again);
			assert_int_equal(again.n_finals, 1);
			assert_true(mr_slice_eq(mr_final_deliver(&again.finals[0], true, arena), name));
			compared++;
		}
	}
	assert_true(compared > 30);
	rowview_done(&view);
	rowtext_free(rows);
}

static void rows_away(void **state)
{
	struct rowtext *rows = rowtext_new(MR_LIT("domain example.test\nalias a@example.test b@example.test\nmailbox john@example.test\n"));
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_site site = site_with('+');
	struct rowview view;
	struct mr_resolved r;

	rowview_init(&view, rows, false);
	view.temp = true;
	struct mr_walk w = { &view.view, &site, arena, NOW };
	const char *const asked[] = { "a@example.test", "nobody@example.test", "john@example.test", "x@foreign.test" };
	for (size_t i = 0; i < MR_COUNT(asked); i++) {
		mr_resolve(&w, mr_slice_of(asked[i]), MR_RESOLVE_DELIVER, &r);
		assert_int_equal(r.status, MR_DIR_TEMP);
	}
	/* what is past its age may say "here", never "nobody" */
	view.temp = false;
	view.view.stale = true;
	mr_resolve(&w, MR_LIT("john@example.test"), MR_RESOLVE_DELIVER, &r);
	assert_int_equal(r.status, MR_DIR_OK);
	mr_resolve(&w, MR_LIT("nobody@example.test"), MR_RESOLVE_DELIVER, &r);
	assert_int_equal(r.status, MR_DIR_TEMP);
	rowview_done(&view);
	rowtext_free(rows);
}

static const struct mr_map *map_named(const char *name)
{
	for (size_t i = 0; mr_maps[i]; i++) {
		if (strcmp(mr_maps[i]->name, name) == 0)
			return mr_maps[i];
	}
	fail_msg("no map %s", name);
	return NULL;
}

static struct mr_map_answer ask_map(const struct mr_walk *w, const char *map, struct mr_slice key)
{
	struct mr_map_answer out = { .status = MR_SOCKETMAP_NOTFOUND };

	map_named(map)->find(w, key, &out);
	return out;
}

static void bounds(void **state)
{
	struct mr_buf text = MR_BUF(1 << 22);
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_site site = site_with('+');
	struct rowview view;
	struct mr_resolved r;

	mr_buf_puts(&text, "domain e.test\n");
	for (int i = 0; i < 30; i++)
		mr_buf_printf(&text, "alias chain%d@e.test chain%d@e.test\n", i, i + 1);
	mr_buf_puts(&text, "mailbox chain30@e.test\nalias many@e.test");
	for (int i = 0; i < MR_DIR_FINALS_MAX; i++)
		mr_buf_printf(&text, " x%d@foreign.test", i);
	mr_buf_puts(&text, "\nalias more@e.test many@e.test one-more@foreign.test\nalias closed@e.test");
	for (int i = 0; i < MR_RESOLVE_CLOSED; i++)
		mr_buf_printf(&text, " closed%d@e.test closed%d+x@e.test", i, i);
	for (int i = 0; i <= MR_RESOLVE_CLOSED; i++)
		mr_buf_printf(&text, "\nalias closed%d@e.test rights internal chain30@e.test", i);
	mr_buf_printf(&text, "\nalias shut@e.test closed@e.test closed%d@e.test\n", MR_RESOLVE_CLOSED);
	struct rowtext *rows = rowtext_new(mr_buf_slice(&text));
	rowview_init(&view, rows, false);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	mr_resolve(&w, MR_LIT("chain0@e.test"), MR_RESOLVE_DELIVER, &r);
	assert_int_equal(r.status, MR_DIR_BAD);
	mr_resolve(&w, MR_LIT("chain11@e.test"), MR_RESOLVE_DELIVER, &r);
	assert_int_equal(r.status, MR_DIR_OK);
	mr_resolve(&w, MR_LIT("many@e.test"), MR_RESOLVE_DELIVER, &r);
	assert_int_equal(r.status, MR_DIR_OK);
	assert_int_equal(r.n_finals, MR_DIR_FINALS_MAX);
	mr_resolve(&w, MR_LIT("more@e.test"), MR_RESOLVE_DELIVER, &r);
	assert_int_equal(r.status, MR_DIR_BAD);
	mr_resolve(&w, MR_LIT("closed@e.test"), MR_RESOLVE_DELIVER, &r); /* each once, however it is reached */
	assert_int_equal(r.status, MR_DIR_OK);
	assert_int_equal(r.n_aliases, MR_RESOLVE_CLOSED);
	mr_resolve(&w, MR_LIT("shut@e.test"), MR_RESOLVE_DELIVER, &r);
	assert_int_equal(r.status, MR_DIR_BAD);
	assert_int_equal(ask_map(&w, "alias", MR_LIT("shut@e.test")).status,
			 MR_SOCKETMAP_PERM); /* nobody gets in past rights that were not looked at */
	rowview_done(&view);
	rowtext_free(rows);
	mr_buf_done(&text);
}

/* NULL = NOTFOUND */
static const struct {
	const char *map, *key, *expected;
} map_cases[] = {
	{ "domain", "example.test", "example.test" },
	{ "domain", "EXAMPLE.test", "EXAMPLE.test" },
	{ "domain", "mx.example.test", "mx.example.test" },
	{ "domain", "foreign.test", NULL },
	{ "domain", "", NULL },
	{ "domain", "john@example.test", NULL },
	{ "mailbox", "john@example.test", "john@example.test" },
	{ "mailbox", "john+x@example.test", "john@example.test" },
	{ "mailbox", "team@example.test", "team@example.test" },
	{ "mailbox", "team+@example.test", "team@example.test" },
	{ "mailbox", "moved@example.test", NULL },
	{ "mailbox", "sales@example.test", NULL },
	{ "mailbox", "robot@example.test", NULL },
	{ "mailbox", "@example.test", NULL },
	{ "mailbox", "example.test", NULL },
	{ "alias", "john@example.test", NULL },
	{ "alias", "John@example.test", NULL },
	{ "alias", "john+x@example.test", NULL },
	{ "alias", "john_x@example.test", "john+x@example.test" },
	{ "alias", "sales@example.test", "john@example.test, jane@example.test, out@foreign.test" },
	{ "alias", "team@example.test", "john@example.test, team@example.test, out@foreign.test" },
	{ "alias", "team+@example.test", NULL },
	{ "alias", "team+junk@example.test", NULL },
	{ "alias", "mixed@example.test", "jane@example.test" },
	{ "alias", "machine@example.test", NULL },
	{ "alias", "out@foreign.test", NULL },
	{ "alias", "example.test", NULL },
	{ "alias", "@other.test", NULL },
	{ "alias", "new@other.test", "jane@example.test" },
	{ "alias", "postmaster@example.test", "admin@other.test" },
	{ "sender-login", "john@example.test", "john@example.test" },
	{ "sender-login", "john+x@example.test", "john@example.test" },
	{ "sender-login", "sales@example.test", "john@example.test, jane@example.test" },
	{ "sender-login", "info@example.test", "john@example.test, jane@example.test" },
	{ "sender-login", "team@example.test", "team@example.test" },
	{ "sender-login", "moved@example.test", "moved@example.test" },
	{ "sender-login", "robot@example.test", "robot@example.test" },
	{ "sender-login", "machine@example.test", "robot@example.test" },
	{ "sender-login", "x@foreign.test", NULL },
	{ "sender-login", "locked@example.test", NULL },
	{ "sender-login", "both@example.test", NULL },
	{ "sender-login", "shared@example.test", "john@example.test" },
	{ "mailbox", "locked@example.test", "locked@example.test" }, /* what comes in is delivered */
	{ "alias", "both@example.test", "locked@example.test, caught@example.test" },
	{ "sender-login", "<>", NULL },
	{ "sender-transport", "x@foreign.test", "smtp:[127.0.0.1]:10027" },
	{ "sender-transport", "john@example.test", NULL },
	{ "sender-transport", "locked@example.test", "retry:4.7.0 account locked" },
	{ "sender-transport", "Locked+shop@example.test", "retry:4.7.0 account locked" },
	{ "sender-transport", "both@example.test", "retry:4.7.0 account locked" },
	{ "sender-transport", "onward@example.test", "retry:4.7.0 account locked" },
	{ "sender-transport", "shared@example.test", NULL }, /* it may be John's */
	{ "sender-transport", "nobody@example.test", NULL },
	{ "sender-transport", "SRS0=aaaa=bb=foreign.test=x@srs.example.test", NULL },
	{ "sender-transport", "root@mx.example.test", NULL },
	{ "sender-transport", "<>", NULL },
	{ "sender-transport", "\"<>\"", NULL },
	{ "sender-transport", "", NULL },
	{ "sender-transport", "@example.test", NULL },
	{ "sender-transport", "@foreign.test", NULL },
	{ "sender-transport", "SRS1=x@foreign.test", NULL }, /* whom the pass cannot rewrite would come round again and again */
	{ "sender-transport", "x@foreign=test", NULL },
	{ "sender-transport", "x@Exempt.test", NULL },
	{ "sender-transport", "x@sub.exempt.test", "smtp:[127.0.0.1]:10027" },
	{ "sender-transport", "x@a.below.test", NULL },
	{ "sender-transport", "x@below.test", "smtp:[127.0.0.1]:10027" },
	{ "sender-transport", "One@only.test", NULL },
	{ "sender-transport", "two@only.test", "smtp:[127.0.0.1]:10027" },
	{ "srs", "x@exempt.test", NULL },
	{ "srs", "SRS1=x@foreign.test", NULL },
	{ "srs", "x@foreign=test", NULL },
	{ "srs", "john@example.test", NULL },
	{ "srs", "<>", NULL },
	{ "srs", "", NULL },
	{ "srs", "@foreign.test", NULL },
	{ "srs", "foreign.test", NULL },
	{ "srs", "SRS0=aaaa=bb=foreign.test=x@srs.example.test", NULL },
	{ "srs", "EXEMPT==foreign.test=x@example.test", NULL }, /* asks in a domain that does not rewrite */
	{ "exempt", "john@example.test", NULL },
	{ "exempt", "x@foreign.test", NULL },
	{ "exempt", "@srs.example.test", NULL },
	{ "exempt", "", NULL },
	{ "exempt", "<>", NULL },
};

static void maps(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	const struct mr_site site = site_with('_');

	for (size_t i = 0; i < MR_COUNT(map_cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct rowview view;
		struct mr_map_answer a;
		rowview_init(&view, rows, true);
		struct mr_walk w = { &view.view, &site, arena, NOW };
		do {
			a = (struct mr_map_answer){ .status = MR_SOCKETMAP_NOTFOUND };
			map_named(map_cases[i].map)->find(&w, mr_slice_of(map_cases[i].key), &a);
		} while (a.waiting && rowview_fetch(&view) > 0);
		assert_false(a.waiting);
		if (map_cases[i].expected == NULL ? a.status != MR_SOCKETMAP_NOTFOUND : a.status != MR_SOCKETMAP_OK)
			print_error("%s %s\n", map_cases[i].map, map_cases[i].key);
		assert_int_equal(a.status, map_cases[i].expected ? MR_SOCKETMAP_OK : MR_SOCKETMAP_NOTFOUND);
		if (map_cases[i].expected)
			assert_slice(a.data, map_cases[i].expected);
		rowview_done(&view);
	}
	rowtext_free(rows);
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* As Postfix writes them: in quotes where they need some. */
static const char *const strangers[] = {
	"Some.One@foreign.test",
	"bounces+1234-abcd-someone=example.test@a-long-name.of-a-list-host.foreign.test",
	X50 X50 "@foreign.test",
	X50 X50 X50 "@" X50 "." X50 ".test",
	"SRS0=HHHH=TT=" X50 ".test=" X50 "@foreign.test",
	"SRS1=HHHH=first.test==HHHH=TT=" X50 ".test=" X50 "@foreign.test",
	"\"a b\"@foreign.test",
	"\"some..one.\"@foreign.test",
	"\"a\\\"b\\\\\"@foreign.test",
	"x@[192.0.2.1]",
};

/* Out with a rewritten sender, back through the alias map; forged or old: nobody there. */
static void srs_there_and_back(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_site site = site_with('+');
	struct rowview view;

	rowview_init(&view, rows, false);
	for (size_t i = 0; i < MR_COUNT(strangers); i++) {
		struct mr_walk w = { &view.view, &site, arena, NOW };
		struct mr_map_answer out = ask_map(&w, "srs", mr_slice_of(strangers[i]));
		bool again = strncmp(strangers[i], "SRS1", 4) == 0; /* leads to whom its first host made it for */
		assert_int_equal(out.status, MR_SOCKETMAP_OK);
		assert_true(mr_slice_iends(out.data, MR_LIT("@srs.example.test")));
		assert_int_equal(ask_map(&w, "sender-transport", mr_slice_of(strangers[i])).status, MR_SOCKETMAP_OK);
		assert_int_equal(ask_map(&w, "sender-transport", out.data).status, MR_SOCKETMAP_NOTFOUND);
		struct mr_map_answer back = ask_map(&w, "alias", out.data);
		assert_int_equal(back.status, MR_SOCKETMAP_OK);
		assert_slice(back.data, again ? "SRS0=HHHH=TT=" X50 ".test=" X50 "@first.test" : strangers[i]);
		char *changed = mr_arena_slice(arena, out.data), *hash = strchr(changed, '=') + 1;
		*hash = *hash == 'A' ? 'B' : 'A';
		assert_int_equal(ask_map(&w, "alias", mr_slice_of(changed)).status, MR_SOCKETMAP_NOTFOUND);
		w.now = NOW + 40 * 86400;
		if (strncmp(strangers[i], "SRS", 3) != 0)
			assert_int_equal(ask_map(&w, "alias", out.data).status, MR_SOCKETMAP_NOTFOUND);
	}
	rowview_done(&view);
	rowtext_free(rows);
}

/* Of an exempt client mail has an address of ours in the queue alone: on the wire, and where bounces go, it is the sender again. */
static void exempt_there_and_back(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_site site = site_with('+');
	struct rowview view;

	rowview_init(&view, rows, false);
	for (size_t i = 0; i < MR_COUNT(strangers); i++) {
		struct mr_walk w = { &view.view, &site, arena, NOW };
		struct mr_slice asks, meant = mr_address_unquote(mr_slice_of(strangers[i]), arena);
		assert_int_equal(mr_srs_exempt_ask(site.srs.domain, meant, arena, &asks), 0);
		asks = mr_address_quote(asks, arena);
		struct mr_map_answer out = ask_map(&w, "srs", asks);
		assert_int_equal(out.status, MR_SOCKETMAP_OK);
		assert_int_equal(ask_map(&w, "srs", out.data).status, MR_SOCKETMAP_NOTFOUND);
		assert_slice(ask_map(&w, "sender-transport", out.data).data, "mailreeve-exempt:");
		assert_slice(ask_map(&w, "exempt", out.data).data, strangers[i]);
		assert_slice(ask_map(&w, "alias", out.data).data, strangers[i]);
		assert_int_equal(ask_map(&w, "sender-login", out.data).status, MR_SOCKETMAP_NOTFOUND);
		char *changed = mr_arena_slice(arena, out.data), *hash = strchr(changed, '=') + 1;
		*hash = *hash == 'A' ? 'B' : 'A';
		const struct mr_slice bad[] = { mr_slice_of(changed), asks, out.data };
		for (size_t k = 0; k < MR_COUNT(bad); k++) {
			w.now = NOW + (k == 2 ? 40 * 86400 : 0); /* forged, not signed, too old */
			assert_int_equal(ask_map(&w, "alias", bad[k]).status, MR_SOCKETMAP_NOTFOUND);
			assert_int_equal(ask_map(&w, "exempt", bad[k]).status, MR_SOCKETMAP_NOTFOUND);
			assert_int_equal(ask_map(&w, "sender-transport", bad[k]).status, MR_SOCKETMAP_NOTFOUND);
		}
	}
	rowview_done(&view);
	rowtext_free(rows);
}

/* Without a secret nothing is rewritten, and so nothing is sent round to be. */
static void srs_off(void **state)
{
	struct rowtext *rows = rowtext_new(mr_slice_of(directory));
	mr_autoarena arena = mr_arena_new(0);
	struct mr_site site = site_with('+');
	struct rowview view;

	site.srs.n_secrets = 0;
	rowview_init(&view, rows, false);
	struct mr_walk w = { &view.view, &site, arena, NOW };
	assert_int_equal(ask_map(&w, "srs", MR_LIT("x@foreign.test")).status, MR_SOCKETMAP_NOTFOUND);
	assert_int_equal(ask_map(&w, "srs", MR_LIT("EXEMPT==foreign.test=x@srs.example.test")).status, MR_SOCKETMAP_NOTFOUND);
	assert_int_equal(ask_map(&w, "sender-transport", MR_LIT("x@foreign.test")).status, MR_SOCKETMAP_NOTFOUND);
	rowview_done(&view);
	rowtext_free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolves),           cmocka_unit_test(disabled_refused), cmocka_unit_test(finals_are_closed),
		cmocka_unit_test(rows_away),          cmocka_unit_test(bounds),           cmocka_unit_test(maps),
		cmocka_unit_test(srs_there_and_back), cmocka_unit_test(srs_off),          cmocka_unit_test(exempt_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
