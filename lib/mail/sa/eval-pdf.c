/* sa/eval-pdf: functions about attached PDF files, as SpamAssassin's plugin PDFInfo reads them. */
/* system */
#include <stdlib.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"
#include "mail/sa/pdf-info.h"

/* Of arguments 0 and 1: at least, and at most where it is given. */
static bool between(double v, const struct mr_sa_args *args)
{
	return sa_arg(args, 0).p && v >= sa_arg_number(args, 0, 0) && v <= sa_arg_number(args, 1, INFINITY);
}

static int count(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return between(sa_pdf_info(sa)->count, args);
}

static int image_count(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return between(sa_pdf_info(sa)->images, args);
}

static int pixel_coverage(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return sa_pdf_info(sa)->has_area && between(sa_pdf_info(sa)->area, args);
}

static int to_text_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_list *body;
	double text = 0;

	if (!sa_arg(args, 1).p || !sa_pdf_info(sa)->has_area)
		return 0;
	body = args->raw ? mr_sa_rawbody(sa) : mr_sa_body(sa);
	for (size_t i = 0; i < body->n; i++)
		text += (double)body->items[i].n;
	text /= sa_pdf_info(sa)->area;
	return text > 0 && between(text, args) && text < sa_arg_number(args, 1, 0);
}

static bool is_blank(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!sa_is_space(s.p[i]))
			return false;
	return true;
}

/* The first item is the subject, also where the raw body is asked about. */
static int is_empty_body(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_list *body;
	double n = 0;

	if (sa_pdf_info(sa)->count < 1)
		return 0;
	body = args->raw ? mr_sa_rawbody(sa) : mr_sa_body(sa);
	for (size_t i = 1; i < body->n; i++)
		n += is_blank(body->items[i]) ? 0 : (double)body->items[i].n;
	return n <= sa_arg_number(args, 0, 0);
}

static int size_exact(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_pdf_info *info = sa_pdf_info(sa);

	for (size_t i = 0; i < info->n_sizes; i++)
		if (mr_slice_eq(info->sizes[i].height, sa_arg(args, 0)) && mr_slice_eq(info->sizes[i].width, sa_arg(args, 1)))
			return 1;
	return 0;
}

static double number(struct mr_slice s)
{
	double v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v * 10 + (s.p[i] - '0');
	return v;
}

static int size_range(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_pdf_info *info = sa_pdf_info(sa);

	for (size_t i = 0; sa_arg(args, 1).p && i < info->n_sizes; i++) {
		double h = number(info->sizes[i].height), w = number(info->sizes[i].width);

		if (h >= sa_arg_number(args, 0, 0) && w >= sa_arg_number(args, 1, 0) && h <= sa_arg_number(args, 2, INFINITY) &&
		    w <= sa_arg_number(args, 3, INFINITY))
			return 1;
	}
	return 0;
}

static int named(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return sa_arg(args, 0).p && sa_list_has(&sa_pdf_info(sa)->names, sa_arg(args, 0));
}

static int any_fits(struct mr_sa *sa, const struct mr_sa_args *args, const struct mr_sa_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (sa_pattern_in(sa, args->prepared, list->items[i]))
			return 1;
	return 0;
}

static int name_fits(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return sa_arg(args, 0).p && any_fits(sa, args, &sa_pdf_info(sa)->names);
}

static int details_fit(struct mr_sa *sa, const struct mr_sa_args *args)
{
	static const char *const all[SA_PDF_DETAILS] = { "author", "creator", "created", "modified", "producer", "title" };

	for (size_t i = 0; sa_arg(args, 1).p && i < SA_PDF_DETAILS; i++)
		if (mr_slice_eq(sa_arg(args, 0), mr_slice_of(all[i])))
			return any_fits(sa, args, &sa_pdf_info(sa)->details[i]);
	return 0;
}

static bool is_in(struct mr_slice sum, const struct mr_sa_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (mr_slice_ieq(list->items[i], sum))
			return true;
	return false;
}

static int sum(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return is_in(sa_arg(args, 0), &sa_pdf_info(sa)->sums);
}

static int fuzzy_sum(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return is_in(sa_arg(args, 0), &sa_pdf_info(sa)->fuzzy_sums);
}

static int is_encrypted(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return sa_pdf_info(sa)->encrypted;
}

const struct mr_sa_eval sa_evals_pdf[] = {
	{ "pdf_count", NULL, count },
	{ "pdf_image_count", NULL, image_count },
	{ "pdf_pixel_coverage", NULL, pixel_coverage },
	{ "pdf_image_to_text_ratio", NULL, to_text_ratio },
	{ "pdf_image_size_exact", NULL, size_exact },
	{ "pdf_image_size_range", NULL, size_range },
	{ "pdf_is_empty_body", NULL, is_empty_body },
	{ "pdf_is_encrypted", NULL, is_encrypted },
	{ "pdf_named", NULL, named },
	{ "pdf_name_regex", sa_prepare_delimited0, name_fits },
	{ "pdf_match_details", sa_prepare_delimited1, details_fit },
	{ "pdf_match_md5", NULL, sum },
	{ "pdf_match_fuzzy_md5", NULL, fuzzy_sum },
	{ 0 },
};
