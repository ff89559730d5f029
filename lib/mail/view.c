/* view: see view.h. */
/* ours */
#include "mail/view.h"
#include "mail/archives.h"
#include "mail/cms.h"
#include "mail/filetype.h"
#include "base/mem.h"

void mr_view_init(void)
{
	mr_archive_init();
	mr_filetype_init();
	mr_mime_init();
	mr_url_init();
}

static void add_url(struct mr_view *v, const struct mr_url *url, struct mr_slice text, bool link, struct mr_arena *arena)
{
	if (v->n_urls == MR_VIEW_URLS_MAX) {
		v->urls_cut = true;
		return;
	}
	v->urls = mr_arena_more(arena, v->urls, v->n_urls, &v->room, MR_VIEW_URLS_MAX, sizeof(*v->urls));
	v->urls[v->n_urls++] = (struct mr_view_url){ .url = *url, .text = text, .link = link };
}

static void urls_of_text(struct mr_view *v, struct mr_slice text, struct mr_arena *arena)
{
	struct mr_url url;

	while (!v->urls_cut && mr_url_next(&text, arena, &url))
		add_url(v, &url, (struct mr_slice){ 0 }, false, arena);
}

static void urls_of_html(struct mr_view *v, const struct mr_html *h, struct mr_arena *arena)
{
	struct mr_url url;

	for (size_t i = 0; i < h->n_links; i++)
		if (mr_url_parse(h->links[i].target, arena, &url) == 0)
			add_url(v, &url, h->links[i].text, true, arena);
	for (size_t i = 0; i < h->n_images; i++)
		if (mr_url_parse(h->images[i].source, arena, &url) == 0)
			add_url(v, &url, (struct mr_slice){ 0 }, false, arena);
	urls_of_text(v, h->text, arena);
}

/* Names alone are too easily found where letters stand apart. */
static void urls_of_pdf(struct mr_view *v, const struct mr_pdf *pdf, struct mr_arena *arena)
{
	struct mr_slice text = pdf->text;
	struct mr_url url;

	for (size_t i = 0; i < pdf->n_links; i++)
		if (mr_url_parse(pdf->links[i], arena, &url) == 0)
			add_url(v, &url, (struct mr_slice){ 0 }, true, arena);
	while (!v->urls_cut && mr_url_next(&text, arena, &url))
		if (url.scheme_given || mr_slice_istarts(url.host, MR_LIT("www.")))
			add_url(v, &url, (struct mr_slice){ 0 }, false, arena);
}

static bool is_pdf(const struct mr_mime_part *p)
{
	return mr_slice_eq(p->type, MR_LIT("application/pdf")) || mr_slice_eq(p->type, MR_LIT("application/x-pdf")) ||
	       mr_slice_iends(p->name, MR_LIT(".pdf"));
}

static void read_pdfs(struct mr_view *v, struct mr_arena *arena)
{
	size_t n = 0;

	for (size_t i = 0; i < v->mime.n_parts && n < MR_VIEW_PDFS_MAX; i++) {
		struct mr_slice bytes = is_pdf(&v->mime.parts[i]) ? mr_mime_bytes(&v->mime, &v->mime.parts[i]) : (struct mr_slice){ 0 };

		if (!mr_pdf_begins(bytes))
			continue;
		n++;
		v->pdfs[i] = mr_arena_alloc(arena, sizeof(struct mr_pdf));
		mr_pdf_read(bytes, arena, v->pdfs[i]);
		urls_of_pdf(v, v->pdfs[i], arena);
	}
}

static void read_view(struct mr_slice message, struct mr_arena *arena, unsigned depth, struct mr_view *out);

static struct mr_slice signed_content(struct mr_view *v, struct mr_arena *arena)
{
	struct mr_buf content = MR_BUF(MR_VIEW_SIGNED_BYTES);
	struct mr_slice kept = { 0 };

	for (size_t i = 0; i < v->mime.n_parts && !content.n; i++) {
		struct mr_mime_part *p = &v->mime.parts[i];
		struct mr_slice bytes = mr_cms_is_named(p->type, p->name) ? mr_mime_bytes(&v->mime, p) : (struct mr_slice){ 0 };

		if (bytes.n > MR_VIEW_SIGNED_BYTES)
			bytes.n = MR_VIEW_SIGNED_BYTES;
		if (mr_cms_kind(bytes) == MR_CMS_SIGNED)
			mr_cms_content(bytes, &content);
	}
	if (content.n)
		kept = (struct mr_slice){ mr_arena_slice(arena, mr_buf_slice(&content)), content.n };
	mr_buf_done(&content);
	return kept;
}

static void read_signed(struct mr_view *v, struct mr_arena *arena, unsigned depth)
{
	struct mr_slice content = depth < MR_VIEW_SIGNED_MAX ? signed_content(v, arena) : (struct mr_slice){ 0 };

	if (!content.n)
		return;
	v->within = mr_arena_alloc(arena, sizeof(*v->within));
	read_view(content, arena, depth + 1, v->within);
	for (size_t i = 0; i < v->within->n_urls && !v->urls_cut; i++) {
		const struct mr_view_url *u = &v->within->urls[i];

		add_url(v, &u->url, u->text, u->link, arena);
	}
	v->urls_cut |= v->within->urls_cut;
}

static void read_view(struct mr_slice message, struct mr_arena *arena, unsigned depth, struct mr_view *out)
{
	size_t n_html = 0;

	*out = (struct mr_view){ 0 };
	mr_mime_parse(message, arena, &out->mime);
	out->html = mr_arena_alloc(arena, (out->mime.n_parts + 1) * sizeof(struct mr_html *));
	out->pdfs = mr_arena_alloc(arena, (out->mime.n_parts + 1) * sizeof(struct mr_pdf *));
	for (size_t i = 0; i < out->mime.n_parts; i++) {
		const struct mr_mime_part *p = &out->mime.parts[i];

		if (p->kind == MR_MIME_PLAIN) {
			urls_of_text(out, p->text, arena);
		} else if (p->kind == MR_MIME_HTML && n_html++ < MR_VIEW_HTML_MAX) {
			out->html[i] = mr_arena_alloc(arena, sizeof(struct mr_html));
			mr_html_read(p->text, arena, out->html[i]);
			urls_of_html(out, out->html[i], arena);
		}
	}
	read_pdfs(out, arena);
	read_signed(out, arena, depth);
}

void mr_view_read(struct mr_slice message, struct mr_arena *arena, struct mr_view *out)
{
	mr_view_init();
	read_view(message, arena, 0, out);
}

void mr_view_free(struct mr_view *v)
{
	if (v->within)
		mr_view_free(v->within);
	mr_mime_free(&v->mime);
}
