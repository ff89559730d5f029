/* wire: see wire.h */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "base/parse.h"
#include "proto/netstring.h"
#include "proto/wire.h"

/* The four bytes that a value cannot hold as they are, and how they are written. */
static const struct escape {
	char byte;
	const char *text;
} escapes[] = { { '%', "%25" }, { '\n', "%0A" }, { '\r', "%0D" }, { '\0', "%00" } };
#define ESCAPES     (sizeof(escapes) / sizeof(escapes[0]))
#define ESCAPED_LEN 3

static bool key_valid(struct mr_slice key)
{
	for (size_t i = 0; i < key.n; i++) {
		char c = key.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
			return false;
	}
	return key.n > 0;
}

/* Value as it came → decoded; what holds no "%" stays where it is. */
static int decode_value(struct mr_slice raw, struct mr_arena *arena, struct mr_slice *out)
{
	size_t n = 0;
	char *to;

	if (mr_slice_chr(raw, '\0') >= 0 || mr_slice_chr(raw, '\r') >= 0)
		return -EPROTO;
	if (mr_slice_chr(raw, '%') < 0) {
		*out = raw;
		return 0;
	}
	to = mr_arena_try(arena, raw.n);
	if (!to)
		return -EMSGSIZE;
	for (struct mr_slice rest = raw; rest.n > 0;) {
		size_t which = 0, taken = 1;

		to[n] = rest.p[0];
		if (rest.p[0] == '%') {
			while (which < ESCAPES && !mr_slice_starts(rest, mr_slice_of(escapes[which].text)))
				which++;
			if (which == ESCAPES)
				return -EPROTO;
			to[n] = escapes[which].byte;
			taken = ESCAPED_LEN;
		}
		rest = mr_slice_from(rest, taken);
		n++;
	}
	*out = (struct mr_slice){ to, n };
	return 0;
}

static int decode_field(struct mr_slice line, struct mr_arena *arena, struct mr_wire_field *out)
{
	ptrdiff_t equals = mr_slice_chr(line, '=');
	struct mr_slice key = { line.p, equals < 0 ? 0 : (size_t)equals };

	if (!key_valid(key))
		return -EPROTO;
	out->key = key;
	return decode_value(mr_slice_from(line, key.n + 1), arena, &out->value);
}

/* "v=1" first, "id=NUMBER" second. */
static bool is_ours(const struct mr_wire *w)
{
	uint64_t version, id;

	return w->n >= 2 && mr_slice_eq(w->fields[0].key, MR_LIT("v")) && mr_slice_eq(w->fields[1].key, MR_LIT("id")) &&
	       mr_wire_u64(w, "v", UINT64_MAX, &version) == 0 && version == MR_WIRE_VERSION && mr_wire_u64(w, "id", UINT64_MAX, &id) == 0;
}

static int decode(struct mr_slice payload, struct mr_arena *arena, struct mr_wire *out)
{
	struct mr_wire w = { 0 };
	struct mr_slice line;
	size_t lines = 0;
	int err = 0;

	if (payload.n == 0 || payload.p[payload.n - 1] != '\n')
		return -EPROTO;
	for (size_t i = 0; i < payload.n; i++)
		lines += payload.p[i] == '\n';
	if (lines > MR_WIRE_FIELDS_MAX)
		return -EMSGSIZE;
	w.fields = mr_arena_try(arena, lines * sizeof(*w.fields));
	if (!w.fields)
		return -EMSGSIZE;
	for (payload.n--; err == 0 && mr_slice_next(&payload, '\n', &line); w.n++)
		err = decode_field(line, arena, &w.fields[w.n]);
	if (err == 0 && !is_ours(&w))
		err = -EPROTO;
	if (err == 0)
		*out = w;
	return err;
}

int mr_wire_next(struct mr_slice in, struct mr_arena *arena, struct mr_wire *out, size_t *used)
{
	struct mr_slice payload;
	size_t taken;
	int got = mr_netstring_next(in, MR_WIRE_MAX, &payload, &taken);
	int err = got > 0 ? decode(payload, arena, out) : 0;

	if (err < 0)
		return err;
	if (got > 0)
		*used = taken;
	return got;
}

struct mr_slice mr_wire_get(const struct mr_wire *w, const char *key)
{
	struct mr_slice value = { 0 };
	size_t at = 0;

	mr_wire_each(w, key, &at, &value);
	return value;
}

bool mr_wire_each(const struct mr_wire *w, const char *key, size_t *at, struct mr_slice *value)
{
	struct mr_slice wanted = mr_slice_of(key);

	while (*at < w->n) {
		const struct mr_wire_field *f = &w->fields[(*at)++];

		if (mr_slice_eq(f->key, wanted)) {
			*value = f->value;
			return true;
		}
	}
	return false;
}

int mr_wire_u64(const struct mr_wire *w, const char *key, uint64_t max, uint64_t *out)
{
	struct mr_slice value = mr_wire_get(w, key);

	return value.p ? mr_parse_u64(value, 0, max, out) : -ENOENT;
}

int mr_wire_line_add(struct mr_buf *out, const char *key, struct mr_slice value)
{
	size_t start = out->n, plain = 0;
	int err = mr_buf_printf(out, "%s=", key);

	for (size_t i = 0; i < value.n && err == 0; i++) {
		size_t which = 0;

		while (which < ESCAPES && escapes[which].byte != value.p[i])
			which++;
		if (which == ESCAPES)
			continue;
		err = mr_buf_add(out, (struct mr_slice){ value.p + plain, i - plain });
		if (err == 0)
			err = mr_buf_puts(out, escapes[which].text);
		plain = i + 1;
	}
	if (err == 0)
		err = mr_buf_add(out, mr_slice_from(value, plain));
	if (err == 0)
		err = mr_buf_putc(out, '\n');
	if (err < 0)
		mr_buf_truncate(out, start);
	return err;
}

void mr_wire_begin(struct mr_wire_out *w, const char *cmd_or_status_key, const char *value, uint64_t id)
{
	*w = (struct mr_wire_out){ .body = MR_BUF(MR_WIRE_MAX) };
	mr_wire_putu(w, "v", MR_WIRE_VERSION);
	mr_wire_putu(w, "id", id);
	mr_wire_puts(w, cmd_or_status_key, value);
}

void mr_wire_put(struct mr_wire_out *w, const char *key, struct mr_slice value)
{
	mr_wire_line_add(&w->body, key, value);
	w->n++;
}

void mr_wire_puts(struct mr_wire_out *w, const char *key, const char *value)
{
	mr_wire_put(w, key, mr_slice_of(value));
}

void mr_wire_putu(struct mr_wire_out *w, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	mr_wire_puts(w, key, text);
}

int mr_wire_end(struct mr_wire_out *w, struct mr_buf *out)
{
	bool fits = !w->body.full && w->n <= MR_WIRE_FIELDS_MAX;
	int err = fits ? mr_netstring_add(out, mr_buf_slice(&w->body)) : -ENOBUFS;

	mr_buf_done(&w->body);
	return err;
}
