/* origin: see origin.h. */

/* system */
#include <sys/socket.h>

/* ours */
#include "mail/received.h"
#include "origin.h"

/* "name [192.0.2.1]", "unknown [IPv6:2001:db8::1]" */
static struct mr_ip client_of(const struct mr_received *r)
{
	ptrdiff_t at = mr_slice_rchr(r->client, '[');
	struct mr_ip ip = { 0 };

	if (at > 0 && r->client.p[at - 1] == ' ' && mr_parse_ip(mr_slice_from(r->client, (size_t)at), &ip) == 0)
		return ip;
	return (struct mr_ip){ 0 };
}

/* The name of the program alone would not do: a comment before it may quote what the client says (the subject of a certificate). */
static bool is_redirect(const struct mr_received *r, const struct mr_ip *client)
{
	return client->family == AF_INET && client->bytes[0] == 127 && mr_slice_eq(r->program, MR_LIT(MR_ORIGIN_REDIRECT));
}

void mr_origin_received(struct mr_origin *o, struct mr_slice value, struct mr_slice hostname)
{
	struct mr_received r;
	struct mr_ip client;

	if (o->next == MR_ORIGIN_DECIDED)
		return;
	mr_received_read(value, &r);
	client = client_of(&r);
	if (o->next == MR_ORIGIN_LMTP) {
		o->next = mr_slice_ieq(r.with, MR_LIT("LMTP")) ? MR_ORIGIN_POSTFIX : MR_ORIGIN_DECIDED;
	} else if (mr_slice_ieq(r.by, hostname) && is_redirect(&r, &client)) {
		o->next = MR_ORIGIN_LMTP;
	} else {
		o->next = MR_ORIGIN_DECIDED;
		if (mr_slice_ieq(r.by, hostname))
			o->client = client;
	}
}
