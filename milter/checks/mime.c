/* mime: what is odd about the build of a message: parts that are there for mail programs but not for filters, text that a reader cannot
 * see, more of something than a letter needs. */

/* ours */
#include "scan.h"

#define HIDDEN_MIN 400 /* bytes of invisible text; fewer are a preview line */

static bool hides_text(const struct mr_view *v)
{
	size_t hidden = 0, seen = 0;

	for (size_t i = 0; i < v->mime.n_parts; i++) {
		if (v->html[i]) {
			hidden += v->html[i]->hidden.n;
			seen += v->html[i]->text.n;
		}
	}
	return hidden > HIDDEN_MIN && hidden > seen / 2;
}

static bool any_charset_unknown(const struct mr_view *v)
{
	for (size_t i = 0; i < v->mime.n_parts; i++)
		if (v->mime.parts[i].bad_charset)
			return true;
	return false;
}

/* Readers of mail show all of it. */
static bool any_text_cut(const struct mr_view *v)
{
	for (size_t i = 0, n = 0; i < v->mime.n_parts; i++) {
		n += v->mime.parts[i].kind == MR_MIME_HTML;
		if (v->mime.parts[i].cut || (v->html[i] && v->html[i]->cut) || n > MR_VIEW_HTML_MAX)
			return true;
	}
	return false;
}

static bool any_links_cut(const struct mr_view *v)
{
	for (size_t i = 0; i < v->mime.n_parts; i++)
		if (v->html[i] && v->html[i]->links_cut)
			return true;
	return v->urls_cut;
}

static int run(struct mr_scan *scan)
{
	const struct mr_view *v = mr_scan_view(scan);
	bool script = false;

	for (size_t i = 0; i < v->mime.n_parts; i++)
		script |= v->html[i] && v->html[i]->script;
	if (v->mime.broken)
		mr_scan_symbol(scan, "MIME_BROKEN", 3);
	if (v->mime.cut || any_links_cut(v))
		mr_scan_symbol(scan, "MIME_OVERSIZED", 1);
	if (scan->message.cut)
		mr_scan_symbol(scan, "MIME_HEADER_CUT", 1);
	if (any_text_cut(v))
		mr_scan_symbol(scan, "MIME_TEXT_CUT", 0);
	if (any_charset_unknown(v))
		mr_scan_symbol(scan, "MIME_CHARSET_UNKNOWN", 0.5);
	if (hides_text(v))
		mr_scan_symbol(scan, "HTML_HIDDEN_TEXT", 1.5);
	if (script)
		mr_scan_symbol(scan, "HTML_SCRIPT", 0.5);
	return 0;
}

const struct mr_check mr_check_mime = { .name = "mime", .outside_only = true, .run = run };
