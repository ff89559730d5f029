/* scanwire: the messages between the I/O loop and a scanner, over wire.h. One message of mail at a time on a scanner's socket:
 *
 *   scanner → loop   status=ready, once: it has shut itself in
 *   loop → scanner   cmd=scan, the facts about the session; the mail itself follows, bytes= of it, or is a sealed memfd sent along
 * (SCM_RIGHTS; spool.h) scanner → loop   status=questions: what is known so far, and DNS questions loop → scanner   cmd=answer, one for
 * each question scanner → loop   status=questions again, or status=result: all that is known
 *
 * The scanner has parsed a stranger's bytes, so the loop believes nothing of its form: decoders bound and check everything. */
#pragma once
#include "proto/wire.h"
#include "scan.h"

struct mr_scan_question {
	const char *name;
	enum mr_dns_type type;
};
struct mr_scan_report {
	bool final, last; /* last: the scanner is to be replaced */
	struct mr_scan_result result;
	struct mr_scan_question questions[MR_DNS_QUESTIONS_MAX];
	size_t n_questions;
};

int mr_scanwire_ready(struct mr_buf *out);
bool mr_scanwire_is_ready(const struct mr_wire *w);
/* `follows`: the mail itself stands behind the request, MR_SPOOL_SMALL at most. */
int mr_scanwire_request(struct mr_buf *out, uint64_t id, const struct mr_scan_input *in, bool follows);
/* Everything but the bytes of in->message: only n is set where they follow, else it is empty. Slices live in the arena. -EPROTO. */
int mr_scanwire_request_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_scan_input *in, bool *follows);
int mr_scanwire_answer(struct mr_buf *out, uint64_t id, const struct mr_dns_answer *a);
int mr_scanwire_answer_decode(const struct mr_wire *w, struct mr_arena *arena, struct mr_dns_answer *out);
/* `view` with its open questions, or NULL for the final report. last: this scanner is to get no further message. */
int mr_scanwire_report(struct mr_buf *out, uint64_t id, const struct mr_scan_result *r, const struct mr_dns_view *view, bool last);
/* -EPROTO: not a report, or not about message `id`. */
int mr_scanwire_report_decode(const struct mr_wire *w, uint64_t id, struct mr_arena *arena, struct mr_scan_report *out);
