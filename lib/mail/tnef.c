/* tnef: see tnef.h. */
/* ours */
#include "mail/tnef.h"
#include <stdint.h>

#define SIGNATURE   UINT32_C(0x223e9f78)
#define HEAD_SIZE   6  /* signature, key */
#define ATTRIBUTE   9  /* bytes before its value: less than that behind the last one is no attribute */
#define OBJECT_SIZE 16 /* the kind of an object, before it */
#define NAMED       0x8000
#define MULTIPLE    0x1000

enum attribute { ATTRIBUTE_TITLE = 0x8010, ATTRIBUTE_DATA = 0x800f, ATTRIBUTE_TRANSPORT_NAME = 0x9001, ATTRIBUTE_PROPERTIES = 0x9005 };
enum property { PROPERTY_DISPLAY_NAME = 0x3001, PROPERTY_DATA = 0x3701, PROPERTY_NAME = 0x3704, PROPERTY_LONG_NAME = 0x3707 };
enum type {
	TYPE_I2 = 0x02,
	TYPE_I4 = 0x03,
	TYPE_R4 = 0x04,
	TYPE_ERROR = 0x0a,
	TYPE_BOOLEAN = 0x0b,
	TYPE_OBJECT = 0x0d,
	TYPE_STRING = 0x1e,
	TYPE_UNICODE = 0x1f,
	TYPE_GUID = 0x48,
	TYPE_BINARY = 0x102
};

struct reading {
	bool (*see)(struct mr_slice name, bool utf16, struct mr_slice content, void *arg);
	void *arg;
	bool stopped, cut;
};

/* -- bytes -- */

/* The next n of them; empty, and `cut`, when there are fewer. */
static struct mr_slice take(struct reading *r, struct mr_slice *s, size_t n)
{
	struct mr_slice out = { s->p, n };

	if (n > s->n) {
		r->cut = true;
		*s = (struct mr_slice){ 0 };
		return (struct mr_slice){ 0 };
	}
	*s = mr_slice_from(*s, n);
	return out;
}

/* Of two or four bytes, the least one first. */
static uint32_t number(struct reading *r, struct mr_slice *s, size_t n)
{
	struct mr_slice bytes = take(r, s, n);
	uint32_t out = 0;

	for (size_t i = bytes.n; i > 0; i--)
		out = out << 8 | (unsigned char)bytes.p[i - 1];
	return out;
}

/* A value with its length before it and bytes to a multiple of four behind it. */
static struct mr_slice counted(struct reading *r, struct mr_slice *s)
{
	uint32_t n = number(r, s, 4);
	struct mr_slice out = take(r, s, n);

	*s = mr_slice_from(*s, -n & 3);
	return out;
}

static void name(struct reading *r, struct mr_slice s, bool utf16)
{
	size_t unit = utf16 ? 2 : 1;

	while (s.n >= unit && !s.p[s.n - 1] && (unit == 1 || !s.p[s.n - 2]))
		s.n -= unit;
	if (s.n && !r->stopped)
		r->stopped = !r->see(s, utf16, (struct mr_slice){ 0 }, r->arg);
}

static void content(struct reading *r, struct mr_slice s)
{
	if (s.n && !r->stopped)
		r->stopped = !r->see((struct mr_slice){ 0 }, false, s, r->arg);
}

/* -- properties ([MS-OXTNEF] section 2.1.3.4) -- */

static size_t fixed_size(uint32_t type)
{
	if (type == TYPE_I2 || type == TYPE_BOOLEAN || type == TYPE_I4 || type == TYPE_R4 || type == TYPE_ERROR)
		return 4;
	return type == TYPE_GUID ? 16 : 8;
}

static void skip_name(struct reading *r, struct mr_slice *s)
{
	take(r, s, 16);
	if (number(r, s, 4))
		counted(r, s);
	else
		take(r, s, 4);
}

static void value(struct reading *r, uint32_t type, uint32_t id, struct mr_slice *s)
{
	bool variable = type == TYPE_STRING || type == TYPE_UNICODE || type == TYPE_OBJECT || type == TYPE_BINARY;
	struct mr_slice bytes = variable ? counted(r, s) : take(r, s, fixed_size(type));

	if (variable && (id == PROPERTY_NAME || id == PROPERTY_LONG_NAME || id == PROPERTY_DISPLAY_NAME))
		name(r, bytes, type == TYPE_UNICODE);
	else if (variable && id == PROPERTY_DATA)
		content(r, type == TYPE_OBJECT ? mr_slice_from(bytes, OBJECT_SIZE) : bytes);
}

static void read_properties(struct reading *r, struct mr_slice s)
{
	uint32_t n = number(r, &s, 4);

	for (size_t seen = 0; n && s.n && !r->stopped && !r->cut; n--) {
		uint32_t type = number(r, &s, 2), id = number(r, &s, 2), base = type & ~(uint32_t)MULTIPLE, values = 1;

		if (id >= NAMED)
			skip_name(r, &s);
		if (base != type || base == TYPE_STRING || base == TYPE_UNICODE || base == TYPE_OBJECT || base == TYPE_BINARY)
			values = number(r, &s, 4);
		for (; values && s.n && !r->stopped && !r->cut; values--) {
			r->cut |= ++seen > MR_TNEF_ATTRIBUTES_MAX;
			value(r, base, id, &s);
		}
	}
}

/* -- the whole -- */

static void read_attribute(struct reading *r, uint32_t id, struct mr_slice bytes)
{
	if (id == ATTRIBUTE_TITLE || id == ATTRIBUTE_TRANSPORT_NAME)
		name(r, bytes, false);
	else if (id == ATTRIBUTE_DATA)
		content(r, bytes);
	else if (id == ATTRIBUTE_PROPERTIES)
		read_properties(r, bytes);
}

bool mr_tnef_begins(struct mr_slice bytes)
{
	struct reading r = { 0 };

	return number(&r, &bytes, 4) == SIGNATURE;
}

bool mr_tnef_read(struct mr_slice bytes, bool (*see)(struct mr_slice name, bool utf16, struct mr_slice content, void *arg), void *arg)
{
	struct reading r = { .see = see, .arg = arg };
	bool whole = true;
	size_t n = 0;

	bytes = mr_slice_from(bytes, HEAD_SIZE);
	while (bytes.n >= ATTRIBUTE && !r.stopped && !r.cut) {
		struct mr_slice all;
		uint32_t id;

		take(&r, &bytes, 1); /* of the message or of a file in it */
		id = number(&r, &bytes, 4) & 0xffff;
		all = take(&r, &bytes, number(&r, &bytes, 4));
		r.cut |= ++n > MR_TNEF_ATTRIBUTES_MAX;
		if (r.cut)
			break;
		read_attribute(&r, id, all);
		whole &= !r.cut;
		r.cut = false; /* what is broken within does not hide the next one */
		bytes = mr_slice_from(bytes, 2);
	}
	return whole && !r.cut;
}
