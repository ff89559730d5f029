/* view: a message as its reader sees it: the parts, the text, where it leads. What the checks look at; read once for all of them. */
#pragma once
#include "mail/html.h"
#include "mail/mime.h"
#include "mail/pdf.h"
#include "mail/url.h"

#define MR_VIEW_URLS_MAX     1000
#define MR_VIEW_HTML_MAX     20 /* parts of HTML that are read */
#define MR_VIEW_PDFS_MAX     10 /* PDF files */
#define MR_VIEW_SIGNED_MAX   2  /* texts that are signed opaquely, in each other */
#define MR_VIEW_SIGNED_BYTES (8u << 20)

/* A place that the message leads to. */
struct mr_view_url {
	struct mr_url url;
	struct mr_slice text; /* of a link: what is clicked on; else empty, also in a PDF file */
	bool link;            /* of a link or form in HTML or PDF, else found in the text or an image */
};

struct mr_view {
	struct mr_mime_view mime;
	struct mr_html **html;    /* of each part of mime: NULL where it is no HTML, and of those past the bound */
	struct mr_pdf **pdfs;     /* the same of PDF files, by their type or name */
	struct mr_view_url *urls; /* those of PDF files, and then those of `within`, last */
	size_t n_urls, room;
	bool urls_cut;
	struct mr_view *within; /* what S/MIME has signed in one file (smime.p7m), which mail programs show in its place; or NULL */
};

/* Files that reading needs, once in a process, before threads and before a sandbox. */
void mr_view_init(void);
/* In the arena, but for what mr_view_free() gives back; the message must live as long. */
void mr_view_read(struct mr_slice message, struct mr_arena *arena, struct mr_view *out);
void mr_view_free(struct mr_view *v); /* an empty one is fine */
