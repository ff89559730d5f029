/* conn: one client of a server. Internal to rt/server.c and rt/conn.c; users see rt/server.h. */
#pragma once
#include "base/buf.h"
#include "rt/server.h"

struct mr_conn {
	struct mr_conn *prev, *next; /* of the server */
	struct mr_server *server;    /* NULL once it is closed */
	struct mr_loop *loop;
	struct mr_server_ops ops;
	void *arg, *data;
	int fd; /* -1 once it is closed */
	struct mr_io *io;
	struct mr_timer *request; /* a begun request must be complete by then */
	struct mr_timer *unsent;  /* the client must have read something by then */
	struct mr_buf in, out;
	size_t sent; /* bytes of out */
	unsigned held;
	unsigned depth;    /* callbacks under way: the connection is not freed below them */
	bool eof, closing; /* the client sends no more; close when all is sent */
};

struct mr_conn *mr_conn_new(struct mr_loop *l, const struct mr_server_ops *ops, void *arg, int fd);
/* Closes it if nothing is left to do, reads on if it may, frees it if it is closed and not held. */
void mr_conn_settle(struct mr_conn *c);
void mr_conn_abort(struct mr_conn *c); /* closes it now */

/* server.c, for conn.c */
void mr_server_forget(struct mr_server *s, struct mr_conn *c);
bool mr_server_draining(const struct mr_server *s);
