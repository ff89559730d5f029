/* pdf-internal: what the files of pdf.h share. */
#pragma once
#include "base/buf.h"
#include "mail/pdf.h"

/* -- pdf-token.c -- */

enum pdf_token {
	PDF_END,
	PDF_NAME,   /* text: without the slash, #xx undone */
	PDF_STRING, /* text: escapes undone */
	PDF_HEX,    /* the same, of <...> */
	PDF_NUMBER, /* number */
	PDF_WORD,   /* word: "obj", "R", "Tj" ... */
	PDF_DICT,
	PDF_DICT_END,
	PDF_ARRAY,
	PDF_ARRAY_END,
};

struct pdf_lexer {
	const char *at, *end;
	struct mr_buf *text; /* of what was read last; no more than it has room for */
	struct mr_slice word;
	double number;
};

enum pdf_token pdf_next(struct pdf_lexer *l);
bool pdf_is_space(char c);
void pdf_hex(struct pdf_lexer *l); /* up to '>', with it, or to the end */

/* -- pdf-filter.c -- */

enum pdf_filter { PDF_FLATE, PDF_LZW, PDF_ASCII85, PDF_ASCIIHEX };
#define PDF_FILTERS_MAX 3

/* Undoes them, one or more, in order; out takes what it has room for, of a broken stream what comes before the fault. False: there was
 * more. */
bool pdf_decode(struct mr_slice in, const enum pdf_filter *filters, size_t n, struct mr_buf *out);

/* -- pdf-object.c -- */

#define PDF_DEPTH_MAX 16                     /* of dictionaries whose keys are told apart */
#define PDF_REFS_MAX  64                     /* scripts, and actions at opening, that are kept by number */
#define PDF_FILE_REFS (4 * MR_PDF_FILES_MAX) /* the same of files, and of their names */
#define PDF_NAME_KEYS 5                      /* of a file's name: F, UF, and three old ones */

/* Names that mean something, in the order of their bytes. */
enum pdf_key {
	PDF_KEY_A85,
	PDF_KEY_AHX,
	PDF_KEY_ASCII85,
	PDF_KEY_ASCIIHEX,
	PDF_KEY_CIDFONT,
	PDF_KEY_DOS,
	PDF_KEY_PARAMETERS,
	PDF_KEY_EF,
	PDF_KEY_EMBEDDED,
	PDF_KEY_ENCRYPT,
	PDF_KEY_F,
	PDF_KEY_FILTER,
	PDF_KEY_FIRST,
	PDF_KEY_FL,
	PDF_KEY_FLATE,
	PDF_KEY_FUNCTION,
	PDF_KEY_IMAGE,
	PDF_KEY_JAVASCRIPT,
	PDF_KEY_LZW,
	PDF_KEY_LZW_DECODE,
	PDF_KEY_LAUNCH,
	PDF_KEY_LENGTH,
	PDF_KEY_LENGTH1,
	PDF_KEY_MAC,
	PDF_KEY_METADATA,
	PDF_KEY_N,
	PDF_KEY_OBJECTS,
	PDF_KEY_OPEN_ACTION,
	PDF_KEY_OPENTYPE,
	PDF_KEY_PAGE,
	PDF_KEY_PREDICTOR,
	PDF_KEY_S,
	PDF_KEY_SHADING,
	PDF_KEY_SUBTYPE,
	PDF_KEY_TYPE,
	PDF_KEY_TYPE0,
	PDF_KEY_TYPE1C,
	PDF_KEY_UF,
	PDF_KEY_URI,
	PDF_KEY_UNIX,
	PDF_KEY_XREF,
	PDF_KEY_NONE, /* no name */
	PDF_KEY_OTHER,
};

enum pdf_stream { PDF_STREAM_TEXT, PDF_STREAM_OBJECTS, PDF_STREAM_FILE, PDF_STREAM_OTHER };

struct pdf_frame {
	bool embeds;
	struct mr_slice names[PDF_NAME_KEYS];
};

struct pdf_object {
	unsigned long number, generation;
	bool crypted; /* its strings and its stream are */
	size_t depth, tokens;
	size_t open_depth; /* of the action at opening; 0: not in it */
	struct pdf_frame frames[PDF_DEPTH_MAX];
	uint32_t name;                  /* the last one, as pdf_name() has it */
	enum pdf_key key;               /* read before, with nothing but numbers behind it */
	size_t first_number, n_numbers; /* these numbers */
	/* of the stream behind its dictionary */
	enum pdf_stream stream;
	enum pdf_filter filters[PDF_FILTERS_MAX];
	size_t n_filters;
	bool in_filters, in_parameters, unknown_filter;
	size_t length, n, first;
};

/* A stream as it stands in the file. */
struct pdf_content {
	unsigned long number, generation; /* of its object */
	bool crypted;
	struct mr_slice bytes;
	enum pdf_filter filters[PDF_FILTERS_MAX];
	size_t n_filters;
};

/* -- pdf-crypt.c -- */

struct pdf_crypt {
	bool on, aes;
	unsigned char key[32];
	size_t n;           /* bytes of it */
	unsigned long dict; /* the object that says how, and is not encrypted itself; 0: it is none */
};

struct pdf_refs {
	unsigned long v[PDF_REFS_MAX];
	size_t n;
};

struct pdf_reading {
	struct mr_slice all;
	struct mr_arena *arena;
	struct mr_pdf *out;
	struct mr_buf text /* the lexer's */, clear, utf8;
	size_t work, inflated; /* bytes read word by word; of streams so far */
	size_t *left;          /* that these may still have */
	struct pdf_crypt crypt;
	size_t n_names;
	const char *end_mark; /* the "endstream" that was found last; NULL: none yet; the end: there are no more */
	struct pdf_refs scripts, opened;
	struct pdf_content *contents;
	size_t n_contents, room;
	struct pdf_edge *edges; /* sorted once all are there */
	size_t n_edges, edges_room;
	struct pdf_font *fonts;
	size_t n_fonts, n_codes; /* n_codes: of all of them */
	/* of mr_pdf_files() */
	bool (*see)(struct mr_slice name, struct mr_slice content, void *arg);
	void *arg;
	bool stopped;
	unsigned long file_refs[PDF_FILE_REFS]; /* objects that stand where a file or its name should */
	size_t n_file_refs;
	bool embeds; /* a file is told of */
	bool again;  /* the second look, for these objects alone */
};

/* Reads an object's words and notes what they tell. True: l is behind its "stream". */
bool pdf_read_object(struct pdf_reading *r, struct pdf_lexer *l, struct pdf_object *o);
bool pdf_tired(const struct pdf_reading *r); /* more work than the file is worth */
/* To mr_pdf_files()'s reader. */
void pdf_show(struct pdf_reading *r, struct mr_slice name, struct mr_slice content);
bool pdf_is_file_ref(const struct pdf_reading *r, unsigned long number);
size_t pdf_whole(double number); /* 0 for one below */

/* Whether the file is encrypted with the empty password, and the key then. */
void pdf_crypt_begin(struct pdf_reading *r);
/* Adds what a string or a stream of that object is; false: out has no room. */
bool pdf_decrypt(const struct pdf_crypt *c, unsigned long number, unsigned long generation, struct mr_slice in, struct mr_buf *out);

/* -- pdf.c -- */

/* What the stream holds, and *own what to free of it: no more than max, and than is left. */
struct mr_slice pdf_open(struct pdf_reading *r, const struct pdf_content *c, size_t max, struct mr_buf *own);

/* -- pdf-font.c -- */

#define PDF_EDGES_MAX  30000
#define PDF_FONTS_MAX  200
#define PDF_CODES_MAX  60000 /* of all fonts, or ranges of codes */
#define PDF_UNITS_MAX  4     /* of UTF-16, that one code stands for */
#define PDF_OWNERS_MAX 16
#define PDF_NAME_TYPE0 "Type0"

/* That one object names another one in its dictionary, or in one in there. */
struct pdf_edge {
	uint32_t name, from, to, order;
};
/* Codes from low to high stand for units, the last of which goes up with them. */
struct pdf_codes {
	uint16_t low, high, n, units[PDF_UNITS_MAX];
};
struct pdf_font {
	uint32_t number; /* of its object */
	bool wide;       /* codes of two bytes */
	struct pdf_codes *codes;
	size_t n, room;
};
/* Objects whose dictionaries name the fonts of a content stream. */
struct pdf_owners {
	uint32_t v[PDF_OWNERS_MAX];
	size_t n;
};

uint32_t pdf_name(struct mr_slice name);
void pdf_edge(struct pdf_reading *r, unsigned long from, uint32_t name, unsigned long to);
void pdf_edges_sort(struct pdf_reading *r);
struct pdf_owners pdf_owners(const struct pdf_reading *r, unsigned long content);
/* NULL: unknown. */
const struct pdf_font *pdf_font(struct pdf_reading *r, const struct pdf_owners *owners, uint32_t name);
/* Is the stream only what codes of a font mean? */
bool pdf_is_map(const struct pdf_reading *r, unsigned long stream);
/* Adds what a string of codes says, as UTF-8; of a font that is unknown, or says nothing of its codes, they are windows-1252. */
void pdf_add_codes(const struct pdf_font *f, struct mr_slice codes, struct mr_buf *out);

/* -- pdf-text.c -- */

/* Adds what a content stream shows, a line for each of its lines. */
void pdf_text(struct pdf_reading *r, unsigned long number, struct mr_slice content, struct mr_buf *out);
