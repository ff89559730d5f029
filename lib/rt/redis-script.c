/* redis-script: see redis-script.h */

/* system */
#include <string.h>

/* ours */
#include "base/text.h"
#include "rt/redis-script.h"

void mr_redis_script_init(struct mr_redis_script *s, const char *text)
{
	struct mr_buf hex = MR_BUF(sizeof(s->sha));
	uint8_t sha[MR_SHA1_LEN] = { 0 };

	s->text = text;
	mr_sha1(mr_slice_of(text), sha);
	mr_hex_add(&hex, (struct mr_slice){ (const char *)sha, sizeof(sha) });
	memcpy(s->sha, hex.p, sizeof(s->sha));
	mr_buf_done(&hex);
}

void mr_redis_script_words(const struct mr_redis_script *s, bool whole, struct mr_slice n_keys, struct mr_slice out[MR_REDIS_SCRIPT_WORDS])
{
	out[0] = whole ? MR_LIT("EVAL") : MR_LIT("EVALSHA");
	out[1] = mr_slice_of(whole ? s->text : s->sha);
	out[2] = n_keys;
}

bool mr_redis_script_unknown(const struct mr_redis_reply *r)
{
	return !r->ok && mr_slice_starts(r->text, MR_LIT("NOSCRIPT"));
}
