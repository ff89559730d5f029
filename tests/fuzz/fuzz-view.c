/* fuzz-view: a message as its reader sees it: MIME, charsets, HTML, web addresses, and hashes of it. Goal: a message whose HTML has a link
 * to an address. */

/* ours */
#include "fuzz.h"
#include "mail/fuzzy.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_view v;
	struct mr_fuzzy fuzzy;
	size_t links = 0;

	mr_view_read(fuzz_input(data, size), arena, &v);
	fuzz_assert(v.mime.n_parts >= 1 && v.mime.n_parts <= MR_MIME_PARTS_MAX);
	for (size_t i = 0; i < v.mime.n_parts; i++)
		mr_mime_bytes(&v.mime, &v.mime.parts[i]);
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
