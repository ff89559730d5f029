/* fuzz-ole: compound files. Goal: one read whole, with a stream that holds something. */

/* ours */
#include "fuzz.h"
#include "mail/ole.h"

size_t fuzz_goals;

static bool see(struct mr_ole *ole, const struct mr_ole_entry *e, void *arg)
{
	struct mr_slice names[2], content;
	struct mr_buf out = MR_BUF(1u << 20);
	size_t *bytes = arg;

	fuzz_assert(e->name.n < MR_OLE_NAME_MAX && mr_slice_chr(e->name, '\0') < 0);
	if (e->stream)
		mr_ole_stream(ole, e, &out);
	fuzz_assert(out.n <= e->size && out.n <= ole->bytes.n);
	*bytes += out.n;
	if (mr_ole_package(mr_buf_slice(&out), names, &content))
		fuzz_assert(names[0].n + names[1].n + content.n <= out.n);
	mr_buf_done(&out);
	return *bytes < 4u << 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t bytes = 0;

	fuzz_goals += mr_ole_read(fuzz_input(data, size), see, &bytes) && bytes;
	return 0;
}
