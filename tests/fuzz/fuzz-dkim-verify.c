/* fuzz-dkim-verify: the input is a message; its signatures are verified with the keys of RFC 8463's example. What we accept libopendkim
 * must accept, where that is there and looks at the message. Goal: a signature that holds. */
/* system */
#include <errno.h>
#include <time.h>

/* ours */
#include "base/buf.h"
#include "fuzz.h"
#include "mail/dkim.h"
#ifdef MR_OPENDKIM_PEER
#include "support/opendkim-peer.h"
#endif

#define ED "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA                                                                                                                                \
	"v=DKIM1; k=rsa; "                                                                                                                 \
	"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/"  \
	"BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"

size_t fuzz_goals;

static void answer(struct mr_dns_view *view)
{
	enum mr_dns_type type;
	const char *name;

	while (mr_dns_view_question(view, 0, &name, &type)) {
		struct mr_dns_rr rr = { .data = mr_slice_starts(mr_slice_of(name), MR_LIT("test.")) ? MR_LIT(RSA) : MR_LIT(ED) };
		struct mr_dns_answer a = { .name = (char *)name, .type = (uint16_t)type, .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1 };

		mr_dns_view_add(view, &a);
	}
}

#ifdef MR_OPENDKIM_PEER
/* It takes a bare CR out of what it hashes, and a NUL for the end. */
static bool is_plain(struct mr_slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == 0 || (text.p[i] == '\r' && (i + 1 == text.n || text.p[i + 1] != '\n')))
			return false;
	}
	return true;
}

static void compare(const struct mr_message *m, struct mr_dns_view *view, const struct mr_dkim_answer *a)
{
	enum mr_dkim_result theirs[MR_DKIM_SIGNATURES_MAX];
	int n = is_plain(m->all) ? peer_verify(m, view, theirs) : 0;

	for (int i = 0; i < n; i++)
		fuzz_assert(a->signatures[i].result != MR_DKIM_PASS || theirs[i] == MR_DKIM_PASS);
}
#else
static void compare(const struct mr_message *m, struct mr_dns_view *view, const struct mr_dkim_answer *a)
{
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_dns_view *view = mr_dns_view_new();
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;
	struct mr_message m;
	int rounds = 0;

	mr_message_parse(fuzz_input(data, size), arena, &m);
	while (mr_dkim_verify(&m, time(NULL), view, arena, &a) == -EAGAIN) {
		fuzz_assert(rounds++ == 0);
		answer(view);
	}
	fuzz_assert(a.n <= MR_DKIM_SIGNATURES_MAX);
	for (size_t i = 0; i < a.n; i++) {
		const struct mr_dkim_signature *s = &a.signatures[i];

		fuzz_assert((s->result == MR_DKIM_PASS) == (s->problem.n == 0));
		fuzz_assert(!s->aligns || s->result == MR_DKIM_PASS);
		fuzz_goals += s->result == MR_DKIM_PASS;
	}
	compare(&m, view, &a);
	mr_dns_view_free(view);
	return 0;
}
