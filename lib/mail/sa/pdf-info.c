/* sa/pdf-info: see pdf-info.h. */
/* libraries */
#include <openssl/evp.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/pdf-info.h"

#define BEGIN_MAX   1024
#define FUZZY_LINES 70  /* less one: that count */
#define VALUE_MAX   256 /* bytes */
#define LIST_MAX    1000
#define DETAILS_MAX 100 /* different values of one kind */

struct pdf {
	struct mr_sa *sa;
	struct sa_pdf_info *info;
	struct mr_buf fuzzy, tags;
	bool no_more_fuzzy, got_image;
	size_t lines;
	double height, width, area;
};

/* -- forms of lines -- */

/* Behind the digits at `at`; the same where none stand there. */
static size_t digits(struct mr_slice s, size_t at)
{
	while (at < s.n && sa_is_digit(s.p[at]))
		at++;
	return at;
}

static size_t spaces(struct mr_slice s, size_t at)
{
	while (at < s.n && sa_is_space(s.p[at]))
		at++;
	return at;
}

/* "630 0 0 149 0 0 cm": the first and the fourth number. */
static bool is_matrix(struct mr_slice s, struct sa_pdf_size *size)
{
	size_t at = 0;

	for (int i = 0; i < 6; i++) {
		size_t end = digits(s, at), next = spaces(s, end);

		if (end == at || next == end)
			return false;
		if (i == 0)
			size->width = sa_sub(s, at, end);
		else if (i == 3)
			size->height = sa_sub(s, at, end);
		at = next;
	}
	return mr_slice_eq(mr_slice_from(s, at), MR_LIT("cm"));
}

/* "/Width 630/Height 149" in s. */
static bool finds_size(struct mr_slice s, struct sa_pdf_size *size)
{
	static const struct mr_slice width = MR_LIT("/Width"), height = MR_LIT("/Height");

	for (ptrdiff_t found = sa_find(s, 0, width); found >= 0; found = sa_find(s, (size_t)found + 1, width)) {
		size_t at = (size_t)found + width.n, end;

		if (at == s.n || !sa_is_space(s.p[at]) || (end = digits(s, at + 1)) == at + 1)
			continue;
		size->width = sa_sub(s, at + 1, end);
		if (!mr_slice_starts(mr_slice_from(s, end), height))
			continue;
		at = end + height.n;
		if (at == s.n || !sa_is_space(s.p[at]) || (end = digits(s, at + 1)) == at + 1)
			continue;
		size->height = sa_sub(s, at + 1, end);
		return true;
	}
	return false;
}

static bool starts_number(struct mr_slice s, struct mr_slice key)
{
	return mr_slice_starts(s, key) && s.n > key.n + 1 && sa_is_space(s.p[key.n]) && sa_is_digit(s.p[key.n + 1]);
}

/* "(...)" up to the first ")" without a backslash before it, or "<...>". n 0: neither. *missing: ends that were not found in the line, and
 * that need not be looked for again. */
static struct mr_slice value_at(struct mr_slice s, unsigned *missing)
{
	bool literal = s.n && s.p[0] == '(';

	if (!s.n || (!literal && s.p[0] != '<') || *missing & 1u << literal)
		return (struct mr_slice){ 0 };
	for (size_t i = 1; i < s.n; i++)
		if (literal ? s.p[i] == ')' && s.p[i - 1] != '\\' : s.p[i] == '>')
			return sa_sub(s, 0, i + 1);
	*missing |= 1u << literal;
	return (struct mr_slice){ 0 };
}

/* -- strings -- */

static int hex(char c)
{
	c = mr_lower(c);
	if (sa_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_hex(struct mr_slice s, struct mr_buf *out)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (hex(s.p[i]) < 0 || hex(s.p[i + 1]) < 0)
			continue;
		mr_buf_putc(out, (char)(hex(s.p[i]) * 16 + hex(s.p[i + 1])));
		i++;
	}
}

static bool is_octal(struct mr_slice s)
{
	return s.n >= 4 && s.p[0] == '\\' && s.p[1] >= '0' && s.p[1] <= '3' && s.p[2] >= '0' && s.p[2] <= '7' && s.p[3] >= '0' &&
	       s.p[3] <= '7';
}

static void add_literal(struct mr_slice s, struct mr_buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_octal(mr_slice_from(s, i)) && !(i && s.p[i - 1] == '\\')) {
			mr_buf_putc(out, (char)((s.p[i + 1] - '0') * 64 + (s.p[i + 2] - '0') * 8 + s.p[i + 3] - '0'));
			i += 3;
		} else {
			mr_buf_putc(out, s.p[i]);
		}
	}
}

/* Of UTF-16 the bytes that are not NUL; \\ \( \) as what they stand for, in literal strings. */
static size_t parse_string(struct mr_slice s, char out[VALUE_MAX])
{
	struct mr_buf bytes = MR_BUF(s.n);
	struct mr_slice in;
	bool literal = s.n && s.p[0] != '<', wide;
	size_t n = 0;

	if (literal) {
		s = mr_slice_from(s, s.p[0] == '(');
		s.n -= s.n && s.p[s.n - 1] == ')';
		add_literal(s, &bytes);
	} else {
		add_hex(s, &bytes);
	}
	in = mr_buf_slice(&bytes);
	wide = mr_slice_starts(in, MR_LIT("\xfe\xff")) || mr_slice_starts(in, MR_LIT("\xff\xfe"));
	in = mr_slice_from(in, wide ? 2 : 0);
	for (size_t i = 0; i < in.n && n < VALUE_MAX; i++) {
		if (wide && !in.p[i])
			continue;
		if (literal && in.p[i] == '\\') {
			size_t next = i + 1;

			while (wide && next < in.n && !in.p[next])
				next++;
			if (next < in.n && in.p[next] && strchr("()\\", in.p[next]))
				i = next;
		}
		out[n++] = in.p[i];
	}
	mr_buf_done(&bytes);
	return n;
}

/* -- a line -- */

static void note(struct pdf *p, enum sa_pdf_detail which, struct mr_slice value)
{
	struct mr_sa_list *list = &p->info->details[which];
	char text[VALUE_MAX];

	value = (struct mr_slice){ text, parse_string(value, text) };
	if (list->n < DETAILS_MAX && !sa_list_has(list, value))
		sa_list_add(p->sa->arena, list, sa_keep(p->sa->arena, value), DETAILS_MAX);
}

static void look_for_details(struct pdf *p, struct mr_slice line)
{
	static const struct {
		struct mr_slice key;
		bool date;
	} keys[SA_PDF_DETAILS] = {
		[SA_PDF_AUTHOR] = { MR_LIT("/Author"), false },       [SA_PDF_CREATOR] = { MR_LIT("/Creator"), false },
		[SA_PDF_CREATED] = { MR_LIT("/CreationDate"), true }, [SA_PDF_MODIFIED] = { MR_LIT("/ModDate"), true },
		[SA_PDF_PRODUCER] = { MR_LIT("/Producer"), false },   [SA_PDF_TITLE] = { MR_LIT("/Title"), false },
	};
	unsigned missing = 0;

	for (size_t k = 0; k < SA_PDF_DETAILS; k++) {
		for (ptrdiff_t at = sa_find(line, 0, keys[k].key); at >= 0; at = sa_find(line, (size_t)at + 1, keys[k].key)) {
			struct mr_slice s = mr_slice_from(line, (size_t)at + keys[k].key.n);

			for (int i = 0; i < 2 && s.n && sa_is_space(s.p[0]); i++)
				s = mr_slice_from(s, 1);
			if (keys[k].date) {
				s = mr_slice_starts(s, MR_LIT("(D:")) ? mr_slice_from(s, 3) : (struct mr_slice){ 0 };
				s.n = digits(s, 0);
			} else {
				s = value_at(s, &missing);
			}
			if (s.n) {
				note(p, (enum sa_pdf_detail)k, s);
				break;
			}
		}
	}
}

static double number(struct mr_slice s)
{
	double v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v * 10 + (s.p[i] - '0');
	return v;
}

static void add_size(struct sa_pdf_info *info, struct mr_arena *a, struct sa_pdf_size size)
{
	if (info->n_sizes == LIST_MAX)
		return;
	info->sizes = mr_arena_more(a, info->sizes, info->n_sizes, &info->room, LIST_MAX, sizeof(*info->sizes));
	info->sizes[info->n_sizes++] = size;
}

static void look_for_picture(struct pdf *p, struct mr_slice line)
{
	struct sa_pdf_size size;

	p->got_image |= sa_has(line, MR_LIT("/Image"));
	if (!p->got_image)
		return;
	if (!is_matrix(line, &size) &&
	    (starts_number(line, MR_LIT("/Width")) || starts_number(line, MR_LIT("/Height")) || !finds_size(line, &size)))
		return;
	/* "0" is no number for Perl, "00" is. */
	if (mr_slice_eq(size.width, MR_LIT("0")) || mr_slice_eq(size.height, MR_LIT("0")))
		return;
	p->no_more_fuzzy = true;
	p->height += number(size.height);
	p->width += number(size.width);
	p->area += number(size.height) * number(size.width);
	add_size(p->info, p->sa->arena, size);
	p->info->images++;
	p->got_image = false;
}

static bool counts_as_fuzzy(struct mr_slice line)
{
	static const struct mr_slice skipped[] = { MR_LIT("%"), MR_LIT("/Height"), MR_LIT("/Width"), MR_LIT("/MediaBox"),
						   MR_LIT("/CropBox") };
	struct sa_pdf_size size;

	for (size_t i = 0; i < MR_COUNT(skipped); i++)
		if (mr_slice_starts(line, skipped[i]))
			return false;
	return !is_matrix(line, &size);
}

static void look_at_line(struct pdf *p, struct mr_slice line)
{
	size_t n = 1;

	if (!p->no_more_fuzzy && ++p->lines < FUZZY_LINES) {
		if (counts_as_fuzzy(line)) {
			while (line.n && sa_is_space(line.p[line.n - 1]))
				line.n--;
			mr_buf_add(&p->fuzzy, line);
		}
		p->no_more_fuzzy = sa_has(line, MR_LIT("stream"));
	}
	p->info->encrypted |= mr_slice_starts(line, MR_LIT("/Encrypt"));
	look_for_picture(p, line);
	if (!line.n || mr_slice_chr(line, '/') < 0)
		return;
	while (line.p[0] == '/' && n < line.n && sa_is_alpha(line.p[n]))
		n++;
	mr_buf_add(&p->tags, sa_sub(line, 1, n));
	look_for_details(p, line);
}

/* -- a file -- */

static void add_sum(struct mr_sa *sa, struct mr_slice data, struct mr_sa_list *list)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct mr_buf text = MR_BUF(2 * sizeof(sum));
	unsigned n;

	if (data.n && EVP_Digest(data.p, data.n, sum, &n, EVP_md5(), NULL) == 1) {
		for (unsigned i = 0; i < n; i++)
			mr_buf_printf(&text, "%02X", sum[i]);
		sa_list_add(sa->arena, list, sa_keep(sa->arena, mr_buf_slice(&text)), LIST_MAX);
	}
	mr_buf_done(&text);
}

/* "%PDF-1.7" within the first bytes. */
static bool begins(struct mr_slice data)
{
	for (ptrdiff_t at = sa_find(data, 0, MR_LIT("%PDF-")); at >= 0 && at <= BEGIN_MAX;
	     at = sa_find(data, (size_t)at + 1, MR_LIT("%PDF-"))) {
		struct mr_slice s = mr_slice_from(data, (size_t)at + 5);

		if (s.n >= 3 && sa_is_digit(s.p[0]) && s.p[1] == '.' && sa_is_digit(s.p[2]))
			return true;
	}
	return false;
}

static void read_file(struct mr_sa *sa, struct sa_pdf_info *info, struct mr_slice name, struct mr_slice data)
{
	struct pdf p = { .sa = sa, .info = info, .fuzzy = MR_BUF(MR_SA_BYTES_MAX), .tags = MR_BUF(MR_SA_BYTES_MAX) };
	struct mr_slice rest, line;

	if (mr_slice_starts(data, MR_LIT("\xef\xbb\xbf")))
		data = mr_slice_from(data, 3);
	if (!begins(data))
		return;
	if (name.n)
		sa_list_add(sa->arena, &info->names, name, LIST_MAX);
	for (rest = data; mr_slice_next(&rest, '\n', &line);)
		if (line.n)
			look_at_line(&p, line);
	if (p.height > 0 && p.width > 0)
		add_size(info, sa->arena,
			 (struct sa_pdf_size){ mr_slice_of(mr_arena_printf(sa->arena, "%.15g", p.height)),
					       mr_slice_of(mr_arena_printf(sa->arena, "%.15g", p.width)) });
	if (p.area > 0) {
		info->area = p.area;
		info->has_area = true;
	}
	add_sum(sa, data, &info->sums);
	add_sum(sa, mr_buf_slice(&p.fuzzy), &info->fuzzy_sums);
	add_sum(sa, mr_buf_slice(&p.tags), &info->fuzzy_sums);
	mr_buf_done(&p.fuzzy);
	mr_buf_done(&p.tags);
}

static bool may_be_pdf(const struct mr_sa_part *part)
{
	struct mr_slice type = part->type;

	if (!part->leaf)
		return false;
	if (mr_slice_eq(type, MR_LIT("application/pdf")) || mr_slice_eq(type, MR_LIT("image/pdf")))
		return true;
	return (mr_slice_eq(type, MR_LIT("application/octet-stream")) || mr_slice_eq(type, MR_LIT("image/octet-stream"))) &&
	       (mr_slice_iends(part->name, MR_LIT(".pdf")) || mr_slice_iends(part->name, MR_LIT(".fdf")));
}

const struct sa_pdf_info *sa_pdf_info(struct mr_sa *sa)
{
	struct sa_pdf_info *info = sa->pdf_info;

	if (info)
		return info;
	sa_mime_parse(sa);
	info = sa->pdf_info = mr_arena_alloc(sa->arena, sizeof(*info));
	for (size_t i = 0; i < sa->n_nodes; i++) {
		if (!may_be_pdf(&sa->nodes[i].part))
			continue;
		info->count++;
		read_file(sa, info, sa->nodes[i].part.name, mr_sa_part_decoded(sa, i));
	}
	return info;
}
