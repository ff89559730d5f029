/* fuzz-tnef: winmail.dat. Goal: one with a name and a content, read whole. */

/* ours */
#include "fuzz.h"
#include "mail/tnef.h"

size_t fuzz_goals;

struct seen {
	struct mr_slice all;
	size_t names, contents;
};

/* All that is shown is a part of the input. */
static bool see(struct mr_slice name, bool utf16, struct mr_slice content, void *arg)
{
	struct seen *s = arg;
	struct mr_slice shown = name.n ? name : content;

	fuzz_assert((name.n == 0) != (content.n == 0) && (!utf16 || name.n));
	fuzz_assert(shown.p >= s->all.p && shown.p + shown.n <= s->all.p + s->all.n);
	s->names += name.n > 0;
	s->contents += content.n > 0;
	return s->names < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { .all = fuzz_input(data, size) };
	bool whole = mr_tnef_read(s.all, see, &s);

	fuzz_goals += mr_tnef_begins(s.all) && whole && s.names && s.contents;
	return 0;
}
