/* dns-packet: a DNS message in wire form (RFC 1035 section 4) into an answer. Hostile bytes: every offset is checked, compression
 * pointers only go backwards, and nothing is read twice more than the bounds below allow. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "proto/dns.h"

#define HEADER_LEN  12
#define CHAIN_MAX   16   /* CNAMEs followed */
#define RECORDS_MAX 2000 /* of the answer section looked at */
#define TEXT_MAX    1024 /* a name of 255 bytes, each at most \DDD, and the end */

enum { RCODE_OK = 0, RCODE_NXDOMAIN = 3 };

struct packet {
	const uint8_t *p;
	size_t n, at;
};

struct record {
	char *owner;
	uint16_t type;
	uint32_t ttl;
	size_t data, data_len; /* offset in the packet */
};

static int get_u16(struct packet *k, uint16_t *out)
{
	if (k->n - k->at < 2)
		return -EPROTO;
	*out = (uint16_t)(k->p[k->at] << 8 | k->p[k->at + 1]);
	k->at += 2;
	return 0;
}

static int get_u32(struct packet *k, uint32_t *out)
{
	uint16_t high, low;

	if (get_u16(k, &high) < 0 || get_u16(k, &low) < 0)
		return -EPROTO;
	*out = (uint32_t)high << 16 | low;
	return 0;
}

/* Adds one label in lower case; what a host name never holds becomes \DDD, so that no label can pose as two. */
static size_t put_label(char *text, size_t at, const uint8_t *label, size_t n)
{
	if (at)
		text[at++] = '.';
	for (size_t i = 0; i < n; i++) {
		char c = (char)label[i];

		if (c > ' ' && c <= '~' && c != '.' && c != '\\')
			text[at++] = mr_lower(c);
		else
			at += (size_t)snprintf(text + at, 5, "\\%03u", label[i]);
	}
	return at;
}

/* The name at k->at as text; k->at is then after it. */
static int get_name(struct packet *k, char text[TEXT_MAX])
{
	size_t pos = k->at, end = 0, at = 0, wire_len = 0, lowest = k->at;

	for (;;) {
		size_t n = pos < k->n ? k->p[pos] : 0;

		if (pos >= k->n)
			return -EPROTO;
		if ((n & 0xc0) == 0xc0) {
			if (pos + 1 >= k->n)
				return -EPROTO;
			if (!end)
				end = pos + 2;
			pos = (n & 0x3f) << 8 | k->p[pos + 1];
			if (pos >= lowest)
				return -EPROTO;
			lowest = pos;
			continue;
		}
		wire_len += n + 1;
		if (n > 63 || wire_len > 255 || pos + 1 + n > k->n)
			return -EPROTO;
		if (!n)
			break;
		at = put_label(text, at, k->p + pos + 1, n);
		pos += n + 1;
	}
	text[at] = 0;
	k->at = end ? end : pos + 1;
	return 0;
}

static int get_record(struct packet *k, struct mr_arena *arena, struct record *out)
{
	char owner[TEXT_MAX];
	uint16_t class, len;

	if (get_name(k, owner) < 0 || get_u16(k, &out->type) < 0 || get_u16(k, &class) < 0 || get_u32(k, &out->ttl) < 0 ||
	    get_u16(k, &len) < 0 || k->n - k->at < len)
		return -EPROTO;
	if (class != 1) /* IN */
		out->type = 0;
	out->data = k->at;
	out->data_len = len;
	k->at += len;
	out->owner = mr_arena_try(arena, strlen(owner) + 1);
	if (!out->owner)
		return -EPROTO;
	memcpy(out->owner, owner, strlen(owner) + 1);
	return 0;
}

static int copy_bytes(const uint8_t *p, size_t n, struct mr_arena *arena, struct mr_slice *out)
{
	char *data = mr_arena_try(arena, n + 1);

	if (!data)
		return -EPROTO;
	memcpy(data, p, n);
	*out = (struct mr_slice){ data, n };
	return 0;
}

/* The strings of a TXT record, joined. */
static int join_strings(const uint8_t *p, size_t n, struct mr_arena *arena, struct mr_slice *out)
{
	char *data = mr_arena_try(arena, n + 1);
	size_t len = 0;

	if (!data)
		return -EPROTO;
	while (n) {
		size_t part = p[0];

		if (part + 1 > n)
			return -EPROTO;
		memcpy(data + len, p + 1, part);
		len += part;
		p += part + 1;
		n -= part + 1;
	}
	*out = (struct mr_slice){ data, len };
	return 0;
}

/* A name as record data, which must fill it. */
static int data_name(const struct packet *k, const struct record *r, size_t skip, struct mr_arena *arena, struct mr_slice *out)
{
	struct packet inner = { k->p, k->n, r->data + skip };
	char text[TEXT_MAX];

	if (r->data_len < skip + 1 || get_name(&inner, text) < 0 || inner.at != r->data + r->data_len)
		return -EPROTO;
	return copy_bytes((const uint8_t *)text, strlen(text), arena, out);
}

static int get_data(const struct packet *k, const struct record *r, struct mr_arena *arena, struct mr_dns_rr *out)
{
	const uint8_t *p = k->p + r->data;

	switch (r->type) {
	case MR_DNS_A:
		return r->data_len == 4 ? copy_bytes(p, 4, arena, &out->data) : -EPROTO;
	case MR_DNS_AAAA:
		return r->data_len == 16 ? copy_bytes(p, 16, arena, &out->data) : -EPROTO;
	case MR_DNS_TXT:
		return r->data_len ? join_strings(p, r->data_len, arena, &out->data) : -EPROTO;
	case MR_DNS_MX:
		if (r->data_len < 3)
			return -EPROTO;
		out->preference = (uint16_t)(p[0] << 8 | p[1]);
		return data_name(k, r, 2, arena, &out->data);
	case MR_DNS_NS:
	case MR_DNS_CNAME:
	case MR_DNS_PTR:
		return data_name(k, r, 0, arena, &out->data);
	default: /* any number can stand in a packet */
		return copy_bytes(p, r->data_len, arena, &out->data);
	}
}

/* The records of (name, type) among `records`. */
static int collect(const struct packet *k, const struct record *records, size_t n, const char *name, struct mr_arena *arena,
		   struct mr_dns_answer *out)
{
	for (size_t i = 0; i < n && out->n_rrs < MR_DNS_RRS_MAX; i++) {
		if (records[i].type != out->type || strcmp(records[i].owner, name) != 0)
			continue;
		if (get_data(k, &records[i], arena, &out->rrs[out->n_rrs]) < 0)
			return -EPROTO;
		if (records[i].ttl < out->ttl)
			out->ttl = records[i].ttl;
		out->n_rrs++;
	}
	return 0;
}

/* Follows CNAMEs from out->name until records of the type are found, or the chain ends. */
static int follow(const struct packet *k, const struct record *records, size_t n, struct mr_arena *arena, struct mr_dns_answer *out)
{
	const char *name = out->name;

	for (int step = 0; step < CHAIN_MAX; step++) {
		const struct record *alias = NULL;
		struct mr_slice target;

		if (collect(k, records, n, name, arena, out) < 0)
			return -EPROTO;
		for (size_t i = 0; i < n && !alias; i++) {
			if (records[i].type == MR_DNS_CNAME && strcmp(records[i].owner, name) == 0)
				alias = &records[i];
		}
		if (out->n_rrs || !alias || out->type == MR_DNS_CNAME)
			return 0;
		if (data_name(k, alias, 0, arena, &target) < 0)
			return -EPROTO;
		if (alias->ttl < out->ttl)
			out->ttl = alias->ttl;
		name = target.p; /* NUL-terminated in the arena */
	}
	return -EPROTO;
}

/* Everything after the header's flags and counts. */
static int parse_records(struct packet *k, unsigned questions, unsigned answers, struct mr_arena *arena, struct mr_dns_answer *a)
{
	struct record *records;
	char skipped[TEXT_MAX];
	uint32_t fixed;

	while (questions-- > 0) {
		if (get_name(k, skipped) < 0 || get_u32(k, &fixed) < 0)
			return -EPROTO;
	}
	if (answers > RECORDS_MAX)
		return -EPROTO;
	records = mr_arena_try(arena, (answers + 1) * sizeof(*records));
	a->rrs = mr_arena_try(arena, MR_DNS_RRS_MAX * sizeof(*a->rrs));
	if (!records || !a->rrs)
		return -EPROTO;
	for (unsigned i = 0; i < answers; i++) {
		if (get_record(k, arena, &records[i]) < 0)
			return -EPROTO;
	}
	a->ttl = answers ? UINT32_MAX : 0;
	if (follow(k, records, answers, arena, a) < 0)
		return -EPROTO;
	a->ttl = a->ttl == UINT32_MAX ? 0 : a->ttl;
	return 0;
}

int mr_dns_parse(struct mr_slice packet, struct mr_slice name, enum mr_dns_type type, struct mr_arena *arena, struct mr_dns_answer *out)
{
	struct packet k = { (const uint8_t *)packet.p, packet.n, 0 };
	struct mr_dns_answer a = { .type = (uint16_t)type };
	uint16_t id, flags, questions, answers;
	uint32_t rest;

	if (packet.n < HEADER_LEN || get_u16(&k, &id) < 0 || get_u16(&k, &flags) < 0 || get_u16(&k, &questions) < 0 ||
	    get_u16(&k, &answers) < 0 || get_u32(&k, &rest) < 0)
		return -EPROTO;
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n > MR_DNS_NAME_MAX)
		return -EPROTO;
	a.name = mr_arena_try(arena, name.n + 1);
	if (!a.name)
		return -EPROTO;
	for (size_t i = 0; i < name.n; i++)
		a.name[i] = mr_lower(name.p[i]);
	a.secure = flags & 0x20; /* AD */
	switch (flags & 0xf) {
	case RCODE_OK:
		if (parse_records(&k, questions, answers, arena, &a) < 0)
			return -EPROTO;
		a.status = flags & 0x200 /* TC: cut off */ ? MR_DNS_TEMP : a.n_rrs ? MR_DNS_OK : MR_DNS_NODATA;
		break;
	case RCODE_NXDOMAIN:
		a.status = MR_DNS_NXDOMAIN;
		break;
	default: /* SERVFAIL, REFUSED and the rest: it may be better later */
		a.status = MR_DNS_TEMP;
	}
	*out = a;
	return 0;
}
