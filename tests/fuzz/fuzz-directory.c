/* fuzz-directory: wire messages and the typed answers in them. Goal: an answer that was read; written and read again it is written the
 * same. */

/* ours */
#include "fuzz.h"
#include "proto/directory.h"

size_t fuzz_goals;

static struct mr_wire read_again(struct mr_buf *out, struct mr_arena *arena)
{
	struct mr_wire w = { 0 };
	size_t used;

	fuzz_assert(mr_wire_next(mr_buf_slice(out), arena, &w, &used) == 1 && used == out->n);
	return w;
}

static void same(struct mr_buf *first, struct mr_buf *second)
{
	fuzz_assert(mr_slice_eq(mr_buf_slice(first), mr_buf_slice(second)));
	mr_buf_done(first);
	mr_buf_done(second);
	fuzz_goals++;
}

static void resolve(const struct mr_wire *w, struct mr_arena *arena)
{
	struct mr_buf first = MR_BUF(2 * MR_WIRE_MAX), second = MR_BUF(2 * MR_WIRE_MAX);
	struct mr_dir_resolve a;
	struct mr_wire again;

	if (mr_dir_resolve_decode(w, arena, &a) == 0 && a.status == MR_DIR_OK) {
		fuzz_assert(mr_dir_resolve_encode(&first, 1, &a) == 0);
		again = read_again(&first, arena);
		fuzz_assert(mr_dir_resolve_decode(&again, arena, &a) == 0);
		fuzz_assert(mr_dir_resolve_encode(&second, 1, &a) == 0);
		for (size_t i = 0; i < a.n_finals; i++)
			mr_dir_listed(&a.finals[i].account, a.finals[i].deliver);
		same(&first, &second);
	}
}

static void sender(const struct mr_wire *w, struct mr_arena *arena)
{
	struct mr_buf first = MR_BUF(2 * MR_WIRE_MAX), second = MR_BUF(2 * MR_WIRE_MAX);
	struct mr_dir_sender a;
	struct mr_wire again;

	if (mr_dir_sender_decode(w, arena, &a) == 0 && a.status == MR_DIR_OK) {
		fuzz_assert(mr_dir_sender_encode(&first, 1, &a) == 0);
		again = read_again(&first, arena);
		fuzz_assert(mr_dir_sender_decode(&again, arena, &a) == 0);
		fuzz_assert(mr_dir_sender_encode(&second, 1, &a) == 0);
		same(&first, &second);
	}
}

static void passdb(const struct mr_wire *w, struct mr_arena *arena)
{
	struct mr_buf first = MR_BUF(2 * MR_WIRE_MAX), second = MR_BUF(2 * MR_WIRE_MAX);
	struct mr_dir_passdb a;
	struct mr_wire again;

	if (mr_dir_passdb_decode(w, arena, &a) == 0 && a.status == MR_DIR_OK) {
		fuzz_assert(mr_dir_passdb_encode(&first, 1, &a) == 0);
		again = read_again(&first, arena);
		fuzz_assert(mr_dir_passdb_decode(&again, arena, &a) == 0);
		fuzz_assert(mr_dir_passdb_encode(&second, 1, &a) == 0);
		same(&first, &second);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	enum mr_dir_status status;
	struct mr_dir_account account;
	struct mr_wire w;
	size_t used;

	if (mr_wire_next(fuzz_input(data, size), arena, &w, &used) == 1) {
		fuzz_assert(used <= size);
		resolve(&w, arena);
		sender(&w, arena);
		passdb(&w, arena);
		mr_dir_account_decode(&w, arena, &status, &account);
	}
	return 0;
}
