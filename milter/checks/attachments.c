/* attachments: files that the site does not let through: by the end of their name, by what they are whatever their name says, and both
 * inside what holds files. Refused, whatever lists and thresholds say. */

/* ours */
#include "mail/attached.h"
#include "mail/filenames.h"
#include "mail/filetype.h"
#include "scan.h"

struct looking {
	struct mr_slice list;
	struct mr_arena *scratch; /* for one file */
	bool forbidden, encrypted, macros;
};

static bool is_listed(struct mr_slice list, struct mr_slice word)
{
	struct mr_slice one;

	while (word.n && mr_slice_next(&list, ' ', &one))
		if (mr_slice_ieq(one, word))
			return true;
	return false;
}

static bool is_name_forbidden(const struct looking *l, struct mr_slice name)
{
	struct mr_slice ends[MR_FILENAME_ENDS];
	size_t n = mr_filename_ends(name, l->scratch, ends);

	for (size_t i = 0; i < n; i++)
		if (is_listed(l->list, ends[i]))
			return true;
	return false;
}

static bool see(const struct mr_attached *file, void *arg)
{
	struct looking *l = arg;

	mr_arena_reset(l->scratch);
	l->encrypted |= file->encrypted;
	l->macros |= file->type.n > 0;
	l->forbidden |= is_listed(l->list, file->type);
	l->forbidden |= file->name.n && is_name_forbidden(l, file->name);
	l->forbidden |= !l->forbidden && file->bytes.n && is_listed(l->list, mr_filetype(file->bytes, l->scratch));
	return !l->forbidden;
}

static int run(struct mr_scan *scan)
{
	mr_autoarena scratch = mr_arena_new(0);
	struct looking l = { .list = scan->setup->forbidden_attachments, .scratch = scratch };
	bool whole;

	if (!l.list.n)
		return 0;
	whole = mr_attached_read(scan->in->message, &mr_scan_view(scan)->mime, &(struct mr_attached_reader){ .see = see, .arg = &l });
	if (l.forbidden) {
		scan->result.refuse = MR_REFUSE_ATTACHMENT;
		mr_scan_symbol(scan, "ATTACHMENT_FORBIDDEN", 0);
	}
	if (l.macros)
		mr_scan_symbol(scan, "ATTACHMENT_MACROS", 0);
	if (l.encrypted)
		mr_scan_symbol(scan, "ATTACHMENT_ENCRYPTED", 0.5);
	if (!whole)
		mr_scan_symbol(scan, "ATTACHMENT_CUT", 1);
	return 0;
}

const struct mr_check mr_check_attachments = { .name = "attachments", .run = run };
