/* fuzz-scanwire: what a scanner that was taken over may send to the loop, and what the loop sends to a scanner. Goal: a final report that
 * was read; written and read again it says the same. */

/* ours */
#include "fuzz.h"
#include "scanwire.h"

size_t fuzz_goals;

static void report(const struct mr_wire *w, struct mr_arena *arena)
{
	struct mr_scan_report *first = mr_arena_alloc(arena, sizeof(*first)), *second = mr_arena_alloc(arena, sizeof(*second));
	struct mr_buf out = MR_BUF(2 * MR_WIRE_MAX);
	struct mr_wire again;
	size_t used;

	if (mr_scanwire_report_decode(w, 7, arena, first) < 0)
		return;
	for (size_t i = 0; i < first->result.n_symbols; i++)
		fuzz_assert(mr_symbol_name_ok(first->result.symbols[i].name));
	for (size_t i = 0; i < first->n_questions; i++)
		fuzz_assert(first->questions[i].name[0]);
	if (!first->final)
		return;
	fuzz_assert(mr_scanwire_report(&out, 7, &first->result, NULL, first->last) == 0);
	fuzz_assert(mr_wire_next(mr_buf_slice(&out), arena, &again, &used) == 1);
	fuzz_assert(mr_scanwire_report_decode(&again, 7, arena, second) == 0);
	fuzz_assert(first->result.n_symbols == second->result.n_symbols && first->result.refuse == second->result.refuse);
	fuzz_assert(first->last == second->last);
	fuzz_assert(first->result.sender == second->result.sender && first->result.author == second->result.author);
	for (size_t i = 0; i < first->result.n_symbols; i++)
		fuzz_assert(first->result.symbols[i].group.n &&
			    mr_slice_eq(first->result.symbols[i].group, second->result.symbols[i].group));
	fuzz_assert(mr_slice_eq(first->result.authres, second->result.authres));
	fuzz_assert(mr_slice_eq(first->result.identity, second->result.identity) && mr_slice_chr(first->result.identity, '\n') < 0);
	fuzz_assert(mr_slice_eq(first->result.dmarc.row, second->result.dmarc.row));
	fuzz_assert(first->result.dmarc.policy == second->result.dmarc.policy && first->result.dmarc.passed == second->result.dmarc.passed);
	for (size_t i = 0; i < first->result.dmarc.row.n; i++)
		fuzz_assert((unsigned char)first->result.dmarc.row.p[i] >= ' ');
	fuzz_assert(first->result.fuzzy.n_files <= MR_FUZZY_FILES_MAX);
	fuzz_assert(memcmp(&first->result.fuzzy, &second->result.fuzzy, sizeof(first->result.fuzzy)) == 0);
	mr_buf_done(&out);
	fuzz_goals++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice in = { (const char *)data, size };
	struct mr_scan_input request;
	struct mr_scan_setup setup;
	struct mr_dns_answer answer;
	struct mr_wire w;
	bool follows;
	size_t used;

	if (mr_wire_next(in, arena, &w, &used) == 1) {
		report(&w, arena);
		mr_scanwire_is_ready(&w);
		mr_scanwire_request_decode(&w, arena, &request, &follows);
		mr_scan_setup_decode(&w, arena, &setup);
		mr_scanwire_answer_decode(&w, arena, &answer);
	}
	return 0;
}
