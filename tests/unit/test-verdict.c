/* test-verdict: a table of messages, their recipients and lists, and what becomes of them (design: a verdict for each final mailbox). */

/* system */
#include <errno.h>
#include <math.h>

/* ours */
#include "unit.h"
#include "verdict-rows.h"

/* "junk=7" for junk_score. */
static bool parse_threshold(struct mr_slice word, struct mr_thresholds *out)
{
	for (unsigned t = 0; t < MR_THRESHOLDS; t++) {
		struct mr_slice name = mr_slice_of(mr_threshold_name(t));
		size_t n = name.n - strlen("_score");

		if (word.n > n && word.p[n] == '=' && mr_slice_starts(word, (struct mr_slice){ name.p, n })) {
			assert_int_equal(mr_parse_double(mr_slice_from(word, n + 1), 0, 1e6, &out->at[t]), 0);
			return true;
		}
	}
	return false;
}

static void parse_final(const char *text, struct mr_arena *arena, struct mr_dir_final *f)
{
	struct mr_slice rest = mr_slice_of(text), word;
	struct mr_dir_account *a = &f->account;

	a->patterns = mr_arena_alloc(arena, 8 * sizeof(*a->patterns));
	a->thresholds = mr_thresholds_none();
	a->thresholds.at[MR_AT_JUNK] = 6;
	a->thresholds.at[MR_AT_REJECT] = 15;
	mr_slice_next(&rest, ' ', &word);
	f->local = word.p[0] != '~';
	f->deliver = mr_slice_from(word, !f->local);
	a->address =
	    mr_slice_of(mr_slice_chr(word, '+') < 0 ? mr_arena_slice(arena, word) : mr_arena_printf(arena, "%c@d.test", word.p[0]));
	while (mr_slice_next(&rest, ' ', &word)) {
		if (!parse_threshold(word, &a->thresholds))
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
		struct mr_scan_result scan = { .score = rows[i].score,
					       .refuse = rows[i].refuse,
					       .complete = !rows[i].incomplete,
					       .sender = rows[i].standing,
					       .author = rows[i].author };
		struct mr_verdict_input in = { .scan = rows[i].unknown ? NULL : &scan,
					       .held = rows[i].held,
					       .virus = rows[i].virus,
					       .virus_name = "V",
					       .virus_withhold = rows[i].withhold,
					       .trusted = rows[i].trusted,
					       .accept_unknown = rows[i].accept_unknown,
					       .proven_only = rows[i].proven_only,
					       .sender = mr_slice_of(rows[i].sender),
					       .from = mr_slice_of(rows[i].from),
					       .site.at = { 3, 4, 6, rows[i].quarantine_score > 0 ? rows[i].quarantine_score : 1000, 15 },
					       .outbound = rows[i].outbound.score > 0 ? &rows[i].outbound : NULL };
		struct mr_buf edits = MR_BUF(4096), copies = MR_BUF(4096);
		struct mr_verdict v;

		print_message("%s\n", rows[i].name);
		fill(&rows[i], arena, &in);
		assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
		assert_string_equal(mr_action_str(v.action), mr_action_str(rows[i].action));
		assert_int_equal(v.greylist, rows[i].greylist);
		assert_int_equal(v.n_unproven, rows[i].unproven);
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
		struct mr_verdict_input in = { .scan = &scan, .sender = MR_LIT(S), .site.at = { 3, 4, 6, 10, 15 } };
		struct mr_verdict v;

		assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
		assert_int_equal(v.site, t[i].site);
	}
}

/* X-Spam-Level, whose threshold is 3 where not given: as all say who get the message; the site's word where they differ. */
static void levels(void **state)
{
	static const struct {
		double score;
		const char *finals[3];
		bool level;
	} t[] = {
		{ 2.99, { A }, false },
		{ 3, { A }, true },
		{ 1, { A " header=1" }, true },
		{ 4, { A " header=5" }, false },
		{ 1, { A " header=1", B " header=0.5" }, true },
		{ 1, { A " header=1", B }, false },
		{ 4, { A " header=5", B }, true },
		{ 1, { A " header=1", "~x@far.test" }, false },
		/* Who does not get it has no word in this. */
		{ 4, { A " header=5", B " reject=4" }, false },
		{ 7, { A " header=8 junk=20", B " quarantine=7" }, false },
		{ 7, { A " header=8", B " header=9 junk=20" }, false },
		/* Nobody gets it: it is not seen. */
		{ 4, { A " header=5 reject=4" }, false },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct row row = { .rcpts = { { "l@d.test" } } };
		struct mr_scan_result scan = { .score = t[i].score };
		mr_autoarena arena = mr_arena_new(0);
		struct mr_verdict_input in = { .scan = &scan, .sender = MR_LIT(S), .site.at = { 3, 4, 6, 1000, 15 } };
		struct mr_verdict v;

		memcpy(row.rcpts[0].finals, t[i].finals, sizeof(t[i].finals));
		fill(&row, arena, &in);
		assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
		print_message("%zu\n", i);
		assert_int_equal(v.level, t[i].level);
	}
}

/* Whether a user has thresholds of his own for what he sends must be known, unless what is not known counts as clean. */
static void outbound_away(void **state)
{
	static const struct mr_verdict_outbound site = { 8, 20, MR_OUTBOUND_REJECT };
	const struct row row = { .rcpts = { { A, .finals = { A } } } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_scan_result scan = { 0 };
		struct mr_verdict_input in = { .scan = &scan,
					       .trusted = true,
					       .sender = MR_LIT(B),
					       .site.at = { 3, 4, 6, 1000, 15 },
					       .outbound = &site,
					       .outbound_away = i & 1,
					       .accept_unknown = i & 2 };
		struct mr_verdict v;

		fill(&row, arena, &in);
		assert_int_equal(mr_verdict_decide(&in, arena, &v), 0);
		assert_int_equal(v.action, i == 1 ? MR_ACTION_TEMPFAIL : MR_ACTION_ACCEPT);
		assert_int_equal(v.reason != NULL, i == 1);
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
			.scan = &scan, .sender = MR_LIT(S), .site.at = { 3, 4, 6, 1000, 15 }, .defer_undecided = i % 2
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
	struct mr_verdict_input in = {
		.scan = &scan, .sender = MR_LIT(S), .site.at = { 3, 4, 6, 1000, 15 }, .recipients = r, .n_recipients = N
	};
	struct mr_dir_resolve *resolved = mr_arena_alloc(arena, sizeof(*resolved));
	struct mr_verdict v;

	(void)state;
	resolved->finals = mr_arena_alloc(arena, N * sizeof(*resolved->finals));
	for (size_t i = 0; i < N; i++) {
		struct mr_dir_final *f = &resolved->finals[i];

		f->local = true;
		f->deliver = f->account.address = mr_slice_of(mr_arena_printf(arena, "u%zu@d.test", i));
		f->account.thresholds = mr_thresholds_none();
		f->account.thresholds.at[MR_AT_JUNK] = i ? 6 : 100;
		f->account.thresholds.at[MR_AT_REJECT] = 100;
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
	const struct CMUnitTest tests[] = { cmocka_unit_test(verdicts), cmocka_unit_test(shown),         cmocka_unit_test(undecided),
					    cmocka_unit_test(levels),   cmocka_unit_test(outbound_away), cmocka_unit_test(many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
