/* html: what a reader sees of an HTML part, what is kept from him, and where its links lead. By libxml2's HTML parser in SAX form: no tree
 * is built. Never fails; what goes past the bounds is left out. */
#pragma once
#include "base/arena.h"

#define MR_HTML_BYTES_MAX  (512u << 10) /* of one part that are looked at */
#define MR_HTML_LINKS_MAX  1000
#define MR_HTML_IMAGES_MAX 1000
#define MR_HTML_ATTRS_MAX  100  /* of one tag; the parser compares each with each */
#define MR_HTML_URL_MAX    4096 /* bytes of a target; longer ones are cut */

struct mr_html_link {
	struct mr_slice target; /* of href or action, entities resolved, as written */
	struct mr_slice text;   /* what the reader clicks on, white space folded; empty for an image or a form */
	bool form;
};
struct mr_html_image {
	struct mr_slice source;
	bool tiny; /* 1 by 1 or less: counts who opens the mail */
};

struct mr_html {
	struct mr_slice text;   /* what is seen: UTF-8, white space folded, blocks on lines of their own */
	struct mr_slice hidden; /* text that is not: display:none, size 0, in the colour of its ground ... */
	struct mr_slice title;
	struct mr_slice base; /* of <base href>, or empty */
	struct mr_html_link *links;
	size_t n_links;
	struct mr_html_image *images;
	size_t n_images;
	size_t n_tags;
	bool script, form, embedded; /* <script>; <form>; <iframe>, <object>, <embed> */
	bool cut, links_cut;         /* bytes; links or images */
};

/* html: UTF-8. All in the arena. */
void mr_html_read(struct mr_slice html, struct mr_arena *arena, struct mr_html *out);
