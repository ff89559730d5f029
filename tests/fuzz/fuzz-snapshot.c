/* fuzz-snapshot: goal: a snapshot that is all right. The checksums, which fuzzing would never find, are put right first: what matters is
 * what lies behind them. Each row written again gives the same bytes. */

/* ours */
#include "fuzz.h"
#include "base/hash.h"
#include "base/mem.h"
#include "snapshot-file.h"

size_t fuzz_goals;

static void on_row(const struct mr_snapshot_row *r, void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf one = MR_BUF(1u << 24), two = MR_BUF(1u << 24);
	struct mr_row *again;

	if (!r->row->exists)
		return;
	mr_row_encode(r->row, &one);
	again = mr_row_decode(r->row->kind, mr_buf_slice(&one), arena);
	fuzz_assert(again != NULL);
	mr_row_encode(again, &two);
	fuzz_assert(mr_slice_eq(mr_buf_slice(&one), mr_buf_slice(&two)));
	mr_row_unref(again);
	mr_buf_done(&one);
	mr_buf_done(&two);
	++*(size_t *)arg;
}

static void on_key(const struct mr_row_key *k, void *arg)
{
	fuzz_assert(k == NULL || (k->n > 0 && k->n <= sizeof(k->bytes)));
}

/* Every block's checksum becomes that of its payload. */
static void put_right(char *file, size_t n)
{
	size_t at = 0, length;

	while (n - at >= 4 + MR_SHA256_LEN) {
		length = 0;
		for (size_t i = 0; i < 4; i++)
			length = length << 8 | (unsigned char)file[at + i];
		if (length > n - at - 4 - MR_SHA256_LEN)
			return;
		mr_sha256((struct mr_slice){ file + at + 4 + MR_SHA256_LEN, length }, (uint8_t *)file + at + 4);
		at += 4 + MR_SHA256_LEN + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mr_snapshot_head own = { .database = (char *)(uintptr_t) "d" };
	struct mr_buf file = MR_BUF(1u << 24);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_snapshot_head head;
	struct mr_db_expect expect = { 0 };
	size_t rows = 0;

	mr_journal_read(fuzz_input(data, size), &expect, on_key, NULL);
	mr_snapshot_read(fuzz_input(data, size), arena, &head, on_row, &rows, NULL);
	mr_snapshot_head_add(&own, &file);
	mr_buf_add(&file, fuzz_input(data, size));
	put_right(file.p, file.n);
	if (mr_snapshot_read(mr_buf_slice(&file), arena, &head, on_row, &rows, NULL) == 0)
		fuzz_goals++;
	mr_buf_done(&file);
	return 0;
}
