/* fuzz-archives: packed files. Goal: one of which every entry was seen. */

/* ours */
#include "fuzz.h"
#include "mail/archives.h"

size_t fuzz_goals;

static enum mr_archive_next see(const struct mr_archive_entry *e, void *arg)
{
	size_t *n = arg;

	fuzz_assert(e->depth >= 1 && e->depth <= MR_ARCHIVE_DEPTH_MAX && e->head.n <= MR_ARCHIVE_HEAD);
	fuzz_assert(e->content.n <= MR_ARCHIVE_INNER_MAX + 1);
	*n += e->content.n == 0;
	return e->head.n ? MR_ARCHIVE_CONTENT : MR_ARCHIVE_NEXT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0;
	enum mr_archive_status status = mr_archive_read(fuzz_input(data, size), &(struct mr_archive_reader){ .see = see, .arg = &n });

	fuzz_assert(n <= 3 * MR_ARCHIVE_ENTRIES_MAX + MR_ARCHIVE_DEPTH_MAX + MR_ARCHIVE_ZIPS_MAX); /* a further name may have one more */
	fuzz_goals += status == MR_ARCHIVE_WHOLE && n > 0;
	return 0;
}
