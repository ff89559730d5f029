/* rules-verb: `mailreeve rules`: are the spam rules right, which of them run, and what do they hit in a message. */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/view.h"
#include "options.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rules-cache.h"
#include "rules-load.h"

#define MESSAGE_MAX  (256u << 20)
#define MATCHED_MAX  60 /* bytes that are shown */
#define PROBLEMS_MAX 10000

static const char usage[] = "usage: mailreeve rules [-c FILE] check [PATH...]\n"
			    "       mailreeve rules [-c FILE] list [-a] [PATH...]\n"
			    "       mailreeve rules [-c FILE] test [-a] MESSAGE...\n"
			    "       mailreeve rules [-c FILE] build\n"
			    "PATH: files and folders of rules in place of those of the option rule_files.\n";

static int load(const struct mr_milter_conf *conf, char **paths, size_t n, struct mr_rules **out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_setup setup = mr_milter_setup(conf, arena);
	struct mr_slice *named = mr_arena_alloc(arena, (n + 1) * sizeof(*named));
	struct mr_diag diag = { 0 };
	int err;

	for (size_t i = 0; i < n; i++)
		named[i] = mr_slice_of(paths[i]);
	err = n ? mr_rules_load(named, n, out, &diag) : mr_rules_load(setup.rule_files, setup.n_rule_files, out, &diag);
	if (err < 0)
		fprintf(stderr, "mailreeve-rules: %s\n", diag.text);
	return err;
}

/* A setting that many lines of many files make is told of once. */
static bool told(const struct mr_rules_problem *const *problems, size_t i)
{
	bool same = false;

	for (size_t k = 0; k < i && !same && !problems[i]->rule; k++)
		same = !problems[k]->rule && strcmp(problems[k]->text, problems[i]->text) == 0;
	return same;
}

/* packages: also of files that no administrator wrote */
static size_t print_problems(struct mr_rules *r, enum mr_rules_fault fault, bool packages, FILE *to)
{
	mr_autofree const struct mr_rules_problem **problems = mr_new(const struct mr_rules_problem *, PROBLEMS_MAX);
	size_t n = mr_rules_problems(r, fault, PROBLEMS_MAX, problems);

	for (size_t i = 0; i < n && i < PROBLEMS_MAX && problems[i]; i++)
		if ((packages || !problems[i]->brought) && (fault == MR_RULES_ERROR || !told(problems, i)))
			fprintf(to, "%s:%u: %s%s%s\n", problems[i]->file, problems[i]->line, problems[i]->rule ? problems[i]->rule : "",
				problems[i]->rule ? ": " : "", problems[i]->text);
	return n;
}

/* "2 rules asleep: A, B", of files that an administrator wrote; a rule once. */
static void print_names(struct mr_rules *r, enum mr_rules_fault fault, const char *what)
{
	mr_autofree const struct mr_rules_problem **problems = mr_new(const struct mr_rules_problem *, PROBLEMS_MAX);
	size_t n = mr_rules_problems(r, fault, PROBLEMS_MAX, problems);

	if (!n)
		return;
	printf("%zu %s", n, what);
	for (size_t i = 0; i < n && i < PROBLEMS_MAX && problems[i]; i++)
		if (i == 0 || strcmp(problems[i]->rule, problems[i - 1]->rule) != 0)
			printf("%s %s", i ? "," : ":", problems[i]->rule);
	putchar('\n');
}

/* What of the site's own files never runs, and what counts on rules that do not. */
static void print_idle(struct mr_rules *r)
{
	print_problems(r, MR_RULES_IDLE, false, stdout);
	print_problems(r, MR_RULES_VAIN, false, stdout);
	print_names(r, MR_RULES_IDLE, "of your rules never run here");
	print_names(r, MR_RULES_VAIN, "of your metas and scores count on rules that never run here");
}

struct counts {
	size_t all, states[MR_RULES_CANNOT + 1];
};

static struct counts count(const struct mr_rules *r)
{
	struct counts c = { 0 };
	struct mr_rules_info info;

	for (size_t at = 0; mr_rules_each(r, &at, &info); c.all++)
		c.states[info.state]++;
	return c;
}

static void print_counts(const struct mr_rules *r)
{
	struct counts c = count(r);

	printf("%zu rules", c.all);
	for (size_t i = 0; i < MR_COUNT(c.states); i++)
		printf(", %zu %s", c.states[i], mr_rules_state_str((enum mr_rules_state)i));
	putchar('\n');
}

static int check(struct mr_rules *r, bool all)
{
	size_t errors = print_problems(r, MR_RULES_ERROR, true, stderr);

	print_problems(r, MR_RULES_UNSUPPORTED, false, stdout);
	print_idle(r);
	print_counts(r);
	return errors ? 1 : 0;
}

/* With -a every rule, else those that do not run and why. */
static int list(struct mr_rules *r, bool all)
{
	struct mr_rules_info i;

	for (size_t at = 0; mr_rules_each(r, &at, &i);)
		if (all)
			printf("%s\t%s\t%s\t%.3f\t%s:%u\t%s\n", i.name, i.kind, mr_rules_state_str(i.state), i.score, i.file, i.line,
			       i.why           ? i.why
			       : i.description ? i.description
					       : "");
	if (!all) {
		print_problems(r, MR_RULES_UNSUPPORTED, true, stdout);
		print_idle(r);
	}
	print_counts(r);
	return 0;
}

static void print_hit(const struct mr_rules_hit *h)
{
	struct mr_buf where = MR_BUF(1000);

	mr_escape_add(&where, h->matched, MATCHED_MAX);
	printf("%s\t%.3f\t%u\t%s\n", h->name, h->part ? 0 : h->score, h->count, where.p ? where.p : "");
	mr_buf_done(&where);
}

static int test(struct mr_rules *r, const char *file, bool all)
{
	struct mr_buf raw = MR_BUF(MESSAGE_MAX);
	struct mr_diag diag = { 0 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rules_hits hits;
	double score = 0;
	int err = mr_file_read(file, &raw, &diag);

	if (err < 0) {
		fprintf(stderr, "mailreeve-rules: %s\n", diag.text);
		return 1;
	}
	mr_rules_run(r, mr_sa_read(mr_buf_slice(&raw), mr_rules_conf(r), NULL, arena), all, arena, &hits);
	for (size_t i = 0; i < hits.n; i++) {
		if (!hits.v[i].part)
			score += hits.v[i].score;
		if (all || !hits.v[i].part)
			print_hit(&hits.v[i]);
	}
	printf("%s: %.3f%s\n", file, score, hits.cut ? ", cut: rules took too long" : hits.slow ? ", slow: a rule took too long" : "");
	mr_buf_done(&raw);
	return 0;
}

/* What the daemon does in the background after its start. */
static int build(const struct mr_milter_conf *conf, struct mr_rules *r)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_setup setup = mr_milter_setup(conf, arena);
	struct mr_diag diag = { 0 };

	if (mr_rules_cache_build(r, setup.rule_cache.p, &diag) == 0)
		return 0;
	fprintf(stderr, "mailreeve-rules: %s\n", diag.text);
	return 1;
}

static int run(const void *conf, int argc, char **argv)
{
	const char *word = argc ? argv[0] : "";
	bool testing = strcmp(word, "test") == 0, listing = strcmp(word, "list") == 0, building = strcmp(word, "build") == 0;
	bool all = argc > 1 && strcmp(argv[1], "-a") == 0 && (testing || listing);
	int first = all ? 2 : 1, code = 0;
	struct mr_rules *r;

	if ((!testing && !listing && !building && strcmp(word, "check") != 0) || (testing && argc <= first) || (building && argc > 1)) {
		fputs(usage, stderr);
		return 2;
	}
	if (load(conf, argv + first, testing ? 0 : (size_t)(argc - first), &r) < 0)
		return 1;
	if (building)
		code = build(conf, r);
	else if (!testing)
		code = listing ? list(r, all) : check(r, all);
	for (int i = first; testing && i < argc; i++)
		code |= test(r, argv[i], all);
	mr_rules_free(r);
	return code;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = {
		.name = "rules", .usage = usage, .options = mr_milter_options, .conf_size = sizeof(struct mr_milter_conf), .run = run
	};

	mr_view_init();
	return mr_verb_main(argc, argv, &verb);
}
