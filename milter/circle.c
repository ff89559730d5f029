/* circle: see circle.h. */

/* system */
#include <errno.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "circle.h"
#include "mail/address.h"
#include "mail/received.h"

static void hash(struct mr_slice recipient, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	uint8_t digest[MR_SHA256_LEN];

	mr_sha256(mr_address_lower(recipient, arena), digest);
	mr_hex_add(out, (struct mr_slice){ (const char *)digest, MR_CIRCLE_HASH_LEN / 2 });
}

static bool has_word(struct mr_slice value, struct mr_slice word)
{
	for (size_t i = 0; i + word.n <= value.n; i++) {
		if (mr_slice_eq((struct mr_slice){ value.p + i, word.n }, word))
			return true;
	}
	return false;
}

bool mr_circle_has(const struct mr_message *m, struct mr_slice recipient)
{
	struct mr_buf word = MR_BUF(MR_CIRCLE_HASH_LEN);
	bool found = false;

	hash(recipient, &word);
	for (size_t i = 0; i < m->n_headers && !found; i++)
		found = mr_slice_ieq(m->headers[i].name, MR_LIT(MR_CIRCLE_FIELD)) && has_word(m->headers[i].value, mr_buf_slice(&word));
	mr_buf_done(&word);
	return found;
}

bool mr_circle_received_by(struct mr_slice name, struct mr_slice value, struct mr_slice hostname)
{
	struct mr_received r;

	if (!mr_slice_ieq(mr_slice_trim(name), MR_LIT("Received")))
		return false;
	mr_received_read(value, &r);
	return mr_slice_ieq(r.by, hostname);
}

int mr_circle_add(struct mr_buf *value, struct mr_slice recipient)
{
	size_t before = value->n;
	int r = 0;

	if (before)
		r = mr_buf_puts(value, "\n\t");
	if (r == 0)
		hash(recipient, value);
	if (value->full)
		mr_buf_truncate(value, before);
	return value->full ? -ENOBUFS : 0;
}
