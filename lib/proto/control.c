/* control: see control.h */

/* system */
#include <errno.h>

/* ours */
#include "proto/control.h"

int mr_control_next(struct mr_slice in, struct mr_control_request *out, size_t *used)
{
	struct mr_slice head = { in.p, in.n < MR_CONTROL_LINE_MAX ? in.n : MR_CONTROL_LINE_MAX }, line;
	ptrdiff_t end = mr_slice_chr(head, '\n'), space;

	for (size_t i = 0; i < (end < 0 ? head.n : (size_t)end); i++)
		if ((unsigned char)head.p[i] < ' ' || head.p[i] == 0x7f)
			return -EPROTO;
	if (end < 0)
		return in.n >= MR_CONTROL_LINE_MAX ? -EMSGSIZE : 0;
	line = mr_slice_trim((struct mr_slice){ head.p, (size_t)end });
	if (line.n == 0)
		return -EPROTO;
	space = mr_slice_chr(line, ' ');
	out->verb = (struct mr_slice){ line.p, space < 0 ? line.n : (size_t)space };
	out->arg = mr_slice_trim(mr_slice_from(line, out->verb.n));
	*used = (size_t)end + 1;
	return 1;
}
