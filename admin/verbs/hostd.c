/* Client of the root helper. */
#include "hostd.h"

/* system */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

/* ours */
#include "base/parse.h"
#include "control.h"

#define WAIT_MS    70000 /* longer than two programs of the host may take there */
#define ANSWER_MAX (17u << 20)

int hostd_ask(const struct mr_conf_shared *c, const char *request, struct mr_buf *answer, struct mr_diag *diag)
{
	struct mr_slice last;
	char path[PATH_MAX];
	int r;

	*answer = MR_BUF(ANSWER_MAX);
	snprintf(path, sizeof(path), "%s/hostd/hostd.sock", c->run_dir);
	r = control_request(path, WAIT_MS, request, answer);
	if (r < 0) {
		errno = -r;
		return mr_diag_set(diag, r, "mailreeve-hostd does not answer at %s: %m", path);
	}
	last = mr_slice_trim(mr_buf_slice(answer));
	last = mr_slice_from(last, (size_t)(mr_slice_rchr(last, '\n') + 1));
	if (mr_slice_starts(last, MR_LIT("error ")))
		return mr_diag_set(diag, -EREMOTEIO, "mailreeve-hostd: %.*s", (int)(last.n - 6), last.p + 6);
	mr_buf_truncate(answer, (size_t)(last.p - answer->p));
	return 0;
}

int hostd_count(const struct mr_conf_shared *c, const char *request, uint64_t *out, struct mr_diag *diag)
{
	struct mr_slice key, rest;
	struct mr_buf answer;
	int r = hostd_ask(c, request, &answer, diag);

	if (r == 0) {
		rest = mr_slice_trim(mr_buf_slice(&answer));
		if (!mr_slice_next(&rest, '=', &key) || mr_parse_u64(rest, 0, UINT64_MAX, out) < 0)
			r = mr_diag_set(diag, -EPROTO, "mailreeve-hostd: not an answer of ours");
	}
	mr_buf_done(&answer);
	return r;
}
