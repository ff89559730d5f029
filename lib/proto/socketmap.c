/* socketmap: see socketmap.h */

/* system */
#include <errno.h>

/* ours */
#include "proto/netstring.h"
#include "proto/socketmap.h"

int mr_socketmap_parse(struct mr_slice payload, struct mr_socketmap_request *out)
{
	ptrdiff_t space = mr_slice_chr(payload, ' ');

	for (size_t i = 0; i < payload.n; i++)
		if ((unsigned char)payload.p[i] < ' ' || payload.p[i] == 0x7f)
			return -EPROTO;
	if (space <= 0)
		return -EPROTO;
	out->map = (struct mr_slice){ payload.p, (size_t)space };
	out->key = mr_slice_from(payload, (size_t)space + 1);
	return 0;
}

static const char *status_word(enum mr_socketmap_status status)
{
	switch (status) {
	case MR_SOCKETMAP_OK:
		return "OK";
	case MR_SOCKETMAP_NOTFOUND:
		return "NOTFOUND";
	case MR_SOCKETMAP_TEMP:
		return "TEMP";
	case MR_SOCKETMAP_TIMEOUT:
		return "TIMEOUT";
	case MR_SOCKETMAP_PERM:
		return "PERM";
	}
	return "PERM";
}

int mr_socketmap_reply(struct mr_buf *out, enum mr_socketmap_status status, struct mr_slice data)
{
	struct mr_buf body = MR_BUF(MR_SOCKETMAP_REPLY_MAX);
	int err;

	if (status == MR_SOCKETMAP_OK && data.n == 0) {
		status = MR_SOCKETMAP_TEMP;
		data = MR_LIT("empty answer");
	}
	mr_buf_printf(&body, "%s ", status_word(status));
	mr_buf_add(&body, data);
	err = body.full ? -ENOBUFS : mr_netstring_add(out, mr_buf_slice(&body));
	mr_buf_done(&body);
	return err;
}
