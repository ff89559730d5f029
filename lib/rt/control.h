/* control: the daemon's control socket. Built-in verbs: status, stats, pending, reload, log-level LEVEL. */
#pragma once
#include "proto/control.h"
#include "rt/loop.h"
#include "rt/stats.h"

struct mr_control;
struct mr_control_ops {
	/* Each adds "key=value\n" lines; NULL is fine. reload returns 0 or -errno with a diagnosis. */
	void (*status)(struct mr_buf *out, void *arg);
	void (*pending)(struct mr_buf *out, void *arg);
	int (*reload)(struct mr_diag *diag, void *arg);
	/* A verb of the daemon's own: adds lines; -ENOENT: it knows no such verb. */
	int (*verb)(const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag, void *arg);
};
int mr_control_new(struct mr_loop *l, const char *path, const struct mr_control_ops *ops, void *arg, struct mr_control **out,
		   struct mr_diag *diag);
void mr_control_free(struct mr_control *c);
