/* fuzz-resolve: any graph of domains, mailboxes and aliases. First line: the address asked for, the delimiter, the postmaster; then rows as
 * in support/rowtext.h. Goal: somebody was found. It always ends within its bounds, says the same however late its rows come, names nobody
 * twice, and a mailbox without an alias of its name means itself. */

/* ours */
#include "base/mem.h"
#include "fuzz.h"
#include "resolve.h"
#include "support/rowtext.h"

#define ROUNDS_MAX 1000
#define INPUT_MAX  65536

size_t fuzz_goals;

static struct mr_resolved resolve_all(struct rowtext *rows, const struct mr_site *site, bool staged, struct mr_slice address,
				      enum mr_resolve_purpose purpose, struct mr_arena *arena)
{
	struct rowview view;
	struct mr_resolved r;
	unsigned rounds = 0;

	rowview_init(&view, rows, staged);
	struct mr_walk w = { &view.view, site, arena, 1800000000 };
	for (mr_resolve(&w, address, purpose, &r); r.waiting; mr_resolve(&w, address, purpose, &r)) {
		fuzz_assert(rowview_fetch(&view) > 0);
		fuzz_assert(++rounds <= ROUNDS_MAX);
		view.looks = 0;
	}
	fuzz_assert(view.looks <= MR_RESOLVE_STEPS);
	rowview_done(&view);
	return r;
}

/* Names of ours have no '+' (mail/address.h); a text in which one has breaks what lookup rests on. */
static bool names_are_ours(struct mr_slice text)
{
	struct mr_slice line, kind, name;

	while (mr_slice_next(&text, '\n', &line)) {
		if (mr_slice_next(&line, ' ', &kind) && mr_slice_next(&line, ' ', &name) && mr_slice_chr(name, '+') >= 0)
			return false;
	}
	return true;
}

static void check_finals(struct rowtext *rows, const struct mr_site *site, const struct mr_resolved *r, struct mr_arena *arena)
{
	fuzz_assert(r->n_finals <= MR_DIR_FINALS_MAX);
	for (size_t i = 0; i < r->n_finals && i < 16; i++) {
		struct mr_slice name = mr_final_deliver(&r->finals[i], true, arena);
		for (size_t k = 0; k < i; k++)
			fuzz_assert(!mr_slice_eq(name, mr_final_deliver(&r->finals[k], true, arena)));
		if (!r->finals[i].local || r->finals[i].aliased)
			continue;
		struct mr_resolved again = resolve_all(rows, site, false, name, MR_RESOLVE_DELIVER, arena);
		fuzz_assert(again.n_finals >= 1 && mr_slice_eq(mr_final_deliver(&again.finals[0], true, arena), name));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice text = fuzz_input(data, size), first, address, delimiter;
	mr_autoarena arena = mr_arena_new(0);

	if (size > INPUT_MAX || !mr_slice_next(&text, '\n', &first) || !mr_slice_next(&first, ' ', &address) ||
	    !mr_slice_next(&first, ' ', &delimiter) || !names_are_ours(text))
		return 0;
	struct mr_site site = { .delimiter = delimiter.n ? delimiter.p[0] : '+', .hostname = MR_LIT("mx.test"), .postmaster = first };
	site.srs = (struct mr_srs){ .secrets = { MR_LIT("secret") }, .n_secrets = 1, .domain = MR_LIT("srs.test") };
	struct rowtext *rows = rowtext_new(text);
	for (int purpose = MR_RESOLVE_DELIVER; purpose <= MR_RESOLVE_OWN; purpose++) {
		struct mr_resolved direct = resolve_all(rows, &site, false, address, (enum mr_resolve_purpose)purpose, arena);
		struct mr_resolved staged = resolve_all(rows, &site, true, address, (enum mr_resolve_purpose)purpose, arena);
		fuzz_assert(direct.status == staged.status && direct.n_finals == staged.n_finals);
		check_finals(rows, &site, &direct, arena);
		fuzz_goals += direct.status == MR_DIR_OK;
	}
	rowtext_free(rows);
	return 0;
}
