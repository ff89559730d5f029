/* session: Postfix's policy delegation protocol. smtpd asks one question at a time on a connection and keeps it for many. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "policyd.h"

#define RECIPIENTS_MAX 1000000

/* The message that a connection was last asked about. */
struct session {
	char instance[64];
	uint64_t recipients;
};

/* Postfix tells the number of recipients from DATA on; before that it is counted here. */
static uint64_t recipients_of(struct mr_conn *c, const struct mr_policy_request *request)
{
	struct session *s = mr_conn_get(c);
	uint64_t told = 0;

	if (mr_parse_u64(request->recipient_count, 1, RECIPIENTS_MAX, &told) == 0)
		return told;
	if (!s) {
		s = mr_alloc(sizeof(*s));
		mr_conn_set(c, s);
	}
	if (!mr_slice_eq(mr_slice_of(s->instance), request->instance)) {
		*s = (struct session){ 0 };
		if (request->instance.n > 0 && request->instance.n < sizeof(s->instance))
			memcpy(s->instance, request->instance.p, request->instance.n);
	}
	return ++s->recipients;
}

static void on_closed(struct mr_conn *c)
{
	free(mr_conn_get(c));
}

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	struct mr_policy_request request;
	size_t used;
	int rc = mr_policy_next(in, &request, &used);

	if (rc <= 0)
		return rc;
	if (!mr_slice_eq(request.request, MR_LIT("smtpd_access_policy")))
		return -EPROTO;
	mr_request_start(mr_conn_arg(c), c, &request, recipients_of(c, &request));
	return (ssize_t)used;
}

const struct mr_server_ops mr_session_policy = {
	.name = "policy",
	.request_max = MR_POLICY_REQUEST_MAX,
	.request_ms = 10000,
	.pending_max = 1, /* answers carry no number: the next request waits for its turn */
	.data = on_data,
	.closed = on_closed,
};
