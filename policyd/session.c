/* session: Postfix's policy delegation protocol. smtpd asks one question at a time on a connection and keeps it for many. */

/* system */
#include <errno.h>

/* ours */
#include "policyd.h"

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	struct mr_policy_request request;
	size_t used;
	int rc = mr_policy_next(in, &request, &used);

	if (rc <= 0)
		return rc;
	if (!mr_slice_eq(request.request, MR_LIT("smtpd_access_policy")))
		return -EPROTO;
	mr_request_start(mr_conn_arg(c), c, &request);
	return (ssize_t)used;
}

const struct mr_server_ops mr_session_policy = {
	.name = "policy",
	.request_max = MR_POLICY_REQUEST_MAX,
	.request_ms = 10000,
	.pending_max = 1, /* answers carry no number: the next request waits for its turn */
	.data = on_data,
};
