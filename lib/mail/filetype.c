/* filetype: see filetype.h. */
/* libraries */
#include <magic.h>

/* ours */
#include "mail/filetype.h"

static magic_t tables;

void mr_filetype_init(void)
{
	if (tables)
		return;
	/* No look inside compressed files, which would start programs; no reading of devices. */
	tables = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_CDF);
	if (tables && magic_load(tables, NULL) < 0) {
		magic_close(tables);
		tables = NULL;
	}
}

struct mr_slice mr_filetype(struct mr_slice bytes, struct mr_arena *arena)
{
	const char *type;

	mr_filetype_init();
	if (bytes.n > MR_FILETYPE_BYTES)
		bytes.n = MR_FILETYPE_BYTES;
	type = tables && bytes.n ? magic_buffer(tables, bytes.p, bytes.n) : NULL;
	return mr_slice_of(mr_arena_strdup(arena, type ? type : "application/octet-stream"));
}
