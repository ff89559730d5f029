/* dns: the view of questions and answers, and the one-line text of an answer for the wire between scanner and I/O loop. */
/* system */
#include <errno.h>

/* libraries */
#define HASH_FUNCTION(keyptr, keylen, hashv) MR_UTHASH(keyptr, keylen, hashv)
#include <uthash.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "proto/dns.h"

/* A question and, once it is there, its answer. The key is the type in two bytes, then the name. */
struct entry {
	UT_hash_handle hh;
	struct mr_dns_answer answer; /* name and type always set; rrs point into `data` */
	bool answered;
	void *data; /* records and their bytes, one allocation */
	size_t key_len;
	char key[];
};

struct mr_dns_view {
	struct entry *entries; /* in the order they came */
	size_t n_questions;    /* ever noted */
	struct mr_dns_answer no_name, too_many;
};

static const struct {
	enum mr_dns_type type;
	const char *name;
} types[] = {
	{ MR_DNS_A, "A" },   { MR_DNS_NS, "NS" },   { MR_DNS_CNAME, "CNAME" }, { MR_DNS_PTR, "PTR" },
	{ MR_DNS_MX, "MX" }, { MR_DNS_TXT, "TXT" }, { MR_DNS_AAAA, "AAAA" },   { MR_DNS_TLSA, "TLSA" },
};

const char *mr_dns_type_str(enum mr_dns_type t)
{
	for (size_t i = 0; i < MR_COUNT(types); i++) {
		if (types[i].type == t)
			return types[i].name;
	}
	return "?";
}

int mr_dns_type_parse(struct mr_slice s, enum mr_dns_type *out)
{
	for (size_t i = 0; i < MR_COUNT(types); i++) {
		if (mr_slice_ieq(s, mr_slice_of(types[i].name))) {
			*out = types[i].type;
			return 0;
		}
	}
	return -EINVAL;
}

struct mr_dns_view *mr_dns_view_new(void)
{
	static char no_text[] = "";
	struct mr_dns_view *v = mr_new(struct mr_dns_view, 1);

	v->no_name = (struct mr_dns_answer){ .name = no_text, .status = MR_DNS_NXDOMAIN };
	v->too_many = (struct mr_dns_answer){ .name = no_text, .status = MR_DNS_TEMP };
	return v;
}

void mr_dns_view_free(struct mr_dns_view *v)
{
	struct entry *e, *next;

	if (!v)
		return;
	HASH_ITER (hh, v->entries, e, next) {
		HASH_DEL(v->entries, e);
		free(e->data);
		free(e);
	}
	free(v);
}

/* Lower case without the final dot into `out` (MR_DNS_NAME_MAX + 1 bytes). Only ASCII that needs no escape in a presentation
 * form is taken, so that a name has one spelling everywhere; spaces come from SPF macros. */
static int normalize(struct mr_slice name, char *out)
{
	size_t label = 0;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!name.n || name.n > MR_DNS_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < name.n; i++) {
		char c = mr_lower(name.p[i]);

		if (c == '.' ? !label : (c < ' ' || c > '~' || c == '\\' || ++label > 63))
			return -EINVAL;
		if (c == '.')
			label = 0;
		out[i] = c;
	}
	out[name.n] = 0;
	return label ? 0 : -EINVAL;
}

/* The key of (name, type) in buf; its length. */
static size_t make_key(const char *name, uint16_t type, char buf[MR_DNS_NAME_MAX + 3])
{
	size_t n = strlen(name);

	buf[0] = (char)(type >> 8);
	buf[1] = (char)type;
	memcpy(buf + 2, name, n + 1);
	return n + 2;
}

static struct entry *find(const struct mr_dns_view *v, const char *key, size_t len)
{
	struct entry *e;

	HASH_FIND(hh, v->entries, key, len, e);
	return e;
}

static struct entry *add_entry(struct mr_dns_view *v, const char *key, size_t len, uint16_t type)
{
	struct entry *e = mr_alloc(sizeof(*e) + len + 1);

	memcpy(e->key, key, len + 1);
	e->key_len = len;
	e->answer.name = e->key + 2;
	e->answer.type = type;
	HASH_ADD_KEYPTR(hh, v->entries, e->key, e->key_len, e);
	return e;
}

const struct mr_dns_answer *mr_dns_view_get(struct mr_dns_view *v, struct mr_slice name, enum mr_dns_type type)
{
	char text[MR_DNS_NAME_MAX + 1], key[MR_DNS_NAME_MAX + 3];
	struct entry *e;
	size_t len;

	if (normalize(name, text) < 0)
		return &v->no_name;
	len = make_key(text, (uint16_t)type, key);
	e = find(v, key, len);
	if (e)
		return e->answered ? &e->answer : NULL;
	if (v->n_questions >= MR_DNS_QUESTIONS_MAX)
		return &v->too_many;
	v->n_questions++;
	add_entry(v, key, len, (uint16_t)type);
	return NULL;
}

/* Copies the records of `a` into e: the array and after it their bytes. */
static void copy_records(struct entry *e, const struct mr_dns_answer *a)
{
	size_t n = a->n_rrs < MR_DNS_RRS_MAX ? a->n_rrs : MR_DNS_RRS_MAX, bytes = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		bytes += a->rrs[i].data.n;
	e->data = mr_alloc(n * sizeof(struct mr_dns_rr) + bytes + 1);
	e->answer.rrs = e->data;
	e->answer.n_rrs = n;
	p = (char *)(e->answer.rrs + n);
	for (size_t i = 0; i < n; i++) {
		e->answer.rrs[i] = (struct mr_dns_rr){ .data = { p, a->rrs[i].data.n }, .preference = a->rrs[i].preference };
		if (a->rrs[i].data.n)
			memcpy(p, a->rrs[i].data.p, a->rrs[i].data.n);
		p += a->rrs[i].data.n;
	}
}

void mr_dns_view_add(struct mr_dns_view *v, const struct mr_dns_answer *a)
{
	char text[MR_DNS_NAME_MAX + 1], key[MR_DNS_NAME_MAX + 3];
	struct entry *e;
	size_t len;

	if (normalize(mr_slice_of(a->name), text) < 0)
		return;
	len = make_key(text, a->type, key);
	e = find(v, key, len);
	if (!e)
		e = add_entry(v, key, len, a->type);
	free(e->data);
	e->answered = true;
	e->answer.status = a->status;
	e->answer.secure = a->secure;
	e->answer.ttl = a->ttl;
	copy_records(e, a);
}

bool mr_dns_view_question(const struct mr_dns_view *v, size_t i, const char **name, enum mr_dns_type *type)
{
	struct entry *e, *next;

	HASH_ITER (hh, v->entries, e, next) {
		if (e->answered || i-- > 0)
			continue;
		*name = e->answer.name;
		*type = (enum mr_dns_type)e->answer.type;
		return true;
	}
	return false;
}

void mr_dns_view_give_up(struct mr_dns_view *v)
{
	struct entry *e, *next;

	HASH_ITER (hh, v->entries, e, next) {
		if (!e->answered) {
			e->answered = true;
			e->answer.status = MR_DNS_TEMP;
		}
	}
}

static const char *const statuses[] = {
	[MR_DNS_OK] = "ok", [MR_DNS_NODATA] = "nodata", [MR_DNS_NXDOMAIN] = "nxdomain", [MR_DNS_TEMP] = "temp", [MR_DNS_BOGUS] = "bogus",
};

/* Type, name, status, secure and TTL, then PREFERENCE:BASE64 for each record, with tabs between (a name may hold spaces). */
int mr_dns_answer_encode(struct mr_buf *out, const struct mr_dns_answer *a)
{
	char name[MR_DNS_NAME_MAX + 1];
	int r;

	if (normalize(mr_slice_of(a->name), name) < 0 || a->status >= MR_COUNT(statuses))
		return -EINVAL;
	r = mr_buf_printf(out, "%s\t%s\t%s\t%d\t%u", mr_dns_type_str((enum mr_dns_type)a->type), name, statuses[a->status], a->secure,
			  a->ttl);
	for (size_t i = 0; r == 0 && i < a->n_rrs; i++) {
		r = mr_buf_printf(out, "\t%u:", a->rrs[i].preference);
		if (r == 0)
			r = mr_base64_add(out, a->rrs[i].data);
	}
	return r;
}

static int decode_status(struct mr_slice s, enum mr_dns_status *out)
{
	for (size_t i = 0; i < MR_COUNT(statuses); i++) {
		if (mr_slice_eq(s, mr_slice_of(statuses[i]))) {
			*out = (enum mr_dns_status)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* The five fixed fields at the front of *rest. */
static int decode_head(struct mr_slice *rest, char name[MR_DNS_NAME_MAX + 1], struct mr_dns_answer *a)
{
	struct mr_slice field[5];
	enum mr_dns_type type;
	uint64_t ttl;

	for (size_t i = 0; i < MR_COUNT(field); i++) {
		if (!mr_slice_next(rest, '\t', &field[i]))
			return -EINVAL;
	}
	if (mr_dns_type_parse(field[0], &type) < 0 || normalize(field[1], name) < 0 || decode_status(field[2], &a->status) < 0 ||
	    mr_parse_bool(field[3], &a->secure) < 0 || mr_parse_u64(field[4], 0, UINT32_MAX, &ttl) < 0)
		return -EINVAL;
	a->type = (uint16_t)type;
	a->ttl = (uint32_t)ttl;
	return 0;
}

static int decode_record(struct mr_slice text, struct mr_arena *arena, struct mr_dns_rr *out)
{
	struct mr_slice preference;
	uint64_t value;
	ssize_t n;
	char *data;

	if (!mr_slice_next(&text, ':', &preference) || mr_parse_u64(preference, 0, UINT16_MAX, &value) < 0)
		return -EINVAL;
	data = mr_arena_try(arena, text.n + 1);
	if (!data)
		return -ENOMEM;
	n = mr_base64_decode(text, data, text.n);
	if (n < 0)
		return -EINVAL;
	*out = (struct mr_dns_rr){ .data = { data, (size_t)n }, .preference = (uint16_t)value };
	return 0;
}

int mr_dns_answer_decode(struct mr_slice text, struct mr_arena *arena, struct mr_dns_answer *out)
{
	struct mr_dns_answer a = { 0 };
	char name[MR_DNS_NAME_MAX + 1];
	struct mr_slice record;
	int r = decode_head(&text, name, &a);

	if (r < 0)
		return r;
	a.rrs = mr_arena_try(arena, MR_DNS_RRS_MAX * sizeof(*a.rrs));
	a.name = mr_arena_try(arena, sizeof(name));
	if (!a.rrs || !a.name)
		return -ENOMEM;
	memcpy(a.name, name, sizeof(name));
	while (mr_slice_next(&text, '\t', &record)) {
		if (a.n_rrs >= MR_DNS_RRS_MAX)
			return -EINVAL;
		r = decode_record(record, arena, &a.rrs[a.n_rrs++]);
		if (r < 0)
			return r;
	}
	*out = a;
	return 0;
}
