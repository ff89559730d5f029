/* test-verdict: a table of messages, their recipients and lists, and what becomes of them (design: a verdict for each final mailbox). */

/* system */
#include <errno.h>
#include <math.h>

/* ours */
#include "unit.h"
#include "verdict.h"

/* A final in short: "address[ !|+PATTERN]... [junk=N] [quarantine=N] [reject=N]"; "~address" is foreign. Thresholds are 6 and 15 where not
 * given. */
struct rcpt {
	const char *address, *esmtp;
	enum mr_dir_status status;
	const char *finals[4];
};
struct row {
	const char *name;
	double score, quarantine_score; /* 0: 1000 */
	struct mr_verdict_outbound outbound;
	bool greylist; /* expected; the threshold is 4 */
	bool unknown, incomplete, refuse, held, trusted, accept_unknown;
	enum mr_virus virus;
	bool withhold; /* what has a virus */
	const char *sender, *from;
	struct rcpt rcpts[4];
	enum mr_action action;
	const char *edits; /* "-del +add[params] ..." in order, or NULL */
	const char *quarantine;
};

#define A "a@d.test"
#define B "b@d.test"
#define C "c@d.test"
#define S "s@out.test"

static const struct row rows[] = {
	{ .name = "clean", .sender = S, .rcpts = { { A, .finals = { A } } }, .action = MR_ACTION_ACCEPT },
	{ .name = "below greylisting", .score = 3.99, .sender = S, .rcpts = { { A, .finals = { A } } }, .action = MR_ACTION_ACCEPT },
	{ .name = "below junk",
	  .greylist = true,
	  .score = 5.99,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "junk", .score = 6, .sender = S, .rcpts = { { A, .finals = { A } } }, .action = MR_ACTION_JUNK },
	{ .name = "below refusal", .score = 14.99, .sender = S, .rcpts = { { A, .finals = { A } } }, .action = MR_ACTION_JUNK },
	{ .name = "refusal", .score = 15, .sender = S, .rcpts = { { A, .finals = { A } } }, .action = MR_ACTION_REJECT },
	{ .name = "own thresholds",
	  .score = 3,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " junk=2 reject=3" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "test string beats the allow list",
	  .refuse = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " +s@out.test" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "test string from our own",
	  .refuse = true,
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "nothing known", .unknown = true, .sender = S, .rcpts = { { A, .finals = { A } } }, .action = MR_ACTION_TEMPFAIL },
	{ .name = "nothing known, accepted",
	  .unknown = true,
	  .accept_unknown = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "nothing known, but denied",
	  .unknown = true,
	  .accept_unknown = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " !out.test" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "directory away", .sender = S, .rcpts = { { A, .status = MR_DIR_TEMP } }, .action = MR_ACTION_TEMPFAIL },
	{ .name = "directory away for one of two",
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { B, .status = MR_DIR_TEMP } },
	  .action = MR_ACTION_TEMPFAIL },
	{ .name = "directory away, accepted",
	  .accept_unknown = true,
	  .sender = S,
	  .rcpts = { { A, .status = MR_DIR_TEMP } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "directory away, junk by the site",
	  .score = 7,
	  .accept_unknown = true,
	  .sender = S,
	  .rcpts = { { A, .status = MR_DIR_TEMP } },
	  .action = MR_ACTION_JUNK },
	{ .name = "nobody there any more",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { A, .status = MR_DIR_NOTFOUND } },
	  .action = MR_ACTION_JUNK },
	{ .name = "kills scanners",
	  .held = true,
	  .unknown = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_HOLD },
	{ .name = "virus beats the allow list, and what kills scanners",
	  .virus = MR_VIRUS_FOUND,
	  .held = true,
	  .unknown = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " +s@out.test" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "virus withheld, as it was addressed",
	  .virus = MR_VIRUS_FOUND,
	  .withhold = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { B, C } }, { C, .status = MR_DIR_TEMP } },
	  .action = MR_ACTION_QUARANTINE,
	  .quarantine = A " " C },
	{ .name = "virus of our own is never withheld",
	  .virus = MR_VIRUS_FOUND,
	  .withhold = true,
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "nobody looked for viruses",
	  .virus = MR_VIRUS_AWAY,
	  .accept_unknown = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " +s@out.test" } } },
	  .action = MR_ACTION_TEMPFAIL },
	{ .name = "clamd does not finish it, each time that it comes",
	  .virus = MR_VIRUS_SLOW,
	  .accept_unknown = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_HOLD },
	{ .name = "nobody looked for viruses, but a test string",
	  .virus = MR_VIRUS_AWAY,
	  .refuse = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "not looked at, and that will do",
	  .virus = MR_VIRUS_UNCHECKED,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "denied address", .sender = S, .rcpts = { { A, .finals = { A " !s@out.test" } } }, .action = MR_ACTION_REJECT },
	{ .name = "denied domain", .sender = S, .rcpts = { { A, .finals = { A " !out.test" } } }, .action = MR_ACTION_REJECT },
	{ .name = "denied by header From",
	  .sender = "x@esp.test",
	  .from = S,
	  .rcpts = { { A, .finals = { A " !s@out.test" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "denied null sender", .sender = "", .rcpts = { { A, .finals = { A " !<>" } } }, .action = MR_ACTION_REJECT },
	{ .name = "no From is not the null sender",
	  .sender = S,
	  .from = "",
	  .rcpts = { { A, .finals = { A " !<>" } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "allowed", .score = 99, .sender = S, .rcpts = { { A, .finals = { A " +out.test" } } }, .action = MR_ACTION_ACCEPT },
	{ .name = "the first pattern decides",
	  .sender = S,
	  .rcpts = { { A, .finals = { A " +s@out.test !out.test" } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "first pattern by From stands above a later one by sender",
	  .sender = S,
	  .from = "n@news.test",
	  .rcpts = { { A, .finals = { A " +news.test !out.test" } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "our own are not judged by score",
	  .score = 99,
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "our own, named by a list",
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B " !a@d.test" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "our own, not named by a list",
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B " !*" } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "strangers are meant by a list of all",
	  .sender = S,
	  .rcpts = { { B, .finals = { B " !*" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "two agree on junk",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { B, .finals = { B } } },
	  .action = MR_ACTION_JUNK },
	{ .name = "two agree on refusal, for different reasons",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " !out.test" } }, { B, .finals = { B " reject=7" } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "one of two denies",
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { B, .finals = { B " !out.test" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" B,
	  .quarantine = B },
	{ .name = "one of two junks",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " junk=8" } }, { B, .finals = { B } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" B " +b+junk@d.test" },
	{ .name = "parameters are kept",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " junk=8" } }, { B, "NOTIFY=NEVER ORCPT=rfc822;b", .finals = { B } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" B " +b+junk@d.test[NOTIFY=NEVER ORCPT=rfc822;b]" },
	{ .name = "junk takes the place of an extension",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { "b+x@d.test", .finals = { "b+x@d.test" } }, { A, .finals = { A " junk=8" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-b+x@d.test +b+junk@d.test" },
	{ .name = "an extension stays",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { "l@d.test", .finals = { "b+x@d.test junk=8", A } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-l@d.test +b+x@d.test +a+junk@d.test" },
	{ .name = "alias whose members differ",
	  .sender = S,
	  .rcpts = { { "l@d.test", .finals = { A, B " !out.test", C } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-l@d.test +" A " +" C,
	  .quarantine = B },
	{ .name = "alias whose members agree", .sender = S, .rcpts = { { "l@d.test", .finals = { A, B } } }, .action = MR_ACTION_ACCEPT },
	{ .name = "a member that is a recipient as well is not added",
	  .sender = S,
	  .rcpts = { { "l@d.test", .finals = { A, B " !out.test" } }, { A, .finals = { A } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-l@d.test",
	  .quarantine = B },
	{ .name = "a member of two aliases is added once",
	  .sender = S,
	  .rcpts = { { "l@d.test", .finals = { A, B " !out.test" } }, { "m@d.test", .finals = { A, B " !out.test" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-l@d.test +" A " -m@d.test",
	  .quarantine = B },
	{ .name = "junk and refusal",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { B, .finals = { B " !out.test" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" A " +a+junk@d.test -" B,
	  .quarantine = B },
	{ .name = "foreign final has no Junk of ours",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { "l@d.test", .finals = { "~x@far.test", A " junk=8" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-l@d.test +x@far.test +" A },
	{ .name = "foreign final alone is junk",
	  .score = 7,
	  .sender = S,
	  .rcpts = { { "l@d.test", .finals = { "~x@far.test" } } },
	  .action = MR_ACTION_JUNK },
	{ .name = "foreign final by the site's thresholds",
	  .score = 15,
	  .sender = S,
	  .rcpts = { { "l@d.test", .finals = { "~x@far.test", A " reject=20" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-l@d.test +a+junk@d.test",
	  .quarantine = "x@far.test" },
	{ .name = "suspect, for a mailbox and somebody elsewhere",
	  .greylist = true,
	  .score = 4,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { "l@d.test", .finals = { "~x@far.test" } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "suspect, but one of two has the sender on its list",
	  .score = 4,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { B, .finals = { B " +out.test" } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "suspect, but one of two takes it as junk",
	  .score = 4,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { B, .finals = { B " junk=4" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" B " +b+junk@d.test" },
	{ .name = "suspect, but from our own",
	  .score = 4,
	  .trusted = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "suspect, but to a role",
	  .score = 4,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { "Postmaster@d.test", .finals = { B } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "suspect, but not all is known",
	  .score = 4,
	  .incomplete = true,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "quarantine",
	  .score = 9,
	  .quarantine_score = 8,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_QUARANTINE,
	  .edits = "-" A,
	  .quarantine = A },
	{ .name = "own quarantine",
	  .score = 9,
	  .quarantine_score = 20,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " quarantine=9" } }, { B, .finals = { B } }, { C, .finals = { C " junk=10 quarantine=1" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" A " -" B " +b+junk@d.test",
	  .quarantine = A },
	{ .name = "below quarantine",
	  .score = 7.99,
	  .quarantine_score = 8,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_JUNK },
	{ .name = "refusal stands above quarantine",
	  .score = 15,
	  .quarantine_score = 8,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "who takes more as no junk is not withheld anything",
	  .score = 9,
	  .quarantine_score = 8,
	  .sender = S,
	  .rcpts = { { A, .finals = { A " junk=10" } }, { B, .finals = { B } }, { C, .finals = { C " +out.test" } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" B,
	  .quarantine = B },
	{ .name = "withheld from one, refused by the other: both can have it later",
	  .score = 9,
	  .quarantine_score = 8,
	  .sender = S,
	  .rcpts = { { A, .finals = { A } }, { B, .finals = { B " !out.test" } } },
	  .action = MR_ACTION_QUARANTINE,
	  .edits = "-" A " -" B,
	  .quarantine = A " " B },
	{ .name = "outgoing spam, only logged",
	  .score = 9,
	  .outbound = { 8, 1000, MR_OUTBOUND_LOG },
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "outgoing spam, held",
	  .score = 8,
	  .outbound = { 8, 1000, MR_OUTBOUND_HOLD },
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { "x@far.test", .finals = { "~x@far.test" } } },
	  .action = MR_ACTION_HOLD },
	{ .name = "outgoing, below",
	  .score = 7.99,
	  .outbound = { 8, 1000, MR_OUTBOUND_HOLD },
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { "x@far.test", .finals = { "~x@far.test" } } },
	  .action = MR_ACTION_ACCEPT },
	{ .name = "outgoing spam, withheld as it is addressed",
	  .score = 8,
	  .outbound = { 8, 1000, MR_OUTBOUND_QUARANTINE },
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { "x@far.test", .finals = { "~x@far.test" } }, { "l@d.test", .finals = { B, C } } },
	  .action = MR_ACTION_QUARANTINE,
	  .quarantine = "x@far.test l@d.test" },
	{ .name = "outgoing spam, refused",
	  .score = 8,
	  .outbound = { 8, 1000, MR_OUTBOUND_REJECT },
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "outgoing spam, refused above the second threshold",
	  .score = 20,
	  .outbound = { 8, 20, MR_OUTBOUND_LOG },
	  .trusted = true,
	  .sender = A,
	  .rcpts = { { B, .finals = { B } } },
	  .action = MR_ACTION_REJECT },
	{ .name = "bounce to one who allows",
	  .score = 7,
	  .sender = "",
	  .rcpts = { { A, .finals = { A " +<>" } }, { B, .finals = { B } } },
	  .action = MR_ACTION_SPLIT,
	  .edits = "-" B " +b+junk@d.test" },
};

static void parse_final(const char *text, struct mr_arena *arena, struct mr_dir_final *f)
{
	struct mr_slice rest = mr_slice_of(text), word;
	struct mr_dir_account *a = &f->account;

	a->patterns = mr_arena_alloc(arena, 8 * sizeof(*a->patterns));
	a->junk_score = 6;
	a->quarantine_score = NAN;
	a->reject_score = 15;
	mr_slice_next(&rest, ' ', &word);
	f->local = word.p[0] != '~';
	f->deliver = mr_slice_from(word, !f->local);
	a->address =
	    mr_slice_of(mr_slice_chr(word, '+') < 0 ? mr_arena_slice(arena, word) : mr_arena_printf(arena, "%c@d.test", word.p[0]));
	while (mr_slice_next(&rest, ' ', &word)) {
		if (mr_slice_starts(word, MR_LIT("junk=")))
			assert_int_equal(mr_parse_double(mr_slice_from(word, 5), 0, 1e6, &a->junk_score), 0);
		else if (mr_slice_starts(word, MR_LIT("quarantine=")))
			assert_int_equal(mr_parse_double(mr_slice_from(word, 11), 0, 1e6, &a->quarantine_score), 0);
		else if (mr_slice_starts(word, MR_LIT("reject=")))
			assert_int_equal(mr_parse_double(mr_slice_from(word, 7), 0, 1e6, &a->reject_score), 0);
		else
			a->patterns[a->n_patterns++] =
			    (struct mr_dir_pattern){ .pattern = mr_slice_from(word, 1), .allow = word.p[0] == '+' };
	}
}

static void fill(const struct row *row, struct mr_arena *arena, struct mr_verdict_input *in)
{
	struct mr_verdict_recipient *r = mr_arena_alloc(arena, 4 * sizeof(*r));

	for (size_t i = 0; i < 4 && row->rcpts[i].address; i++) {
		struct mr_dir_resolve *resolved = mr_arena_alloc(arena, sizeof(*resolved));

		resolved->status = row->rcpts[i].status;
		resolved->finals = mr_arena_alloc(arena, 4 * sizeof(*resolved->finals));
		for (size_t f = 0; f < 4 && row->rcpts[i].finals[f]; f++)
			parse_final(row->rcpts[i].finals[f], arena, &resolved->finals[resolved->n_finals++]);
		r[in->n_recipients++] =
		    (struct mr_verdict_recipient){ mr_slice_of(row->rcpts[i].address), mr_slice_of(row->rcpts[i].esmtp), resolved };
	}
	in->recipients = r;
}

static void edits_text(const struct mr_verdict *v, struct mr_buf *out)
{
	for (size_t i = 0; i < v->n_edits; i++) {
		const struct mr_verdict_edit *e = &v->edits[i];

		mr_buf_printf(out, "%s%c%.*s", i ? " " : "", e->add ? '+' : '-', (int)e->address.n, e->address.p);
		if (e->esmtp.n)
			mr_buf_printf(out, "[%.*s]", (int)e->esmtp.n, e->esmtp.p);
	}
}

static void verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_scan_result scan = { .score = rows[i].score, .refuse = rows[i].refuse, .complete = !rows[i].incomplete };
		struct mr_verdict_input in = { .scan = rows[i].unknown ? NULL : &scan,
					       .held = rows[i].held,
					       .virus = rows[i].virus,
					       .virus_name = "V",
					       .virus_withhold = rows[i].withhold,
					       .trusted = rows[i].trusted,
					       .accept_unknown = rows[i].accept_unknown,
					       .sender = mr_slice_of(rows[i].sender),
					       .from = mr_slice_of(rows[i].from),
					       .greylist_score = 4,
					       .junk_score = 6,
					       .quarantine_score = rows[i].quarantine_score > 0 ? rows[i].quarantine_score : 1000,
					       .reject_score = 15,
					       .outbound = rows[i].outbound.score > 0 ? &rows[i].outbound : NULL };
		struct mr_buf edits = MR_BUF(4096), copies = MR_BUF(4096);
		struct mr_verdict v;

		print_message("%s\n", rows[i].name);
		fill(&rows[i], arena, &in);
		assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
		assert_string_equal(mr_action_str(v.action), mr_action_str(rows[i].action));
		assert_int_equal(v.greylist, rows[i].greylist);
		edits_text(&v, &edits);
		for (size_t q = 0; q < v.n_withheld; q++)
			mr_buf_printf(&copies, "%s%.*s", q ? " " : "", (int)v.withheld[q].address.n, v.withheld[q].address.p);
		assert_slice(mr_buf_slice(&edits), rows[i].edits ? rows[i].edits : "");
		assert_slice(mr_buf_slice(&copies), rows[i].quarantine ? rows[i].quarantine : "");
		mr_buf_done(&edits);
		mr_buf_done(&copies);
	}
}

/* What is shown to recipients is what the site's thresholds say, not what others decided. */
static void shown(void **state)
{
	static const struct {
		double score;
		enum mr_disposition site;
	} t[] = { { 0, MR_ACCEPT }, { 6, MR_JUNK }, { 10, MR_QUARANTINE }, { 15, MR_REJECT } };

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_scan_result scan = { .score = t[i].score };
		struct mr_verdict_input in = {
			.scan = &scan, .sender = MR_LIT(S), .junk_score = 6, .quarantine_score = 10, .reject_score = 15
		};
		struct mr_verdict v;

		assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
		assert_int_equal(v.site, t[i].site);
	}
}

/* dns_away = defer: what DNS tells nothing of waits, if anybody were to get it. */
static void undecided(void **state)
{
	static const struct {
		double score;
		const char *symbols[2];
		enum mr_action defer, pass;
	} t[] = {
		{ 0, { "SPF_TEMPERROR" }, MR_ACTION_TEMPFAIL, MR_ACTION_ACCEPT },
		{ 7, { "OTHER", "DKIM_TEMPERROR" }, MR_ACTION_TEMPFAIL, MR_ACTION_JUNK },
		{ 10, { "DMARC_TEMPERROR" }, MR_ACTION_TEMPFAIL, MR_ACTION_QUARANTINE },
		{ 15, { "SPF_TEMPERROR" }, MR_ACTION_REJECT, MR_ACTION_REJECT },
		{ 0, { "SPF_TEMPERROR", "DMARC_PASS" }, MR_ACTION_ACCEPT, MR_ACTION_ACCEPT },
		{ 0, { "SPF_FAIL", "ARC_TEMPERROR" }, MR_ACTION_ACCEPT, MR_ACTION_ACCEPT },
	};

	for (size_t i = 0; i < 2 * MR_COUNT(t); i++) {
		const struct row row = { .rcpts = { { A, .finals = { A " quarantine=10" } } } };
		struct mr_scan_result scan = { .score = t[i / 2].score };
		mr_autoarena arena = mr_arena_new(0);
		struct mr_verdict_input in = {
			.scan = &scan, .sender = MR_LIT(S), .junk_score = 6, .reject_score = 15, .defer_undecided = i % 2
		};
		struct mr_verdict v;

		for (size_t s = 0; s < 2 && t[i / 2].symbols[s]; s++)
			mr_scan_result_add(&scan, t[i / 2].symbols[s], 0, "x");
		fill(&row, arena, &in);
		assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
		assert_string_equal(mr_action_str(v.action), mr_action_str(i % 2 ? t[i / 2].defer : t[i / 2].pass));
		assert_int_equal(v.n_withheld, v.action == MR_ACTION_QUARANTINE);
	}
}

/* A thousand recipients with a thousand finals each are judged in no time, and an arena that is too small is an error. */
static void many(void **state)
{
	enum { N = 1000 };
	mr_autoarena arena = mr_arena_new(512u << 20);
	mr_autoarena small = mr_arena_new(64u << 10);
	struct mr_scan_result scan = { .score = 7 };
	struct mr_verdict_recipient *r = mr_arena_alloc(arena, N * sizeof(*r));
	struct mr_verdict_input in = { .scan = &scan,
				       .sender = MR_LIT(S),
				       .junk_score = 6,
				       .quarantine_score = 1000,
				       .reject_score = 15,
				       .recipients = r,
				       .n_recipients = N };
	struct mr_dir_resolve *resolved = mr_arena_alloc(arena, sizeof(*resolved));
	struct mr_verdict v;

	(void)state;
	resolved->finals = mr_arena_alloc(arena, N * sizeof(*resolved->finals));
	for (size_t i = 0; i < N; i++) {
		struct mr_dir_final *f = &resolved->finals[i];

		f->local = true;
		f->deliver = f->account.address = mr_slice_of(mr_arena_printf(arena, "u%zu@d.test", i));
		f->account.junk_score = i ? 6 : 100;
		f->account.quarantine_score = NAN;
		f->account.reject_score = 100;
		r[i] =
		    (struct mr_verdict_recipient){ .address = mr_slice_of(mr_arena_printf(arena, "l%zu@d.test", i)), .resolved = resolved };
	}
	resolved->n_finals = N;
	assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
	assert_int_equal(v.action, MR_ACTION_SPLIT);
	assert_int_equal(v.n_edits, N + N);
	assert_int_equal(mr_verdict_decide(&in, small, &v), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(verdicts), cmocka_unit_test(shown), cmocka_unit_test(undecided),
					    cmocka_unit_test(many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
