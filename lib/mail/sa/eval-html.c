/* sa/eval-html: functions about HTML. Each is true where it is of some part. */
/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

static int tag_balance(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++) {
		long open = mr_sa_html_inside(h[i], sa_arg(args, 0));

		if (open >= 0 && sa_compare((double)open, sa_arg(args, 1)))
			return 1;
	}
	return 0;
}

static int tag_exists(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++)
		if (mr_sa_html_inside(h[i], sa_arg(args, 0)) >= 0)
			return 1;
	return 0;
}

static int image_only(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++)
		if (mr_sa_html_inside(h[i], MR_LIT("img")) >= 0 && h[i]->length > sa_arg_number(args, 0, 0) &&
		    h[i]->length <= sa_arg_number(args, 1, 0))
			return 1;
	return 0;
}

static int image_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++) {
		double ratio = h[i]->image_area > 0 ? h[i]->non_space_len / h[i]->image_area : -1;

		if (ratio > sa_arg_number(args, 0, 0) && ratio <= sa_arg_number(args, 1, 0))
			return 1;
	}
	return 0;
}

static int test(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++) {
		double v = mr_sa_html_number(h[i], sa_arg(args, 0));

		if (!isnan(v) && (v < 0 || v > 0))
			return 1;
	}
	return 0;
}

static int compare(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++) {
		double v = mr_sa_html_number(h[i], sa_arg(args, 0));

		if (!isnan(v) && sa_compare(v, sa_arg(args, 1)))
			return 1;
	}
	return 0;
}

static int range(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double min = sa_arg_number(args, 1, 0), max = sa_arg_number(args, 2, INFINITY);
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++) {
		double v = mr_sa_html_number(h[i], sa_arg(args, 0));

		if (!isnan(v) && v > min && v <= max)
			return 1;
	}
	return 0;
}

static const struct mr_sa_list *texts_of(const struct mr_sa_html *h, struct mr_slice name)
{
	if (mr_slice_eq(name, MR_LIT("comment")))
		return &h->comments;
	if (mr_slice_eq(name, MR_LIT("anchor")))
		return &h->anchors;
	return mr_slice_eq(name, MR_LIT("title")) ? &h->titles : NULL;
}

static bool any_text(struct mr_sa *sa, const struct mr_sa_args *args, bool fits)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++) {
		const struct mr_sa_list *t = texts_of(h[i], sa_arg(args, 0));

		for (size_t k = 0; t && k < t->n; k++)
			if (sa_pattern_in(sa, args->prepared, t->items[k]) == fits)
				return true;
	}
	return false;
}

static int text_match(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return any_text(sa, args, true);
}

static int text_not_match(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return any_text(sa, args, false);
}

static int title_subject_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice subject = sa_scalar(sa, "Subject");
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; subject.n && i < n; i++)
		for (size_t k = 0; k < h[i]->titles.n; k++)
			if ((double)h[i]->titles.items[k].n / (double)subject.n > sa_arg_number(args, 0, 0))
				return 1;
	return 0;
}

static int iframe_src(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	(void)args;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < h[i]->n_uris; k++)
			if (h[i]->uris[k].types & MR_SA_URI_IFRAME)
				return 1;
	return 0;
}

const struct mr_sa_eval sa_evals_html[] = {
	{ "html_tag_balance", NULL, tag_balance },
	{ "html_tag_exists", NULL, tag_exists },
	{ "html_image_only", NULL, image_only },
	{ "html_image_ratio", NULL, image_ratio },
	{ "html_test", NULL, test },
	{ "html_eval", NULL, compare },
	{ "html_range", NULL, range },
	{ "html_text_match", sa_prepare_pattern1, text_match },
	{ "html_text_not_match", sa_prepare_pattern1, text_not_match },
	{ "html_title_subject_ratio", NULL, title_subject_ratio },
	{ "check_iframe_src", NULL, iframe_src },
	{ 0 },
};
