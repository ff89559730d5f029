/* sa/eval-util: arguments and patterns of functions. */
/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/delimited.h"
#include "mail/sa/eval-internal.h"
#include "mail/sa/patterns.h"

#define NUMBER_MAX 32 /* bytes */

struct mr_slice sa_arg(const struct mr_sa_args *args, size_t i)
{
	if (i >= args->n || mr_slice_eq(args->v[i], MR_LIT("undef")))
		return (struct mr_slice){ 0 };
	return args->v[i];
}

double sa_arg_number(const struct mr_sa_args *args, size_t i, double otherwise)
{
	struct mr_slice s = sa_arg(args, i);
	char text[NUMBER_MAX];
	uint64_t whole;

	if (!s.p || s.n >= sizeof(text))
		return otherwise;
	if (mr_parse_u64(s, 0, UINT32_MAX, &whole) == 0)
		return (double)whole;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return strtod(text, NULL);
}

bool sa_compare(double v, struct mr_slice expression)
{
	struct mr_slice s = sa_trim(expression);
	struct mr_sa_args number = { .n = 1 };
	bool equal = s.n > 1 && s.p[1] == '=';
	double to;

	if (s.n < 2 || (!equal && s.p[0] != '<' && s.p[0] != '>'))
		return false;
	number.v[0] = sa_trim(mr_slice_from(s, equal ? 2 : 1));
	to = sa_arg_number(&number, 0, 0);
	switch (s.p[0]) {
	case '=':
		return v >= to && v <= to;
	case '!':
		return v < to || v > to;
	case '<':
		return equal ? v <= to : v < to;
	case '>':
		return equal ? v >= to : v > to;
	}
	return false;
}

/* -- patterns -- */

static void *from_arena(size_t n, void *arena)
{
	return mr_arena_try(arena, n);
}

static void leave(void *p, void *arena)
{
	(void)p, (void)arena;
}

static const void *prepare(struct mr_slice s, uint32_t options, struct mr_arena *arena, struct mr_diag *diag)
{
	pcre2_general_context *memory = pcre2_general_context_create(from_arena, leave, arena);
	pcre2_compile_context *context = memory ? pcre2_compile_context_create(memory) : NULL;

	return context ? sa_pattern_compile(s, options, context, diag) : NULL;
}

/* A pattern that is not given fits everything. */
static const void *prepare_argument(const struct mr_sa_args *args, size_t i, struct mr_arena *arena, struct mr_diag *diag)
{
	return prepare(i < args->n ? args->v[i] : MR_LIT(""), 0, arena, diag);
}

const void *sa_prepare_pattern0(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena, struct mr_diag *diag)
{
	(void)conf;
	return prepare_argument(args, 0, arena, diag);
}

const void *sa_prepare_pattern1(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena, struct mr_diag *diag)
{
	(void)conf;
	return prepare_argument(args, 1, arena, diag);
}

/* It may stand between delimiters. */
static const void *prepare_delimited(const struct mr_sa_args *args, size_t i, struct mr_arena *arena, struct mr_diag *diag)
{
	struct mr_slice s = i < args->n ? args->v[i] : MR_LIT("");
	bool delimited = s.n && (*s.p == '/' || ((mr_slice_starts(s, MR_LIT("m")) || mr_slice_starts(s, MR_LIT("qr"))) &&
						 mr_sa_delimited(s, &(struct mr_slice){ 0 }, &(uint32_t){ 0 }, NULL) == 0));
	uint32_t options = 0;

	if (delimited && mr_sa_delimited(s, &s, &options, diag) < 0)
		return NULL;
	return prepare(s, options, arena, diag);
}

const void *sa_prepare_delimited0(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena,
				  struct mr_diag *diag)
{
	(void)conf;
	return prepare_delimited(args, 0, arena, diag);
}

const void *sa_prepare_delimited1(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena,
				  struct mr_diag *diag)
{
	(void)conf;
	return prepare_delimited(args, 1, arena, diag);
}

bool sa_pattern_in(struct mr_sa *sa, const void *prepared, struct mr_slice s)
{
	pcre2_match_data *data = prepared ? pcre2_match_data_create(1, NULL) : NULL;
	bool found = data && sa_pattern_match(sa, prepared, s, data) >= 0;

	pcre2_match_data_free(data);
	return found;
}

struct mr_slice sa_folded(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (!sa_is_space(s.p[i]))
			out[n++] = s.p[i];
		else if (!i || !sa_is_space(s.p[i - 1]))
			out[n++] = ' ';
	return (struct mr_slice){ out, n };
}
