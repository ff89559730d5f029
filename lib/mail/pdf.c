/* pdf: see pdf.h. Objects, one after the other, where they stand. */
/* system */
#include <stdlib.h>

/* ours */
#include "base/mem.h"
#include "mail/charset.h"
#include "mail/pdf-internal.h"

#define BEGIN_MAX    1024 /* bytes before the mark of a PDF */
#define COMMENT_MAX  256  /* bytes of a comment in the head of an object */
#define TRAILERS_MAX 100
#define TRAILER_MAX  2048  /* bytes */
#define PACKED_MIN   1000  /* bytes of a stream that are looked at, however little room there is */
#define OBJECTS_MAX  10000 /* of an object stream */

/* All that is read of streams counts, since they may overlap: what goes in as well, as nothing may come out of it. */
struct mr_slice pdf_open(struct pdf_reading *r, const struct pdf_content *c, size_t max, struct mr_buf *own)
{
	struct mr_slice bytes = c->bytes;
	struct mr_buf clear = { 0 };
	size_t cost;

	if (bytes.n > *r->left + PACKED_MIN) {
		r->out->cut = true;
		bytes.n = *r->left + PACKED_MIN;
	}
	cost = bytes.n < *r->left ? bytes.n : *r->left;
	*own = MR_BUF(*r->left < max ? *r->left : max);
	if (c->crypted) {
		clear = MR_BUF(bytes.n);
		pdf_decrypt(&r->crypt, c->number, c->generation, bytes, &clear);
		bytes = mr_buf_slice(&clear);
	}
	if (c->n_filters) {
		r->out->cut |= !pdf_decode(bytes, c->filters, c->n_filters, own);
		r->inflated += own->n;
		bytes = mr_buf_slice(own);
		mr_buf_done(&clear);
	} else if (c->crypted) {
		*own = clear;
	}
	max = *r->left < max ? *r->left : max;
	if (bytes.n > max) {
		r->out->cut = true;
		bytes.n = max;
	}
	*r->left -= cost > bytes.n ? cost : bytes.n;
	return bytes;
}

struct place {
	unsigned long number;
	size_t at;
};

/* What stands in front of the objects of a stream. */
static size_t read_places(struct pdf_lexer *l, size_t max, struct place *out)
{
	size_t n = 0;

	for (; n < max && pdf_next(l) == PDF_NUMBER; n++) {
		out[n].number = pdf_whole(l->number);
		if (pdf_next(l) != PDF_NUMBER)
			break;
		out[n].at = pdf_whole(l->number);
	}
	return n;
}

static void read_object_stream(struct pdf_reading *r, const struct pdf_object *of, struct mr_slice bytes)
{
	struct mr_slice objects = mr_slice_from(bytes, of->first);
	struct pdf_lexer head = { .at = bytes.p, .end = bytes.p + (bytes.n - objects.n), .text = &r->text };
	size_t max = of->n < OBJECTS_MAX ? of->n : OBJECTS_MAX, n;
	mr_autofree struct place *places = mr_new(struct place, max + 1);

	n = read_places(&head, max, places);
	r->out->cut |= of->n > OBJECTS_MAX;
	for (size_t i = 0; i < n && !r->stopped && !pdf_tired(r); i++) {
		struct mr_slice one = mr_slice_from(objects, places[i].at);
		struct pdf_object o = { .number = places[i].number, .key = PDF_KEY_NONE };
		struct pdf_lexer l = { .at = one.p, .end = one.p + one.n, .text = &r->text };

		if (i + 1 < n && places[i + 1].at > places[i].at && places[i + 1].at - places[i].at < one.n)
			l.end = one.p + (places[i + 1].at - places[i].at);
		pdf_read_object(r, &l, &o);
	}
}

static struct pdf_content content_of(const struct pdf_object *o, struct mr_slice bytes)
{
	struct pdf_content c = {
		.number = o->number, .generation = o->generation, .crypted = o->crypted, .bytes = bytes, .n_filters = o->n_filters
	};

	memcpy(c.filters, o->filters, sizeof(c.filters));
	return c;
}

static void read_file(struct pdf_reading *r, const struct pdf_object *o, struct mr_slice bytes)
{
	struct pdf_content c = content_of(o, bytes);
	struct mr_buf own;

	r->out->n_files++;
	if (!r->see || r->stopped)
		return;
	if (r->out->n_files > MR_PDF_FILES_MAX || o->unknown_filter) {
		r->out->cut = true;
		return;
	}
	bytes = pdf_open(r, &c, MR_PDF_FILE_MAX, &own);
	if (bytes.n)
		pdf_show(r, (struct mr_slice){ 0 }, bytes);
	mr_buf_done(&own);
}

static void keep_content(struct pdf_reading *r, const struct pdf_object *o, struct mr_slice bytes)
{
	if (r->see || !bytes.n)
		return;
	if (r->n_contents == MR_PDF_STREAMS_MAX) {
		r->out->cut = true;
		return;
	}
	r->contents = mr_arena_more(r->arena, r->contents, r->n_contents, &r->room, MR_PDF_STREAMS_MAX, sizeof(*r->contents));
	r->contents[r->n_contents++] = content_of(o, bytes);
}

static void read_stream(struct pdf_reading *r, const struct pdf_object *o, struct mr_slice bytes)
{
	struct pdf_content c = content_of(o, bytes);
	struct mr_buf own;

	if (r->again ? o->stream != PDF_STREAM_FILE && pdf_is_file_ref(r, o->number) : o->stream == PDF_STREAM_FILE) {
		read_file(r, o, bytes);
	} else if (o->unknown_filter) {
		r->out->cut |= o->stream == PDF_STREAM_OBJECTS;
	} else if (o->stream == PDF_STREAM_TEXT) {
		keep_content(r, o, bytes);
	} else if (o->stream == PDF_STREAM_OBJECTS) {
		read_object_stream(r, o, pdf_open(r, &c, MR_PDF_STREAM_MAX, &own));
		mr_buf_done(&own);
	}
}

/* The bytes behind "stream": as many as the dictionary says if that is true, else up to the next "endstream". */
static struct mr_slice stream_bytes(struct pdf_reading *r, const struct pdf_object *o, const char *first)
{
	static const char mark[] = "endstream";
	const char *end = r->all.p + r->all.n, *last;

	first += first < end && *first == '\r';
	first += first < end && *first == '\n';
	if (o->length && o->length <= (size_t)(end - first)) {
		for (last = first + o->length; last < end && pdf_is_space(*last); last++)
			;
		if (mr_slice_starts((struct mr_slice){ last, (size_t)(end - last) }, mr_slice_of(mark)))
			return (struct mr_slice){ first, o->length };
	}
	if (!r->end_mark || r->end_mark < first) {
		last = memmem(first, (size_t)(end - first), mark, sizeof(mark) - 1);
		r->end_mark = last ? last : end;
	}
	return (struct mr_slice){ first, (size_t)(r->end_mark - first) };
}

/* -- the file -- */

static const char *before_space(const char *from, const char *at)
{
	while (at > from && pdf_is_space(at[-1]))
		at--;
	return at;
}

/* A number, and nothing before it that it would belong to. */
static bool ends_with_number(const char *from, const char *at)
{
	const char *end = at;

	while (at > from && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return at < end && (at == from || pdf_is_space(at[-1]));
}

/* Over white space before `at`, and over a comment with a number before it. */
static const char *skip_back(const char *from, const char *at)
{
	const char *line, *percent, *before;

	line = at = before_space(from, at);
	while (line > from && at - line < COMMENT_MAX && line[-1] != '\n' && line[-1] != '\r')
		line--;
	percent = at > line ? memchr(line, '%', (size_t)(at - line)) : NULL;
	before = percent ? before_space(from, percent) : at;
	return percent && ends_with_number(from, before) ? before : at;
}

/* "12 0 " before `at`. */
static bool number_before(const char *from, const char *at, struct pdf_object *o)
{
	unsigned long v = 0, unit = 1;

	for (int i = 0; i < 2; i++) {
		const char *end;

		o->generation = v;
		at = skip_back(from, at);
		v = 0;
		unit = 1;
		for (end = at; at > from && end - at < 10 && at[-1] >= '0' && at[-1] <= '9'; at--, unit *= 10)
			v += unit * (unsigned long)(at[-1] - '0');
		if (at == end)
			return false;
	}
	o->number = v;
	return true;
}

/* Those in a string or stream of another one, too: readers go by the table where they begin. */
static void read_objects(struct pdf_reading *r)
{
	const char *at = r->all.p, *end = r->all.p + r->all.n;

	while (!r->stopped && !pdf_tired(r) && (at = memmem(at, (size_t)(end - at), "obj", 3)) != NULL) {
		struct pdf_object o = { .key = PDF_KEY_NONE };
		struct pdf_lexer l = { .at = at + 3, .end = end, .text = &r->text };

		at += 3;
		if (!number_before(r->all.p, at - 3, &o))
			continue;
		o.crypted = r->crypt.on && (o.number != r->crypt.dict || !r->crypt.dict);
		if (pdf_read_object(r, &l, &o))
			read_stream(r, &o, stream_bytes(r, &o, l.at));
	}
}

/* What is encrypted says so here, or in a stream of cross-references. */
static void read_trailers(struct pdf_reading *r)
{
	static const char mark[] = "trailer";
	const char *at = r->all.p, *end = r->all.p + r->all.n;

	for (size_t i = 0; i < TRAILERS_MAX && (at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1)) != NULL; i++) {
		struct pdf_object o = { .key = PDF_KEY_NONE };
		struct pdf_lexer l = { .at = at + sizeof(mark) - 1, .end = end, .text = &r->text };

		at = l.at;
		if (end - l.at > TRAILER_MAX)
			l.end = l.at + TRAILER_MAX;
		pdf_read_object(r, &l, &o);
	}
}

static void read_text(struct pdf_reading *r)
{
	struct mr_buf text = MR_BUF(MR_PDF_TEXT_MAX);

	pdf_edges_sort(r);
	for (size_t i = 0; i < r->n_contents && !text.full; i++) {
		struct pdf_content *c = &r->contents[i];
		struct mr_buf own;

		if (pdf_is_map(r, c->number))
			continue;
		pdf_text(r, c->number, pdf_open(r, c, MR_PDF_STREAM_MAX, &own), &text);
		mr_buf_done(&own);
	}
	r->out->cut |= text.full;
	r->out->text = mr_slice_of(mr_arena_slice(r->arena, mr_buf_slice(&text)));
	mr_buf_done(&text);
}

static void read_all(struct pdf_reading *r)
{
	r->text = MR_BUF(MR_PDF_STRING_MAX);
	r->clear = MR_BUF(MR_PDF_STRING_MAX);
	r->utf8 = MR_BUF(3 * MR_PDF_STRING_MAX);
	if (r->all.n > MR_PDF_BYTES_MAX) {
		r->all.n = MR_PDF_BYTES_MAX;
		r->out->cut = true;
	}
	if (mr_pdf_begins(r->all)) {
		pdf_crypt_begin(r);
		read_trailers(r);
		read_objects(r);
		if (r->n_file_refs && !r->stopped) {
			r->again = true;
			r->work = 0;
			r->end_mark = NULL;
			read_objects(r);
		}
		if (!r->see)
			read_text(r);
	}
	for (size_t i = 0; i < r->opened.n; i++)
		for (size_t k = 0; k < r->scripts.n; k++)
			r->out->open_script |= r->opened.v[i] == r->scripts.v[k];
	mr_buf_done(&r->text);
	mr_buf_done(&r->clear);
	mr_buf_done(&r->utf8);
}

bool mr_pdf_begins(struct mr_slice bytes)
{
	size_t n = bytes.n < BEGIN_MAX ? bytes.n : BEGIN_MAX;

	return n && memmem(bytes.p, n, "%PDF-", 5);
}

void mr_pdf_read(struct mr_slice bytes, struct mr_arena *arena, struct mr_pdf *out)
{
	size_t left = MR_PDF_INFLATED_MAX;
	struct pdf_reading r = { .all = bytes, .arena = arena, .out = out, .left = &left };

	*out = (struct mr_pdf){ 0 };
	read_all(&r);
}

bool mr_pdf_files(struct mr_slice bytes, size_t *left, bool *encrypted,
		  bool (*see)(struct mr_slice name, struct mr_slice content, void *arg), void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_pdf out = { 0 };
	struct pdf_reading r = { .all = bytes, .arena = arena, .out = &out, .left = left, .see = see, .arg = arg };

	read_all(&r);
	*encrypted = out.encrypted && !r.crypt.on && (r.embeds || out.n_files);
	return !out.cut;
}
