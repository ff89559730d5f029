/* fuzz-parse: numbers, sizes, durations, addresses, encodings. Goal: an address or network; written again it reads the same. */

/* system */
#include <math.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "fuzz.h"

size_t fuzz_goals;

static void numbers(struct mr_slice in)
{
	uint64_t u = 7;
	int64_t i = 7;
	double d = 7;
	bool b;

	if (mr_parse_u64(in, 0, 1000, &u) == 0)
		fuzz_assert(u <= 1000);
	if (mr_parse_i64(in, -1000, 1000, &i) == 0)
		fuzz_assert(i >= -1000 && i <= 1000);
	if (mr_parse_double(in, -1000, 1000, &d) == 0)
		fuzz_assert(isfinite(d) && d >= -1000 && d <= 1000);
	if (mr_parse_size(in, 1000, &u) == 0)
		fuzz_assert(u <= 1000);
	if (mr_parse_duration(in, 1000, &u) == 0)
		fuzz_assert(u <= 1000);
	mr_parse_bool(in, &b);
}

static void addresses(struct mr_slice in)
{
	struct mr_ip ip, again;
	struct mr_net net;
	char text[MR_IP_STRLEN];

	if (mr_parse_ip(in, &ip) == 0) {
		fuzz_assert(mr_parse_ip(mr_slice_of(mr_ip_str(&ip, text)), &again) == 0);
		fuzz_assert(mr_slice_eq(mr_slice_of(mr_ip_str(&again, text)), mr_slice_of(mr_ip_str(&ip, (char[MR_IP_STRLEN]){ 0 }))));
		fuzz_goals++;
	}
	if (mr_parse_net(in, &net) == 0) {
		fuzz_assert(net.bits <= (net.ip.family == AF_INET ? 32u : 128u));
		fuzz_assert(mr_net_has(&net, &net.ip));
		fuzz_goals++;
	}
}

static void encodings(struct mr_slice in)
{
	mr_autofree char *bytes = mr_alloc(in.n);
	mr_autofree char *again = mr_alloc(in.n);
	struct mr_buf text = MR_BUF(4 * in.n + 16);
	ssize_t n = mr_base64_decode(in, bytes, in.n);

	if (n >= 0) {
		fuzz_assert(mr_base64_add(&text, (struct mr_slice){ bytes, (size_t)n }) == 0);
		fuzz_assert(mr_base64_decode(mr_buf_slice(&text), again, in.n) == n);
		fuzz_assert(mr_slice_eq((struct mr_slice){ bytes, (size_t)n }, (struct mr_slice){ again, (size_t)n }));
	}
	mr_buf_reset(&text);
	fuzz_assert(mr_hex_add(&text, in) == 0);
	fuzz_assert(mr_hex_decode(mr_buf_slice(&text), again, in.n) == (ssize_t)in.n && mr_slice_eq(in, (struct mr_slice){ again, in.n }));
	mr_hex_decode(in, bytes, in.n);
	mr_buf_reset(&text);
	fuzz_assert(mr_escape_add(&text, in, in.n) == 0 && mr_utf8_valid(mr_buf_slice(&text)));
	mr_utf8_valid(in);
	mr_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice in = fuzz_input(data, size);

	numbers(in);
	addresses(in);
	encodings(in);
	return 0;
}
