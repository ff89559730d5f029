/* Client of the root helper. */
#include "hostd.h"

/* system */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "base/arena.h"
#include "base/parse.h"
#include "control.h"

#define WAIT_MS    70000 /* longer than two programs of the host may take there */
#define ANSWER_MAX (17u << 20)
#define ID_MAX     64 /* of a message */

/* One turn, whose lines are added. *more: where the next one goes on, "" when all was looked at. */
static int ask(const struct mr_conf_shared *c, const char *request, struct mr_buf *answer, char more[ID_MAX], struct mr_diag *diag)
{
	size_t before = answer->n;
	struct mr_slice all, last;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/hostd/hostd.sock", c->run_dir);
	r = control_request(path, WAIT_MS, request, answer);
	if (r < 0) {
		errno = -r;
		return mr_diag_set(diag, r, "mailreeve-hostd does not answer at %s: %m", path);
	}
	all = mr_slice_trim(mr_slice_from(mr_buf_slice(answer), before));
	last = mr_slice_from(all, (size_t)(mr_slice_rchr(all, '\n') + 1));
	if (mr_slice_starts(last, MR_LIT("error ")))
		return mr_diag_set(diag, -EREMOTEIO, "mailreeve-hostd: %.*s", (int)last.n - 6, last.p + 6);
	all = mr_slice_trim((struct mr_slice){ all.p, (size_t)(last.p - all.p) });
	last = mr_slice_from(all, (size_t)(mr_slice_rchr(all, '\n') + 1));
	*more = '\0';
	if (mr_slice_starts(last, MR_LIT("more=")) && last.n - 5 < ID_MAX) {
		snprintf(more, ID_MAX, "%.*s", (int)last.n - 5, last.p + 5);
		all.n = (size_t)(last.p - all.p);
	}
	mr_buf_truncate(answer, (size_t)(all.p + all.n - answer->p));
	if (answer->n > 0 && answer->p[answer->n - 1] != '\n')
		mr_buf_putc(answer, '\n');
	return 0;
}

int hostd_ask(const struct mr_conf_shared *c, const char *request, unsigned turns, struct mr_buf *answer, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	char from[ID_MAX], more[ID_MAX] = "";
	int r;

	*answer = MR_BUF(ANSWER_MAX);
	r = ask(c, request, answer, more, diag);
	for (unsigned n = 1; r == 0 && *more && (turns == HOSTD_ALL || n < turns); n++) {
		memcpy(from, more, sizeof(from));
		r = ask(c, mr_arena_printf(arena, "%s %s", request, from), answer, more, diag);
		if (r == 0 && strcmp(from, more) == 0)
			break;
	}
	return r == 0 && *more ? HOSTD_PART : r;
}

int hostd_count(const struct mr_conf_shared *c, const char *request, unsigned turns, uint64_t *out, struct mr_diag *diag)
{
	struct mr_slice rest, line, key;
	struct mr_buf answer;
	int r = hostd_ask(c, request, turns, &answer, diag);
	uint64_t n = 0, one;

	rest = mr_buf_slice(&answer);
	while (r >= 0 && mr_slice_next(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		if (!mr_slice_next(&line, '=', &key) || mr_parse_u64(line, 0, UINT64_MAX, &one) < 0)
			r = mr_diag_set(diag, -EPROTO, "mailreeve-hostd: not an answer of ours");
		else
			n += one;
	}
	if (r >= 0)
		*out = n;
	mr_buf_done(&answer);
	return r;
}

int hostd_held(const struct mr_conf_shared *c, const char *address, unsigned turns, uint64_t *n, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf listing = { 0 };
	struct mr_slice rest, line;
	int r = hostd_ask(c, address ? mr_arena_printf(arena, "list-held %s", address) : "list-held", turns, &listing, diag);

	rest = mr_buf_slice(&listing);
	while (r >= 0 && mr_slice_next(&rest, '\n', &line))
		*n += mr_slice_starts(line, MR_LIT("{\"queue_name\": \"hold\""));
	mr_buf_done(&listing);
	return r;
}
