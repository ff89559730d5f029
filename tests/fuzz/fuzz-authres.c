/* fuzz-authres: the input is a field's value, and the sender, the domain and the reason of a field of ours. Goal: a value that claims to be
 * from us. What we write ourselves always claims that, is UTF-8, and holds no raw line break but our folds and no control character. */

/* ours */
#include "base/buf.h"
#include "base/text.h"
#include "fuzz.h"
#include "mail/authres.h"

#define ID MR_LIT("mx.example")

size_t fuzz_goals;

static void check_written(struct mr_slice in)
{
	struct mr_dkim_answer dkim = { .signatures = { { .result = MR_DKIM_FAIL, .domain = in, .selector = in, .b = in, .problem = in } },
				       .n = 1 };
	struct mr_spf_request rq = { .sender = in, .helo = in };
	struct mr_spf_answer spf = { .result = MR_SPF_FAIL, .problem = in };
	struct mr_authres a = { .authserv_id = ID, .spf_request = &rq, .spf = &spf, .dkim = &dkim };
	struct mr_buf out = MR_BUF(100000);

	fuzz_assert(mr_authres_write(&a, &out) == 0);
	fuzz_assert(mr_authres_claims(mr_buf_slice(&out), ID));
	fuzz_assert(!mr_authres_claims(mr_buf_slice(&out), MR_LIT("other.example")));
	fuzz_assert(mr_utf8_valid(mr_buf_slice(&out)));
	for (size_t i = 0; i < out.n; i++) {
		unsigned char c = (unsigned char)out.p[i];

		fuzz_assert(c != '\n' || out.p[i + 1] == '\t');
		fuzz_assert((c >= ' ' && c != 127) || c == '\n' || (c == '\t' && out.p[i - 1] == '\n'));
		fuzz_assert(c != 0xc2 || (unsigned char)out.p[i + 1] >= 0xa0); /* U+0080 to U+009F */
	}
	mr_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice in = fuzz_input(data, size);

	fuzz_goals += mr_authres_claims(in, ID);
	check_written(in);
	return 0;
}
