/* control: a server of one-line requests. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "rt/control.h"
#include "rt/log.h"
#include "rt/server.h"
#include "rt/sock.h"

#define ANSWER_MAX  (4 * 1024 * 1024)
#define CLIENTS_MAX 32
#define REQUEST_MS  10000
#define SOCKET_MODE 0660

struct mr_control {
	struct mr_control_ops ops;
	void *arg;
	struct mr_server *server;
};

/* Each adds its lines to `out` and returns 0, or -errno with the diagnosis. */
static int do_status(struct mr_control *c, struct mr_slice arg, struct mr_buf *out, struct mr_diag *diag)
{
	if (c->ops.status)
		c->ops.status(out, c->arg);
	return 0;
}

static int do_stats(struct mr_control *c, struct mr_slice arg, struct mr_buf *out, struct mr_diag *diag)
{
	return mr_stats_print(out);
}

static int do_pending(struct mr_control *c, struct mr_slice arg, struct mr_buf *out, struct mr_diag *diag)
{
	if (c->ops.pending)
		c->ops.pending(out, c->arg);
	return 0;
}

static int do_reload(struct mr_control *c, struct mr_slice arg, struct mr_buf *out, struct mr_diag *diag)
{
	return c->ops.reload ? c->ops.reload(diag, c->arg) : 0;
}

static int do_log_level(struct mr_control *c, struct mr_slice arg, struct mr_buf *out, struct mr_diag *diag)
{
	static const char *const names[] = { "error", "warning", "notice", "info", "debug" };

	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (mr_slice_eq(arg, mr_slice_of(names[i]))) {
			mr_log_set_level((enum mr_log_level)i);
			return 0;
		}
	}
	return mr_diag_set(diag, -EINVAL, "log-level wants error, warning, notice, info or debug");
}

static const struct {
	const char *name;
	int (*run)(struct mr_control *c, struct mr_slice arg, struct mr_buf *out, struct mr_diag *diag);
} verbs[] = {
	{ "status", do_status }, { "stats", do_stats }, { "pending", do_pending }, { "reload", do_reload }, { "log-level", do_log_level },
};

static int run(struct mr_control *c, const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag)
{
	int rc;

	for (size_t i = 0; i < MR_COUNT(verbs); i++)
		if (mr_slice_eq(r->verb, mr_slice_of(verbs[i].name)))
			return verbs[i].run(c, r->arg, out, diag);
	if (c->ops.verb && (rc = c->ops.verb(r, out, diag, c->arg)) != -ENOENT)
		return rc;
	return mr_diag_set(diag, -EINVAL, "unknown verb; known are status, stats, pending, reload, log-level LEVEL");
}

static ssize_t on_data(struct mr_conn *conn, struct mr_slice in)
{
	struct mr_control_request request;
	struct mr_buf out = MR_BUF(ANSWER_MAX);
	struct mr_diag diag = { 0 };
	size_t used;
	int rc = mr_control_next(in, &request, &used);

	if (rc <= 0)
		return rc;
	rc = run(mr_conn_arg(conn), &request, &out, &diag);
	if (rc == 0 && !out.full) {
		mr_buf_puts(&out, "ok\n");
	} else {
		mr_buf_reset(&out);
		mr_buf_printf(&out, "error %s\n", rc == 0 ? "answer too long" : diag.text[0] ? diag.text : strerror(-rc));
	}
	mr_conn_send(conn, mr_buf_slice(&out));
	mr_buf_done(&out);
	return (ssize_t)used;
}

int mr_control_new(struct mr_loop *l, const char *path, const struct mr_control_ops *ops, void *arg, struct mr_control **out,
		   struct mr_diag *diag)
{
	static const struct mr_server_ops server_ops = {
		.name = "control", .request_max = MR_CONTROL_LINE_MAX, .clients_max = CLIENTS_MAX, .request_ms = REQUEST_MS, .data = on_data
	};
	struct mr_control *c;
	int fd = mr_listen_unix(path, SOCKET_MODE, diag);

	if (fd < 0)
		return fd;
	c = mr_alloc(sizeof(*c));
	c->ops = *ops;
	c->arg = arg;
	c->server = mr_server_new(l, &server_ops, c);
	mr_server_listen(c->server, fd);
	*out = c;
	return 0;
}

void mr_control_free(struct mr_control *c)
{
	if (!c)
		return;
	mr_server_free(c->server);
	free(c);
}
