/* admin: see admin.h */
#include "rt/admin.h"

/* system */
#include <errno.h>
#include <string.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/buf.h"
#include "proto/control.h"
#include "rt/ask.h"
#include "rt/clock.h"
#include "rt/log.h"

#define OPEN_MAX   16
#define ANSWER_MAX 4096  /* bytes */
#define ANSWER_MS  30000 /* it writes, and asks others to drop sessions */
#define AGAIN_MS   60000
#define RECENT_MAX 64  /* things remembered, the oldest forgotten first */
#define TEXT_MAX   200 /* bytes of a reason */

/* A question that is open. */
struct asked {
	struct asked *prev, *next;
	struct mr_admin *admin;
	char *what;
};

struct mr_admin {
	struct mr_asker *asker;
	struct asked *asked;
	struct {
		char *what;
		uint64_t at_ms;
	} recent[RECENT_MAX];
	size_t next;
};

struct mr_admin *mr_admin_new(struct mr_loop *l, const char *socket)
{
	struct mr_admin *k = mr_new(struct mr_admin, 1);

	k->asker = mr_asker_new(l, socket, OPEN_MAX, ANSWER_MAX);
	return k;
}

static void forget(struct asked *a)
{
	DL_DELETE(a->admin->asked, a);
	free(a->what);
	free(a);
}

void mr_admin_free(struct mr_admin *k)
{
	if (!k)
		return;
	mr_asker_free(k->asker); /* tells nobody */
	while (k->asked)
		forget(k->asked);
	for (size_t i = 0; i < RECENT_MAX; i++)
		free(k->recent[i].what);
	free(k);
}

/* Notes it unless it is there. */
static bool recently(struct mr_admin *k, const char *what)
{
	uint64_t now = mr_now_ms();

	for (size_t i = 0; i < RECENT_MAX; i++)
		if (k->recent[i].what && now - k->recent[i].at_ms < AGAIN_MS && strcmp(k->recent[i].what, what) == 0)
			return true;
	free(k->recent[k->next].what);
	k->recent[k->next].what = mr_strdup(what);
	k->recent[k->next].at_ms = now;
	k->next = (k->next + 1) % RECENT_MAX;
	return false;
}

static void on_answer(int err, struct mr_slice text, void *arg)
{
	struct asked *a = arg;

	if (err < 0)
		mr_log(MR_LOG_ERROR, "admin-refused", mr_s("asked", a->what), mr_err("error", err), mr_sl("why", text));
	else
		mr_log(MR_LOG_NOTICE, "admin-done", mr_s("asked", a->what));
	forget(a);
}

/* One line: what may not stand in a request becomes a blank. */
static void add_text(struct mr_buf *line, const char *text)
{
	struct mr_slice s = mr_slice_of(text);

	if (s.n > TEXT_MAX) /* not in the middle of a character of UTF-8 */
		for (s.n = TEXT_MAX; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
			s.n--;
	for (size_t i = 0; i < s.n; i++)
		mr_buf_putc(line, (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i]);
}

void mr_admin_ask(struct mr_admin *k, const char *verb, struct mr_slice about, const char *text)
{
	struct mr_buf what = MR_BUF(MR_CONTROL_LINE_MAX), line = MR_BUF(MR_CONTROL_LINE_MAX);
	struct asked *a;

	mr_buf_puts(&what, verb);
	if (about.n > 0 && mr_buf_putc(&what, ' ') == 0)
		mr_buf_add(&what, about);
	if (!what.full && !recently(k, what.p)) {
		mr_buf_add(&line, mr_buf_slice(&what));
		mr_buf_putc(&line, ' ');
		add_text(&line, text);
		a = mr_new(struct asked, 1);
		*a = (struct asked){ .admin = k, .what = mr_buf_steal(&what) };
		DL_APPEND(k->asked, a);
		mr_asker_ask(k->asker, line.p, ANSWER_MS, on_answer, a);
	}
	mr_buf_done(&what);
	mr_buf_done(&line);
}
