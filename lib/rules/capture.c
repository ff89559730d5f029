/* capture: what one rule captured by a named group, (?<NAME>...), in patterns of others, as %{NAME}: those run after it, and only where it
 * captured something; several values are alternatives. */

/* ours */
#include "base/mem.h"
#include "private.h"

#define NAME_MAX_  MR_RULES_NAME_MAX
#define VALUES_MAX 20 /* of one name */
#define NAMES_MAX  5  /* of one pattern, that are looked for */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Of "NAME}": how long NAME is; 0: that is not one. */
static size_t name_length(struct mr_slice s)
{
	size_t n = 0;

	while (n < s.n && n < NAME_MAX_ && (is_upper(s.p[n]) || (n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '_'))))
		n++;
	return n < s.n && s.p[n] == '}' ? n : 0;
}

/* The next %{NAME} from *at on; *at is then behind it. */
static bool next(struct mr_slice text, size_t *at, size_t *begin, struct mr_slice *name)
{
	for (size_t i = *at; i + 3 < text.n; i++) {
		size_t n = text.p[i] == '%' && text.p[i + 1] == '{' ? name_length(mr_slice_from(text, i + 2)) : 0;

		if (!n || (i && text.p[i - 1] == '\\'))
			continue;
		*begin = i;
		*name = (struct mr_slice){ text.p + i + 2, n };
		*at = i + n + 3;
		return true;
	}
	return false;
}

bool mr_rules_refers(struct mr_slice pattern)
{
	struct mr_slice name;
	size_t at = 0, begin;

	return next(pattern, &at, &begin, &name);
}

/* Each name replaced by `any`. */
void mr_rules_refer_any(struct mr_slice pattern, const char *any, struct mr_buf *out)
{
	struct mr_slice name;
	size_t at = 0, begin = 0, from = 0;

	while (next(pattern, &at, &begin, &name)) {
		mr_buf_add(out, (struct mr_slice){ pattern.p + from, begin - from });
		mr_buf_puts(out, any);
		from = at;
	}
	mr_buf_add(out, mr_slice_from(pattern, from));
}

static void add_quoted(struct mr_buf *out, struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char l = mr_lower(s.p[i]);

		if (!(l >= 'a' && l <= 'z') && !(l >= '0' && l <= '9') && l != '_' && !(l & 0x80))
			mr_buf_putc(out, '\\');
		mr_buf_putc(out, s.p[i]);
	}
}

static bool add_values(struct mr_buf *out, const struct mr_rules_captured *all, struct mr_slice name)
{
	bool found = false;

	for (; all; all = all->next)
		if (mr_slice_eq(mr_slice_of(all->name), name)) {
			mr_buf_puts(out, found ? "|" : "(?:");
			add_quoted(out, all->value);
			found = true;
		}
	if (found)
		mr_buf_putc(out, ')');
	return found;
}

bool mr_rules_refer(struct mr_slice pattern, const struct mr_rules_captured *all, struct mr_buf *out)
{
	struct mr_slice name;
	size_t at = 0, begin = 0, from = 0;

	while (next(pattern, &at, &begin, &name)) {
		mr_buf_add(out, (struct mr_slice){ pattern.p + from, begin - from });
		if (!add_values(out, all, name))
			return false;
		from = at;
	}
	return mr_buf_add(out, mr_slice_from(pattern, from)) == 0;
}

bool mr_rules_is_captured(struct mr_slice pattern, const struct mr_rules_captured *all)
{
	struct mr_slice name;
	size_t at = 0, begin;

	while (next(pattern, &at, &begin, &name)) {
		const struct mr_rules_captured *c = all;

		while (c && !mr_slice_eq(mr_slice_of(c->name), name))
			c = c->next;
		if (!c)
			return false;
	}
	return true;
}

static struct mr_slice lowered(struct mr_slice s, struct mr_arena *arena)
{
	char *p = mr_arena_alloc(arena, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = mr_lower(s.p[i]);
	return (struct mr_slice){ p, s.n };
}

static bool any_in(const struct mr_slice *values, size_t n, struct mr_slice text)
{
	for (size_t i = 0; i < n; i++)
		if (memmem(text.p, text.n, values[i].p, values[i].n))
			return true;
	return false;
}

bool mr_rules_occurs(struct mr_slice pattern, const struct mr_rules_captured *all, const struct mr_sa_list *texts, struct mr_arena *arena)
{
	struct mr_slice name, values[VALUES_MAX * NAMES_MAX];
	size_t at = 0, begin, n = 0;

	while (next(pattern, &at, &begin, &name))
		for (const struct mr_rules_captured *c = all; c; c = c->next)
			if (mr_slice_eq(mr_slice_of(c->name), name)) {
				if (n == MR_COUNT(values))
					return true; /* too many to tell */
				values[n++] = lowered(c->value, arena);
			}
	for (size_t i = 0; i < texts->n; i++)
		if (any_in(values, n, lowered(texts->items[i], arena)))
			return true;
	return false;
}

/* -- capturing -- */

/* The names of a pattern; false: it has none. */
struct names {
	const char *table;
	uint32_t n, size; /* of an entry: two bytes of the group's number, the name */
};

static bool names_of(const pcre2_code *code, struct names *out)
{
	*out = (struct names){ 0 };
	pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &out->n);
	pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &out->size);
	pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &out->table);
	return out->n;
}

/* Others are those of tags that are called (mr_rules_replace_by_calls()). */
static bool is_for_others(const char *entry)
{
	return is_upper(entry[2]);
}

bool mr_rules_captures(const struct mr_rules_pattern *p)
{
	struct names names;
	bool any = false;

	if (!p->code || p->refers || !names_of(p->code, &names))
		return false;
	for (uint32_t i = 0; i < names.n; i++)
		any |= is_for_others(names.table + (size_t)i * names.size);
	return any;
}

static void keep(struct mr_rules_captured **all, const char *name, struct mr_slice value, struct mr_arena *arena)
{
	struct mr_rules_captured *c;
	unsigned n = 0;

	for (c = *all; c; c = c->next) {
		bool same = strcmp(c->name, name) == 0;

		n += same;
		if (same && mr_slice_eq(c->value, value))
			return;
	}
	if (!value.n || n >= VALUES_MAX)
		return;
	c = mr_arena_alloc(arena, sizeof(*c));
	*c = (struct mr_rules_captured){ .next = *all, .name = name, .value = value };
	*all = c;
}

void mr_rules_capture(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, size_t at, struct mr_arena *arena,
		      struct mr_rules_captured **all)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(p->code, NULL);
	const PCRE2_SIZE *v = data ? pcre2_get_ovector_pointer(data) : NULL;
	struct names names;

	names_of(p->code, &names);
	pcre2_set_offset_limit(r->limits, PCRE2_UNSET);
	if (data && pcre2_match(p->code, (PCRE2_SPTR)(in.p ? in.p : ""), in.n, at, 0, data, r->limits) > 0)
		for (uint32_t i = 0; i < names.n; i++) {
			const char *entry = names.table + (size_t)i * names.size;
			unsigned group = (unsigned)(unsigned char)entry[0] << 8 | (unsigned char)entry[1];

			if (is_for_others(entry) && v[2 * group] != PCRE2_UNSET && v[2 * group] <= v[2 * group + 1])
				keep(all, entry + 2, (struct mr_slice){ in.p + v[2 * group], v[2 * group + 1] - v[2 * group] }, arena);
		}
	pcre2_match_data_free(data);
}
