/* dkimmake: see dkimmake.h. */

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "mail/sig.h"
#include "mail/tags.h"
#include "support/dkimmake.h"

#define FOLD 20 /* letters of a signature a line */

enum { TAG_B, TAG_C, TAG_H, TAG_L, TAGS };
static const char *const names[TAGS] = { "b", "c", "h", "l" };

/* The field with the marks replaced. */
static void fill(const char *field, struct mr_slice hash, struct mr_slice signature, struct mr_buf *out)
{
	for (const char *p = field; *p; p++) {
		if (p[0] != '@' || !p[1] || !strchr("HSF", p[1])) {
			mr_buf_putc(out, *p);
			continue;
		}
		p++;
		if (*p == 'H')
			mr_buf_add(out, hash);
		for (size_t i = 0; *p != 'H' && i < signature.n; i++)
			mr_buf_printf(out, "%s%c", *p == 'F' && i % FOLD == 0 ? "\r\n " : "", signature.p[i]);
	}
}

/* With the hash in its place and b= empty, on top of the message. */
static bool hash_body(const char *field, struct mr_slice message, struct mr_arena *arena, struct mr_buf *hash)
{
	struct mr_buf text = MR_BUF(1 << 24);
	struct mr_slice tags[TAGS];
	uint64_t limit = UINT64_MAX, length;
	uint8_t bytes[MR_SHA256_LEN];
	enum mr_canon head, body;
	struct mr_message m;
	bool good;

	fill(field, MR_LIT("x"), MR_LIT(""), &text);
	mr_buf_add(&text, message);
	mr_message_parse(mr_buf_slice(&text), arena, &m);
	good = m.n_headers && mr_tags_read(m.headers[0].value, names, TAGS, tags) == 0;
	if (good && tags[TAG_L].p && mr_parse_u64(tags[TAG_L], 0, UINT64_MAX, &limit) < 0)
		limit = UINT64_MAX;
	if (good && mr_canon_parse(tags[TAG_C].p ? mr_tag_compact(tags[TAG_C], arena) : MR_LIT("simple"), &head, &body) < 0)
		body = MR_CANON_SIMPLE;
	good = good && mr_canon_body(m.body, body, limit, bytes, &length) == 0;
	if (good)
		mr_base64_add(hash, (struct mr_slice){ (const char *)bytes, sizeof(bytes) });
	mr_buf_done(&text);
	return good;
}

static bool sign(struct mr_slice text, const struct mr_sign_key *key, struct mr_arena *arena, struct mr_buf *out)
{
	struct mr_buf signed_ = MR_BUF(1 << 24);
	struct mr_slice tags[TAGS];
	enum mr_canon head, body;
	struct mr_message m;
	bool good;

	mr_message_parse(text, arena, &m);
	good = mr_tags_read(m.headers[0].value, names, TAGS, tags) == 0 && tags[TAG_B].p;
	if (good && mr_canon_parse(tags[TAG_C].p ? mr_tag_compact(tags[TAG_C], arena) : MR_LIT("simple"), &head, &body) < 0)
		head = MR_CANON_SIMPLE;
	good = good && mr_sig_add_signed(&signed_, &m, tags[TAG_H], head, &m.headers[0]) == 0 &&
	       mr_sig_add_bare(&signed_, &m.headers[0], tags[TAG_B], head) == 0 && mr_sign_key_sign(key, mr_buf_slice(&signed_), out) == 0;
	mr_buf_done(&signed_);
	return good;
}

bool dkimmake_sign(const char *field, const struct mr_sign_key *key, struct mr_slice message, struct mr_buf *out)
{
	struct mr_buf hash = MR_BUF(100), signature = MR_BUF(4096), text = MR_BUF(1 << 24);
	mr_autoarena arena = mr_arena_new(0);
	bool good = hash_body(field, message, arena, &hash);

	fill(field, mr_buf_slice(&hash), MR_LIT(""), &text);
	mr_buf_add(&text, message);
	good = good && sign(mr_buf_slice(&text), key, arena, &signature);
	if (good)
		fill(field, mr_buf_slice(&hash), mr_buf_slice(&signature), out);
	mr_buf_done(&hash);
	mr_buf_done(&signature);
	mr_buf_done(&text);
	return good;
}
