/* circle: see circle.h. */

/* system */
#include <errno.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "circle.h"
#include "mail/address.h"

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

/* "... by HOST (Postfix) ...": the word after "by" that stands outside comments. */
static bool is_by(struct mr_slice value, struct mr_slice hostname)
{
	size_t depth = 0, from = 0;
	bool after_by = false;

	for (size_t i = 0; i <= value.n; i++) {
		char c = i < value.n ? value.p[i] : ' ';
		struct mr_slice word = { value.p + from, i - from };
		bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';

		if (!space && c != '(' && c != ')' && c != ';')
			continue;
		if (word.n && !depth) {
			if (after_by)
				return mr_slice_ieq(word, hostname);
			after_by = mr_slice_ieq(word, MR_LIT("by"));
		}
		depth += c == '(';
		depth -= c == ')' && depth > 0;
		from = i + 1;
	}
	return false;
}

bool mr_circle_received_by(struct mr_slice name, struct mr_slice value, struct mr_slice hostname)
{
	return mr_slice_ieq(mr_slice_trim(name), MR_LIT("Received")) && is_by(value, hostname);
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
