/* session-iterate: a page of all addresses, straight from the database. At the deadline the client gets TEMP; what the database says later
 * is thrown away. */
#include "lookup.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "stats.h"

struct page {
	struct mr_lookup *l;
	struct mr_conn *conn; /* NULL once it was answered */
	uint64_t id;
	struct mr_timer *timer;
};

static void answer(struct page *p, const struct mr_buf *bytes)
{
	mr_timer_cancel(&p->timer);
	mr_conn_send(p->conn, mr_buf_slice(bytes));
	mr_conn_release(p->conn);
	p->conn = NULL;
}

static void answer_temp(struct page *p)
{
	struct mr_buf out = MR_BUF(1024);

	mr_stat_temp++;
	mr_dir_status_encode(&out, p->id, MR_DIR_TEMP, NULL);
	answer(p, &out);
	mr_buf_done(&out);
}

static void on_time(void *arg)
{
	struct page *p = arg;

	p->timer = NULL;
	mr_stat_late++;
	answer_temp(p);
}

static void on_page(void *arg, int err, char *const *addresses, size_t n)
{
	struct page *p = arg;
	struct mr_buf out = MR_BUF(2u << 20);
	struct mr_wire_out w;

	p->l->pages--;
	if (p->conn != NULL && err != 0) {
		answer_temp(p);
	} else if (p->conn != NULL) {
		mr_wire_begin(&w, "status", mr_dir_status_str(MR_DIR_OK), p->id);
		for (size_t i = 0; i < n; i++)
			mr_wire_puts(&w, "address", addresses[i]);
		mr_wire_end(&w, &out);
		answer(p, &out);
	}
	mr_buf_done(&out);
	free(p);
}

void mr_iterate_start(struct mr_lookup *l, struct mr_conn *c, uint64_t id, struct mr_slice after, uint64_t limit)
{
	struct page *p = mr_new(struct page, 1);

	*p = (struct page){ .l = l, .conn = c, .id = id };
	l->pages++;
	struct mr_source_mailboxes ask = { .after = after, .limit = (unsigned)limit, .done = on_page, .arg = p };
	if (l->source->read_mailboxes(l->source, &ask) != 0)
		on_page(p, -EAGAIN, NULL, 0);
	else
		p->timer = mr_timer_start(l->loop, l->deadline_ms, on_time, p);
}
