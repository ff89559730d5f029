/* fuzz-view: a message as its reader sees it: MIME, charsets, HTML, web addresses, hashes of it, and the files that it brings along. Goal:
 * a message whose HTML has a link to an address. */

/* ours */
#include "fuzz.h"
#include "mail/attached.h"
#include "mail/filenames.h"
#include "mail/fuzzy.h"

size_t fuzz_goals;

static bool see_name(struct mr_slice name, void *arg)
{
	struct mr_slice ends[MR_FILENAME_ENDS];
	size_t n;

	mr_arena_reset(arg);
	n = mr_filename_ends(name, arg, ends);
	fuzz_assert(n >= 1 && n <= MR_FILENAME_ENDS);
	for (size_t i = 0; i < n; i++)
		fuzz_assert(mr_slice_chr(ends[i], '.') < 0 && mr_slice_chr(ends[i], '\0') < 0 && mr_slice_trim(ends[i]).n == ends[i].n);
	return true;
}

static bool see_file(const struct mr_attached *file, void *arg)
{
	fuzz_assert(file->name.n == 0 || see_name(file->name, arg));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	mr_autoarena names = mr_arena_new(0);
	struct mr_view v;
	struct mr_fuzzy fuzzy;
	size_t links = 0;

	mr_view_read(fuzz_input(data, size), arena, &v);
	fuzz_assert(v.mime.n_parts >= 1 && v.mime.n_parts <= MR_MIME_PARTS_MAX);
	for (size_t i = 0; i < v.mime.n_parts; i++)
		mr_mime_bytes(&v.mime, &v.mime.parts[i]);
	mr_attached_read(fuzz_input(data, size), &v.mime, &(struct mr_attached_reader){ .see = see_file, .arg = names });
	for (size_t i = 0; i < v.n_urls; i++) {
		const struct mr_url *u = &v.urls[i].url, *again;
		struct mr_url second;

		fuzz_assert(u->host.n > 0 && u->host.n <= MR_URL_HOST_MAX);
		/* A host that was brought to its form stays in it. */
		again = mr_url_parse(u->host, arena, &second) == 0 ? &second : NULL;
		fuzz_assert(again && mr_slice_eq(again->host, u->host));
		links += v.urls[i].link;
	}
	mr_fuzzy_read(&v, &fuzzy);
	fuzz_assert(fuzzy.n_files <= MR_FUZZY_FILES_MAX && (!fuzzy.text || fuzzy.shingles[0] != UINT64_MAX));
	fuzz_goals += links > 0;
	mr_view_free(&v);
	return 0;
}
