/* fuzz-cms: S/MIME in one file. Goal: content that was signed. */

/* ours */
#include "fuzz.h"
#include "mail/cms.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice in = fuzz_input(data, size);
	struct mr_buf out = MR_BUF(size);
	bool good = mr_cms_content(in, &out);

	fuzz_assert(!out.full);
	fuzz_goals += good && out.n && mr_cms_kind(in) == MR_CMS_SIGNED;
	mr_buf_done(&out);
	return 0;
}
