/* socketmap: see socketmap.h */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
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
	const struct mr_slice space = MR_LIT(" ");

	if (status == MR_SOCKETMAP_OK && data.n == 0) {
		status = MR_SOCKETMAP_TEMP;
		data = MR_LIT("empty answer");
	}
	const struct mr_slice parts[] = { mr_slice_of(status_word(status)), space, data };
	if (data.n > MR_SOCKETMAP_REPLY_MAX - parts[0].n - space.n)
		return -ENOBUFS;
	return mr_netstring_join(out, parts, MR_COUNT(parts));
}
