/* fuzz-spam-rules: text as spam rules, run against one message. Goal: rules without an error of which one hits. What runs is listed as
 * running; a part never counts by itself; each problem has a place. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "fuzz.h"
#include "rules/rules.h"
#include "support/fake-sa.h"

#define RULES_SIZE 8192 /* bytes: what a regular expression costs to compile grows faster than it */

size_t fuzz_goals;

static struct mr_slice body[] = { MR_LIT("subject\n"), MR_LIT("Buy now 555 aaaaaaaaaaaaaaaaaaaaaaaa"), MR_LIT("") };
static const struct mr_sa_uri details[] = { { .raw = MR_LIT("http://a.example/"),
					      .types = MR_SA_URI_A,
					      .cleaned = { body + 1, 1 },
					      .domains = { body + 1, 1 },
					      .anchors = { body, MR_COUNT(body) } },
					    { .raw = MR_LIT("b.example"), .types = MR_SA_URI_PARSED } };
static struct mr_sa message = { .body = { body, MR_COUNT(body) },
				.rawbody = { body, MR_COUNT(body) },
				.uris = { body + 1, 1 },
				.full = MR_LIT("Subject: subject\n\nBuy\n"),
				.fields = "Subject=subject\n|Empty=",
				.parts = { "X=Buy", "Y=" },
				.n_parts = 2,
				.details = details,
				.n_details = MR_COUNT(details) };

static void check_infos(const struct mr_rules *r, const struct mr_rules_hits *hits)
{
	struct mr_rules_info info;
	size_t running = 0;

	for (size_t at = 0; mr_rules_each(r, &at, &info); running += info.state == MR_RULES_RUNS) {
		fuzz_assert(info.name[0] && info.file && info.line > 0 && mr_rules_state_str(info.state));
		fuzz_assert(info.state != MR_RULES_CANNOT || info.why);
	}
	fuzz_assert(hits->n <= running);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mr_rules_problem *problems[20];
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ .net = size % 2, .bayes = size % 3 == 0 });
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rules_hits hits;
	size_t errors, n, alone = 0;

	mr_rules_read(r, "fuzz.cf", fuzz_input(data, size < RULES_SIZE ? size : RULES_SIZE));
	mr_rules_finish(r);
	errors = n = mr_rules_problems(r, MR_RULES_ERROR, MR_COUNT(problems), problems);
	for (size_t i = 0; i < n && i < MR_COUNT(problems); i++)
		fuzz_assert(problems[i]->file && problems[i]->line > 0 && problems[i]->text[0]);
	mr_rules_run(r, &message, false, arena, &hits);
	for (size_t i = 0; i < hits.n; i++)
		alone += !hits.v[i].part;
	mr_rules_run(r, &message, true, arena, &hits);
	check_infos(r, &hits);
	for (size_t i = 0; i < hits.n; i++) {
		fuzz_assert(hits.v[i].count > 0 && (hits.v[i].part || strncmp(hits.v[i].name, "__", 2) != 0));
		fuzz_goals += errors == 0;
		alone -= !hits.v[i].part;
	}
	fuzz_assert(alone == 0 || hits.cut);
	mr_rules_free(r);
	return 0;
}
