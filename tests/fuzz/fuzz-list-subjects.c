/* fuzz-list-subjects: a message, and everything in it that lists in DNS may be asked about. Goal: a name, an address and something to be
 * hashed of one message. What is asked about must be able to stand before a zone. */

/* ours */
#include "fuzz.h"
#include "list-subjects.h"

size_t fuzz_goals;

struct seen {
	size_t ips, names, hashed;
};

static bool ip(enum mr_dnslist_subject what, const struct mr_ip *address, void *arg)
{
	struct seen *s = arg;

	fuzz_assert(address->family == AF_INET || address->family == AF_INET6);
	s->ips++;
	return true;
}

static bool name(enum mr_dnslist_subject what, struct mr_slice domain, void *arg)
{
	struct seen *s = arg;

	fuzz_assert(domain.n > 0 && domain.n <= MR_DNS_NAME_MAX);
	for (size_t i = 0; i < domain.n; i++)
		fuzz_assert(domain.p[i] > ' ' && domain.p[i] < 0x7f && !(domain.p[i] >= 'A' && domain.p[i] <= 'Z'));
	s->names++;
	return true;
}

static bool hashed(enum mr_dnslist_subject what, struct mr_slice bytes, void *arg)
{
	struct seen *s = arg;

	fuzz_assert(bytes.n > 0);
	s->hashed++;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dns_view *view = mr_dns_view_new();
	const struct mr_scan_setup setup = { .hostname = MR_LIT("mx.test") };
	const struct mr_scan_input in = { .message = fuzz_input(data, size) };
	struct seen seen = { 0 };
	struct mr_scan *scan;

	mr_view_init();
	scan = mr_scan_new(&setup, &in, view, arena);
	mr_list_subjects(scan, UINT32_MAX, &(struct mr_list_seer){ .ip = ip, .name = name, .hashed = hashed, .arg = &seen });
	fuzz_goals += seen.ips && seen.names && seen.hashed;
	mr_scan_done(scan);
	mr_dns_view_free(view);
	return 0;
}
