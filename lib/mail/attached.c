/* attached: see attached.h. */
/* ours */
#include "mail/attached.h"
#include "base/mem.h"
#include "mail/binhex.h"
#include "mail/charset.h"
#include "mail/cms.h"
#include "mail/message.h"
#include "mail/ole.h"
#include "mail/pdf.h"
#include "mail/tnef.h"
#include "mail/uu.h"
#include "mail/yenc.h"

#define HEAD_MAX     (64u << 10) /* bytes in which a message shows that it is one */
#define BOUNDARY_MAX 1000        /* bytes */

struct look {
	const struct mr_attached_reader *reader;
	struct mr_archive_count count; /* of the part at hand and all in it */
	size_t inflate;                /* bytes that streams of PDF files and compound files in it may still have */
	size_t unpacked;               /* that all parts may still have together with the one at hand */
	size_t part;                   /* that it may have */
	size_t messages, bytes, files; /* so far */
	bool cut, stopped;
};

/* At one depth of it. */
struct level {
	struct look *look;
	unsigned depth;
};

static void look_inside(struct look *l, struct mr_slice bytes, unsigned depth);

static void show(struct look *l, struct mr_attached file)
{
	if (!l->stopped)
		l->stopped = !l->reader->see(&file, l->reader->arg);
}

/* May there be one more in the part at hand? */
static bool has_room(struct look *l)
{
	l->cut |= l->files == MR_ATTACHED_FILES_MAX;
	return !l->stopped && l->files < MR_ATTACHED_FILES_MAX;
}

/* What is in a part. */
static void show_content(struct look *l, struct mr_slice bytes)
{
	if (!has_room(l))
		return;
	l->files++;
	show(l, (struct mr_attached){ .bytes = bytes });
}

/* -- packed files -- */

/* By its first bytes: it begins with a header field, and among them is one that messages have. */
static bool begins_message(struct mr_slice bytes)
{
	static const struct mr_slice usual[] = { MR_LIT("mime-version"), MR_LIT("from"), MR_LIT("to"),          MR_LIT("received"),
						 MR_LIT("subject"),      MR_LIT("date"), MR_LIT("return-path"), MR_LIT("x-unsent") };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	if (mr_slice_starts(bytes, MR_LIT("\xef\xbb\xbf")))
		bytes = mr_slice_from(bytes, 3);
	while (bytes.n && *bytes.p && strchr("\r\n\t ", *bytes.p))
		bytes = mr_slice_from(bytes, 1);
	if (bytes.n > HEAD_MAX)
		bytes.n = HEAD_MAX;
	mr_message_parse(bytes, arena, &m);
	for (size_t i = 0; i < m.n_headers; i++) {
		if (mr_slice_istarts(m.headers[i].name, MR_LIT("content-")))
			return true;
		for (size_t k = 0; k < MR_COUNT(usual); k++)
			if (mr_slice_ieq(m.headers[i].name, usual[k]))
				return true;
	}
	return false;
}

static bool begins_uu(struct mr_slice bytes)
{
	return mr_slice_starts(bytes, MR_LIT("begin"));
}

static bool begins_text_file(struct mr_slice bytes)
{
	return begins_uu(bytes) || mr_yenc_begins(bytes) || mr_binhex_begins(bytes);
}

/* What is no archive, and what look_inside() looks into. */
static bool holds_files(struct mr_slice bytes)
{
	return begins_message(bytes) || begins_text_file(bytes) || mr_tnef_begins(bytes) || mr_pdf_begins(bytes) || mr_ole_begins(bytes) ||
	       mr_cms_kind(bytes) != MR_CMS_NONE;
}

static enum mr_archive_next see_entry(const struct mr_archive_entry *e, void *arg)
{
	struct level *at = arg;

	if (e->content.n) {
		look_inside(at->look, e->content, at->depth);
	} else {
		show(at->look, (struct mr_attached){ .name = e->name, .encrypted = e->encrypted });
		show_content(at->look, e->head);
	}
	if (!has_room(at->look))
		return MR_ARCHIVE_STOP;
	return holds_files(e->head) ? MR_ARCHIVE_CONTENT : MR_ARCHIVE_NEXT;
}

static void look_packed(struct look *l, struct mr_slice bytes, unsigned depth)
{
	struct level at = { l, depth };
	struct mr_archive_reader reader = { .see = see_entry, .arg = &at, .count = &l->count };

	if (has_room(l))
		l->cut |= mr_archive_read(bytes, &reader) == MR_ARCHIVE_CUT;
}

/* -- what is no archive and holds files -- */

/* A file that was found in another one. */
static void look_file(struct look *l, struct mr_slice bytes, unsigned depth)
{
	show_content(l, bytes);
	look_packed(l, bytes, depth);
	look_inside(l, bytes, depth);
}

static bool may_go_on(struct look *l)
{
	bool room = l->count.entries < MR_ARCHIVE_ENTRIES_MAX;

	l->count.entries += room;
	l->cut |= !room;
	return room && has_room(l);
}

static void look_uu(struct look *l, struct mr_slice text, unsigned depth)
{
	struct mr_buf bytes = MR_BUF(MR_ARCHIVE_INNER_MAX);
	struct mr_slice name;

	while (mr_uu_next(&text, &name, &bytes) && may_go_on(l)) {
		l->cut |= bytes.full;
		show(l, (struct mr_attached){ .name = name });
		look_file(l, mr_buf_slice(&bytes), depth);
	}
	mr_buf_done(&bytes);
}

static void look_yenc(struct look *l, struct mr_slice text, unsigned depth)
{
	struct mr_buf bytes = MR_BUF(MR_ARCHIVE_INNER_MAX);
	struct mr_slice name;

	while (mr_yenc_next(&text, &name, &bytes) && may_go_on(l)) {
		l->cut |= bytes.full;
		show(l, (struct mr_attached){ .name = name });
		look_file(l, mr_buf_slice(&bytes), depth);
	}
	mr_buf_done(&bytes);
}

static void look_binhex(struct look *l, struct mr_slice text, bool alone, unsigned depth)
{
	struct mr_buf bytes = MR_BUF(MR_ARCHIVE_INNER_MAX), name = MR_BUF(MR_BINHEX_NAME_MAX);

	while (mr_binhex_next(&text, alone, &name, &bytes) && may_go_on(l)) {
		l->cut |= bytes.full;
		show(l, (struct mr_attached){ .name = mr_buf_slice(&name) });
		look_file(l, mr_buf_slice(&bytes), depth);
		alone = false;
	}
	mr_buf_done(&bytes);
	mr_buf_done(&name);
}

/* Files that stand in text. binhex: it may be nothing but such a file. */
static void look_text(struct look *l, struct mr_slice text, bool binhex, unsigned depth)
{
	look_uu(l, text, depth);
	look_yenc(l, text, depth);
	look_binhex(l, text, binhex, depth);
}

static void show_name(struct look *l, struct mr_slice name, const char *charset)
{
	struct mr_buf utf8 = MR_BUF(3 * name.n + 1);

	mr_charset_to_utf8(name, mr_slice_of(charset), &utf8);
	if (name.n)
		show(l, (struct mr_attached){ .name = mr_buf_slice(&utf8) });
	mr_buf_done(&utf8);
}

static bool see_tnef(struct mr_slice name, bool utf16, struct mr_slice content, void *arg)
{
	struct level *at = arg;

	if (name.n)
		show_name(at->look, name, utf16 ? "utf-16le" : "");
	else if (may_go_on(at->look))
		look_file(at->look, content, at->depth);
	return !at->look->stopped;
}

static void look_tnef(struct look *l, struct mr_slice bytes, unsigned depth)
{
	struct level at = { l, depth };

	l->cut |= !mr_tnef_read(bytes, see_tnef, &at);
}

static bool see_pdf(struct mr_slice name, struct mr_slice content, void *arg)
{
	struct level *at = arg;

	if (name.n)
		show(at->look, (struct mr_attached){ .name = name });
	else if (may_go_on(at->look))
		look_file(at->look, content, at->depth);
	return !at->look->stopped;
}

static void look_pdf(struct look *l, struct mr_slice bytes, unsigned depth)
{
	struct level at = { l, depth };
	bool encrypted = false;

	l->cut |= !mr_pdf_files(bytes, &l->inflate, &encrypted, see_pdf, &at);
	if (encrypted)
		show(l, (struct mr_attached){ .encrypted = true });
}

/* -- Outlook's messages, and Office documents -- */

static void see_package(struct look *l, struct mr_slice stream, unsigned depth)
{
	struct mr_slice names[2], content;

	if (!mr_ole_package(stream, names, &content))
		return;
	show_name(l, names[0], "");
	show_name(l, names[1], "");
	look_file(l, content, depth);
}

/* [MS-OXMSG]: the names and the content of attached files are properties, each a stream of its own. */
static bool see_ole(struct mr_ole *ole, const struct mr_ole_entry *e, void *arg)
{
	static const struct {
		struct mr_slice name;
		enum { NAME, UTF16_NAME, CONTENT, PACKAGE } is;
	} streams[] = {
		{ MR_LIT("__substg1.0_3704001E"), NAME },
		{ MR_LIT("__substg1.0_3707001E"), NAME },
		{ MR_LIT("__substg1.0_3704001F"), UTF16_NAME },
		{ MR_LIT("__substg1.0_3707001F"), UTF16_NAME },
		{ MR_LIT("__substg1.0_37010102"), CONTENT },
		{ MR_LIT("\1Ole10Native"), PACKAGE },
		{ MR_LIT("Package"), CONTENT },
		{ MR_LIT("CONTENTS"), CONTENT },
	};
	struct level *at = arg;
	struct look *l = at->look;
	size_t i = 0;

	if (mr_slice_ieq(e->name, MR_LIT("_VBA_PROJECT")))
		show(l, (struct mr_attached){ .type = MR_LIT(MR_ATTACHED_MACROS) });
	else if (mr_slice_ieq(e->name, MR_LIT("EncryptedPackage")))
		show(l, (struct mr_attached){ .encrypted = true });
	while (e->stream && i < MR_COUNT(streams) && !mr_slice_ieq(e->name, streams[i].name))
		i++;
	if (e->stream && i < MR_COUNT(streams) && may_go_on(l)) {
		struct mr_buf bytes = MR_BUF(l->inflate < MR_ARCHIVE_INNER_MAX ? l->inflate : MR_ARCHIVE_INNER_MAX);

		mr_ole_stream(ole, e, &bytes);
		l->inflate -= bytes.n;
		if (streams[i].is == CONTENT)
			look_file(l, mr_buf_slice(&bytes), at->depth);
		else if (streams[i].is == PACKAGE)
			see_package(l, mr_buf_slice(&bytes), at->depth);
		else
			show_name(l, mr_buf_slice(&bytes), streams[i].is == NAME ? "" : "utf-16le");
		mr_buf_done(&bytes);
	}
	return !l->stopped;
}

static void look_ole(struct look *l, struct mr_slice bytes, unsigned depth)
{
	struct level at = { l, depth };

	l->cut |= !mr_ole_read(bytes, see_ole, &at);
}

/* -- S/MIME -- */

static void look_cms(struct look *l, struct mr_slice bytes, unsigned depth)
{
	enum mr_cms_kind kind = mr_cms_kind(bytes);
	struct mr_buf content = MR_BUF(bytes.n);

	if (kind == MR_CMS_ENCRYPTED)
		show(l, (struct mr_attached){ .encrypted = true });
	if (kind == MR_CMS_SIGNED) {
		l->cut |= !mr_cms_content(bytes, &content);
		if (content.n && may_go_on(l))
			look_file(l, mr_buf_slice(&content), depth);
	}
	mr_buf_done(&content);
}

/* -- messages -- */

static bool see_name(struct mr_slice name, void *arg)
{
	struct look *l = arg;

	show(l, (struct mr_attached){ .name = name });
	return !l->stopped;
}

/* Each file may have as much as an archive, and not all of them. */
static void begin_part(struct look *l)
{
	l->unpacked -= (l->part - l->inflate) + l->count.bytes - (MR_ARCHIVE_BYTES_MAX - l->part);
	l->part = l->unpacked / 2 < MR_ARCHIVE_BYTES_MAX ? l->unpacked / 2 : MR_ARCHIVE_BYTES_MAX;
	l->count = (struct mr_archive_count){ .bytes = MR_ARCHIVE_BYTES_MAX - l->part };
	l->inflate = l->part;
}

static void look_padded(struct look *l, const struct mr_mime_part *p, unsigned depth)
{
	struct mr_buf bytes = MR_BUF(MR_ARCHIVE_INNER_MAX);

	if (has_room(l) && mr_mime_padded(p, &bytes)) {
		l->cut |= bytes.full;
		look_file(l, mr_buf_slice(&bytes), depth);
	}
	mr_buf_done(&bytes);
}

/* Of a part without a name the type says how programs call it. */
static void show_type(struct look *l, const struct mr_mime_part *p)
{
	static const struct {
		struct mr_slice type, name;
	} types[] = {
		{ MR_LIT("application/hta"), MR_LIT("part.hta") },
		{ MR_LIT("application/x-msdownload"), MR_LIT("part.exe") },
		{ MR_LIT("application/java-archive"), MR_LIT("part.jar") },
		{ MR_LIT("application/javascript"), MR_LIT("part.js") },
		{ MR_LIT("application/x-javascript"), MR_LIT("part.js") },
		{ MR_LIT("text/javascript"), MR_LIT("part.js") },
		{ MR_LIT("text/vbscript"), MR_LIT("part.vbs") },
		{ MR_LIT("text/scriptlet"), MR_LIT("part.sct") },
	};

	for (size_t i = 0; i < MR_COUNT(types) && !p->name.n; i++)
		if (mr_slice_eq(p->type, types[i].type))
			show(l, (struct mr_attached){ .name = types[i].name });
}

static void look_part(struct look *l, struct mr_mime_view *v, struct mr_mime_part *p, unsigned depth)
{
	struct mr_slice bytes = mr_mime_bytes(v, p);
	bool file = p->kind == MR_MIME_FILE || p->attachment || p->name.n;

	if (depth == 0)
		begin_part(l);
	show_type(l, p);
	if (depth)
		show_content(l, bytes);
	else
		show(l, (struct mr_attached){ .bytes = bytes });
	if (file || mr_archive_begins(bytes))
		look_packed(l, bytes, depth);
	if (file) {
		look_inside(l, bytes, depth);
		look_padded(l, p, depth);
	}
	if (p->kind == MR_MIME_PLAIN && !(file && begins_text_file(bytes)))
		look_text(l, bytes, false, depth + 1);
}

/* Whatever the transfer encoding is said to be, Outlook takes such a part for what it is by its type. */
static void look_unencoded(struct look *l, const struct mr_mime_view *v, struct mr_slice message, unsigned depth)
{
	size_t i = 0;

	while (i < v->n_parts && !mr_slice_eq(v->parts[i].type, MR_LIT("application/mac-binhex40")))
		i++;
	if (i < v->n_parts && has_room(l))
		look_binhex(l, message, false, depth + 1);
}

static void look_view(struct look *l, struct mr_mime_view *v, unsigned depth);

/* The first line of the body that may be a boundary; empty: there is none. */
static struct mr_slice find_boundary(struct mr_slice body)
{
	struct mr_slice line;

	while (mr_slice_next(&body, '\n', &line))
		if (mr_slice_starts(line, MR_LIT("--")) && (line = mr_slice_trim(mr_slice_from(line, 2))).n && line.n <= BOUNDARY_MAX)
			return line;
	return (struct mr_slice){ 0 };
}

/* A body whose parts GMime does not find, by the boundary that stands in it. */
static void look_broken(struct look *l, struct mr_slice body, unsigned depth)
{
	struct mr_slice boundary = find_boundary(body);
	struct mr_buf message = MR_BUF(body.n + 2 * BOUNDARY_MAX + 100);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_mime_view v;

	if (!boundary.n)
		return;
	mr_buf_puts(&message, "Content-Type: multipart/mixed; boundary=\"");
	for (size_t i = 0; i < boundary.n; i++) {
		if (strchr("\"\\", boundary.p[i]))
			mr_buf_putc(&message, '\\');
		mr_buf_putc(&message, boundary.p[i]);
	}
	mr_buf_puts(&message, "\"\n\n");
	mr_buf_add(&message, body);
	mr_mime_parse(mr_buf_slice(&message), arena, &v);
	if (!v.broken)
		look_view(l, &v, depth);
	mr_mime_free(&v);
	mr_buf_done(&message);
}

static void look_view(struct look *l, struct mr_mime_view *v, unsigned depth)
{
	l->cut |= v->cut && depth; /* of the message itself that is told apart */
	mr_mime_names(v, see_name, l);
	for (size_t i = 0; i < v->n_parts && !l->stopped; i++)
		look_part(l, v, &v->parts[i], depth);
	if (v->broken && !l->stopped)
		look_broken(l, v->parts[0].whole, depth);
}

static void look_reading(struct look *l, struct mr_slice message, unsigned depth)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_mime_view v;

	mr_mime_parse(message, arena, &v);
	look_view(l, &v, depth);
	look_unencoded(l, &v, message, depth);
	mr_mime_free(&v);
}

/* As those read it who do not go by what GMime goes by. */
static void look_otherwise(struct look *l, struct mr_slice message, unsigned depth)
{
	struct mr_buf other = MR_BUF(2 * message.n + 1);

	if (!l->stopped && mr_mime_reading(message, MR_MIME_FIRST, &other)) {
		look_reading(l, mr_buf_slice(&other), depth);
		mr_buf_reset(&other);
		mr_mime_reading(message, MR_MIME_LAST, &other);
		if (!l->stopped)
			look_reading(l, mr_buf_slice(&other), depth);
	}
	mr_buf_done(&other);
}

static void look_message(struct look *l, struct mr_slice message, unsigned depth)
{
	if (message.n > MR_ATTACHED_MESSAGE_MAX) {
		l->cut = true;
		message.n = MR_ATTACHED_MESSAGE_MAX;
	}
	if (l->messages == MR_ATTACHED_MESSAGES_MAX || message.n > MR_ATTACHED_BYTES_MAX - l->bytes) {
		l->cut = true;
		return;
	}
	l->messages++;
	l->bytes += message.n;
	look_reading(l, message, depth);
	look_otherwise(l, message, depth);
}

static void look_inside(struct look *l, struct mr_slice bytes, unsigned depth)
{
	if (!has_room(l) || !holds_files(bytes))
		return;
	if (depth >= MR_ATTACHED_DEPTH_MAX) {
		l->cut = true;
		return;
	}
	if (begins_message(bytes))
		look_message(l, bytes, depth + 1);
	if (mr_tnef_begins(bytes))
		look_tnef(l, bytes, depth + 1);
	if (begins_text_file(bytes))
		look_text(l, bytes, mr_binhex_begins(bytes), depth + 1);
	if (mr_pdf_begins(bytes))
		look_pdf(l, bytes, depth + 1);
	if (mr_ole_begins(bytes))
		look_ole(l, bytes, depth + 1);
	look_cms(l, bytes, depth + 1);
}

bool mr_attached_read(struct mr_slice message, struct mr_mime_view *view, const struct mr_attached_reader *reader)
{
	struct look l = { .reader = reader, .unpacked = MR_ATTACHED_UNPACKED_MAX, .count.bytes = MR_ARCHIVE_BYTES_MAX };

	look_view(&l, view, 0);
	look_unencoded(&l, view, message, 0);
	look_otherwise(&l, message, 0);
	return !l.cut;
}
