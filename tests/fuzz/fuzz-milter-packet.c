/* fuzz-milter-packet: what an MTA sends, packet after packet, each read as what it says it is. Goal: a recipient, a field or an offer;
 * written again it reads the same. */

/* system */
#include <string.h>

/* ours */
#include "fuzz.h"
#include "proto/milter-packet.h"

size_t fuzz_goals;

static void check_words(const struct mr_packet *p)
{
	const char *v[MR_PACKET_WORDS_MAX + 1];
	struct mr_buf out = MR_BUF(2 * MR_PACKET_MAX);
	struct mr_packet again;
	size_t n, used;

	if (mr_packet_words_decode(p->data, v, MR_PACKET_WORDS_MAX, &n) < 0)
		return;
	fuzz_assert(n > 0 && v[n] == NULL);
	if (n <= 2) {
		fuzz_assert(mr_packet_put_words(&out, p->command, v[0], v[1]) == 0);
		fuzz_assert(mr_packet_next(mr_buf_slice(&out), &again, &used) == 1 && used == out.n);
		fuzz_assert(again.command == p->command && mr_slice_eq(again.data, p->data));
		fuzz_goals++;
	}
	mr_buf_done(&out);
}

static void check_macros(struct mr_slice data)
{
	struct mr_slice rest = mr_slice_from(data, 1), name;
	const char *value;

	while (mr_packet_macro_next(&rest, &name, &value))
		fuzz_assert(name.n + strlen(value) <= data.n);
}

static void check(const struct mr_packet *p)
{
	static const char *const no_macros[MR_PACKET_STAGES];
	struct mr_packet_offer offer;
	struct mr_buf out = MR_BUF(100);
	const char *name;
	struct mr_ip ip;

	switch (p->command) {
	case MR_PACKET_NEGOTIATE:
		if (mr_packet_offer_decode(p->data, &offer) == 0) {
			fuzz_assert(mr_packet_put_offer(&out, &offer, no_macros) == 0);
			fuzz_assert(out.n == 4 + 1 + 12 && memcmp(out.p + 5, p->data.p, 12) == 0);
			fuzz_goals++;
		}
		break;
	case MR_PACKET_MACROS:
		check_macros(p->data);
		break;
	case MR_PACKET_CONNECT:
		if (mr_packet_connect_decode(p->data, &name, &ip) == 0)
			fuzz_assert(strlen(name) < p->data.n && (ip.family == 0 || ip.family == AF_INET || ip.family == AF_INET6));
		break;
	default:
		check_words(p);
	}
	mr_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice rest = fuzz_input(data, size);
	struct mr_packet p;
	size_t used;

	while (mr_packet_next(rest, &p, &used) == 1) {
		fuzz_assert(used == 5 + p.data.n && used <= rest.n);
		check(&p);
		rest = mr_slice_from(rest, used);
	}
	return 0;
}
