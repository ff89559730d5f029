/* fuzz-received: the Received fields of a forwarded message, a NUL between them. Goal: the client that brought it. What is read lies in the
 * field, each part behind the one before; once it is decided who that was, nothing below counts. */

/* ours */
#include "fuzz.h"
#include "mail/received.h"
#include "origin.h"

#define HOST MR_LIT("mx.test")

size_t fuzz_goals;

static const char *within(struct mr_slice part, struct mr_slice value, const char *from)
{
	if (!part.n)
		return from;
	fuzz_assert(part.p >= from && part.p + part.n <= value.p + value.n);
	return part.p + part.n;
}

static void read_one(struct mr_slice value)
{
	struct mr_received r;

	mr_received_read(value, &r);
	within(r.with, value, within(r.program, value, within(r.by, value, within(r.client, value, value.p))));
	fuzz_assert(!r.with.n || r.by.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice rest = fuzz_input(data, size), value;
	struct mr_origin o = { 0 }, before;

	while (mr_slice_next(&rest, '\0', &value)) {
		before = o;
		read_one(value);
		mr_origin_received(&o, value, HOST);
		fuzz_assert(before.next != MR_ORIGIN_DECIDED || memcmp(&before, &o, sizeof(o)) == 0);
		fuzz_assert(!o.client.family || o.next == MR_ORIGIN_DECIDED);
	}
	fuzz_goals += o.client.family != 0;
	return 0;
}
