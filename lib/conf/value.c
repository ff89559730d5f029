/* value: see value.h */

/* system */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "conf/syntax.h"
#include "conf/value.h"

#define SHOWN_MAX  60 /* bytes of a refused value in the diagnosis */
#define STRING_MAX 1000

static void *field_of(const struct mr_option *o, const void *conf)
{
	return (char *)conf + o->offset;
}

static bool unbounded(const struct mr_option *o)
{
	return o->min == 0 && o->max == 0;
}

bool mr_value_is_list(const struct mr_option *o)
{
	return o->type == MR_OPT_NETS || o->type == MR_OPT_STRINGS;
}

static bool is_printable(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* The largest unit that divides it. */
static void size_add(struct mr_buf *out, uint64_t bytes)
{
	static const char units[] = "\0kMGT";
	size_t power = 0;

	for (; bytes > 0 && bytes % 1024 == 0 && power + 2 < sizeof(units); power++)
		bytes /= 1024;
	mr_buf_printf(out, "%" PRIu64, bytes);
	if (power)
		mr_buf_putc(out, units[power]);
}

static void duration_add(struct mr_buf *out, uint64_t ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

	if (ms == 0)
		mr_buf_putc(out, '0');
	for (size_t i = 0; i < MR_COUNT(units); i++) {
		if (ms >= units[i].ms)
			mr_buf_printf(out, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
		ms %= units[i].ms;
	}
}

static void range_add(const struct mr_option *o, struct mr_buf *out)
{
	for (int i = 0; i < 2 && !unbounded(o); i++) {
		int64_t bound = i ? o->max : o->min;

		mr_buf_puts(out, i ? " to " : " from ");
		if (o->type == MR_OPT_SIZE)
			size_add(out, (uint64_t)bound);
		else if (o->type == MR_OPT_DURATION)
			duration_add(out, (uint64_t)bound);
		else
			mr_buf_printf(out, "%" PRId64, bound);
	}
}

void mr_value_allowed(const struct mr_option *o, struct mr_buf *out)
{
	static const char *const words[] = {
		[MR_OPT_STRING] = "text",
		[MR_OPT_PATH] = "an absolute path",
		[MR_OPT_BOOL] = "yes or no",
		[MR_OPT_INT] = "a number",
		[MR_OPT_SIZE] = "a size",
		[MR_OPT_DURATION] = "a duration",
		[MR_OPT_SCORE] = "a score",
		[MR_OPT_ENUM] = "one of ",
		[MR_OPT_ADDRESS] = "a mail address or \"\"",
		[MR_OPT_DOMAIN] = "a host or domain name or \"\"",
		[MR_OPT_HOSTPORT] = "an address and port such as 127.0.0.1:53 or [::1]:53, or \"\"",
		[MR_OPT_NETS] = "a list of networks such as {192.0.2.0/24, 2001:db8::/32}",
		[MR_OPT_STRINGS] = "a list such as {a, b}",
	};

	mr_buf_puts(out, words[o->type]);
	if (o->type == MR_OPT_ENUM)
		for (const char *c = o->choices; *c; c++)
			*c == '|' ? mr_buf_puts(out, ", ") : mr_buf_putc(out, *c);
	if (o->type == MR_OPT_PATH && o->min == 0)
		mr_buf_puts(out, " or \"\"");
	if (o->type == MR_OPT_STRING && !unbounded(o))
		mr_buf_printf(out, " of %" PRId64 " to %" PRId64 " bytes", o->min, o->max);
	if (o->type == MR_OPT_INT || o->type == MR_OPT_SIZE || o->type == MR_OPT_DURATION || o->type == MR_OPT_SCORE)
		range_add(o, out);
}

static int parse_enum(const struct mr_option *o, struct mr_slice s, int *out)
{
	struct mr_slice rest = mr_slice_of(o->choices), choice;

	for (int i = 0; mr_slice_next(&rest, '|', &choice); i++) {
		if (mr_slice_eq(choice, s)) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* The types kept as char *: is this text one of them? */
static bool text_allowed(const struct mr_option *o, struct mr_slice s)
{
	if (!is_printable(s))
		return false;
	if (o->type == MR_OPT_STRING)
		return s.n >= (uint64_t)o->min && s.n <= (unbounded(o) ? STRING_MAX : (uint64_t)o->max);
	if (s.n == 0)
		return o->type != MR_OPT_PATH || o->min == 0;
	if (o->type == MR_OPT_PATH)
		return mr_value_is_path(s) && (o->section || !mr_value_is_folder(mr_slice_of(o->name)) || mr_slice_chr(s, '{') < 0);
	if (o->type == MR_OPT_ADDRESS)
		return mr_value_is_address(s);
	return o->type == MR_OPT_DOMAIN ? mr_value_is_domain(s) : mr_value_is_hostport(s);
}

static int set_text(const struct mr_option *o, struct mr_slice s, char **field)
{
	if (!text_allowed(o, s))
		return -EINVAL;
	free(*field);
	*field = mr_slice_dup(s);
	return 0;
}

static int set_u64(const struct mr_option *o, struct mr_slice s, uint64_t *field)
{
	uint64_t v, max = unbounded(o) ? INT64_MAX : (uint64_t)o->max;
	int err = o->type == MR_OPT_SIZE ? mr_parse_size(s, max, &v) : mr_parse_duration(s, max, &v);

	if (err == 0 && v < (uint64_t)o->min)
		err = -ERANGE;
	if (err == 0)
		*field = v;
	return err;
}

static int set_nets(const struct mr_slice *texts, size_t n, struct mr_conf_nets *field)
{
	mr_autofree struct mr_net *v = mr_new(struct mr_net, n);
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++)
		err = mr_parse_net(texts[i], &v[i]);
	if (err < 0)
		return err;
	free(field->v);
	*field = (struct mr_conf_nets){ v, n };
	v = NULL;
	return 0;
}

static void free_strings(struct mr_conf_strings *field)
{
	for (size_t i = 0; i < field->n; i++)
		free(field->v[i]);
	free(field->v);
	*field = (struct mr_conf_strings){ 0 };
}

static bool string_allowed(struct mr_slice s)
{
	return s.n > 0 && s.n <= STRING_MAX && is_printable(s);
}

static int set_strings(const struct mr_slice *texts, size_t n, struct mr_conf_strings *field)
{
	for (size_t i = 0; i < n; i++)
		if (!string_allowed(texts[i]))
			return -EINVAL;
	free_strings(field);
	*field = (struct mr_conf_strings){ mr_new(char *, n), n };
	for (size_t i = 0; i < n; i++)
		field->v[i] = mr_slice_dup(texts[i]);
	return 0;
}

static int set(const struct mr_option *o, void *field, const struct mr_slice *texts, size_t n)
{
	int64_t min = unbounded(o) ? INT64_MIN : o->min, max = unbounded(o) ? INT64_MAX : o->max;

	switch (o->type) {
	case MR_OPT_STRING:
	case MR_OPT_PATH:
	case MR_OPT_ADDRESS:
	case MR_OPT_DOMAIN:
	case MR_OPT_HOSTPORT:
		return set_text(o, texts[0], field);
	case MR_OPT_BOOL:
		return mr_parse_bool(texts[0], field);
	case MR_OPT_INT:
		return mr_parse_i64(texts[0], min, max, field);
	case MR_OPT_SIZE:
	case MR_OPT_DURATION:
		return set_u64(o, texts[0], field);
	case MR_OPT_SCORE:
		return mr_parse_double(texts[0], (double)min, (double)max, field);
	case MR_OPT_ENUM:
		return parse_enum(o, texts[0], field);
	case MR_OPT_NETS:
		return set_nets(texts, n, field);
	case MR_OPT_STRINGS:
		return set_strings(texts, n, field);
	}
	return -EINVAL;
}

/* Which of the texts it is that was refused. */
static struct mr_slice culprit(const struct mr_option *o, const struct mr_slice *texts, size_t n)
{
	struct mr_net net;
	size_t i = 0;

	if (o->type == MR_OPT_NETS)
		while (i + 1 < n && mr_parse_net(texts[i], &net) == 0)
			i++;
	if (o->type == MR_OPT_STRINGS)
		while (i + 1 < n && string_allowed(texts[i]))
			i++;
	return texts[i];
}

int mr_value_set(const struct mr_option *o, void *conf, const struct mr_slice *texts, size_t n, struct mr_diag *why)
{
	bool fits = mr_value_is_list(o) || n == 1;
	struct mr_buf text = MR_BUF(MR_DIAG_MAX);
	int err = fits ? set(o, field_of(o, conf), texts, n) : -EINVAL;

	if (err == 0)
		return 0;
	if (fits) {
		mr_buf_putc(&text, '"');
		mr_escape_add(&text, culprit(o, texts, n), SHOWN_MAX);
		mr_buf_puts(&text, "\" is not ");
	} else {
		mr_buf_puts(&text, "a list is not ");
	}
	mr_value_allowed(o, &text);
	mr_diag_set(why, -EINVAL, "%s", mr_buf_slice(&text).p);
	mr_buf_done(&text);
	return -EINVAL;
}

void mr_value_free(const struct mr_option *o, void *conf)
{
	void *field = field_of(o, conf);

	switch (o->type) {
	case MR_OPT_STRING:
	case MR_OPT_PATH:
	case MR_OPT_ADDRESS:
	case MR_OPT_DOMAIN:
	case MR_OPT_HOSTPORT:
		free(*(char **)field);
		*(char **)field = NULL;
		break;
	case MR_OPT_NETS:
		free(((struct mr_conf_nets *)field)->v);
		*(struct mr_conf_nets *)field = (struct mr_conf_nets){ 0 };
		break;
	case MR_OPT_STRINGS:
		free_strings(field);
		break;
	case MR_OPT_BOOL:
	case MR_OPT_INT:
	case MR_OPT_SIZE:
	case MR_OPT_DURATION:
	case MR_OPT_SCORE:
	case MR_OPT_ENUM:
		break;
	}
}

bool mr_value_equal(const struct mr_option *o, const void *a, const void *b)
{
	struct mr_buf left = MR_BUF(2 * MR_CONF_FILE_MAX), right = MR_BUF(2 * MR_CONF_FILE_MAX);
	bool equal;

	mr_value_text(o, a, &left);
	mr_value_text(o, b, &right);
	equal = mr_slice_eq(mr_buf_slice(&left), mr_buf_slice(&right));
	mr_buf_done(&left);
	mr_buf_done(&right);
	return equal;
}

/* IPv6 in brackets, as Postfix wants it and mr_parse_net() takes it. */
static void nets_add(struct mr_buf *out, const struct mr_conf_nets *nets)
{
	char text[MR_IP_STRLEN];

	for (size_t i = 0; i < nets->n; i++) {
		mr_ip_str(&nets->v[i].ip, text);
		mr_buf_puts(out, i ? ", " : "");
		mr_buf_printf(out, nets->v[i].ip.family == AF_INET6 ? "[%s]/%u" : "%s/%u", text, nets->v[i].bits);
	}
}

static void choice_add(struct mr_buf *out, const char *choices, int index)
{
	struct mr_slice rest = mr_slice_of(choices), choice = MR_LIT("");

	for (int i = 0; i <= index && mr_slice_next(&rest, '|', &choice);)
		i++;
	mr_buf_add(out, choice);
}

int mr_value_text(const struct mr_option *o, const void *conf, struct mr_buf *out)
{
	const void *field = field_of(o, conf);
	const struct mr_conf_strings *strings = field;
	uint64_t ms;

	switch (o->type) {
	case MR_OPT_STRING:
	case MR_OPT_PATH:
	case MR_OPT_ADDRESS:
	case MR_OPT_DOMAIN:
	case MR_OPT_HOSTPORT:
		mr_buf_puts(out, *(char *const *)field);
		break;
	case MR_OPT_BOOL:
		mr_buf_puts(out, *(const bool *)field ? "yes" : "no");
		break;
	case MR_OPT_INT:
		mr_buf_printf(out, "%" PRId64, *(const int64_t *)field);
		break;
	case MR_OPT_SIZE:
		mr_buf_printf(out, "%" PRIu64, *(const uint64_t *)field);
		break;
	case MR_OPT_DURATION:
		ms = *(const uint64_t *)field;
		mr_buf_printf(out, "%" PRIu64 "%s", ms % 1000 ? ms : ms / 1000, ms % 1000 ? "ms" : "s");
		break;
	case MR_OPT_SCORE:
		mr_buf_printf(out, "%.10g", *(const double *)field);
		break;
	case MR_OPT_ENUM:
		choice_add(out, o->choices, *(const int *)field);
		break;
	case MR_OPT_NETS:
		nets_add(out, field);
		break;
	case MR_OPT_STRINGS:
		for (size_t i = 0; i < strings->n; i++)
			mr_buf_printf(out, "%s%s", i ? ", " : "", strings->v[i]);
		break;
	}
	return out->full ? -ENOBUFS : 0;
}
