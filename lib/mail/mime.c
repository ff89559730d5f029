/* mime: see mime.h. GMime parses; bounds, names, and the fall-back for what it cannot read are ours. */
/* libraries */
#include <gmime/gmime.h>

/* ours */
#include "base/mem.h"
#include "mail/charset.h"
#include "mail/filenames.h"
#include "mail/mime.h"

#define FIELD_NAME_MAX 128 /* bytes; GMime takes much longer ones for the body */

struct mr_mime {
	GMimeParserOptions *options;
	GMimeMessage *message;
	GPtrArray *decoded; /* GMimeStream: contents that were decoded */
	GPtrArray *objects; /* GMimeObject of the message: parts, and what holds them */
};

struct walk {
	struct mr_mime_view *view;
	struct mr_arena *arena;
	size_t text_left; /* bytes of decoded text that may still come */
};

/* GLib tells strangers' mistakes on standard error; they are no news. */
static void say_nothing(const char *domain, GLogLevelFlags level, const char *text, void *arg)
{
	(void)domain, (void)level, (void)text, (void)arg;
}

void mr_mime_init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	g_log_set_default_handler(say_nothing, NULL);
	g_mime_init();
	mr_charset_init();
}

/* -- bounds before the parse -- */

/* The front of the message that has at most so many lines that may be boundaries: each costs the parser memory and time. */
static struct mr_slice bounded(struct mr_slice message, bool *cut)
{
	const char *at = message.p, *end = message.p + message.n;
	size_t lines = 0;

	for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
		if (end - at < 3 || at[1] != '-' || at[2] != '-' || ++lines <= MR_MIME_BOUNDARY_MAX)
			continue;
		*cut = true;
		return (struct mr_slice){ message.p, (size_t)(at + 1 - message.p) };
	}
	return message;
}

/* -- fields that say nothing of parts -- */

static bool is_ordinary_name(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!g_ascii_isalnum(s.p[i]) && (i == 0 || s.p[i] != '-'))
			return false;
	return s.n > 0 && s.n <= FIELD_NAME_MAX;
}

/* The first field and those about content, which are all that tells GMime of parts: each field costs it objects. *body: all from the empty
 * line on. Of a header that is in any way odd, everything stays, so that it is read as GMime reads odd ones. */
static struct mr_slice about_content(struct mr_slice message, struct mr_arena *arena, struct mr_slice *body)
{
	struct mr_buf kept = MR_BUF(message.n);
	struct mr_slice rest = message, line, out = { 0 };
	bool keep = true;

	*body = message;
	while (mr_slice_next(&rest, '\n', &line) && rest.p) {
		struct mr_slice text = mr_slice_trim(line), whole = { line.p, line.n + 1 };
		ptrdiff_t colon;

		if (!line.n || mr_slice_eq(line, MR_LIT("\r"))) {
			*body = mr_slice_from(message, (size_t)(line.p - message.p));
			out = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&kept)));
			break;
		}
		if (!text.n || mr_slice_chr(line, '\0') >= 0)
			break;
		if (line.p[0] != ' ' && line.p[0] != '\t') {
			colon = mr_slice_chr(line, ':');
			if (colon < 0 || !is_ordinary_name((struct mr_slice){ line.p, (size_t)colon }))
				break;
			keep = line.p == message.p || mr_slice_istarts(line, MR_LIT("content-"));
		} else if (line.p == message.p) {
			break;
		}
		if (keep)
			mr_buf_add(&kept, whole);
	}
	mr_buf_done(&kept);
	return out;
}

/* -- what stands in a part -- */

static struct mr_slice lower(const char *s, struct mr_arena *arena)
{
	char *copy = mr_arena_strdup(arena, s ? s : "");

	for (char *p = copy; *p; p++)
		*p = mr_lower(*p);
	return mr_slice_of(copy);
}

static struct mr_slice type_of(GMimeObject *o, struct mr_arena *arena)
{
	GMimeContentType *t = g_mime_object_get_content_type(o);
	const char *type = t ? g_mime_content_type_get_media_type(t) : NULL, *sub = t ? g_mime_content_type_get_media_subtype(t) : NULL;

	if (!type || !sub)
		return MR_LIT("text/plain");
	return lower(mr_arena_printf(arena, "%.*s/%.*s", 127, type, 127, sub), arena);
}

/* A file name as the reader sees it; a name that no charset explains is taken for windows-1252. */
static struct mr_slice name_of(GMimeObject *o, struct mr_arena *arena)
{
	const char *name = GMIME_IS_PART(o) ? g_mime_part_get_filename(GMIME_PART(o)) : NULL;
	struct mr_buf utf8 = MR_BUF(MR_MIME_NAME_MAX);
	struct mr_slice out;

	if (!name)
		name = g_mime_object_get_content_type_parameter(o, "name");
	mr_charset_to_utf8(mr_slice_of(name), (struct mr_slice){ 0 }, &utf8);
	out = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&utf8)));
	mr_buf_done(&utf8);
	return out;
}

static enum mr_mime_kind kind_of(struct mr_slice type)
{
	if (mr_slice_eq(type, MR_LIT("text/html")) || mr_slice_eq(type, MR_LIT("application/xhtml+xml")))
		return MR_MIME_HTML;
	return mr_slice_starts(type, MR_LIT("text/")) ? MR_MIME_PLAIN : MR_MIME_FILE;
}

static struct mr_slice decode(struct mr_mime *m, GMimeObject *o)
{
	GMimeDataWrapper *content = GMIME_IS_PART(o) ? g_mime_part_get_content(GMIME_PART(o)) : NULL;
	GMimeStream *out;
	GByteArray *bytes;

	if (!content)
		return (struct mr_slice){ 0 };
	out = g_mime_stream_mem_new();
	g_ptr_array_add(m->decoded, out);
	if (g_mime_data_wrapper_write_to_stream(content, out) < 0)
		return (struct mr_slice){ 0 };
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out));
	return (struct mr_slice){ (const char *)bytes->data, bytes->len };
}

static void take_text(struct walk *w, struct mr_mime_part *p, struct mr_slice raw)
{
	size_t max = w->text_left < MR_MIME_TEXT_PART_MAX ? w->text_left : MR_MIME_TEXT_PART_MAX;
	struct mr_buf utf8 = MR_BUF(3 * max + 1); /* no byte becomes more than three */

	p->whole = raw;
	p->cut = raw.n > max;
	if (p->cut)
		raw.n = max;
	w->text_left -= raw.n;
	p->raw = raw;
	p->bad_charset = !mr_charset_to_utf8(raw, p->charset, &utf8);
	p->text = mr_slice_of(mr_arena_slice(w->arena, mr_buf_slice(&utf8)));
	mr_buf_done(&utf8);
}

static void add_leaf(struct walk *w, GMimeObject *o, unsigned depth)
{
	struct mr_mime_view *v = w->view;
	GMimeContentDisposition *d = g_mime_object_get_content_disposition(o);
	struct mr_mime_part *p;

	if (v->n_parts == MR_MIME_PARTS_MAX) {
		v->cut = true;
		return;
	}
	v->parts = mr_arena_more(w->arena, v->parts, v->n_parts, &v->room, MR_MIME_PARTS_MAX, sizeof(*v->parts));
	p = &v->parts[v->n_parts++];
	*p = (struct mr_mime_part){
		.type = type_of(o, w->arena),
		.charset = lower(g_mime_object_get_content_type_parameter(o, "charset"), w->arena),
		.name = name_of(o, w->arena),
		.attachment = d && g_mime_content_disposition_is_attachment(d),
		.depth = depth,
		.handle = o,
	};
	p->kind = kind_of(p->type);
	if (p->kind != MR_MIME_FILE)
		take_text(w, p, decode(v->mime, o));
}

static void walk(struct walk *w, GMimeObject *o, unsigned depth)
{
	GMimeMessage *inner;

	if (depth > MR_MIME_DEPTH_MAX) {
		w->view->cut = true;
		return;
	}
	g_ptr_array_add(w->view->mime->objects, o);
	if (GMIME_IS_MULTIPART(o)) {
		int n = g_mime_multipart_get_count(GMIME_MULTIPART(o));

		for (int i = 0; i < n && !(w->view->cut && w->view->n_parts == MR_MIME_PARTS_MAX); i++)
			walk(w, g_mime_multipart_get_part(GMIME_MULTIPART(o), i), depth + 1);
	} else if (GMIME_IS_MESSAGE_PART(o)) {
		inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
		if (inner && g_mime_message_get_mime_part(inner))
			walk(w, g_mime_message_get_mime_part(inner), depth + 1);
	} else {
		add_leaf(w, o, depth);
	}
}

/* -- the whole -- */

/* The body without any MIME, for what GMime reads as empty: an unclosed quote round a boundary hides every part from it, not from all
 * mail programs. */
static void fall_back(struct walk *w, struct mr_slice message)
{
	const char *lf = memmem(message.p, message.n, "\n\n", 2), *crlf = memmem(message.p, message.n, "\n\r\n", 3);
	const char *at = crlf && (!lf || crlf < lf) ? crlf + 3 : lf ? lf + 2 : NULL;
	struct mr_slice body = at ? mr_slice_from(message, (size_t)(at - message.p)) : (struct mr_slice){ 0 };
	struct mr_mime_part *p = &w->view->parts[0];

	w->view->broken = mr_slice_trim(body).n > 0;
	w->view->n_parts = 1;
	*p = (struct mr_mime_part){ .kind = MR_MIME_PLAIN, .type = MR_LIT("text/plain") };
	w->text_left = MR_MIME_TEXT_MAX;
	take_text(w, p, body);
}

/* Adds bytes that the stream does not own. */
static void add_bytes(GMimeStream *all, struct mr_slice bytes, GByteArray **array)
{
	GMimeStream *s;

	*array = g_byte_array_new_take((guint8 *)bytes.p, bytes.n);
	s = g_mime_stream_mem_new_with_byte_array(*array);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(s), FALSE);
	g_mime_stream_cat_add_source(GMIME_STREAM_CAT(all), s);
	g_object_unref(s);
}

void mr_mime_parse(struct mr_slice message, struct mr_arena *arena, struct mr_mime_view *out)
{
	struct mr_mime *m = mr_new(struct mr_mime, 1);
	struct walk w = { .view = out, .arena = arena, .text_left = MR_MIME_TEXT_MAX };
	struct mr_slice header, body;
	GMimeParser *parser;
	GMimeStream *stream;
	GByteArray *arrays[2];

	mr_mime_init();
	*out = (struct mr_mime_view){ .mime = m };
	out->parts = mr_arena_more(arena, NULL, 0, &out->room, MR_MIME_PARTS_MAX, sizeof(*out->parts));
	m->decoded = g_ptr_array_new_with_free_func(g_object_unref);
	m->objects = g_ptr_array_new();
	m->options = g_mime_parser_options_new();
	message = bounded(message, &out->cut);
	header = about_content(message, arena, &body);
	stream = g_mime_stream_cat_new();
	add_bytes(stream, header, &arrays[0]);
	add_bytes(stream, body, &arrays[1]);
	parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_persist_stream(parser, FALSE); /* contents are copied: nothing of GMime's looks at our bytes later */
	m->message = g_mime_parser_construct_message(parser, m->options);
	g_object_unref(parser);
	g_object_unref(stream);
	g_byte_array_free(arrays[0], FALSE);
	g_byte_array_free(arrays[1], FALSE);
	if (m->message && g_mime_message_get_mime_part(m->message))
		walk(&w, g_mime_message_get_mime_part(m->message), 0);
	if (out->n_parts == 0)
		fall_back(&w, message);
}

void mr_mime_free(struct mr_mime_view *v)
{
	struct mr_mime *m = v->mime;

	if (!m)
		return;
	g_ptr_array_free(m->objects, TRUE);
	g_ptr_array_free(m->decoded, TRUE);
	if (m->message)
		g_object_unref(m->message);
	g_mime_parser_options_free(m->options);
	free(m);
	*v = (struct mr_mime_view){ 0 };
}

struct mr_slice mr_mime_bytes(struct mr_mime_view *v, struct mr_mime_part *p)
{
	if (p->handle && p->kind == MR_MIME_FILE && !p->decoded)
		p->whole = decode(v->mime, p->handle);
	p->decoded = true;
	return p->whole;
}

/* As it stands in the message; empty where it is in another encoding. */
static struct mr_slice base64_of(GMimeObject *o)
{
	GMimeDataWrapper *content = o && GMIME_IS_PART(o) ? g_mime_part_get_content(GMIME_PART(o)) : NULL;
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	GByteArray *bytes = stream && GMIME_IS_STREAM_MEM(stream) ? g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream)) : NULL;

	if (!bytes || g_mime_data_wrapper_get_encoding(content) != GMIME_CONTENT_ENCODING_BASE64)
		return (struct mr_slice){ 0 };
	return (struct mr_slice){ (const char *)bytes->data, bytes->len };
}

bool mr_mime_padded(const struct mr_mime_part *p, struct mr_buf *out)
{
	struct mr_slice rest = base64_of(p->handle);
	size_t pieces = 0;

	while (rest.n) {
		ptrdiff_t pad = mr_slice_chr(rest, '=');
		size_t n = pad < 0 ? rest.n : (size_t)pad + 1;
		GMimeEncoding e;
		char *to;

		while (n < rest.n && strchr("= \t\r\n", rest.p[n]))
			n++;
		if (!pieces++ && n == rest.n)
			return false;
		g_mime_encoding_init_decode(&e, GMIME_CONTENT_ENCODING_BASE64);
		to = mr_buf_reserve(out, g_mime_encoding_outlen(&e, n) + 1);
		if (!to)
			break;
		mr_buf_filled(out, g_mime_encoding_flush(&e, rest.p, n, to));
		rest = mr_slice_from(rest, n);
	}
	return pieces > 0;
}

bool mr_mime_names(struct mr_mime_view *v, bool (*see)(struct mr_slice name, void *arg), void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	bool on = true;

	for (guint i = 0; i < v->mime->objects->len; i++) {
		GMimeHeaderList *fields = g_mime_object_get_header_list(g_ptr_array_index(v->mime->objects, i));

		for (int k = 0; k < g_mime_header_list_get_count(fields) && on; k++) {
			GMimeHeader *h = g_mime_header_list_get_header_at(fields, k);
			struct mr_slice field = mr_slice_of(g_mime_header_get_name(h));

			mr_arena_reset(arena);
			if (mr_slice_ieq(field, MR_LIT("Content-Type")) || mr_slice_ieq(field, MR_LIT("Content-Disposition")))
				on = mr_filenames(mr_slice_of(g_mime_header_get_raw_value(h)), arena, see, arg);
			else if (mr_slice_ieq(field, MR_LIT("Content-Name")))
				on = mr_filenames(mr_slice_of(mr_arena_printf(arena, "name=%s", g_mime_header_get_raw_value(h))), arena,
						  see, arg);
		}
	}
	return on;
}
