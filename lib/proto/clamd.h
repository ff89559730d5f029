/* clamd: what clamd says of a file or a stream, and of itself (clamd(8)). Pure; whatever it says is bounded and printable afterwards. */
#pragma once
#include "base/slice.h"

enum mr_clamd_status {
	MR_CLAMD_CLEAN,
	MR_CLAMD_FOUND,
	MR_CLAMD_TOO_BIG, /* for its StreamMaxLength: not looked at */
	MR_CLAMD_FAILED,  /* it could not look */
};

#define MR_CLAMD_ANSWER_MAX 1024 /* bytes of one answer, its NUL not counted */
#define MR_CLAMD_TEXT_MAX   100

struct mr_clamd_answer {
	enum mr_clamd_status status;
	char text[MR_CLAMD_TEXT_MAX + 1]; /* FOUND: the signature's name, of printable ASCII without spaces; FAILED: why */
};

/* "fd[10]: OK", "stream: Eicar-Test FOUND", "fd[10]: Can't allocate memory ERROR", without the final NUL. -EPROTO: nothing of the kind. */
int mr_clamd_answer_parse(struct mr_slice line, struct mr_clamd_answer *out);
/* "ClamAV 1.4.6/27000/Sat Nov 28 08:00:00 2026": *out is all of it, program and database. -EPROTO: not a clamd. */
int mr_clamd_version_parse(struct mr_slice line, struct mr_slice *out);
