/* fuzz-dkim-sign: the input is a message that we sign; the field, read again as part of the message, must hold. Goal: a message that was
 * signed. tests/unit/dkim-interop.py compares with others. */
/* ours */
#include "base/buf.h"
#include "base/text.h"
#include "fuzz.h"
#include "mail/dkim.h"
#include "mail/key-record.h"
#include "mail/sig.h"
#include "mail/tags.h"

/* RFC 8463 section A.2 */
#define PRIVATE "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
#define PUBLIC  "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

size_t fuzz_goals;

enum { TAG_H, TAG_B, TAG_BH, TAGS };
static const char *const names[TAGS] = { "h", "b", "bh" };

static void verify(const struct mr_message *m, struct mr_arena *arena)
{
	uint8_t hash[MR_SHA256_LEN], said[MR_SHA256_LEN];
	struct mr_buf text = MR_BUF(m->all.n + 100000);
	const struct mr_header *field = &m->headers[0];
	struct mr_public_key *key = NULL;
	struct mr_key_record record;
	struct mr_slice tags[TAGS];
	uint64_t length;
	unsigned bits;

	fuzz_assert(!mr_key_record_parse(MR_LIT(PUBLIC), arena, &record) && !mr_public_key_new(&record, &key, &bits));
	fuzz_assert(mr_tags_read(field->value, names, TAGS, tags) == 0);
	fuzz_assert(mr_base64_decode(tags[TAG_BH], said, sizeof(said)) == sizeof(said));
	fuzz_assert(mr_canon_body(m->body, MR_CANON_RELAXED, UINT64_MAX, hash, &length) == 0 && memcmp(hash, said, sizeof(hash)) == 0);
	fuzz_assert(mr_sig_add_signed(&text, m, tags[TAG_H], MR_CANON_RELAXED, field) == 0);
	fuzz_assert(mr_sig_add_bare(&text, field, tags[TAG_B], MR_CANON_RELAXED) == 0);
	fuzz_assert(mr_public_key_verify(key, mr_buf_slice(&text), tags[TAG_B]));
	mr_public_key_free(key);
	mr_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_dkim_sign s = { .domain = MR_LIT("example.org"), .selector = MR_LIT("s"), .now = 1700000000 };
	struct mr_slice input = fuzz_input(data, size);
	struct mr_buf text = MR_BUF(size + (1 << 16)), value = MR_BUF(1 << 16);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sign_key *key = NULL;
	struct mr_message m;

	if (mr_slice_starts(input, MR_LIT("From "))) /* a line of a mailbox file is part of no message */
		return 0;
	fuzz_assert(mr_sign_key_new(MR_LIT(PRIVATE), &key, NULL) == 0);
	s.key = key;
	mr_message_parse(input, arena, &m);
	if (m.n_headers > 0 && mr_dkim_sign(&m, &s, &value, NULL) == 0) {
		mr_buf_printf(&text, "DKIM-Signature: %s\n", value.p);
		mr_buf_add(&text, input);
		mr_message_parse(mr_buf_slice(&text), arena, &m);
		verify(&m, arena);
		fuzz_goals++;
	}
	mr_sign_key_unref(key);
	mr_buf_done(&text);
	mr_buf_done(&value);
	return 0;
}
