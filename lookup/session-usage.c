/* session-usage: reports of usage, one wire message a datagram, without an answer. A report is taken when the mailbox exists; what cannot
 * be read is dropped and counted. */
#include "lookup.h"

/* system */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "stats.h"

#define DATAGRAM_MAX 4096
#define PER_TURN     100 /* datagrams before the loop may do something else */

struct mr_usage_socket {
	struct mr_lookup *l;
	int fd;
	struct mr_io *io;
};

/* A report on its way to the table. */
struct report {
	struct mr_usage *usage;
	uint64_t bytes, messages;
	bool known; /* numbers were reported; otherwise only existence is looked at */
};

/* Adds "+" when the mailbox exists, "-" when it does not, nothing when that is not known. */
static bool exists_run(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	const struct mr_row *row;

	switch (w->view->get(w->view, MR_ROW_MAILBOX, ask->key, &row)) {
	case MR_ROW_FOUND:
		mr_buf_putc(out, '+');
		return true;
	case MR_ROW_NONE:
		mr_buf_putc(out, w->view->stale ? '?' : '-');
		return true;
	case MR_ROW_UNKNOWN:
		return false;
	case MR_ROW_TEMP:
		return true;
	}
	return true;
}

static void exists_answer(const struct mr_ask *ask, struct mr_slice bytes)
{
	struct report *r = ask->to;

	if (r->known && mr_slice_eq(bytes, MR_LIT("+")))
		mr_usage_set(r->usage, ask->key, r->bytes, r->messages);
	else if (mr_slice_eq(bytes, MR_LIT("-")))
		mr_usage_forget(r->usage, ask->key);
	free(r);
}

static void ask_exists(struct mr_lookup *l, struct mr_slice address, const struct report *report)
{
	struct report *r = mr_new(struct report, 1);

	*r = *report;
	mr_question_start(l->questions, &(struct mr_ask){ .run = exists_run, .answer = exists_answer, .key = address, .to = r });
}

void mr_usage_recheck(struct mr_lookup *l, struct mr_slice address)
{
	if (mr_usage_get(l->usage, address) != MR_DIR_UNKNOWN)
		ask_exists(l, address, &(struct report){ .usage = l->usage });
}

static void take(struct mr_lookup *l, struct mr_slice datagram)
{
	struct report r = { .usage = l->usage, .known = true };
	struct mr_wire w;
	size_t used;

	mr_arena_reset(l->scratch);
	if (mr_wire_next(datagram, l->scratch, &w, &used) != 1 || used != datagram.n ||
	    !mr_slice_eq(mr_wire_get(&w, "cmd"), MR_LIT("usage")) || mr_wire_u64(&w, "bytes", MR_DIR_UNKNOWN - 1, &r.bytes) != 0 ||
	    mr_wire_u64(&w, "messages", UINT64_MAX, &r.messages) != 0) {
		mr_stat_malformed++;
		return;
	}
	struct mr_slice address = mr_address_lower(mr_wire_get(&w, "address"), l->scratch);
	if (address.n == 0 || address.n >= MR_ROW_KEY_MAX - 1) {
		mr_stat_malformed++;
		return;
	}
	mr_stat_usage_reports++;
	ask_exists(l, address, &r);
}

static void on_readable(int fd, int what, void *arg)
{
	struct mr_usage_socket *s = arg;
	char bytes[DATAGRAM_MAX];

	for (int i = 0; i < PER_TURN; i++) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0)
			break;
		take(s->l, (struct mr_slice){ bytes, (size_t)n });
	}
}

struct mr_usage_socket *mr_usage_socket_new(struct mr_lookup *l, int fd)
{
	struct mr_usage_socket *s = mr_new(struct mr_usage_socket, 1);

	*s = (struct mr_usage_socket){ .l = l, .fd = fd };
	s->io = mr_io_start(l->loop, fd, MR_READ, on_readable, s);
	return s;
}

void mr_usage_socket_free(struct mr_usage_socket *s)
{
	if (s == NULL)
		return;
	mr_io_cancel(&s->io);
	close(s->fd);
	free(s);
}
