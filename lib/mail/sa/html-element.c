/* sa/html-element: see html-element.h */
/* ours */
#include "base/mem.h"
#include "mail/sa/html-element.h"

enum {
	ELEMENT = SA_ELEMENT_HTML,
	TRICK = SA_ELEMENT_TRICK,
	STYLE = SA_ELEMENT_STYLE,
	LINE = SA_ELEMENT_LINE,
	SPACE = SA_ELEMENT_SPACE,
	PARAGRAPH = SA_ELEMENT_PARAGRAPH,
	URI = SA_ELEMENT_URI,
};

static const struct sa_element elements[] = {
	/* sorted */
	{ "a", ELEMENT | STYLE | URI, SA_STYLE_A },
	{ "abbr", ELEMENT, 0 },
	{ "acronym", ELEMENT, 0 },
	{ "address", ELEMENT, 0 },
	{ "applet", ELEMENT, 0 },
	{ "area", ELEMENT | URI, 0 },
	{ "b", ELEMENT, 0 },
	{ "base", ELEMENT | URI, 0 },
	{ "basefont", ELEMENT | STYLE, SA_STYLE_BASEFONT },
	{ "bdo", ELEMENT, 0 },
	{ "bgsound", TRICK | URI, 0 },
	{ "big", ELEMENT | STYLE, SA_STYLE_BIG },
	{ "blockquote", ELEMENT | PARAGRAPH, 0 },
	{ "body", ELEMENT | STYLE | URI, SA_STYLE_BODY },
	{ "br", ELEMENT | LINE, 0 },
	{ "button", ELEMENT, 0 },
	{ "caption", ELEMENT, 0 },
	{ "center", ELEMENT, 0 },
	{ "cite", ELEMENT, 0 },
	{ "code", ELEMENT, 0 },
	{ "col", ELEMENT, 0 },
	{ "colgroup", ELEMENT, 0 },
	{ "dd", ELEMENT | SPACE, 0 },
	{ "del", ELEMENT, 0 },
	{ "dfn", ELEMENT, 0 },
	{ "dir", ELEMENT, 0 },
	{ "div", ELEMENT | STYLE | LINE, SA_STYLE_DIV },
	{ "dl", ELEMENT, 0 },
	{ "dt", ELEMENT | SPACE, 0 },
	{ "em", ELEMENT, 0 },
	{ "embed", TRICK | SPACE | URI, 0 },
	{ "fieldset", ELEMENT, 0 },
	{ "font", ELEMENT | STYLE, SA_STYLE_FONT },
	{ "form", ELEMENT | URI, 0 },
	{ "frame", ELEMENT | URI, 0 },
	{ "frameset", ELEMENT, 0 },
	{ "h1", ELEMENT | SPACE, 0 },
	{ "h2", ELEMENT | SPACE, 0 },
	{ "h3", ELEMENT | SPACE, 0 },
	{ "h4", ELEMENT | SPACE, 0 },
	{ "h5", ELEMENT | SPACE, 0 },
	{ "h6", ELEMENT | SPACE, 0 },
	{ "head", ELEMENT, 0 },
	{ "hr", ELEMENT | PARAGRAPH, 0 },
	{ "html", ELEMENT, 0 },
	{ "i", ELEMENT, 0 },
	{ "iframe", ELEMENT | URI, 0 },
	{ "img", ELEMENT | URI, 0 },
	{ "input", ELEMENT, 0 },
	{ "ins", ELEMENT, 0 },
	{ "isindex", ELEMENT, 0 },
	{ "kbd", ELEMENT, 0 },
	{ "label", ELEMENT, 0 },
	{ "legend", ELEMENT, 0 },
	{ "li", ELEMENT | SPACE, 0 },
	{ "link", ELEMENT | URI, 0 },
	{ "listing", TRICK | PARAGRAPH, 0 },
	{ "map", ELEMENT, 0 },
	{ "menu", ELEMENT, 0 },
	{ "meta", ELEMENT | URI, 0 },
	{ "nobr", ELEMENT, 0 },
	{ "noframes", ELEMENT, 0 },
	{ "noscript", ELEMENT, 0 },
	{ "object", ELEMENT, 0 },
	{ "ol", ELEMENT, 0 },
	{ "optgroup", ELEMENT, 0 },
	{ "option", ELEMENT, 0 },
	{ "p", ELEMENT | STYLE | PARAGRAPH, SA_STYLE_P },
	{ "param", ELEMENT, 0 },
	{ "plaintext", TRICK | PARAGRAPH, 0 },
	{ "pre", ELEMENT | PARAGRAPH, 0 },
	{ "q", ELEMENT, 0 },
	{ "s", ELEMENT, 0 },
	{ "samp", ELEMENT, 0 },
	{ "script", ELEMENT | URI, 0 },
	{ "select", ELEMENT, 0 },
	{ "small", ELEMENT | STYLE, SA_STYLE_SMALL },
	{ "span", ELEMENT | STYLE, SA_STYLE_SPAN },
	{ "strike", ELEMENT, 0 },
	{ "strong", ELEMENT, 0 },
	{ "style", ELEMENT, 0 },
	{ "sub", ELEMENT, 0 },
	{ "sup", ELEMENT, 0 },
	{ "table", ELEMENT | STYLE | URI, SA_STYLE_TABLE },
	{ "tbody", ELEMENT, 0 },
	{ "td", ELEMENT | STYLE | SPACE | URI, SA_STYLE_TD },
	{ "textarea", ELEMENT, 0 },
	{ "tfoot", ELEMENT, 0 },
	{ "th", ELEMENT | STYLE | SPACE, SA_STYLE_TD },
	{ "thead", ELEMENT, 0 },
	{ "title", ELEMENT | PARAGRAPH, 0 },
	{ "tr", ELEMENT | STYLE | URI, SA_STYLE_TR },
	{ "tt", ELEMENT, 0 },
	{ "u", ELEMENT, 0 },
	{ "ul", ELEMENT, 0 },
	{ "var", ELEMENT, 0 },
	{ "x-sigsep", ELEMENT, 0 },
	{ "x-tab", ELEMENT, 0 },
	{ "xmp", TRICK | PARAGRAPH, 0 },
};

const struct sa_element *sa_element(struct mr_slice name)
{
	size_t low = 0, high = MR_COUNT(elements);

	while (low < high) {
		size_t mid = (low + high) / 2;
		const char *e = elements[mid].name;
		int d = 0;

		for (size_t i = 0; !d; i++) {
			char c = i < name.n ? mr_lower(name.p[i]) : '\0';

			d = c - e[i];
			if (!e[i])
				break;
		}
		if (!d)
			return &elements[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
