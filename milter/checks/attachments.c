/* attachments: files that the site does not let through: by the end of their name, by what they are whatever their name says, and both
 * inside archives. Refused, whatever lists and thresholds say. */

/* ours */
#include "mail/archives.h"
#include "mail/filetype.h"
#include "scan.h"

struct looking {
	struct mr_scan *scan;
	bool forbidden, encrypted;
};

static bool is_listed(struct mr_slice list, struct mr_slice word)
{
	struct mr_slice one;

	while (word.n && mr_slice_next(&list, ' ', &one))
		if (mr_slice_ieq(one, word))
			return true;
	return false;
}

/* What stands behind the last dot. Windows passes over dots and spaces at the end of a name. */
static struct mr_slice extension(struct mr_slice name)
{
	ptrdiff_t dot;

	while (name.n && strchr(". \t", name.p[name.n - 1]))
		name.n--;
	dot = mr_slice_rchr(name, '.');
	return dot < 0 ? (struct mr_slice){ 0 } : mr_slice_from(name, (size_t)dot + 1);
}

static bool is_forbidden(const struct looking *l, struct mr_slice name, struct mr_slice bytes)
{
	struct mr_slice list = l->scan->setup->forbidden_attachments;

	return is_listed(list, extension(name)) || (bytes.n && is_listed(list, mr_filetype(bytes, l->scan->arena)));
}

static bool see(const struct mr_archive_entry *e, void *arg)
{
	struct looking *l = arg;

	l->encrypted |= e->encrypted;
	l->forbidden |= is_forbidden(l, e->name, e->head);
	return !l->forbidden;
}

static int run(struct mr_scan *scan)
{
	struct looking l = { .scan = scan };
	struct mr_view *v;
	bool cut = false;

	if (!scan->setup->forbidden_attachments.n)
		return 0;
	v = mr_scan_view(scan);
	for (size_t i = 0; i < v->mime.n_parts && !l.forbidden; i++) {
		struct mr_mime_part *p = &v->mime.parts[i];
		struct mr_slice bytes = mr_mime_bytes(&v->mime, p);

		l.forbidden = is_forbidden(&l, p->name, bytes);
		if (!l.forbidden && p->kind == MR_MIME_FILE)
			cut |= mr_archive_read(bytes, see, &l) == MR_ARCHIVE_CUT;
	}
	if (l.forbidden) {
		scan->result.refuse = MR_REFUSE_ATTACHMENT;
		mr_scan_symbol(scan, "ATTACHMENT_FORBIDDEN", 0);
	}
	if (l.encrypted)
		mr_scan_symbol(scan, "ATTACHMENT_ENCRYPTED", 0.5);
	if (cut)
		mr_scan_symbol(scan, "ATTACHMENT_CUT", 1);
	return 0;
}

const struct mr_check mr_check_attachments = { .name = "attachments", .run = run };
