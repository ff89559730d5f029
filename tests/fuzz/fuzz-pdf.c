/* fuzz-pdf: PDF files. Goal: one with a link, text and a file in it. */

/* ours */
#include "fuzz.h"
#include "mail/mime.h"
#include "mail/pdf.h"

size_t fuzz_goals;

static bool see(struct mr_slice name, struct mr_slice content, void *arg)
{
	size_t *files = arg;

	fuzz_assert((name.n == 0) != (content.n == 0));
	*files += content.n > 0;
	return *files < 10;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	size_t left = 1u << 20, files = 0;
	bool encrypted;
	struct mr_pdf p;

	mr_mime_init();
	mr_pdf_read(fuzz_input(data, size), arena, &p);
	fuzz_assert(p.n_links <= MR_PDF_LINKS_MAX && p.text.n <= 3 * MR_PDF_TEXT_MAX && (p.script || !p.open_script));
	for (size_t i = 0; i < p.n_links; i++)
		for (size_t k = 0; k < i; k++)
			fuzz_assert(!mr_slice_eq(p.links[i], p.links[k]));
	mr_pdf_files(fuzz_input(data, size), &left, &encrypted, see, &files);
	fuzz_assert(left <= 1u << 20);
	fuzz_goals += p.n_links && p.text.n && files;
	return 0;
}
