/* sa/html-style: whether text can be seen, as far as SpamAssassin looks: colours, sizes, "display: none". */
#pragma once
#include <stdint.h>
#include "mail/sa/html-token.h"
#include "mail/sa/html.h"

enum sa_style_tag {
	SA_STYLE_DEFAULT,
	SA_STYLE_BODY,
	SA_STYLE_FONT,
	SA_STYLE_TABLE,
	SA_STYLE_TR,
	SA_STYLE_TD,
	SA_STYLE_BIG,
	SA_STYLE_SMALL,
	SA_STYLE_BASEFONT,
	SA_STYLE_MARQUEE,
	SA_STYLE_SPAN,
	SA_STYLE_P,
	SA_STYLE_DIV,
	SA_STYLE_A,
	SA_STYLE_TAGS
};

#define SA_COLOUR_INVALID UINT32_MAX
#define SA_COLOUR_EMPTY   (UINT32_MAX - 1) /* "#" */

struct sa_style {
	uint32_t colour, ground; /* 0xrrggbb */
	int size;
	enum sa_style_tag tag;
	bool none, hidden;
};
struct sa_styles {
	struct mr_arena *arena;
	struct sa_style *stack;
	size_t n, room, open[SA_STYLE_TAGS];
	int base_size, min_size, max_size;
};

void sa_styles_init(struct sa_styles *s, struct mr_arena *arena);
void sa_style_open(struct sa_styles *s, enum sa_style_tag tag, const struct sa_token *t);
void sa_style_close(struct sa_styles *s, enum sa_style_tag tag);
/* Of text that stands here. Notes in out why not. */
bool sa_style_invisible(const struct sa_styles *s, struct mr_sa_html *out);
