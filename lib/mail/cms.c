/* cms: see cms.h. Elements of BER (X.690): a tag, a length, a content; without a length it goes on to an empty element. */
/* ours */
#include "mail/cms.h"
#include "base/mem.h"

#define SEQUENCE   0x30
#define OID        0x06
#define OCTETS     0x04
#define PIECES     0x24 /* octets, in elements of their own */
#define CONTENT    0xa0
#define LENGTH_MAX 4 /* bytes, but for zeros in front */
#define ENDLESS    0x80

struct element {
	unsigned char tag;
	bool endless;
	struct mr_slice content; /* endless: all that follows */
};

/* The one at the front of *s, which is what follows then; of an endless one and of one that is cut, its content. False: none. */
static bool take(struct mr_slice *s, struct element *out)
{
	size_t n, length = 0;

	if (s->n < 2)
		return false;
	*out = (struct element){ .tag = (unsigned char)s->p[0] };
	n = (unsigned char)s->p[1];
	out->endless = n == ENDLESS;
	if (n > ENDLESS && n - ENDLESS > s->n - 2)
		return false;
	if (n < ENDLESS)
		length = n;
	for (size_t i = 0; n > ENDLESS && i < n - ENDLESS; i++) {
		if (length >> 8 * (LENGTH_MAX - 1))
			return false;
		length = length << 8 | (unsigned char)s->p[2 + i];
	}
	out->content = mr_slice_from(*s, 2 + (n > ENDLESS ? n - ENDLESS : 0));
	*s = out->content;
	if (!out->endless && length < s->n) {
		out->content.n = length;
		*s = mr_slice_from(*s, length);
	} else if (!out->endless) {
		*s = mr_slice_from(*s, s->n);
	}
	return true;
}

/* The same, and *s behind all of it. */
static bool take_whole(struct mr_slice *s, struct element *out)
{
	size_t depth;
	struct element inner;

	if (!take(s, out))
		return false;
	for (depth = out->endless; depth;) {
		if (!take(s, &inner))
			return false;
		depth += inner.endless;
		depth -= !inner.tag && !inner.endless;
	}
	return true;
}

/* Into it, when it has that tag. */
static bool enter(struct mr_slice *s, unsigned char tag)
{
	struct element e;

	if (!take(s, &e) || e.tag != tag)
		return false;
	*s = e.content;
	return true;
}

bool mr_cms_is_named(struct mr_slice type, struct mr_slice name)
{
	return mr_slice_eq(type, MR_LIT("application/pkcs7-mime")) || mr_slice_eq(type, MR_LIT("application/x-pkcs7-mime")) ||
	       mr_slice_iends(name, MR_LIT(".p7m"));
}

enum mr_cms_kind mr_cms_kind(struct mr_slice bytes)
{
	static const struct {
		struct mr_slice oid;
		enum mr_cms_kind kind;
	} types[] = {
		{ MR_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), MR_CMS_SIGNED },
		{ MR_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"), MR_CMS_ENCRYPTED },         /* enveloped */
		{ MR_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"), MR_CMS_ENCRYPTED },         /* by a key that is shared */
		{ MR_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"), MR_CMS_ENCRYPTED }, /* enveloped, and its sum known */
	};
	struct element type;

	if (!bytes.n || (unsigned char)bytes.p[0] != SEQUENCE || !enter(&bytes, SEQUENCE) || !take(&bytes, &type) || type.tag != OID)
		return MR_CMS_NONE;
	for (size_t i = 0; i < MR_COUNT(types); i++)
		if (mr_slice_eq(type.content, types[i].oid))
			return types[i].kind;
	return MR_CMS_NONE;
}

/* Octets in pieces, pieces of which may be such themselves, in their order. */
static bool add_pieces(struct mr_slice s, bool endless, struct mr_buf *out)
{
	size_t depth = endless;
	struct element e;

	while (s.n && take(&s, &e)) {
		if (e.tag == OCTETS && (e.endless || mr_buf_add(out, e.content) < 0))
			return false;
		if (e.tag == PIECES && !e.endless)
			s = (struct mr_slice){ e.content.p, e.content.n + s.n };
		depth += e.tag == PIECES && e.endless;
		if (e.tag == 0 && (!depth || !--depth))
			return true;
		if (e.tag != OCTETS && e.tag != PIECES && e.tag != 0)
			return false;
	}
	return !endless;
}

bool mr_cms_content(struct mr_slice bytes, struct mr_buf *out)
{
	struct element skipped, content;

	/* its type, version and sums; the type of the content */
	if (!enter(&bytes, SEQUENCE) || !take_whole(&bytes, &skipped) || !enter(&bytes, CONTENT) || !enter(&bytes, SEQUENCE) ||
	    !take_whole(&bytes, &skipped) || !take_whole(&bytes, &skipped) || !enter(&bytes, SEQUENCE) || !take_whole(&bytes, &skipped))
		return false;
	if (!bytes.n || (unsigned char)bytes.p[0] != CONTENT)
		return true;
	if (!enter(&bytes, CONTENT) || !take(&bytes, &content))
		return false;
	if (content.tag == OCTETS)
		return !content.endless && mr_buf_add(out, content.content) == 0;
	return content.tag == PIECES && add_pieces(content.content, content.endless, out);
}
