/* policy: Postfix's access policy delegation (SMTPD_POLICY_README): "name=value" lines up to an empty line. */
#pragma once
#include <stdint.h>
#include "base/buf.h"

#define MR_POLICY_REQUEST_MAX 16384 /* bytes of one request */

/* One request; every slice points into the caller's bytes; an attribute that was absent is empty. The first of a repeated name counts. */
struct mr_policy_request {
	struct mr_slice request, protocol_state, protocol_name, helo_name, queue_id, sender, recipient, recipient_count;
	struct mr_slice client_address, client_name, reverse_client_name, client_port, instance, server_address, server_port;
	struct mr_slice sasl_method, sasl_username, sasl_sender, size, stress, policy_context;
	struct mr_slice ccert_subject, ccert_issuer, ccert_fingerprint, encryption_protocol, encryption_cipher, encryption_keysize;
};

/* 1: *out and *used are set. 0: more bytes are needed. -EPROTO: a line without "=", a NUL, an empty request.
 * -EMSGSIZE: more than MR_POLICY_REQUEST_MAX bytes without an end. */
int mr_policy_next(struct mr_slice in, struct mr_policy_request *out, size_t *used);
/* "action=ACTION text\n\n"; line breaks and control bytes in text become "?". */
int mr_policy_reply(struct mr_buf *out, const char *action, struct mr_slice text);
