/* lookup: what the daemon holds. */
#pragma once
#include "account.h"
#include "app/app.h"
#include "changes.h"
#include "presence.h"
#include "question.h"
#include "rt/server.h"
#include "settings.h"
#include "snapshot.h"
#include "tls.h"
#include "signing.h"

struct mr_lookup {
	struct mr_loop *loop;
	struct mr_site site;
	struct mr_directory_context context;
	struct mr_db_pool *pool;
	struct mr_source *source;
	struct mr_rows *rows;
	struct mr_questions *questions;
	struct mr_changes *changes;
	struct mr_redis *redis; /* NULL = none is configured */
	struct mr_snapshot *snapshot;
	struct mr_presence *presence; /* NULL without Redis */
	struct mr_usage *usage;
	struct mr_tls *tls; /* NULL = what others publish is not asked for */
	struct mr_signing *signing;
	struct mr_revoke *revoke;
	struct mr_sweep *sweep;
	struct mr_generation *generation;
	struct mr_arena *scratch; /* of the request being read */
	uint64_t deadline_ms;
	unsigned pages; /* pages of addresses being read for clients */
	struct mr_server *maps, *secret_maps, *directory, *passdb, *keys;
	struct mr_usage_socket *usage_socket;
};

/* Postfix's tables: netstrings over one connection, one question at a time. session-socketmap.c */
extern const struct mr_server_ops mr_session_socketmap, mr_session_secret_maps;
/* Our own parts: wire messages. session-directory.c */
extern const struct mr_server_ops mr_session_directory, mr_session_passdb, mr_session_keys;

/* A page of addresses for a client that has been held; gives it back. session-iterate.c */
void mr_iterate_start(struct mr_lookup *l, struct mr_conn *c, uint64_t id, struct mr_slice after, uint64_t limit);
#define MR_ITERATE_MAX 1000 /* addresses of a page */

/* Reports of Dovecot's mail processes: wire messages, a datagram each. session-usage.c; fd is taken over. */
struct mr_usage_socket *mr_usage_socket_new(struct mr_lookup *l, int fd);
void mr_usage_socket_free(struct mr_usage_socket *s);
/* An address may have ceased to exist: its usage is forgotten if so. */
void mr_usage_recheck(struct mr_lookup *l, struct mr_slice address);

/* Answers to wire questions, pure; ask->what is the struct mr_directory_context. answers.c */
bool mr_answer_resolve(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out);
bool mr_answer_account(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out);
bool mr_answer_sender(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out);
bool mr_answer_passdb(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out);
bool mr_answer_dkim_key(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out);

/* The daemon: daemon.c, check.c */
int mr_lookup_start(struct mr_app *app, struct mr_diag *diag);
void mr_lookup_reload(struct mr_app *app, const void *old_conf);
void mr_lookup_drain(struct mr_app *app);
size_t mr_lookup_pending(struct mr_app *app);
void mr_lookup_stop(struct mr_app *app);
void mr_lookup_status(struct mr_app *app, struct mr_buf *out);
int mr_lookup_control(struct mr_app *app, const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag);
int mr_lookup_check(const void *conf, struct mr_buf *out);
