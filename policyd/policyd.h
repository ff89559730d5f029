/* policyd: the daemon's parts and its settings. */
#pragma once
#include "app/app.h"
#include "check.h"
#include "directory/directory.h"
#include "login.h"
#include "rt/server.h"

struct mr_policyd_conf {
	struct mr_conf_shared shared;
	char *directory_socket, *admin_socket;
	uint64_t deadline; /* ms */
	int64_t clients_max;
	struct mr_check_settings checks;
	struct mr_login_conf login;
	int mode[MR_CHECKS], on_error[MR_CHECKS]; /* of each check: enum mr_check_mode, enum mr_check_on_error */
};
extern const struct mr_option mr_policyd_options[];
int mr_policyd_validate(const void *conf, struct mr_diag *diag); /* what options mean together */

struct mr_request;
struct mr_policyd {
	struct mr_app *app;
	char hostname[256]; /* of the system; where the configuration does not say another */
	struct mr_server *server;
	struct mr_directory *directory;
	struct mr_redis *redis; /* NULL: none is configured */
	struct mr_counters *counters;
	struct mr_greylist *greylist;
	struct mr_admin *admin;
	struct mr_distinct_store *distinct;
	struct mr_login *login;      /* NULL: not configured */
	struct mr_request *requests; /* that wait for the directory */
	struct mr_timer *log_due;    /* lines wait to be written; or NULL */
};

/* request.c */
/* Answers one request, now or later. The bytes of `in` are copied. recipients: that its message has had so far, this one included. */
void mr_request_start(struct mr_policyd *p, struct mr_conn *c, const struct mr_policy_request *in, uint64_t recipients);
void mr_request_drop_all(struct mr_policyd *p); /* at stop: nobody is answered any more */

/* session.c */
extern const struct mr_server_ops mr_session_policy;

/* daemon.c */
int mr_policyd_start(struct mr_app *app, struct mr_diag *diag);
void mr_policyd_drain(struct mr_app *app);
size_t mr_policyd_pending(struct mr_app *app);
void mr_policyd_stop(struct mr_app *app);
void mr_policyd_status(struct mr_app *app, struct mr_buf *out);
int mr_policyd_check(const void *conf, struct mr_buf *out);

/* stats.c */
extern const struct mr_stat mr_policyd_stats[];
extern _Atomic int64_t mr_policyd_requests, mr_policyd_passed, mr_policyd_refused, mr_policyd_deferred, mr_policyd_held,
    mr_policyd_observed, mr_policyd_unknown, mr_policyd_login_asked, mr_policyd_login_delayed, mr_policyd_login_rejected,
    mr_policyd_login_observed, mr_policyd_login_failures;
