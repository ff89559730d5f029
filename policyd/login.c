/* login: the requests of Dovecot's auth-policy hook: POST /?command=allow before a password is looked at, POST /?command=report after it.
 */

/* system */
#include <errno.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "policyd.h"
#include "proto/http.h"
#include "rt/admin.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"

#define CLIENTS_MAX  512 /* each auth process of Dovecot has 100 at most */
#define REQUEST_MS   10000
#define STORE_MS     500 /* that Redis may take for each of two questions; Dovecot waits 2 s */
#define ARENA_MAX    (256 * 1024)
#define KEY_WRONG_MS 60000 /* "login-key-wrong" at most that often */
#define REFUSAL      "Too many wrong passwords from your network, try again later"

struct mr_login {
	struct mr_policyd *policyd;
	struct mr_server *server;
	uint8_t key[MR_SHA256_LEN]; /* of the key: two digests are compared in the same time, whatever they are */
	struct attempt *attempts;
	bool key_wrong;
	uint64_t key_wrong_at; /* ms */
};

/* A request under way. */
struct attempt {
	struct attempt *prev, *next;
	struct mr_login *login;
	struct mr_conn *conn;
	struct mr_arena *arena;
	bool keep_alive, allow; /* else a report */
	struct mr_login_try told;
	struct mr_login_names names;
	struct mr_distincts known;
	struct mr_distinct_item items[MR_DISTINCT_MAX];
	size_t n;
	struct mr_check_input in; /* of the check hijack */
	struct mr_policy_request nothing;
};

static const struct mr_policyd_conf *settings_of(const struct mr_login *l)
{
	return l->policyd->app->conf;
}

static const struct mr_login_conf *conf_of(const struct mr_login *l)
{
	return &settings_of(l)->login;
}

static void ask(struct attempt *a, mr_distinct_cb *cb)
{
	mr_distinct_ask(a->login->policyd->distinct, STORE_MS, a->items, a->n, cb, a);
}

static void reply(struct mr_conn *c, int status, bool keep_alive, struct mr_slice body)
{
	struct mr_buf out = MR_BUF(1024);

	mr_http_reply(&out, status, keep_alive, body);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static void forget(struct attempt *a)
{
	struct mr_conn *c = a->conn;

	DL_DELETE(a->login->attempts, a);
	mr_arena_free(a->arena);
	free(a);
	mr_conn_release(c);
}

static void finish(struct attempt *a, int status, const char *msg)
{
	reply(a->conn, 200, a->keep_alive, mr_slice_of(mr_arena_printf(a->arena, "{\"status\":%d,\"msg\":\"%s\"}", status, msg)));
	if (!a->keep_alive)
		mr_conn_close(a->conn);
	forget(a);
}

static void log_answer(const struct attempt *a, const struct mr_login_answer *answer, bool enforced, bool shared)
{
	const char *what = answer->reject ? "reject" : "delay";

	mr_log(MR_LOG_INFO, "login", mr_sl("login", a->names.login), mr_sl("client", a->told.remote), mr_sl("protocol", a->told.protocol),
	       mr_s("action", enforced ? what : "pass"), mr_s("reason", answer->reason), mr_u("count", answer->count),
	       mr_u("max", answer->max), mr_u("seconds", answer->seconds), mr_s("counted", shared ? "shared" : "alone"),
	       enforced ? (struct mr_kv){ 0 } : mr_s("observed", what));
}

static void on_taken(const struct mr_distincts *taken, void *arg)
{
	struct attempt *a = arg;
	const struct mr_login_conf *conf = conf_of(a->login);
	struct mr_login_answer answer;
	bool enforced = conf->mode == MR_MODE_ENFORCE;

	if (!a->allow) {
		finish(a, 0, "");
		return;
	}
	answer = mr_login_decide(conf, &a->known, a->items, a->n, taken);
	if (answer.reason)
		log_answer(a, &answer, enforced, taken->shared);
	mr_policyd_login_observed += answer.reason && !enforced;
	mr_policyd_login_rejected += answer.reject && enforced;
	mr_policyd_login_delayed += answer.reason && !answer.reject && enforced;
	if (!answer.reason || !enforced)
		finish(a, 0, "");
	else if (answer.reject)
		finish(a, -1, REFUSAL);
	else
		finish(a, (int)answer.seconds, "");
}

static void on_known(const struct mr_distincts *known, void *arg)
{
	struct attempt *a = arg;
	const struct mr_login_conf *conf = conf_of(a->login);

	a->known = *known;
	a->n = mr_login_take(conf, &a->names, known, a->arena, a->items);
	if (!a->allow)
		a->n += mr_login_failed(conf, &a->names, a->arena, a->items + a->n);
	ask(a, on_taken);
}

static void on_noted(const struct mr_distincts *d, void *arg)
{
	finish(arg, 0, "");
}

/* What a log-in that was right tells of a hijacked account. */
static void on_signals(const struct mr_distincts *d, void *arg)
{
	const struct mr_check *hijack = mr_checks[MR_CHECK_hijack];
	struct mr_check_answer answer = { .kind = MR_CHECK_PASS };
	struct attempt *a = arg;

	a->in.settings = &settings_of(a->login)->checks; /* a reload may have come between */
	a->in.seen = d;
	hijack->run(&a->in, &answer);
	if (answer.notice)
		mr_log(MR_LOG_WARNING, "policy-notice", mr_s("check", hijack->name), mr_s("reason", answer.reason),
		       mr_sl("login", a->names.login), mr_sl("client", a->told.remote), mr_sl("protocol", a->told.protocol));
	if (answer.lock && settings_of(a->login)->mode[MR_CHECK_hijack] == MR_MODE_ENFORCE)
		mr_admin_ask(a->login->policyd->admin, "lock", a->names.login, answer.lock);
	else if (answer.suspect)
		mr_admin_ask(a->login->policyd->admin, "hijack-notice", a->names.login, answer.reason);
	a->n = hijack->seen(&a->in, a->items);
	if (a->n > 0)
		ask(a, on_noted);
	else
		finish(a, 0, "");
}

static void on_remembered(const struct mr_distincts *d, void *arg)
{
	struct attempt *a = arg;

	a->in = (struct mr_check_input){
		.request = &a->nothing,
		.settings = &settings_of(a->login)->checks,
		.state = MR_STATE_LOGIN,
		.has_login = true,
		.login = MR_DIR_OK,
		.login_address = a->names.login,
		.arena = a->arena,
	};
	a->in.has_client = mr_parse_ip(a->told.remote, &a->in.client) == 0;
	a->n = settings_of(a->login)->mode[MR_CHECK_hijack] == MR_MODE_OFF ? 0 : mr_checks[MR_CHECK_hijack]->seen(&a->in, a->items);
	if (a->n > 0)
		ask(a, on_signals);
	else
		finish(a, 0, "");
}

static void start(struct attempt *a)
{
	const struct mr_login_conf *conf = conf_of(a->login);

	mr_login_names(conf, &a->told, a->arena, &a->names);
	mr_policyd_login_asked += a->allow;
	mr_policyd_login_failures += !a->allow && !a->told.success && !a->told.rejected;
	if (conf->mode == MR_MODE_OFF || !a->names.counted || (!a->allow && a->told.rejected)) {
		finish(a, 0, "");
	} else if (!a->allow && a->told.success) {
		a->n = mr_login_succeeded(conf, &a->names, a->arena, a->items);
		ask(a, on_remembered);
	} else {
		a->n = mr_login_look(conf, &a->names, a->arena, a->items);
		ask(a, on_known);
	}
}

static bool key_right(struct mr_login *l, const struct mr_http_request *r)
{
	uint8_t said[MR_SHA256_LEN] = { 0 }, differs = 0;

	if (mr_sha256(mr_http_field(r, MR_LIT("X-API-Key")), said) < 0)
		return false;
	for (size_t i = 0; i < sizeof(said); i++)
		differs |= said[i] ^ l->key[i];
	return differs == 0;
}

static void log_key_wrong(struct mr_login *l)
{
	uint64_t now = mr_now_ms();

	if (l->key_wrong && now - l->key_wrong_at < KEY_WRONG_MS)
		return;
	l->key_wrong = true;
	l->key_wrong_at = now;
	mr_log(MR_LOG_WARNING, "login-key-wrong", mr_s("reason", "X-API-Key is not that of login_key_file"));
}

/* 0 or the status with which it is refused. */
static int look_at_request(struct mr_login *l, const struct mr_http_request *r, bool *allow)
{
	if (!key_right(l, r)) {
		log_key_wrong(l);
		return 401;
	}
	*allow = mr_slice_eq(r->target, MR_LIT("/?command=allow"));
	if (!*allow && !mr_slice_eq(r->target, MR_LIT("/?command=report")))
		return 404;
	return mr_slice_eq(r->method, MR_LIT("POST")) ? 0 : 405;
}

static struct attempt *attempt_new(struct mr_login *l, struct mr_conn *c)
{
	struct attempt *a = mr_alloc(sizeof(*a));

	a->login = l;
	a->conn = c;
	a->arena = mr_arena_new(ARENA_MAX);
	DL_APPEND(l->attempts, a);
	mr_conn_hold(c);
	return a;
}

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	struct mr_login *l = mr_conn_arg(c);
	struct mr_http_request r;
	struct attempt *a;
	bool allow = false;
	size_t used;
	int rc = mr_http_next(in, &r, &used), status;

	if (rc == 0)
		return 0;
	status = rc < 0 ? r.status : look_at_request(l, &r, &allow);
	if (status) {
		reply(c, status, false, MR_LIT(""));
		return -EPROTO;
	}
	a = attempt_new(l, c);
	a->keep_alive = r.keep_alive;
	a->allow = allow;
	if (mr_login_try_parse(r.body, a->arena, &a->told) < 0) {
		reply(c, 400, false, MR_LIT(""));
		forget(a);
		return -EPROTO;
	}
	start(a);
	return (ssize_t)used;
}

int mr_login_new(struct mr_policyd *p, struct mr_login **out, struct mr_diag *diag)
{
	static const struct mr_server_ops ops = {
		.name = "login",
		.request_max = MR_HTTP_HEAD_MAX + MR_HTTP_BODY_MAX,
		.clients_max = CLIENTS_MAX,
		.request_ms = REQUEST_MS,
		.pending_max = 1, /* answers carry no number */
		.data = on_data,
	};
	const struct mr_conf_shared *shared = p->app->conf;
	struct mr_buf key = MR_BUF(MR_LOGIN_KEY_MAX);
	struct mr_login *l;
	int fd, rc;

	*out = NULL;
	if (!*shared->login_listen)
		return 0;
	l = mr_alloc(sizeof(*l));
	l->policyd = p;
	rc = mr_login_key(shared, &key, diag);
	if (rc == 0)
		rc = mr_sha256(mr_buf_slice(&key), l->key);
	if (key.p)
		mr_wipe(key.p, key.cap);
	mr_buf_done(&key);
	fd = rc < 0 ? rc : mr_listen_loopback(shared->login_listen, diag);
	if (fd < 0) {
		free(l);
		return fd;
	}
	l->server = mr_server_new(p->app->loop, &ops, l);
	mr_server_listen(l->server, fd);
	*out = l;
	return 0;
}

void mr_login_drain(struct mr_login *l)
{
	if (l)
		mr_server_stop_accepting(l->server);
}

size_t mr_login_pending(const struct mr_login *l)
{
	return l ? mr_server_pending(l->server) : 0;
}

void mr_login_stop(struct mr_login *l)
{
	if (l)
		mr_server_free(l->server);
}

void mr_login_free(struct mr_login *l)
{
	struct attempt *a, *next;

	if (!l)
		return;
	DL_FOREACH_SAFE (l->attempts, a, next)
		forget(a);
	free(l);
}
