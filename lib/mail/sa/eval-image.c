/* sa/eval-image: functions about attached pictures: how many, how large. Only their first bytes are looked at. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

#define SIZES_MAX 200 /* pictures whose sizes are kept */

enum format { GIF, PNG, JPEG, FORMATS };
static const char *const format_names[FORMATS] = { "gif", "png", "jpeg" };

struct picture {
	enum format format;
	unsigned long width, height;
	struct mr_slice name;
};
struct sa_images {
	double count[FORMATS], area[FORMATS];
	struct picture *list;
	size_t n, room;
};

static unsigned long number(struct mr_slice s, size_t at, size_t n, bool big)
{
	unsigned long v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (unsigned char)s.p[at + (big ? i : n - 1 - i)];
	return v;
}

static bool gif_size(struct mr_slice s, struct picture *p)
{
	if (s.n < 13 || (!mr_slice_starts(s, MR_LIT("GIF87a")) && !mr_slice_starts(s, MR_LIT("GIF89a"))))
		return false;
	p->width = number(s, 6, 2, false);
	p->height = number(s, 8, 2, false);
	return true;
}

static bool png_size(struct mr_slice s, struct picture *p)
{
	if (s.n < 24 || memcmp(s.p, "\x89PNG\r\n\x1a\n", 8) != 0 || memcmp(s.p + 12, "IHDR", 4) != 0)
		return false;
	p->width = number(s, 16, 4, true);
	p->height = number(s, 20, 4, true);
	return true;
}

/* Segments up to the frame, which has the size. */
static bool jpeg_size(struct mr_slice s, struct picture *p)
{
	size_t at = 2;

	if (s.n < 4 || memcmp(s.p, "\xff\xd8", 2) != 0)
		return false;
	while (at + 4 <= s.n) {
		unsigned mark = (unsigned char)s.p[at + 1];
		size_t length = number(s, at + 2, 2, true);

		if (s.p[at] != '\xff' || mark == 0xda || mark == 0xd9 || length < 2)
			return false;
		if (mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc) {
			if (at + 9 > s.n)
				return false;
			p->height = number(s, at + 5, 2, true);
			p->width = number(s, at + 7, 2, true);
			return true;
		}
		at += 2 + length;
	}
	return false;
}

static bool format_of(struct mr_slice type, enum format *f)
{
	if (mr_slice_eq(type, MR_LIT("image/gif")))
		*f = GIF;
	else if (mr_slice_eq(type, MR_LIT("image/png")))
		*f = PNG;
	else if (mr_slice_eq(type, MR_LIT("image/jpeg")) || mr_slice_eq(type, MR_LIT("image/jpg")))
		*f = JPEG;
	else
		return false;
	return true;
}

static const struct sa_images *images(struct mr_sa *sa)
{
	static bool (*const size_of[FORMATS])(struct mr_slice, struct picture *) = { gif_size, png_size, jpeg_size };
	struct sa_images *im = sa->images;

	if (im)
		return im;
	sa_mime_parse(sa);
	im = sa->images = mr_arena_alloc(sa->arena, sizeof(*im));
	for (size_t i = 0; i < sa->n_nodes; i++) {
		struct picture p = { .name = sa->nodes[i].part.name };

		if (!sa->nodes[i].part.leaf || !format_of(sa->nodes[i].part.type, &p.format) ||
		    !mr_slice_ieq(sa_header_value(sa->arena, &sa->nodes[i].header, MR_LIT("content-transfer-encoding")), MR_LIT("base64")))
			continue;
		im->count[p.format]++;
		if (!size_of[p.format](mr_sa_part_decoded(sa, i), &p) || !p.width || !p.height)
			continue;
		im->area[p.format] += (double)p.width * (double)p.height;
		if (im->n == SIZES_MAX)
			continue;
		im->list = mr_arena_more(sa->arena, im->list, im->n, &im->room, SIZES_MAX, sizeof(*im->list));
		im->list[im->n++] = p;
	}
	return im;
}

/* The sum of a format's, or of "all". */
static double sum(const double *of, struct mr_slice type)
{
	double v = 0;

	for (size_t f = 0; f < FORMATS; f++)
		if (mr_slice_eq(type, MR_LIT("all")) || mr_slice_eq(type, mr_slice_of(format_names[f])))
			v += of[f];
	return v;
}

static bool is_of(const struct picture *p, struct mr_slice type)
{
	return mr_slice_eq(type, MR_LIT("all")) || mr_slice_eq(type, mr_slice_of(format_names[p->format]));
}

static int image_count(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double v = sum(images(sa)->count, sa_arg(args, 0));

	return v >= sa_arg_number(args, 1, INFINITY) && v <= sa_arg_number(args, 2, INFINITY);
}

static int pixel_coverage(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double v = sum(images(sa)->area, sa_arg(args, 0));

	return v >= sa_arg_number(args, 1, INFINITY) && v <= sa_arg_number(args, 2, INFINITY);
}

static int to_text_ratio(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_list *body = args->raw ? mr_sa_rawbody(sa) : mr_sa_body(sa);
	double area = sum(images(sa)->area, sa_arg(args, 0)), text = 0, ratio;

	for (size_t i = 0; i < body->n; i++)
		text += (double)body->items[i].n;
	if (text <= 0 || area <= 0)
		return 0;
	ratio = text / area;
	return ratio >= sa_arg_number(args, 1, INFINITY) && ratio < sa_arg_number(args, 2, -INFINITY);
}

static int size_exact(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_images *im = images(sa);

	for (size_t i = 0; i < im->n; i++)
		if (is_of(&im->list[i], sa_arg(args, 0)) && im->list[i].height == (unsigned long)sa_arg_number(args, 1, 0) &&
		    im->list[i].width == (unsigned long)sa_arg_number(args, 2, 0))
			return 1;
	return 0;
}

static int size_range(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_images *im = images(sa);

	for (size_t i = 0; i < im->n; i++) {
		double h = (double)im->list[i].height, w = (double)im->list[i].width;

		if (is_of(&im->list[i], sa_arg(args, 0)) && h >= sa_arg_number(args, 1, INFINITY) &&
		    w >= sa_arg_number(args, 2, INFINITY) && h <= sa_arg_number(args, 3, INFINITY) && w <= sa_arg_number(args, 4, INFINITY))
			return 1;
	}
	return 0;
}

static int named(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_images *im = images(sa);

	for (size_t i = 0; i < im->n; i++)
		if (im->list[i].name.n && mr_slice_eq(im->list[i].name, sa_arg(args, 0)))
			return 1;
	return 0;
}

static int name_fits(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_images *im = images(sa);

	for (size_t i = 0; i < im->n; i++)
		if (im->list[i].name.n && sa_pattern_in(sa, args->prepared, im->list[i].name))
			return 1;
	return 0;
}

const struct mr_sa_eval sa_evals_image[] = {
	{ "image_count", NULL, image_count },
	{ "pixel_coverage", NULL, pixel_coverage },
	{ "image_to_text_ratio", NULL, to_text_ratio },
	{ "image_size_exact", NULL, size_exact },
	{ "image_size_range", NULL, size_range },
	{ "image_named", NULL, named },
	{ "image_name_regex", sa_prepare_pattern0, name_fits },
	{ 0 },
};
