/* headers: see headers.h. */

/* system */
#include <errno.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/mem.h"
#include "headers.h"
#include "quarantine.h"

struct counted {
	char *name; /* lower case */
	unsigned n; /* fields of that name so far */
	UT_hash_handle hh;
};
struct gone {
	char *name; /* as it came */
	unsigned index;
};
struct mr_headers_strip {
	struct counted *counts;
	struct gone *v;
	size_t n, cap;
	bool full;
};

static bool is_release(struct mr_slice name)
{
	return mr_slice_ieq(name, MR_LIT(MR_QUARANTINE_FIELD));
}

static bool watched(struct mr_slice name)
{
	return mr_slice_istarts(name, MR_LIT("X-Spam")) || mr_slice_ieq(name, MR_LIT("Authentication-Results")) || is_release(name);
}

bool mr_headers_ours(struct mr_slice name, struct mr_slice value, struct mr_slice hostname)
{
	struct mr_slice n = mr_slice_trim(name);

	if (!watched(n))
		return false;
	return mr_slice_istarts(n, MR_LIT("X-Spam")) || is_release(n) || mr_authres_claims(value, hostname);
}

struct mr_headers_strip *mr_headers_strip_new(void)
{
	return mr_new(struct mr_headers_strip, 1);
}

void mr_headers_strip_free(struct mr_headers_strip *s)
{
	struct counted *c, *next;

	if (!s)
		return;
	HASH_ITER (hh, s->counts, c, next) {
		HASH_DEL(s->counts, c);
		free(c->name);
		free(c);
	}
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].name);
	free(s->v);
	free(s);
}

static unsigned count(struct mr_headers_strip *s, struct mr_slice name)
{
	mr_autofree char *key = mr_slice_dup(name);
	struct counted *c;

	for (size_t i = 0; i < name.n; i++)
		key[i] = mr_lower(key[i]);
	HASH_FIND_STR(s->counts, key, c);
	if (!c) {
		c = mr_new(struct counted, 1);
		c->name = mr_strdup(key);
		HASH_ADD_KEYPTR(hh, s->counts, c->name, name.n, c);
	}
	return ++c->n;
}

bool mr_headers_strip_field(struct mr_headers_strip *s, const char *name, struct mr_slice value, struct mr_slice hostname)
{
	unsigned index;

	if (s->full || !watched(mr_slice_trim(mr_slice_of(name))))
		return false;
	index = count(s, mr_slice_of(name));
	if (!mr_headers_ours(mr_slice_of(name), value, hostname))
		return false;
	s->full = s->n == MR_HEADERS_STRIP_MAX;
	if (s->full)
		return false;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 8;
		s->v = mr_realloc_array(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = (struct gone){ .name = mr_strdup(name), .index = index };
	return true;
}

bool mr_headers_strip_any(const struct mr_headers_strip *s)
{
	return s->n > 0;
}

bool mr_headers_strip_full(const struct mr_headers_strip *s)
{
	return s->full;
}

int mr_headers_strip_each(const struct mr_headers_strip *s, int (*fn)(const char *name, unsigned index, void *arg), void *arg)
{
	int r = 0;

	for (size_t i = s->n; i > 0 && r >= 0; i--)
		r = fn(s->v[i - 1].name, s->v[i - 1].index, arg);
	return r;
}

int mr_headers_value(struct mr_slice in, struct mr_buf *out)
{
	struct mr_slice v = mr_slice_trim(in);

	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool fold = c == '\n' && i + 1 < v.n && (v.p[i + 1] == ' ' || v.p[i + 1] == '\t');

		if (c == '\r' && i + 1 < v.n && v.p[i + 1] == '\n')
			continue;
		if (((unsigned char)c < ' ' && c != '\t' && !fold) || c == 0x7f)
			c = ' ';
		mr_buf_putc(out, c);
	}
	return out->full ? -ENOBUFS : 0;
}

int mr_headers_result(const struct mr_scan_result *r, struct mr_buf *out)
{
	mr_buf_printf(out, "score=%.2f", r->score);
	if (r->n_symbols)
		mr_buf_puts(out, ";\n\t");
	mr_symbols_text(r, ",\n\t", out);
	return out->full ? -ENOBUFS : 0;
}
