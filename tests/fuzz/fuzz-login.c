/* fuzz-login: goal: a try that counts; names of bounded length without control characters of the password's hash, and one decision. */

/* system */
#include <string.h>

/* ours */
#include "fuzz.h"
#include "login.h"

size_t fuzz_goals;

static const struct mr_login_conf conf = { .window = 1000,
					   .pair_max = 2,
					   .address_max = 2,
					   .network_max = 2,
					   .known_max = 2,
					   .known_for = 1000,
					   .networks_max = 2,
					   .delay_max = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_arena *arena = mr_arena_new(0);
	struct mr_distinct_item v[MR_DISTINCT_MAX];
	struct mr_distincts known = { 0 }, taken = { 0 };
	struct mr_login_names names;
	struct mr_login_try t;
	size_t n;

	if (size < 8192 && mr_login_try_parse(fuzz_input(data, size), arena, &t) == 0) {
		mr_login_names(&conf, &t, arena, &names);
		if (names.counted) {
			mr_login_look(&conf, &names, arena, v);
			n = mr_login_take(&conf, &names, &known, arena, v);
			for (size_t i = 0; i < n; i++)
				fuzz_assert(v[i].name.n < 500 && v[i].member.n < 200 && v[i].max == 2);
			taken.full = size % 4;
			mr_login_decide(&conf, &known, v, n, &taken);
			fuzz_assert(mr_login_succeeded(&conf, &names, arena, v) <= MR_DISTINCT_MAX);
			fuzz_goals++;
		}
	}
	mr_arena_free(arena);
	return 0;
}
