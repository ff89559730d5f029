/* pdf-object: what an object's dictionary tells (ISO 32000-1 sections 7.3, 7.11, 12.6); see pdf-internal.h. */
/* system */
#include <stdlib.h>

/* ours */
#include "base/mem.h"
#include "mail/charset.h"
#include "mail/pdf-internal.h"

#define NAMES_MAX (4 * MR_PDF_FILES_MAX)

static const char *const names[] = {
	"A85",
	"AHx",
	"ASCII85Decode",
	"ASCIIHexDecode",
	"CIDFontType0C",
	"DOS",
	"DecodeParms",
	"EF",
	"EmbeddedFile",
	"Encrypt",
	"F",
	"Filter",
	"First",
	"Fl",
	"FlateDecode",
	"FunctionType",
	"Image",
	"JavaScript",
	"LZW",
	"LZWDecode",
	"Launch",
	"Length",
	"Length1",
	"Mac",
	"Metadata",
	"N",
	"ObjStm",
	"OpenAction",
	"OpenType",
	"Page",
	"Predictor",
	"S",
	"ShadingType",
	"Subtype",
	"Type",
	"Type0",
	"Type1C",
	"UF",
	"URI",
	"Unix",
	"XRef",
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static enum pdf_key key_of(const struct mr_buf *name)
{
	const char *const *found = name->n ? bsearch(name->p, names, MR_COUNT(names), sizeof(*names), compare) : NULL;

	return found ? (enum pdf_key)(found - names) : PDF_KEY_OTHER;
}

static void add_ref(struct pdf_refs *r, unsigned long number)
{
	if (r->n < PDF_REFS_MAX)
		r->v[r->n++] = number;
}

/* Text strings begin with a mark where they are UTF-16. Valid until the next one. */
static struct mr_slice plain(struct pdf_reading *r, struct mr_slice s)
{
	bool big = mr_slice_starts(s, MR_LIT("\xfe\xff")), little = mr_slice_starts(s, MR_LIT("\xff\xfe"));

	if (!big && !little)
		return s;
	mr_buf_reset(&r->utf8);
	mr_charset_to_utf8(mr_slice_from(s, 2), big ? MR_LIT("utf-16be") : MR_LIT("utf-16le"), &r->utf8);
	return mr_buf_slice(&r->utf8);
}

static void add_link(struct pdf_reading *r, struct mr_slice s)
{
	struct mr_pdf *out = r->out;

	s = mr_slice_trim(plain(r, s));
	for (size_t i = 0; i < out->n_links; i++)
		if (mr_slice_eq(out->links[i], s))
			return;
	if (r->see || out->n_links == MR_PDF_LINKS_MAX) {
		out->cut |= !r->see;
		return;
	}
	out->links = mr_arena_more(r->arena, out->links, out->n_links, &out->room, MR_PDF_LINKS_MAX, sizeof(*out->links));
	out->links[out->n_links++] = (struct mr_slice){ mr_arena_slice(r->arena, s), s.n };
}

static bool is_web(struct mr_slice s)
{
	return mr_slice_istarts(s, MR_LIT("http://")) || mr_slice_istarts(s, MR_LIT("https://"));
}

/* Which of the keys of a name it is; PDF_NAME_KEYS: none. */
static size_t name_key(enum pdf_key k)
{
	static const enum pdf_key keys[PDF_NAME_KEYS] = { PDF_KEY_F, PDF_KEY_UF, PDF_KEY_UNIX, PDF_KEY_MAC, PDF_KEY_DOS };
	size_t i = 0;

	while (i < PDF_NAME_KEYS && keys[i] != k)
		i++;
	return i;
}

/* The string that was read last. */
static struct mr_slice clear_text(struct pdf_reading *r, const struct pdf_object *o)
{
	if (!o->crypted)
		return mr_buf_slice(&r->text);
	mr_buf_reset(&r->clear);
	pdf_decrypt(&r->crypt, o->number, o->generation, mr_buf_slice(&r->text), &r->clear);
	return mr_buf_slice(&r->clear);
}

static void take_string(struct pdf_reading *r, struct pdf_object *o)
{
	struct mr_slice s = clear_text(r, o);
	size_t name = name_key(o->key);
	bool file = name < PDF_NAME_KEYS;

	if (o->key == PDF_KEY_URI || ((file || o->tokens == 0) && is_web(s))) {
		add_link(r, s);
	} else if (r->again) {
		s = o->tokens == 0 && pdf_is_file_ref(r, o->number) ? plain(r, s) : (struct mr_slice){ 0 };
		if (s.n)
			pdf_show(r, s, (struct mr_slice){ 0 });
	} else if (file && r->see && o->depth && o->depth <= PDF_DEPTH_MAX) {
		if (r->n_names++ < NAMES_MAX)
			o->frames[o->depth - 1].names[name] = mr_slice_of(mr_arena_slice(r->arena, plain(r, s)));
		else
			r->out->cut = true;
	}
}

static void take_action(struct pdf_reading *r, struct pdf_object *o, enum pdf_key k)
{
	r->out->launch |= k == PDF_KEY_LAUNCH;
	if (k != PDF_KEY_JAVASCRIPT)
		return;
	r->out->script = true;
	r->out->open_script |= o->open_depth > 0;
	if (o->depth == 1)
		add_ref(&r->scripts, o->number);
}

static void take_filter(struct pdf_object *o, enum pdf_key k)
{
	static const struct {
		enum pdf_key key;
		enum pdf_filter is;
	} known[] = { { PDF_KEY_FLATE, PDF_FLATE },       { PDF_KEY_FL, PDF_FLATE },        { PDF_KEY_LZW_DECODE, PDF_LZW },
		      { PDF_KEY_LZW, PDF_LZW },           { PDF_KEY_ASCII85, PDF_ASCII85 }, { PDF_KEY_A85, PDF_ASCII85 },
		      { PDF_KEY_ASCIIHEX, PDF_ASCIIHEX }, { PDF_KEY_AHX, PDF_ASCIIHEX } };
	size_t i = 0;

	while (i < MR_COUNT(known) && known[i].key != k)
		i++;
	if (i < MR_COUNT(known) && o->n_filters < PDF_FILTERS_MAX)
		o->filters[o->n_filters++] = known[i].is;
	else
		o->unknown_filter = true;
}

static void take_type(struct pdf_reading *r, struct pdf_object *o, enum pdf_key k)
{
	r->out->n_pages += k == PDF_KEY_PAGE;
	if (o->depth != 1)
		return;
	if (k == PDF_KEY_OBJECTS)
		o->stream = PDF_STREAM_OBJECTS;
	else if (k == PDF_KEY_EMBEDDED)
		o->stream = PDF_STREAM_FILE;
	else if (k == PDF_KEY_XREF || k == PDF_KEY_METADATA)
		o->stream = PDF_STREAM_OTHER;
}

static void take_subtype(struct pdf_reading *r, struct pdf_object *o, enum pdf_key k)
{
	r->out->n_images += k == PDF_KEY_IMAGE;
	if (k == PDF_KEY_TYPE0)
		pdf_edge(r, o->number, pdf_name(MR_LIT(PDF_NAME_TYPE0)), 0);
	if (o->depth == 1 && (k == PDF_KEY_IMAGE || k == PDF_KEY_CIDFONT || k == PDF_KEY_TYPE1C || k == PDF_KEY_OPENTYPE))
		o->stream = PDF_STREAM_OTHER;
}

/* Of fonts, functions, shadings and colour profiles. */
static bool tells_other(const struct pdf_object *o, enum pdf_key k)
{
	return k == PDF_KEY_LENGTH1 || k == PDF_KEY_FUNCTION || k == PDF_KEY_SHADING || (k == PDF_KEY_N && o->stream == PDF_STREAM_TEXT);
}

static void take_name(struct pdf_reading *r, struct pdf_object *o, enum pdf_key k)
{
	if (o->in_filters || (o->key == PDF_KEY_FILTER && o->depth == 1))
		take_filter(o, k);
	else if (o->key == PDF_KEY_S)
		take_action(r, o, k);
	else if (o->key == PDF_KEY_TYPE)
		take_type(r, o, k);
	else if (o->key == PDF_KEY_SUBTYPE)
		take_subtype(r, o, k);
	else if (k == PDF_KEY_ENCRYPT && o->depth == 1)
		r->out->encrypted = true;
	else if (k == PDF_KEY_EF && o->depth && o->depth <= PDF_DEPTH_MAX)
		r->embeds = o->frames[o->depth - 1].embeds = true;
	else if (o->depth == 1 && tells_other(o, k))
		o->stream = o->stream == PDF_STREAM_TEXT ? PDF_STREAM_OTHER : o->stream;
}

size_t pdf_whole(double number)
{
	return number > 0 ? (size_t)number : 0;
}

static void take_number(struct pdf_object *o, double number)
{
	size_t v = pdf_whole(number);

	if (!o->n_numbers)
		o->first_number = v;
	o->n_numbers++;
	o->unknown_filter |= o->key == PDF_KEY_PREDICTOR && v > 1;
	if (o->depth != 1 || o->n_numbers != 1)
		return;
	if (o->key == PDF_KEY_LENGTH)
		o->length = v;
	else if (o->key == PDF_KEY_N)
		o->n = v;
	else if (o->key == PDF_KEY_FIRST)
		o->first = v;
}

bool pdf_is_file_ref(const struct pdf_reading *r, unsigned long number)
{
	size_t i = 0;

	while (i < r->n_file_refs && r->file_refs[i] != number)
		i++;
	return i < r->n_file_refs;
}

static void add_file_ref(struct pdf_reading *r, unsigned long number)
{
	if (!r->see || r->again || pdf_is_file_ref(r, number))
		return;
	if (r->n_file_refs < PDF_FILE_REFS)
		r->file_refs[r->n_file_refs++] = number;
	else
		r->out->cut = true;
}

static void take_reference(struct pdf_reading *r, struct pdf_object *o)
{
	bool packing = o->in_filters || o->in_parameters || o->key == PDF_KEY_FILTER || o->key == PDF_KEY_PARAMETERS;

	pdf_edge(r, o->number, o->name, o->first_number);
	if (name_key(o->key) < PDF_NAME_KEYS)
		add_file_ref(r, o->first_number);
	o->unknown_filter |= packing && o->depth == 1;
	if (o->key == PDF_KEY_OPEN_ACTION)
		add_ref(&r->opened, o->first_number);
	else if (o->key == PDF_KEY_LENGTH && o->depth == 1)
		o->length = 0;
}

static void open_dict(struct pdf_object *o)
{
	if (++o->depth <= PDF_DEPTH_MAX)
		o->frames[o->depth - 1] = (struct pdf_frame){ 0 };
	if (o->key == PDF_KEY_OPEN_ACTION && !o->open_depth)
		o->open_depth = o->depth;
}

void pdf_show(struct pdf_reading *r, struct mr_slice name, struct mr_slice content)
{
	if (!r->stopped)
		r->stopped = !r->see(name, content, r->arg);
}

static void close_dict(struct pdf_reading *r, struct pdf_object *o)
{
	if (!o->depth)
		return;
	if (o->open_depth == o->depth)
		o->open_depth = 0;
	if (o->depth-- > PDF_DEPTH_MAX)
		return;
	for (size_t i = 0; r->see && !r->again && o->frames[o->depth].embeds && i < PDF_NAME_KEYS; i++)
		if (o->frames[o->depth].names[i].n)
			pdf_show(r, o->frames[o->depth].names[i], (struct mr_slice){ 0 });
}

static void take(struct pdf_reading *r, struct pdf_object *o, enum pdf_token t, const struct pdf_lexer *l)
{
	enum pdf_key k = PDF_KEY_NONE;

	switch (t) {
	case PDF_NAME:
		k = key_of(&r->text);
		o->name = r->see ? 0 : pdf_name(mr_buf_slice(&r->text));
		take_name(r, o, k);
		break;
	case PDF_STRING:
	case PDF_HEX:
		take_string(r, o);
		break;
	case PDF_NUMBER:
		take_number(o, l->number);
		k = o->key;
		break;
	case PDF_WORD:
		if (mr_slice_eq(l->word, MR_LIT("R")))
			take_reference(r, o);
		break;
	case PDF_DICT:
		open_dict(o);
		break;
	case PDF_DICT_END:
		close_dict(r, o);
		break;
	case PDF_ARRAY:
		o->in_filters = o->key == PDF_KEY_FILTER && o->depth == 1;
		o->in_parameters = o->key == PDF_KEY_PARAMETERS && o->depth == 1;
		break;
	case PDF_ARRAY_END:
		o->in_filters = o->in_parameters = false;
		break;
	case PDF_END:
		break;
	}
	if (t != PDF_NUMBER)
		o->n_numbers = 0;
	o->key = k;
	o->tokens++;
}

bool pdf_tired(const struct pdf_reading *r)
{
	return r->work > MR_PDF_WORK_MAX || r->work > 4 * (r->all.n + r->inflated);
}

bool pdf_read_object(struct pdf_reading *r, struct pdf_lexer *l, struct pdf_object *o)
{
	while (!r->stopped) {
		const char *before = l->at;
		enum pdf_token t = pdf_next(l);

		r->work += (size_t)(l->at - before);
		if (pdf_tired(r)) {
			r->out->cut = true;
			break;
		}
		if (t == PDF_END)
			break;
		if (t == PDF_WORD && mr_slice_eq(l->word, MR_LIT("stream")))
			return true;
		if (t == PDF_WORD && (mr_slice_eq(l->word, MR_LIT("endobj")) || mr_slice_eq(l->word, MR_LIT("obj"))))
			break;
		take(r, o, t, l);
	}
	return false;
}
