/* sa/office: see office.h. */
/* libraries */
#include <archive.h>
#include <archive_entry.h>

/* ours */
#include "base/mem.h"
#include "mail/archives.h"
#include "mail/sa/conf-internal.h"
#include "mail/sa/office.h"

#define DATA_MAX     1024000     /* bytes of a part; olemacro_max_file */
#define PARTS_MAX    5           /* olemacro_num_mime */
#define IN_ZIP_MAX   8           /* olemacro_num_zip */
#define DEPTH_MAX    2           /* olemacro_zip_depth */
#define ENTRIES_MAX  2000        /* of an archive */
#define CONTENT_MAX  (4u << 20)  /* bytes of an entry */
#define CONTENTS_MAX (16u << 20) /* of all entries of a part */
#define HEAD         2000

struct look {
	bool extended; /* whatever their names are */
	bool unknown;  /* at a file whose name says nothing */
	struct sa_office *out;
	size_t left; /* bytes that may still be unpacked */
};

/* -- names -- */

/* In lower case, as there: its patterns keep no outer flag. */
static bool ends_in(struct mr_slice name, const char *words)
{
	struct mr_slice rest = mr_slice_of(words), word;

	while (mr_slice_next(&rest, ' ', &word))
		if (name.n >= word.n && mr_slice_eq(mr_slice_from(name, name.n - word.n), word))
			return true;
	return false;
}

static bool is_skipped(struct mr_slice name)
{
	return ends_in(name, "dotx potx ppsx pptx sldx");
}

static bool has_macro_name(struct mr_slice name)
{
	return ends_in(name, "docm dotm ppam potm ppst ppsm pptm sldm xlm xlam xlsb xlsm xltm xps");
}

static bool is_document(struct mr_slice name)
{
	return ends_in(name, "doc docx dot pot ppa pps ppt rtf sldm xl xla xls xlsx xlt xltx xslb");
}

static bool is_office(struct mr_slice data)
{
	return mr_slice_starts(data, MR_LIT("\xd0\xcf\x11\xe0"));
}

/* -- marks -- */

static bool opens_itself(struct mr_slice data)
{
	static const struct mr_slice who[] = { MR_LIT("document"), MR_LIT("auto"), MR_LIT("workbook") };

	for (size_t k = 0; k < MR_COUNT(who); k++) {
		struct mr_slice rest = data;

		for (ptrdiff_t at; (at = sa_ifind(rest, who[k])) >= 0;) {
			rest = mr_slice_from(rest, (size_t)at + who[k].n);
			if (mr_slice_istarts(mr_slice_from(rest, rest.n && rest.p[0] == '_'), MR_LIT("open")))
				return true;
		}
	}
	return false;
}

static void look_old(struct mr_slice data, struct sa_office *out)
{
	static const struct mr_slice old[] = { MR_LIT("\0Attribut\0"), MR_LIT("\1\0O\0l\0e\0001\0000\0N\0a\0") };
	static const struct mr_slice others[] = { MR_LIT("\\objemb"), MR_LIT("\\objdat"), MR_LIT("\\ objdat"),
						  MR_LIT("w:macrosPresent=\"yes\""), MR_LIT("vbaProject.bin.rels") };
	bool found = false;

	for (size_t i = 0; i < MR_COUNT(old) && is_office(data); i++)
		found |= sa_has(data, old[i]);
	for (size_t i = 0; i < MR_COUNT(others) && !is_office(data); i++)
		found |= sa_has(data, others[i]);
	out->macro |= found;
	out->malice |= found && opens_itself(data);
}

static char byte_at(struct mr_slice data, size_t i)
{
	return i < data.n ? data.p[i] : '\0';
}

static bool is_encrypted(struct mr_slice data)
{
	struct mr_slice head = { data.p, data.n < HEAD ? data.n : HEAD };

	if (!is_office(data))
		return false;
	if (sa_ihas(data, MR_LIT("<encryption xmlns")) || sa_has(head, MR_LIT("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e")))
		return true;
	if (sa_has(head, MR_LIT("W\0o\0r\0k\0b\0o\0o\0k\0")))
		return false;
	return byte_at(data, 0x208) == '\xfe' || byte_at(data, 0x214) == 0x2f || byte_at(data, 0x20b) == 0x13;
}

/* "http://....exe" between NULs, by its bytes behind "http". */
static bool is_program(struct mr_slice s)
{
	static const char middle[] = "-+&@#/%?=~_|!:,.;", last[] = "-+&@#/%=~_|";
	size_t tail = 0; /* bytes in a row of those that may stand last */

	s = mr_slice_from(s, s.n && mr_lower(s.p[0]) == 's');
	if (!mr_slice_starts(s, MR_LIT("://")))
		return false;
	s = mr_slice_from(s, 3);
	for (size_t i = 0; i < s.n && i <= 2000; i++) {
		struct mr_slice rest = mr_slice_from(s, i);
		bool plain = sa_is_alpha(s.p[i]) || sa_is_digit(s.p[i]);

		if (rest.n > 4 &&
		    (mr_slice_istarts(rest, MR_LIT(".exe")) || mr_slice_istarts(rest, MR_LIT(".cmd")) ||
		     mr_slice_istarts(rest, MR_LIT(".bat"))) &&
		    (rest.p[4] == '\6' || rest.p[4] == '|' || !rest.p[4]) && tail >= 5 && i >= 10 &&
		    i <= 1000 + (tail < 1000 ? tail : 1000))
			return true;
		if (!plain && (!s.p[i] || !strchr(middle, s.p[i])))
			return false;
		tail = plain || strchr(last, s.p[i]) ? tail + 1 : 0;
	}
	return false;
}

static bool downloads(struct mr_slice data)
{
	struct mr_slice rest = data;

	for (ptrdiff_t at; (at = sa_ifind(rest, MR_LIT("\0http"))) >= 0;) {
		rest = mr_slice_from(rest, (size_t)at + 5);
		if (is_program(rest))
			return true;
	}
	for (rest = data; rest.n;) {
		ptrdiff_t at = sa_find(rest, 0, MR_LIT("cmd"));
		struct mr_slice s;

		if (at < 0)
			break;
		rest = s = mr_slice_from(rest, (size_t)at + 3);
		s = mr_slice_from(s, mr_slice_starts(s, MR_LIT(".exe")) ? 4 : 0);
		if (!mr_slice_starts(s, MR_LIT(" /c ms^h^ta ht^tp")))
			continue;
		s = mr_slice_from(s, 17);
		if (mr_slice_starts(mr_slice_from(s, s.n && s.p[0] == 's'), MR_LIT(":/^/")))
			return true;
	}
	return false;
}

static bool runs_from_csv(struct mr_slice data)
{
	static const struct mr_slice end = MR_LIT("Windows\\System32\\cmd.exe");

	for (ptrdiff_t at = sa_find(data, 0, MR_LIT("MSEXCEL|")); at >= 0; at = sa_find(data, (size_t)at + 1, MR_LIT("MSEXCEL|"))) {
		struct mr_slice s = mr_slice_from(data, (size_t)at + 8);

		for (size_t i = 1; i <= 20 && i <= s.n && s.p[i - 1] != '\n'; i++)
			if (mr_slice_starts(mr_slice_from(s, i), end))
				return true;
	}
	return false;
}

static bool types_say_macros(struct mr_slice xml)
{
	return sa_ihas(xml, MR_LIT("ContentType=\"application/vnd.ms-office.vbaProject\"")) ||
	       sa_ihas(xml, MR_LIT("ContentType='application/vnd.ms-office.vbaProject'")) || sa_ihas(xml, MR_LIT("macroEnabled")) ||
	       sa_ihas(xml, MR_LIT("application/vnd.ms-excel.macrosheet")) ||
	       sa_ihas(xml, MR_LIT("application/vnd.ms-excel.intlmacrosheet"));
}

/* The first target behind which the same relation says that it is outside. */
static void look_relation(struct mr_slice s, struct sa_office *out)
{
	static const struct mr_slice target = MR_LIT("Target=\""), outside = MR_LIT("TargetMode=\"External\"");
	ptrdiff_t at = sa_ifind(s, target), end;
	struct mr_slice uri = mr_slice_from(s, at < 0 ? s.n : (size_t)at + target.n);

	end = mr_slice_chr(uri, '"');
	if (end < 0 || sa_ifind(mr_slice_from(uri, (size_t)end + 1), outside) < 0)
		return;
	uri.n = (size_t)end;
	out->mhtml |= mr_slice_istarts(uri, MR_LIT("mhtml:http://")) || mr_slice_istarts(uri, MR_LIT("mhtml:https://")) ||
		      mr_slice_istarts(uri, MR_LIT("MHTML:&#x48;&#x54;&#x50;&#x3a;&#x5c;&#x5c;&#x31;&"));
	uri = mr_slice_from(uri, mr_slice_istarts(uri, MR_LIT("mhtml:")) ? 6 : 0);
	out->redirect |= mr_slice_istarts(uri, MR_LIT("http://")) || mr_slice_istarts(uri, MR_LIT("https://"));
}

/* False: there are none. */
static bool look_relations(struct mr_slice xml, struct sa_office *out)
{
	static const struct mr_slice word = MR_LIT("Relationship");
	size_t from = 0;
	bool some = false;

	for (size_t at = 0; at < xml.n;) {
		ptrdiff_t next = sa_find(xml, at, word);

		at = next < 0 ? xml.n : (size_t)next + word.n;
		if (next >= 0 && (at >= xml.n || !sa_is_space(xml.p[at])))
			continue;
		some |= (next < 0 ? xml.n : (size_t)next) > from;
		look_relation(sa_sub(xml, from, next < 0 ? xml.n : (size_t)next), out);
		from = at + 1; /* the white space belongs to the word */
	}
	return some;
}

/* -- archives: each entry is shown with a way to its content -- */

struct zip {
	struct look *look;
	struct archive *a;
};

static struct mr_slice unpack(struct zip *z, struct mr_buf *own)
{
	size_t max = z->look->left < CONTENT_MAX ? z->look->left : CONTENT_MAX;
	char *to;

	*own = MR_BUF(max);
	while (own->n < max && (to = mr_buf_reserve(own, max - own->n < 16384 ? max - own->n : 16384))) {
		la_ssize_t n = archive_read_data(z->a, to, max - own->n < 16384 ? max - own->n : 16384);

		if (n <= 0)
			break;
		mr_buf_filled(own, (size_t)n);
		z->look->left -= (size_t)n;
	}
	return mr_buf_slice(own);
}

static void each(struct look *l, struct mr_slice name, struct mr_slice data,
		 bool (*see)(struct zip *z, struct mr_slice name, bool encrypted, void *arg), void *arg)
{
	struct zip z = { .look = l };
	struct archive_entry *e;
	bool on = mr_slice_starts(data, MR_LIT("PK")) || mr_slice_iends(name, MR_LIT(".zip"));

	z.a = on ? archive_read_new() : NULL;
	if (!z.a)
		return;
	mr_archive_init();
	archive_read_support_format_zip_seekable(z.a);
	if (archive_read_open_memory(z.a, data.p, data.n) == ARCHIVE_OK)
		for (size_t n = 0; on && n < ENTRIES_MAX && archive_read_next_header(z.a, &e) >= ARCHIVE_WARN; n++) {
			const char *path = archive_entry_pathname_utf8(e);

			on = see(&z, mr_slice_of(path ? path : archive_entry_pathname(e)), archive_entry_is_encrypted(e) > 0, arg);
		}
	archive_read_free(z.a);
}

struct document {
	bool macro, malice, office; /* office: it has what only documents have */
};

static bool see_part(struct zip *z, struct mr_slice name, bool encrypted, void *arg)
{
	static const char *const programs[] = { "word/vbaproject.bin", "macros/vba/_vba_project", "xl/vbaproject.bin",
						"_vba_project_cur/vba/_vba_project", "ppt/vbaproject.bin" };
	struct sa_office *out = z->look->out;
	struct document *d = arg;
	struct mr_slice content;
	struct mr_buf own;

	for (size_t i = 0; i < MR_COUNT(programs); i++)
		d->macro |= mr_slice_ieq(name, mr_slice_of(programs[i]));
	out->object |= mr_slice_istarts(name, MR_LIT("xl/embeddings/"));
	if (mr_slice_istarts(name, MR_LIT("word/")))
		for (size_t i = 6; i <= 55 && i + 4 <= name.n; i++)
			out->rtf |=
			    mr_slice_istarts(mr_slice_from(name, i), MR_LIT(".rtf")) && (i + 4 == name.n || !sa_is_word(name.p[i + 4]));
	if (encrypted ||
	    !(sa_has(name, MR_LIT(".rels")) || sa_has(name, MR_LIT(".bin")) || mr_slice_eq(name, MR_LIT("[Content_Types].xml"))))
		return true;
	content = unpack(z, &own);
	if (mr_slice_eq(name, MR_LIT("[Content_Types].xml"))) {
		d->office = true;
		out->macro |= types_say_macros(content);
	}
	if (sa_has(name, MR_LIT(".rels")))
		d->office |= look_relations(content, out);
	d->malice |= sa_has(name, MR_LIT(".bin")) && opens_itself(content);
	mr_buf_done(&own);
	return true;
}

/* False: it has no mark of a document. */
static bool look_document(struct look *l, struct mr_slice name, struct mr_slice data)
{
	struct document d = { 0 };

	l->out->encrypted |= is_encrypted(data);
	if (!has_macro_name(name))
		look_old(data, l->out);
	each(l, name, data, see_part, &d);
	l->out->macro |= d.macro || has_macro_name(name);
	l->out->malice |= d.macro && d.malice;
	d.office |= is_office(data) || l->out->macro || l->out->object || l->out->rtf;
	if (d.office || !l->unknown)
		l->out->download |= downloads(data);
	return d.office;
}

/* What has another name: a document by its marks, and an archive. */
static void look_unknown(struct look *l, struct mr_slice name, struct mr_slice data)
{
	struct sa_office *all = l->out, one = { 0 };

	l->out = &one;
	l->unknown = true;
	one.renamed = look_document(l, name, data);
	l->unknown = false;
	l->out = all;
	all->macro |= one.macro;
	all->object |= one.object;
	all->rtf |= one.rtf;
	all->malice |= one.malice;
	all->encrypted |= one.encrypted;
	all->download |= one.download;
	all->redirect |= one.redirect;
	all->mhtml |= one.mhtml;
	all->renamed |= one.renamed;
}

struct level {
	unsigned depth;
	size_t files;
};

static void look_file(struct look *l, struct mr_slice name, struct mr_slice data, unsigned depth);

static bool see_file(struct zip *z, struct mr_slice name, bool encrypted, void *arg)
{
	bool zip = ends_in(name, "zip"), document = has_macro_name(name) || is_document(name), csv = mr_slice_iends(name, MR_LIT(".csv"));
	struct level *at = arg;
	struct mr_slice content;
	struct mr_buf own;

	if (is_skipped(name))
		return true;
	if (encrypted) {
		z->look->out->macro |= has_macro_name(name);
		z->look->out->zip_password = true;
		return true;
	}
	if (!zip && !document && !csv && !z->look->extended)
		return true;
	content = unpack(z, &own);
	look_file(z->look, name, content, at->depth);
	mr_buf_done(&own);
	return !(zip || document || z->look->extended) || ++at->files < IN_ZIP_MAX;
}

/* Two in each other, no more. */
static void look_zip(struct look *l, struct mr_slice name, struct mr_slice data, unsigned depth)
{
	struct level at = { .depth = depth + 1 };

	if (depth < DEPTH_MAX && data.n)
		each(l, name, data, see_file, &at);
}

/* -- parts -- */

static void look_file(struct look *l, struct mr_slice name, struct mr_slice data, unsigned depth)
{
	if (mr_slice_iends(name, MR_LIT(".csv")))
		l->out->csv |= runs_from_csv(data);
	if (ends_in(name, "zip")) {
		look_zip(l, name, data, depth);
	} else if (has_macro_name(name) || is_document(name)) {
		look_document(l, name, data);
	} else if (l->extended) {
		look_unknown(l, name, data);
		look_zip(l, name, data, depth);
	}
}

/* What stands behind "name=" or "filename=". */
static struct mr_slice parameter(struct mr_slice s, struct mr_slice key)
{
	for (ptrdiff_t at; (at = sa_ifind(s, key)) >= 0;) {
		size_t n = 0;

		s = mr_slice_from(s, (size_t)at + key.n);
		while (s.n && sa_is_space(s.p[0]))
			s = mr_slice_from(s, 1);
		if (!s.n || s.p[0] != '=')
			continue;
		s = mr_slice_from(s, 1);
		while (s.n && sa_is_space(s.p[0]))
			s = mr_slice_from(s, 1);
		s = mr_slice_from(s, s.n && (s.p[0] == '"' || s.p[0] == '\''));
		while (n < s.n && !strchr("\"';", s.p[n]))
			n++;
		s.n = n;
		while (s.n && sa_is_space(s.p[s.n - 1]))
			s.n--;
		return s;
	}
	return (struct mr_slice){ 0 };
}

/* Of parts in base64 or quoted-printable only. */
static struct mr_slice name_of(struct mr_sa *sa, size_t i)
{
	struct mr_slice encoding = sa_header_value(sa->arena, &sa->nodes[i].header, MR_LIT("content-transfer-encoding")), field,
			name = { 0 };

	if (!mr_slice_ieq(encoding, MR_LIT("base64")) && !mr_slice_ieq(encoding, MR_LIT("quoted-printable")))
		return name;
	if (!mr_sa_part_header(sa, i, MR_LIT("Content-Type"), &field))
		return name;
	if (mr_sa_part_header(sa, i, MR_LIT("Content-Disposition"), &name))
		name = parameter(name, MR_LIT("filename"));
	return name.n ? name : parameter(field, MR_LIT("name"));
}

const struct sa_office *sa_office(struct mr_sa *sa)
{
	size_t n = 0;

	if (sa->office)
		return sa->office;
	sa_mime_parse(sa);
	sa->office = mr_arena_alloc(sa->arena, sizeof(*sa->office));
	for (size_t i = 0; i < sa->n_nodes && n < PARTS_MAX; i++) {
		const struct mr_sa_part *part = &sa->nodes[i].part;
		struct look l = { .extended = sa->conf->office_extended, .out = sa->office, .left = CONTENTS_MAX };
		struct mr_slice name, data;

		if (!part->leaf || mr_slice_starts(part->type, MR_LIT("text/")) || !(name = name_of(sa, i)).n || is_skipped(name))
			continue;
		if (!l.extended && !mr_slice_iends(name, MR_LIT(".csv")) && !ends_in(name, "zip") && !has_macro_name(name) &&
		    !is_document(name))
			continue;
		data = mr_sa_part_decoded(sa, i);
		if (!data.n)
			continue;
		if (data.n > DATA_MAX)
			data.n = DATA_MAX;
		look_file(&l, name, data, 0);
		n += l.extended || ends_in(name, "zip") || has_macro_name(name) || is_document(name);
	}
	return sa->office;
}
