/* server: request/answer sessions on a Unix socket, for socketmap, policy, directory and control alike. Bounds each client: bytes of a
 * request, unsent bytes of answers (then reading stops), time for a begun request, number of clients. A client that breaks a rule loses
 * its own connection and nothing else. Loop thread only. */
#pragma once
#include <sys/types.h>
#include "base/buf.h"
#include "rt/loop.h"

struct mr_server;
struct mr_conn;

struct mr_server_ops {
	const char *name;     /* in logs: "socketmap" */
	size_t request_max;   /* bytes without a complete request: closed */
	size_t clients_max;   /* more are accepted and closed at once, logged once a minute */
	uint64_t request_ms;  /* a begun request must be complete by then, an answer begun to be read; 0 = 30 s */
	unsigned pending_max; /* open requests of one client before reading from it stops; 0 = 64 */
	/* Bytes are there. Return bytes consumed > 0 (called again while it consumes), 0 (need more), or -errno to close. Answers by
	 * mr_conn_send(), now or later: for later, take mr_conn_hold() and give mr_conn_release() back once per request. */
	ssize_t (*data)(struct mr_conn *c, struct mr_slice in);
	void (*closed)(struct mr_conn *c); /* may be NULL; gone and nothing held any more: free what mr_conn_set() was given */
};

/* fds from mr_listen_unix(); taken over. arg is mr_conn_arg(). */
struct mr_server *mr_server_new(struct mr_loop *l, const struct mr_server_ops *ops, void *arg);
int mr_server_listen(struct mr_server *s, int fd);
void mr_server_stop_accepting(struct mr_server *s);  /* for drain; a client without an open request loses its connection */
size_t mr_server_pending(const struct mr_server *s); /* held requests */
size_t mr_server_clients(const struct mr_server *s);
void mr_server_free(struct mr_server *s); /* a connection that is held stays valid, and gone, until it is released */

void *mr_conn_arg(struct mr_conn *c);
void mr_conn_set(struct mr_conn *c, void *data);
void *mr_conn_get(struct mr_conn *c);
void mr_conn_send(struct mr_conn *c, struct mr_slice bytes); /* copied; nothing if the peer is gone */
void mr_conn_close(struct mr_conn *c);                       /* after what is queued was sent */
void mr_conn_hold(struct mr_conn *c);                        /* a request is under way: c stays valid even if the peer goes */
void mr_conn_release(struct mr_conn *c);
bool mr_conn_gone(struct mr_conn *c);
