/* sa/html-token: HTML as a stream of tags, texts and comments, cut as Perl's HTML::Parser cuts it; nothing is corrected or completed. */
#pragma once
#include "base/buf.h"
#include "base/arena.h"

#define SA_ATTRIBUTES_MAX 100 /* of one tag; further ones are passed over */

enum sa_token_kind { SA_TOKEN_START, SA_TOKEN_END, SA_TOKEN_TEXT, SA_TOKEN_COMMENT, SA_TOKEN_DECLARATION };

struct sa_attribute {
	struct mr_slice name, value; /* as written, without quotes; a name alone is its own value */
};
struct sa_token {
	enum sa_token_kind kind;
	struct mr_slice text; /* a tag's name as written; else all of it, "<!--" too */
	bool verbatim;        /* a text in which nothing stands for a character */
	bool wide;            /* the document has more than ASCII; the caller's */
	struct sa_attribute attributes[SA_ATTRIBUTES_MAX];
	size_t n_attributes;
};
struct sa_tokens {
	struct mr_slice rest, literal /* text up to </literal> */, pending /* end tag that is due before the next tag */;
	bool short_comments; /* "<!--" ends at the next ">": nothing ends it rightly */
	bool last;           /* what follows is the end of the text, or markup that does not end */
};

/* False at the end. */
bool sa_token_next(struct sa_tokens *t, struct sa_token *out);
/* Appends text with its entities (HTML 4) as UTF-8. prefix: "&copyfoo" is one too. True: one is above U+00FF. */
bool sa_html_entities(struct mr_slice s, bool prefix, struct mr_buf *out);
