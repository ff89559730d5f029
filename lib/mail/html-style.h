/* html-style: what the attributes of a tag say about whether its text can be seen. */
#pragma once
#include <stdint.h>
#include "base/slice.h"

#define MR_HTML_NO_COLOUR UINT32_MAX

/* Of one open element; inherited by what stands in it. */
struct mr_html_style {
	bool hidden;             /* by itself or an outer one, whatever the colours */
	uint32_t colour, ground; /* 0xrrggbb */
};

/* The value of a colour: "#abc", "#aabbcc", "rgb(1, 2, 3)", or a name; else MR_HTML_NO_COLOUR. */
uint32_t mr_html_colour(struct mr_slice s);
uint32_t mr_html_colour_name(struct mr_slice s); /* "red", "AliceBlue" */
/* Applies one attribute; names in lower case. */
void mr_html_style_attribute(struct mr_html_style *s, struct mr_slice name, struct mr_slice value);
/* Nobody can read it: hidden, or letters in (nearly) the colour of the ground. */
bool mr_html_style_invisible(const struct mr_html_style *s);
