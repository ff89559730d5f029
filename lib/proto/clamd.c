/* clamd: see clamd.h */

/* system */
#include <errno.h>

/* ours */
#include "proto/clamd.h"

/* Whatever a peer writes becomes a word that may stand in a log, a header and an SMTP reply (to libmilter, % is special). */
static void take_text(struct mr_slice s, bool spaces, struct mr_clamd_answer *out)
{
	size_t n = s.n < MR_CLAMD_TEXT_MAX ? s.n : MR_CLAMD_TEXT_MAX;

	for (size_t i = 0; i < n; i++) {
		char c = s.p[i];

		out->text[i] = (c > ' ' && c < 0x7f && c != '%') || (spaces && c == ' ') ? c : '_';
	}
	out->text[n] = '\0';
}

static bool take_end(struct mr_slice *s, struct mr_slice end)
{
	if (!mr_slice_iends(*s, end))
		return false;
	s->n -= end.n;
	return true;
}

/* With ExtendedDetectionInfo the name has "(md5:size)" behind it. */
static struct mr_slice bare_name(struct mr_slice s)
{
	ptrdiff_t at = mr_slice_rchr(s, '(');

	if (at > 0 && s.p[s.n - 1] == ')')
		s.n = (size_t)at;
	return s;
}

int mr_clamd_answer_parse(struct mr_slice line, struct mr_clamd_answer *out)
{
	struct mr_clamd_answer a = { .status = MR_CLAMD_CLEAN };
	ptrdiff_t colon = mr_slice_chr(line, ':');

	if (line.n > MR_CLAMD_ANSWER_MAX)
		return -EPROTO;
	if (mr_slice_starts(line, MR_LIT("INSTREAM size limit exceeded"))) {
		a.status = MR_CLAMD_TOO_BIG;
	} else if (take_end(&line, MR_LIT(" ERROR"))) {
		a.status = MR_CLAMD_FAILED;
		take_text(line, true, &a);
	} else if (colon < 0 || !(mr_slice_starts(line, MR_LIT("fd[")) || mr_slice_starts(line, MR_LIT("stream")))) {
		return -EPROTO;
	} else {
		line = mr_slice_from(line, (size_t)colon + 1);
		if (take_end(&line, MR_LIT(" FOUND"))) {
			line = bare_name(mr_slice_trim(line));
			a.status = MR_CLAMD_FOUND;
			take_text(line.n ? line : MR_LIT("unnamed"), false, &a);
		} else if (!mr_slice_eq(mr_slice_trim(line), MR_LIT("OK"))) {
			return -EPROTO;
		}
	}
	*out = a;
	return 0;
}

int mr_clamd_version_parse(struct mr_slice line, struct mr_slice *out)
{
	if (line.n > MR_CLAMD_ANSWER_MAX || !mr_slice_starts(line, MR_LIT("ClamAV ")))
		return -EPROTO;
	*out = line;
	return 0;
}
