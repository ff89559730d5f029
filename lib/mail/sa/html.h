/* sa/html: HTML as SpamAssassin reads it: a stream of tags in which nothing is corrected, rendered to text, with counts that rules ask for.
 */
#pragma once
#include "base/arena.h"

#define MR_SA_HTML_TAGS_MAX  200   /* names */
#define MR_SA_HTML_DEPTH_MAX 10000 /* elements in each other whose style is remembered */
#define MR_SA_HTML_URIS_MAX  1000
#define MR_SA_HTML_TEXTS_MAX 1000 /* comments, anchors, titles: each */
#define MR_SA_URI_MAX        8192 /* bytes */

struct mr_sa_list {
	struct mr_slice *items;
	size_t n;
};
struct mr_sa_html_uri {
	struct mr_slice uri;
	unsigned types; /* of enum mr_sa_uri_type; 0: only anchors name it */
	struct mr_sa_list anchors;
};
struct mr_sa_html_tag {
	struct mr_slice name;
	long open; /* opened minus closed, not below 0 */
};

struct mr_sa_html {
	struct mr_slice text; /* rendered */
	bool wide;            /* text is UTF-8; else each byte is a character */
	struct mr_sa_html_tag *tags;
	size_t n_tags;
	struct mr_sa_html_uri *uris;
	size_t n_uris;
	struct mr_sa_list comments, anchors, titles;
	bool uri_truncated;
	/* By the names that rules use. NAN: not known of this part. */
	double image_area, length, min_size, max_size, closed_extra_ratio, bad_tag_ratio, non_element_ratio, obfuscation_ratio, html_length,
	    non_space_len, ratio;
	bool font_low_contrast, font_invalid_color, font_face_bad, form_action_mailto, embeds;
};

/* html: UTF-8. wide: some character of it is no ASCII. *uri_room: bytes that addresses of this message, and what they are relative to, may
 * still have; goes down. Never fails; past the bounds it is cut. */
void mr_sa_html_read(struct mr_slice html, bool wide, size_t *uri_room, struct mr_arena *arena, struct mr_sa_html *out);
/* How often the tag stands open at the end: -1 where it never occurred. */
long mr_sa_html_inside(const struct mr_sa_html *h, struct mr_slice tag);
/* A number by its name, "max_size"; truth values are 0 or 1; NAN where there is none. */
double mr_sa_html_number(const struct mr_sa_html *h, struct mr_slice name);
