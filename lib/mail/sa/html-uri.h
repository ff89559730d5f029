/* sa/html-uri: where the tags of HTML lead. */
#pragma once
#include "mail/sa/html-token.h"
#include "mail/sa/html.h"

struct sa_html_uris {
	struct mr_arena *arena;
	size_t *room; /* bytes that may still come */
	struct mr_sa_html_uri *items;
	size_t n, items_room;
	struct mr_slice base, open; /* open: the last anchor's address */
	bool truncated;
};
void sa_html_uris_init(struct sa_html_uris *u, size_t *room, struct mr_arena *arena);
void sa_html_uris_tag(struct sa_html_uris *u, struct mr_slice tag, const struct sa_token *t);
void sa_html_uris_open(struct sa_html_uris *u, struct mr_slice href);   /* <a> */
void sa_html_uris_anchor(struct sa_html_uris *u, struct mr_slice text); /* the open one's text is complete; it is kept */
/* RFC 3986 section 5.2, leniently. */
struct mr_slice sa_uri_resolve(struct mr_arena *a, struct mr_slice base, struct mr_slice uri);

/* An attribute's value, entities resolved; "" where there is none. */
struct mr_slice sa_attribute_value(struct mr_arena *a, const struct sa_token *t, const char *name, bool *there);
