/* fuzz-hostd: goal: a request that the part which runs as root would carry out. What goes on to other programs is of a strict form. */

/* ours */
#include "fuzz.h"
#include "hostd.h"

size_t fuzz_goals;

static void check_bytes(struct mr_slice s, const char *also)
{
	for (size_t i = 0; i < s.n; i++)
		fuzz_assert((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			    mr_slice_chr(mr_slice_of(also), s.p[i]) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice in = fuzz_input(data, size), rest = in, line;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_hostd_request q = { 0 };
	struct mr_control_request r;
	struct mr_buf ids = MR_BUF(1u << 20), users = MR_BUF(1u << 20);
	struct mr_hostd_pick pick = { "anna@example.org", '+', MR_HOSTD_NOT_ON_HOLD, false, &ids, &ids };
	struct mr_hostd_logins logins = { .login = "anna@example.org", .rest = MR_LIT("ABCDEF\nBCDEFG\n"), .out = &ids };
	struct mr_hostd_kicked kicked = { 0 };
	uint64_t changed = 0;
	size_t used;

	if (mr_control_next(in, &r, &used) == 1 && mr_hostd_parse(&r, arena, &q, NULL) == 0) {
		if (q.address)
			check_bytes(mr_slice_of(q.address), "@.-_");
		if (q.from)
			check_bytes(mr_slice_of(q.from), "");
		mr_hostd_from(mr_buf_slice(&q.ids), q.from, arena);
		check_bytes(mr_buf_slice(&q.ids), "\n");
		fuzz_assert(q.ids.n == 0 || q.ids.n > MR_HOSTD_ID_MIN);
		fuzz_goals++;
	}
	mr_buf_done(&q.ids);
	mr_hostd_pick(in, &pick);
	while (mr_slice_next(&rest, '\n', &line)) {
		mr_hostd_logins(line, &logins);
		mr_hostd_session(line, &users);
	}
	check_bytes(mr_buf_slice(&users), "@.-_\n");
	mr_buf_done(&users);
	fuzz_assert(pick.out->n == 0 || ids.p[ids.n - 1] == '\n');
	mr_hostd_changed(in, &changed);
	mr_hostd_kicked(in, &kicked);
	mr_buf_done(&ids);
	return 0;
}
