/* fake-sa: see fake-sa.h. */

/* system */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "fake-sa.h"

static const char setting[] = "fake_setting";

struct mr_sa_conf {
	int n;
};

struct mr_sa_conf *mr_sa_conf_new(void)
{
	return mr_new(struct mr_sa_conf, 1);
}

void mr_sa_conf_free(struct mr_sa_conf *c)
{
	free(c);
}

int mr_sa_conf_set(struct mr_sa_conf *c, struct mr_slice key, struct mr_slice value, struct mr_diag *diag)
{
	(void)value;
	(void)diag;
	c->n++;
	return mr_slice_eq(key, mr_slice_of(setting));
}

int mr_sa_conf_redirector(struct mr_sa_conf *c, struct mr_slice pattern, uint32_t options, struct mr_diag *diag)
{
	c->n++;
	return pattern.n && options != UINT32_MAX ? 0 : mr_diag_set(diag, -EINVAL, "fake");
}

const struct mr_sa_list *mr_sa_body(struct mr_sa *sa)
{
	return &sa->body;
}

const struct mr_sa_list *mr_sa_rawbody(struct mr_sa *sa)
{
	return &sa->rawbody;
}

const struct mr_sa_list *mr_sa_uris(struct mr_sa *sa)
{
	return &sa->uris;
}

const struct mr_sa_uri *mr_sa_uri_details(struct mr_sa *sa, size_t *n)
{
	*n = sa->n_details;
	return sa->details;
}

const char *mr_sa_uri_type_str(enum mr_sa_uri_type type)
{
	return type == MR_SA_URI_A ? "a" : type == MR_SA_URI_PARSED ? "parsed" : "other";
}

struct mr_sa *mr_sa_signed(struct mr_sa *sa)
{
	return sa->inner;
}

struct mr_slice mr_sa_full(struct mr_sa *sa)
{
	return sa->full;
}

static bool find(const char *fields, struct mr_slice name, struct mr_slice *out)
{
	struct mr_slice rest = mr_slice_of(fields), one;

	while (rest.n && mr_slice_next(&rest, '|', &one)) {
		ptrdiff_t at = mr_slice_chr(one, '=');

		if (at >= 0 && mr_slice_ieq((struct mr_slice){ one.p, (size_t)at }, name)) {
			*out = mr_slice_from(one, (size_t)at + 1);
			return true;
		}
	}
	return false;
}

bool mr_sa_header(struct mr_sa *sa, struct mr_slice request, struct mr_slice *out)
{
	return find(sa->fields, request, out);
}

size_t mr_sa_n_parts(struct mr_sa *sa)
{
	return sa->n_parts;
}

bool mr_sa_part_header(struct mr_sa *sa, size_t i, struct mr_slice request, struct mr_slice *out)
{
	return find(sa->parts[i], request, out);
}

/* check_number(n): hits n times. */
static const void *prepare_number(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena,
				  struct mr_diag *diag)
{
	int64_t *n = mr_arena_alloc(arena, sizeof(*n));

	if (args->n != 1 || mr_parse_i64(args->v[0], 0, 100, n) < 0) {
		mr_diag_set(diag, -1, "a number is missing");
		return NULL;
	}
	return n;
}

static int run_number(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return (int)*(const int64_t *)args->prepared;
}

/* check_same('a', b): are they the same? */
static int run_same(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return args->n == 2 && mr_slice_eq(args->v[0], args->v[1]);
}

const struct mr_sa_eval *mr_sa_eval_find(struct mr_slice name)
{
	static const struct mr_sa_eval t[] = {
		{ .name = "check_number", .prepare = prepare_number, .run = run_number },
		{ .name = "check_same", .run = run_same },
		{ .name = "check_told", .run = run_same, .basis = MR_SA_EVAL_TOLD },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++)
		if (mr_slice_eq(name, mr_slice_of(t[i].name)))
			return &t[i];
	return NULL;
}
