/* fuzz-scan: the whole way of a message: how it looks, rules (those of the program and a file in SpamAssassin's language), SPF, DKIM, DMARC
 * and lists by answers of a small zone, the report on its way from a scanner, scores, the verdict for two mailboxes, and what the history
 * tells of it. Goal: a message with a valid signature, hits of both kinds of rules, and mailboxes that differ. */
/* system */
#include <errno.h>
#include <math.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "base/mem.h"
#include "explain.h"
#include "fuzz.h"
#include "headers.h"
#include "history.h"
#include "mail/address.h"
#include "rules-builtin.h"
#include "scanwire.h"

#define ROUNDS_MAX 40

size_t fuzz_goals;

static const char rule_file[] = "header __FUZZ_A Subject =~ /\\bfuzz/i\n"
				"body __FUZZ_B /\\bprize\\b/i\n"
				"uri __FUZZ_C /example\\.(?:org|net)/\n"
				"rawbody FUZZ_RAW /<!--.{0,20}-->/s\n"
				"full FUZZ_FULL /^X-Fuzz:.*\\n/m\n"
				"mimeheader FUZZ_MIME Content-Type =~ /name/i\n"
				"header FUZZ_EVAL eval:check_for_missing_to_header()\n"
				"body FUZZ_HTML eval:html_eval('max_size', '> 3')\n"
				"header FUZZ_DATE eval:check_for_shifted_date('6', '12')\n"
				"meta FUZZ_META (__FUZZ_A + __FUZZ_B + __FUZZ_C) > 1\n"
				"score FUZZ_META 7\n"
				"util_rb_tld org net com\n"
				"freemail_domains example.net\n";

/* All that stays the same. */
static struct site {
	struct mr_arena *arena;
	struct mr_scan_setup setup;
	struct mr_settings settings;
} site;

static void prepare(void)
{
	static struct mr_slice rows[] = { MR_LIT("bl.test client from link 127.0.0.2=FUZZ_LISTED:2"),
					  MR_LIT("h.test address sha1 127.0.0.3=FUZZ_HASHED:1") };
	static char *const caps[] = { "links:2" };
	struct mr_rules *r;

	if (site.arena)
		return;
	site.arena = mr_arena_new(0);
	mr_view_init();
	r = mr_rules_new(&(struct mr_rules_config){ 0 });
	for (size_t i = 0; i < mr_rules_builtin_n; i++)
		mr_rules_read(r, mr_rules_builtin[i].name, mr_rules_builtin[i].text);
	mr_rules_read(r, "fuzz.cf", MR_LIT(rule_file));
	mr_rules_finish(r);
	fuzz_assert(mr_rules_error(r, NULL) == 0);
	site.setup = (struct mr_scan_setup){ .hostname = MR_LIT("mx.test"),
					     .forbidden_attachments = MR_LIT("exe"),
					     .rules = r,
					     .list_questions = 50,
					     .lists_skip = MR_LIT("skip.test") };
	fuzz_assert(mr_scan_setup_lists(&site.setup, rows, MR_COUNT(rows), site.arena, NULL) == 0);
	site.settings = (struct mr_settings){ .refs = 1 };
	fuzz_assert(mr_scores_parse(NULL, 0, caps, 1, site.arena, &site.settings.scores, NULL) == 0);
	mr_history_configure(1);
}

/* -- DNS -- */

/* RFC 8463 section A.2 */
#define KEY "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* A text record for every name, every address on every list. */
static void answer(struct mr_dns_view *view, const char *name, enum mr_dns_type type)
{
	struct mr_slice n = mr_slice_of(name);
	struct mr_dns_rr rr = { .data = MR_LIT("v=spf1 ip4:192.0.2.0/24 include:other.test -all") };
	struct mr_dns_answer a = { .name = (char *)name, .type = type, .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1, .ttl = 60 };

	if (type == MR_DNS_A)
		rr.data = mr_slice_iends(n, MR_LIT("h.test")) ? (struct mr_slice){ "\x7f\0\0\3", 4 } : (struct mr_slice){ "\x7f\0\0\2", 4 };
	else if (type != MR_DNS_TXT)
		a.n_rrs = 0, a.status = MR_DNS_NXDOMAIN;
	else if (mr_slice_starts(n, MR_LIT("_dmarc.")))
		rr.data = MR_LIT("v=DMARC1; p=quarantine; rua=mailto:d@x.test");
	else if (memmem(n.p, n.n, "_domainkey", 10))
		rr.data = MR_LIT(KEY);
	mr_dns_view_add(view, &a);
}

static void answer_all(struct mr_dns_view *view, unsigned round)
{
	enum mr_dns_type type;
	const char *name;

	if (round >= ROUNDS_MAX)
		mr_dns_view_give_up(view);
	while (mr_dns_view_question(view, 0, &name, &type)) {
		mr_autofree char *copy = mr_strdup(name);

		answer(view, copy, type);
	}
}

/* -- the scan, and its report -- */

/* No byte that would end a header field or a line of the log. */
static void check_field(struct mr_slice s)
{
	struct mr_buf value = MR_BUF(1u << 20);

	fuzz_assert(mr_headers_value(s, &value) == 0);
	for (size_t i = 0; i < value.n; i++)
		fuzz_assert((unsigned char)value.p[i] >= ' ' || value.p[i] == '\t' ||
			    (value.p[i] == '\n' && i + 1 < value.n && (value.p[i + 1] == ' ' || value.p[i + 1] == '\t')));
	mr_buf_done(&value);
}

/* As the daemon gets it. */
static void pass_on(const struct mr_scan_result *r, struct mr_arena *arena, struct mr_scan_result *out)
{
	struct mr_scan_report *report = mr_arena_alloc(arena, sizeof(*report));
	struct mr_buf wire = MR_BUF(2 * MR_WIRE_MAX);
	struct mr_wire w;
	size_t used;

	fuzz_assert(mr_scanwire_report(&wire, 1, r, NULL, false) == 0);
	fuzz_assert(mr_wire_next(mr_buf_slice(&wire), arena, &w, &used) == 1 && used == wire.n);
	fuzz_assert(mr_scanwire_report_decode(&w, 1, arena, report) == 0);
	fuzz_assert(report->final && report->result.n_symbols == r->n_symbols && report->result.refuse == r->refuse);
	fuzz_assert(fabs(report->result.score - r->score) < 0.01 * (double)(r->n_symbols + 1));
	*out = report->result;
	mr_buf_done(&wire);
}

static void scan(const struct mr_scan_input *in, struct mr_arena *arena, struct mr_scan_result *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_scan *s;

	s = mr_scan_new(&site.setup, in, view, arena);
	for (unsigned round = 0; mr_scan_run(s) == -EAGAIN; round++) {
		fuzz_assert(round < 2 * ROUNDS_MAX && !s->result.complete);
		answer_all(view, round);
	}
	fuzz_assert(s->result.complete && isfinite(s->result.score));
	check_field(s->result.authres);
	pass_on(&s->result, arena, out);
	mr_scan_done(s);
	mr_dns_view_free(view);
}

/* -- the verdict, and what is told of it -- */

static enum mr_action decide(const struct mr_job *j, struct mr_arena *arena, struct mr_verdict *v)
{
	static struct mr_dir_final finals[] = { { .local = true, .deliver = MR_LIT("a@d.test") },
						{ .local = true, .deliver = MR_LIT("b@d.test") } };
	struct mr_dir_resolve resolved[] = { { .hosted = true, .finals = finals, .n_finals = 1 },
					     { .hosted = true, .finals = finals + 1, .n_finals = 1 } };
	const struct mr_verdict_recipient recipients[] = { { finals[0].deliver, { 0 }, resolved },
							   { finals[1].deliver, { 0 }, resolved + 1 } };
	struct mr_verdict_input in = { .scan = &j->scan,
				       .sender = mr_slice_of(j->sender),
				       .from = mr_slice_of(j->from),
				       .site.at = { 3, 4, 6, 18, 15, 6, 1000 },
				       .recipients = recipients,
				       .n_recipients = 2 };

	for (size_t i = 0; i < MR_COUNT(finals); i++)
		finals[i].account = (struct mr_dir_account){ .address = finals[i].deliver,
							     .thresholds.at = { NAN, NAN, i ? 6 : 9, NAN, i ? 12 : 20, NAN, NAN } };
	fuzz_assert(mr_verdict_decide(&in, arena, v) == 0);
	fuzz_assert(v->action != MR_ACTION_TEMPFAIL && v->action != MR_ACTION_HOLD);
	/* Whoever does not get what others get, or nobody gets, has a copy kept. */
	fuzz_assert(v->action == MR_ACTION_SPLIT || v->action == MR_ACTION_QUARANTINE || v->n_withheld == 0);
	fuzz_assert((v->action == MR_ACTION_REJECT) == (j->scan.refuse || j->scan.score >= 20));
	return v->action;
}

static void explain(const struct mr_job *j, const struct mr_verdict *v)
{
	struct mr_buf line = MR_BUF(1u << 20);
	json_t *o;

	explain_keep(&(struct explain){ .queue_id = "Q", .quarantine_id = "", .job = j, .known = true, .verdict = v });
	mr_history_print(1, (struct mr_slice){ 0 }, &line);
	o = json_loadb(line.p, line.n, 0, NULL);
	fuzz_assert(o && json_is_real(json_object_get(o, "score")));
	fuzz_assert(json_object_size(json_object_get(o, "symbols")) <= j->scan.n_symbols);
	json_decref(o);
	mr_buf_done(&line);
}

static bool has(const struct mr_scan_result *r, const char *beginning)
{
	for (size_t i = 0; i < r->n_symbols; i++)
		if (mr_slice_starts(r->symbols[i].name, mr_slice_of(beginning)))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_scan_input in = { .message = fuzz_input(data, size),
				    .client = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } },
				    .client_name = MR_LIT("mail.example.org"),
				    .helo = MR_LIT("mail.example.org"),
				    .sender = MR_LIT("s@example.org"),
				    .now = 1800000000 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_verdict v;
	struct mr_job *j;

	prepare();
	j = mr_job_new(NULL, &site.settings);
	j->queue_id = mr_strdup("Q");
	j->sender = mr_strdup("s@example.org");
	j->from = mr_strdup("s@example.org");
	mr_job_add_recipient(j, MR_LIT("a@d.test"), (struct mr_slice){ 0 });
	scan(&in, arena, &j->scan);
	j->scanned = true;
	mr_scores_apply(&site.settings.scores, &j->scan);
	fuzz_goals +=
	    decide(j, arena, &v) == MR_ACTION_SPLIT && has(&j->scan, "DKIM_PASS") && has(&j->scan, "FUZZ_META") && has(&j->scan, "MR_");
	explain(j, &v);
	mr_job_unref(j);
	return 0;
}
