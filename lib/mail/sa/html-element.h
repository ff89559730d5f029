/* sa/html-element: what SpamAssassin knows of HTML's elements. */
#pragma once
#include "mail/sa/html-style.h"

enum {
	SA_ELEMENT_HTML = 1,       /* HTML 4 has it */
	SA_ELEMENT_TRICK = 2,      /* not, but it is rendered */
	SA_ELEMENT_STYLE = 4,      /* changes how text looks */
	SA_ELEMENT_LINE = 8,       /* a line break stands for it in text */
	SA_ELEMENT_SPACE = 16,     /* ... a space */
	SA_ELEMENT_PARAGRAPH = 32, /* ... an empty line */
	SA_ELEMENT_URI = 64,       /* may lead somewhere */
};
struct sa_element {
	const char *name;
	unsigned flags;
	enum sa_style_tag style;
};
const struct sa_element *sa_element(struct mr_slice name); /* NULL: none that is known */
