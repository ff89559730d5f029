/* sa/mime: the MIME tree as SpamAssassin cuts it: by lines, leniently, noting what is wrong. Parts are views into the message. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

#define LINE_MAX_ 2048                          /* bytes of a line in a multipart; longer ones are broken */
#define BLANK_MAX 20                            /* empty lines in a row */
#define INNER_MAX (2 * (size_t)MR_SA_BYTES_MAX) /* bytes of all attached messages that are looked into */

/* -- Content-Type -- */

/* Where "name" with white space and "=" behind it stands as a word, from `from` on: what follows; -1. */
static ptrdiff_t parameter(struct mr_slice s, size_t from, struct mr_slice name)
{
	for (size_t i = from; i + name.n < s.n; i++) {
		size_t at = i + name.n;

		if (mr_lower(s.p[i]) != name.p[0] || (i && sa_is_word(s.p[i - 1])) || !mr_slice_istarts(mr_slice_from(s, i), name))
			continue;
		while (at < s.n && sa_is_space(s.p[at]))
			at++;
		if (at == s.n || s.p[at] != '=')
			continue;
		for (at++; at < s.n && sa_is_space(s.p[at]);)
			at++;
		return (ptrdiff_t)at;
	}
	return -1;
}

/* A value up to ";" or the end, without a quote at each end. */
static struct mr_slice plain_value(struct mr_slice s)
{
	size_t end = 0;

	if (s.n && (s.p[0] == '"' || s.p[0] == '\''))
		s = mr_slice_from(s, 1);
	while (end < s.n && s.p[end] != ';' && s.p[end] != '\n')
		end++;
	if (end && (s.p[end - 1] == '"' || s.p[end - 1] == '\''))
		end--;
	return (struct mr_slice){ s.p, end };
}

static struct mr_slice boundary_of(struct mr_arena *a, struct mr_slice ct)
{
	ptrdiff_t at = -1;

	while ((at = parameter(ct, (size_t)(at + 1), MR_LIT("boundary"))) >= 0) {
		struct mr_slice s = mr_slice_from(ct, (size_t)at);
		size_t n = s.n && s.p[0] == '"' ? 1 : 0, m = 0;
		char *out;

		if (n) {
			while (n < s.n && s.p[n] != '"')
				n++;
			if (n == 1)
				continue;
		} else {
			while (n < s.n && !sa_is_space(s.p[n]) && s.p[n] != '"' && s.p[n] != ';')
				n++;
			if (!n || (n < s.n && s.p[n] == '"'))
				continue;
		}
		out = mr_arena_alloc(a, n + 1);
		for (size_t i = 0; i < n; i++)
			if (s.p[i] != '"')
				out[m++] = s.p[i];
		return (struct mr_slice){ out, m };
	}
	return (struct mr_slice){ 0 };
}

/* "name*0=", "name*1=" ... in one (RFC 2231). */
static struct mr_slice continued_name(struct mr_arena *a, struct mr_slice ct)
{
	struct mr_buf out = MR_BUF(ct.n + 1);
	char label[16] = "name*0";

	for (unsigned k = 0; k < 10; k++) {
		ptrdiff_t at;

		label[5] = (char)('0' + k);
		at = parameter(ct, 0, mr_slice_of(label));
		if (at < 0)
			break;
		mr_buf_add(&out, plain_value(mr_slice_from(ct, (size_t)at)));
	}
	return sa_keep_buf(a, &out);
}

static bool is_text(struct mr_slice t)
{
	return mr_slice_starts(t, MR_LIT("text")) && (t.n == 4 || !sa_is_word(t.p[4]));
}

void sa_content_type(struct mr_arena *a, struct mr_slice value, struct sa_content_type *out)
{
	struct mr_slice t = value;
	ptrdiff_t at;
	char *p;
	size_t n = 0;

	*out = (struct sa_content_type){ .missing = value.n == 0 };
	if (!value.n)
		t = value = MR_LIT("text/plain; charset=us-ascii");
	out->boundary = boundary_of(a, value);
	if ((at = parameter(value, 0, MR_LIT("charset"))) >= 0)
		out->charset = plain_value(mr_slice_from(value, (size_t)at));
	if ((at = parameter(value, 0, MR_LIT("name"))) >= 0 || (at = parameter(value, 0, MR_LIT("filename"))) >= 0)
		out->name = plain_value(mr_slice_from(value, (size_t)at));
	if (!out->name.n)
		out->name = continued_name(a, value);
	while (t.n && sa_is_space(t.p[0]))
		t = mr_slice_from(t, 1);
	if ((at = mr_slice_chr(t, ';')) >= 0)
		t.n = (size_t)at;
	if ((at = mr_slice_chr(t, '/')) > 0) {
		size_t end = (size_t)at + 1;

		while (end < t.n && t.p[end] != '/' && !sa_is_space(t.p[end]))
			end++;
		t.n = end;
	}
	t = sa_lower(a, t);
	out->missing |= t.n == 0;
	if (!t.n || (is_text(t) && !mr_slice_eq(t, MR_LIT("text/html")) && !mr_slice_eq(t, MR_LIT("text/x-vcard")) &&
		     !mr_slice_eq(t, MR_LIT("text/calendar"))))
		t = MR_LIT("text/plain");
	p = mr_arena_alloc(a, t.n + 1);
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] > ' ' && t.p[i] < 127 && !strchr("\"(),:;<=>?@[\\]", t.p[i]))
			p[n++] = t.p[i];
	out->type = (struct mr_slice){ p, n };
}

/* -- lines -- */

static size_t line_length(struct mr_slice s)
{
	ptrdiff_t lf = mr_slice_chr(s, '\n');

	return lf < 0 ? s.n : (size_t)lf + 1;
}

static bool is_blank(struct mr_slice line)
{
	return sa_trim(line).n == 0;
}

static bool is_clean(struct mr_slice s, bool crlf)
{
	size_t blank = 0;

	if (crlf && sa_has(s, MR_LIT("\r\n")))
		return false;
	while (s.n && blank <= BLANK_MAX) {
		struct mr_slice line = { s.p, line_length(s) };

		blank = is_blank(line) ? blank + 1 : 0;
		s = mr_slice_from(s, line.n);
	}
	return blank <= BLANK_MAX;
}

/* LF only, and never more than so many empty lines in a row; of a longer run the first stays and the last ones. */
static struct mr_slice clean_body(struct mr_arena *a, struct mr_slice s, bool crlf)
{
	size_t n = 0, blank = 0, starts[BLANK_MAX + 1];
	char *out;

	if (is_clean(s, crlf))
		return s;
	out = mr_arena_alloc(a, s.n + 1);
	while (s.n) {
		struct mr_slice line = { s.p, line_length(s) };
		size_t keep = line.n;

		s = mr_slice_from(s, line.n);
		if (crlf && keep > 1 && line.p[keep - 1] == '\n' && line.p[keep - 2] == '\r')
			keep--;
		if (!is_blank(line)) {
			blank = 0;
		} else if (++blank > BLANK_MAX) {
			/* Drop the second of the run. */
			size_t second = starts[1], gap = starts[2] - starts[1];

			memmove(out + second, out + second + gap, n - second - gap);
			n -= gap;
			for (size_t i = 1; i + 1 < BLANK_MAX; i++)
				starts[i] = starts[i + 1] - gap;
			blank = BLANK_MAX;
		}
		if (blank)
			starts[blank - 1] = n;
		memcpy(out + n, line.p, keep);
		n += keep;
		if (keep != line.n)
			out[n - 1] = '\n';
	}
	return (struct mr_slice){ out, n };
}

/* "--boundary" or "--boundary--" with white space behind it. */
static bool is_boundary(struct mr_slice line, struct mr_slice boundary, bool *last)
{
	if (line.n < 2 + boundary.n || line.p[0] != '-' || line.p[1] != '-' ||
	    (boundary.n && memcmp(line.p + 2, boundary.p, boundary.n) != 0))
		return false;
	line = mr_slice_from(line, 2 + boundary.n);
	*last = mr_slice_starts(line, MR_LIT("--"));
	return is_blank(mr_slice_from(line, *last ? 2 : 0));
}

static size_t field_name(struct mr_slice line, bool space)
{
	size_t i = 0;

	while (i < line.n && line.p[i] > ' ' && line.p[i] < 127 && line.p[i] != ':')
		i++;
	if (!i)
		return 0;
	while (space && i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	return i < line.n && line.p[i] == ':' ? i : 0;
}

static bool has_long_line(struct mr_slice s)
{
	while (s.n > LINE_MAX_) {
		size_t n = line_length(s);

		if (n > LINE_MAX_)
			return true;
		s = mr_slice_from(s, n);
	}
	return false;
}

static struct mr_slice broken_lines(struct mr_arena *a, struct mr_slice s)
{
	struct mr_buf out = MR_BUF(s.n + s.n / LINE_MAX_ + 2);

	if (!has_long_line(s))
		return s;
	for (size_t i = 0; i < s.n;) {
		size_t n = line_length(mr_slice_from(s, i));

		while (n > LINE_MAX_) {
			mr_buf_add(&out, (struct mr_slice){ s.p + i, LINE_MAX_ });
			mr_buf_putc(&out, '\n');
			i += LINE_MAX_;
			n -= LINE_MAX_;
		}
		mr_buf_add(&out, (struct mr_slice){ s.p + i, n });
		i += n;
	}
	return sa_keep_buf(a, &out);
}

/* -- the tree -- */

struct job {
	size_t node;
	struct mr_slice body, boundary;
	unsigned depth; /* how many levels may follow */
};

static void parse(struct mr_sa *sa, struct job job);

static size_t new_node(struct mr_sa *sa)
{
	if (sa->n_nodes == sa->room) {
		struct sa_node *more = mr_arena_alloc(sa->arena, (sa->room * 2 + 8) * sizeof(*more));

		if (sa->n_nodes)
			memcpy(more, sa->nodes, sa->n_nodes * sizeof(*more));
		sa->nodes = more;
		sa->room = sa->room * 2 + 8;
	}
	sa->nodes[sa->n_nodes] = (struct sa_node){ .part.leaf = true };
	return sa->n_nodes++;
}

/* Of a part while its lines are read. */
struct part {
	struct sa_header header;
	size_t room;
	struct mr_slice field;
	bool in_body, has_body;
	const char *body; /* where it begins */
};

static void end_field(struct mr_arena *a, struct part *p)
{
	ptrdiff_t colon = mr_slice_chr(p->field, ':');
	struct mr_slice value;

	if (!p->field.n || colon < 0)
		return;
	value = mr_slice_from(p->field, (size_t)colon + 1);
	while (value.n && sa_is_space(value.p[0]))
		value = mr_slice_from(value, 1);
	if (value.n > SA_VALUE_MAX)
		value.n = SA_VALUE_MAX;
	if (p->header.n < MR_SA_HEADERS_MAX)
		sa_header_add(a, &p->header, &p->room, (struct mr_slice){ p->field.p, (size_t)colon }, value);
}

/* A line of a part's header. False: the body has begun, and this line is its first. */
static bool header_line(struct mr_sa *sa, struct part *p, struct mr_slice line, struct mr_slice boundary, bool *nested)
{
	struct sa_content_type ct;

	if (field_name(line, true)) {
		end_field(sa->arena, p);
		p->field = line;
		return true;
	}
	if (p->field.n && (line.p[0] == ' ' || line.p[0] == '\t')) {
		p->field.n += line.n;
		return true;
	}
	if (p->field.n) {
		end_field(sa->arena, p);
		if (p->header.n && mr_slice_ieq(p->header.fields[p->header.n - 1].name, MR_LIT("content-type"))) {
			sa_content_type(sa->arena, sa_header_value(sa->arena, &p->header, MR_LIT("content-type")), &ct);
			if (ct.boundary.p && boundary.p && mr_slice_eq(ct.boundary, boundary))
				*nested = true;
		}
	}
	p->in_body = true;
	if (mr_slice_eq(line, MR_LIT("\n")) || mr_slice_eq(line, MR_LIT("\r\n")) || mr_slice_eq(line, MR_LIT("\r")))
		return true;
	sa->missing_mime_head_body_separator = true;
	return false;
}

static void end_part(struct mr_sa *sa, const struct job *parent, struct part *p, const char *end, bool at_boundary)
{
	struct sa_content_type ct;
	struct mr_slice body = p->has_body ? (struct mr_slice){ p->body, (size_t)(end - p->body) } : MR_LIT("");
	size_t i = new_node(sa);
	struct sa_node *n = &sa->nodes[i];

	n->header = p->header;
	if (at_boundary && body.n && body.p[body.n - 1] == '\n')
		body.n--;
	sa_content_type(sa->arena, sa_header_value(sa->arena, &n->header, MR_LIT("content-type")), &ct);
	n->part.type = ct.type;
	if (ct.missing && mr_slice_eq(sa->nodes[parent->node].part.type, MR_LIT("multipart/digest")))
		n->part.type = MR_LIT("message/rfc822");
	sa->nodes[parent->node].part.n_children++;
	parse(sa, (struct job){ i, body, ct.boundary.n ? ct.boundary : parent->boundary, parent->depth });
	*p = (struct part){ 0 };
}

/* What stands before the first boundary is passed over; where there is none, all of it is one part. */
static struct mr_slice after_preamble(struct mr_sa *sa, struct mr_slice body, struct mr_slice boundary)
{
	struct mr_slice rest = body;
	bool last;

	while (rest.n) {
		struct mr_slice line = { rest.p, line_length(rest) };

		rest = mr_slice_from(rest, line.n);
		if (is_boundary(line, boundary, &last) && !last) {
			if (rest.n && !field_name(rest, false))
				sa->missing_mime_headers = true;
			return rest;
		}
	}
	return body;
}

static void parse_multipart(struct mr_sa *sa, struct job job)
{
	struct mr_slice rest = after_preamble(sa, job.body, job.boundary);
	bool found_first = rest.p != job.body.p, nested = false, ended = false;
	struct part p = { 0 };

	sa->nodes[job.node].part.leaf = false;
	job.depth--;
	while (rest.n && !ended) {
		struct mr_slice line = { rest.p, line_length(rest) };
		bool last = false, boundary = is_boundary(line, job.boundary, &last);

		rest = mr_slice_from(rest, line.n);
		if (boundary && nested) {
			boundary = false;
			nested = !last;
		}
		if (boundary || !rest.n) {
			if (!boundary && !p.has_body) {
				p.body = line.p;
				p.has_body = true;
			}
			end_part(sa, &job, &p, boundary ? line.p : line.p + line.n, boundary);
			ended = boundary && last;
			if (boundary && !last && rest.n && !field_name(rest, false))
				sa->missing_mime_headers = true;
			if (sa->n_nodes >= MR_SA_PARTS_MAX || sa->nodes[job.node].part.n_children >= MR_SA_PARTS_MAX) {
				sa->part_limit = true;
				return;
			}
			continue;
		}
		if (!p.in_body && header_line(sa, &p, line, job.boundary, &nested))
			continue;
		if (!p.has_body)
			p.body = line.p;
		p.has_body = true;
	}
	if (found_first && !ended)
		sa->boundary_missing = true;
	if (rest.n)
		for (size_t i = 0; i < rest.n && !sa->mime_epilogue; i++)
			sa->mime_epilogue = !sa_is_space(rest.p[i]) && rest.p[i] != '.';
}

static bool has_crlf(struct mr_slice s)
{
	size_t first = line_length(s);
	ptrdiff_t last = s.n ? mr_slice_rchr((struct mr_slice){ s.p, s.n - 1 }, '\n') : -1;

	return (first >= 2 && s.p[first - 1] == '\n' && s.p[first - 2] == '\r') ||
	       (s.n >= 2 && s.p[s.n - 1] == '\n' && s.p[s.n - 2] == '\r' && (last < 0 || (size_t)last + 2 < s.n));
}

/* A message that is a part: its header is a node of its own, the tree goes on in its body. */
static void parse_message(struct mr_sa *sa, size_t node, struct mr_slice text, unsigned depth)
{
	struct sa_content_type ct;
	bool crlf = has_crlf(text);
	size_t i = new_node(sa);
	struct sa_node *n = &sa->nodes[i];
	struct mr_slice body = text;

	sa->nodes[node].part.leaf = false;
	sa->nodes[node].part.n_children = 1;
	if (mr_slice_starts(text, MR_LIT("From ")))
		body = mr_slice_from(text, line_length(text));
	sa_header_read(sa->arena, &body, crlf, NULL, &n->header);
	sa_content_type(sa->arena, sa_header_value(sa->arena, &n->header, MR_LIT("content-type")), &ct);
	n->part.type = ct.type;
	parse(sa, (struct job){ i, clean_body(sa->arena, body, crlf), ct.boundary, depth - 1 });
	sa->nodes[node].end = sa->n_nodes;
}

static void parse_leaf(struct mr_sa *sa, struct job job)
{
	struct sa_node *n = &sa->nodes[job.node];
	struct mr_slice disposition = sa_header_value(sa->arena, &n->header, MR_LIT("content-disposition"));
	struct sa_content_type ct;
	ptrdiff_t at;

	sa_content_type(sa->arena, sa_header_value(sa->arena, &n->header, MR_LIT("content-type")), &ct);
	if (!ct.missing)
		n->part.type = mr_slice_starts(ct.type, MR_LIT("multipart/")) && !job.boundary.p ? MR_LIT("text/plain") : ct.type;
	n->part.charset = ct.charset;
	n->part.name = ct.name;
	if ((at = sa_find(sa_lower(sa->arena, disposition), 0, MR_LIT("name="))) >= 0) {
		struct mr_slice v = mr_slice_from(disposition, (size_t)at + 5);
		size_t end = 0;

		v = sa_trim(v);
		if (v.n && v.p[0] == '"')
			v = mr_slice_from(v, 1);
		while (end < v.n && v.p[end] != '"' && v.p[end] != ';')
			end++;
		if (end)
			n->part.name = (struct mr_slice){ v.p, end };
	}
	n->raw = job.node ? broken_lines(sa->arena, job.body) : job.body;
	if ((mr_slice_eq(n->part.type, MR_LIT("message/rfc822")) || mr_slice_eq(n->part.type, MR_LIT("message/global"))) && job.depth > 0 &&
	    sa->n_nodes < MR_SA_PARTS_MAX) {
		struct mr_slice inner = mr_sa_part_decoded(sa, job.node);

		sa->inner += inner.n;
		if (inner.n && sa->inner <= INNER_MAX)
			parse_message(sa, job.node, inner, job.depth);
	}
}

static void parse(struct mr_sa *sa, struct job job)
{
	struct mr_slice type = sa->nodes[job.node].part.type;

	if (mr_slice_starts(type, MR_LIT("multipart/")) && job.boundary.p && job.depth > 0)
		parse_multipart(sa, job);
	else
		parse_leaf(sa, job);
	sa->nodes[job.node].end = sa->n_nodes;
}

void sa_mime_parse(struct mr_sa *sa)
{
	struct sa_content_type ct;
	struct mr_slice first;

	if (sa->parsed)
		return;
	sa->parsed = true;
	sa->body = clean_body(sa->arena, sa->pristine_body, has_crlf(sa->full));
	sa_content_type(sa->arena, sa_header_value(sa->arena, &sa->nodes[0].header, MR_LIT("content-type")), &ct);
	sa->nodes[0].part.type = ct.type;
	/* A multipart's body begins behind an empty line, or its first lines would be a part's header. */
	first = (struct mr_slice){ sa->body.p, line_length(sa->body) };
	if (mr_slice_starts(ct.type, MR_LIT("multipart/")) && first.n < sa->body.n && !is_blank(first)) {
		bool last;

		if (!ct.boundary.p || !is_boundary(first, ct.boundary, &last)) {
			char *p = mr_arena_alloc(sa->arena, sa->body.n + 2);

			p[0] = '\n';
			memcpy(p + 1, sa->body.p, sa->body.n);
			sa->body = (struct mr_slice){ p, sa->body.n + 1 };
		}
	}
	parse(sa, (struct job){ 0, sa->body, ct.boundary, MR_SA_DEPTH_MAX });
}
