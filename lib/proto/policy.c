/* policy: see policy.h */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "proto/policy.h"

#define ATTRIBUTE(name)                                                                                                                    \
	{                                                                                                                                  \
		MR_LIT(#name), offsetof(struct mr_policy_request, name)                                                                    \
	}
static const struct attribute {
	struct mr_slice name;
	size_t offset;
} attributes[] = {
	/* in the order in which Postfix sends them */
	ATTRIBUTE(request),
	ATTRIBUTE(protocol_state),
	ATTRIBUTE(protocol_name),
	ATTRIBUTE(client_address),
	ATTRIBUTE(client_name),
	ATTRIBUTE(client_port),
	ATTRIBUTE(reverse_client_name),
	ATTRIBUTE(server_address),
	ATTRIBUTE(server_port),
	ATTRIBUTE(helo_name),
	ATTRIBUTE(sender),
	ATTRIBUTE(recipient),
	ATTRIBUTE(recipient_count),
	ATTRIBUTE(queue_id),
	ATTRIBUTE(instance),
	ATTRIBUTE(size),
	ATTRIBUTE(stress),
	ATTRIBUTE(sasl_method),
	ATTRIBUTE(sasl_username),
	ATTRIBUTE(sasl_sender),
	ATTRIBUTE(ccert_subject),
	ATTRIBUTE(ccert_issuer),
	ATTRIBUTE(ccert_fingerprint),
	ATTRIBUTE(encryption_protocol),
	ATTRIBUTE(encryption_cipher),
	ATTRIBUTE(encryption_keysize),
	ATTRIBUTE(policy_context),
};

/* One "name=value" line without its end. Attributes of newer Postfix that we do not know are skipped. *next: which one is likely. */
static int take_line(struct mr_slice line, size_t *next, struct mr_policy_request *out)
{
	ptrdiff_t equals = mr_slice_chr(line, '=');
	struct mr_slice name = { line.p, equals < 0 ? 0 : (size_t)equals };

	if (name.n == 0)
		return -EPROTO;
	for (size_t n = 0; n < MR_COUNT(attributes); n++) {
		size_t i = (*next + n) % MR_COUNT(attributes);

		if (name.n == attributes[i].name.n && mr_slice_eq(name, attributes[i].name)) {
			struct mr_slice *value = (struct mr_slice *)((char *)out + attributes[i].offset);

			if (!value->p)
				*value = mr_slice_from(line, name.n + 1);
			*next = i + 1;
			break;
		}
	}
	return 0;
}

int mr_policy_next(struct mr_slice in, struct mr_policy_request *out, size_t *used)
{
	struct mr_slice head = { in.p, in.n < MR_POLICY_REQUEST_MAX ? in.n : MR_POLICY_REQUEST_MAX }, lines, line;
	struct mr_policy_request request = { 0 };
	const char *end = head.n ? memmem(head.p, head.n, "\n\n", 2) : NULL;
	size_t next = 0;
	int err = 0;

	if (head.n > 0 && head.p[0] == '\n')
		return -EPROTO;
	lines = end ? (struct mr_slice){ head.p, (size_t)(end - head.p) } : head;
	if (mr_slice_chr(lines, '\0') >= 0)
		return -EPROTO;
	if (!end)
		return in.n >= MR_POLICY_REQUEST_MAX ? -EMSGSIZE : 0;
	*used = lines.n + 2;
	while (err == 0 && mr_slice_next(&lines, '\n', &line))
		err = take_line(line, &next, &request);
	if (err < 0)
		return err;
	*out = request;
	return 1;
}

int mr_policy_reply(struct mr_buf *out, const char *action, struct mr_slice text)
{
	size_t start = out->n;
	int err = mr_buf_printf(out, "action=%s%s", action, text.n ? " " : "");

	for (size_t i = 0; i < text.n && err == 0; i++)
		err = mr_buf_putc(out, (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? '?' : text.p[i]);
	if (err == 0)
		err = mr_buf_puts(out, "\n\n");
	if (err < 0)
		mr_buf_truncate(out, start);
	return err;
}
