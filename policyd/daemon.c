/* daemon: puts the parts together, and takes them apart. */

/* system */
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "policyd.h"
#include "rt/admin.h"
#include "rt/clock.h"
#include "rt/sock.h"

#define SOCKET      "policyd/policy.sock"
#define SOCKET_MODE 0660
#define CHECK_MS    3000

static int open_sockets(struct mr_policyd *p, const struct mr_policyd_conf *conf, struct mr_diag *diag)
{
	struct mr_server_ops ops = mr_session_policy;
	int fds[2], rc = mr_listen_twice(conf->shared.run_dir, conf->shared.postfix_dir, SOCKET, SOCKET_MODE, fds, diag);

	if (rc < 0)
		return rc;
	ops.clients_max = (size_t)conf->clients_max;
	p->server = mr_server_new(p->app->loop, &ops, p);
	for (size_t i = 0; i < MR_COUNT(fds); i++)
		if (fds[i] >= 0)
			mr_server_listen(p->server, fds[i]);
	return 0;
}

static int open_redis(struct mr_policyd *p, const struct mr_conf_shared *c, struct mr_diag *diag)
{
	const struct mr_redis_config conf = mr_redis_config(c);

	return mr_redis_wanted(&conf) ? mr_redis_new(p->app->loop, &conf, &p->redis, diag) : 0;
}

/* lookup's, which stands in the folder of its socket. */
static const char *generation_beside(const char *socket, struct mr_arena *arena)
{
	const char *slash = strrchr(socket, '/');

	return mr_arena_printf(arena, "%.*sgeneration", slash ? (int)(slash + 1 - socket) : 0, socket);
}

int mr_policyd_start(struct mr_app *app, struct mr_diag *diag)
{
	const struct mr_policyd_conf *conf = app->conf;
	struct mr_policyd *p = mr_alloc(sizeof(*p));
	mr_autoarena arena = mr_arena_new(0);
	struct mr_directory_config directory = { .socket = conf->directory_socket };
	int rc;

	app->state = p;
	p->app = app;
	gethostname(p->hostname, sizeof(p->hostname) - 1);
	rc = open_redis(p, &conf->shared, diag);
	if (rc < 0)
		return rc;
	directory.generation = generation_beside(conf->directory_socket, arena);
	p->directory = mr_directory_new(app->loop, &directory);
	p->counters = mr_counters_new(app->loop, p->redis, conf->shared.redis_prefix);
	p->greylist = mr_greylist_new(app->loop, p->redis, conf->shared.redis_prefix);
	p->admin = mr_admin_new(app->loop, conf->admin_socket);
	p->distinct = mr_distinct_new(app->loop, p->redis, conf->shared.redis_prefix);
	rc = open_sockets(p, conf, diag);
	return rc < 0 ? rc : mr_login_new(p, &p->login, diag);
}

void mr_policyd_drain(struct mr_app *app)
{
	struct mr_policyd *p = app->state;

	mr_server_stop_accepting(p->server);
	mr_login_drain(p->login);
	mr_counters_give_back(p->counters);
}

size_t mr_policyd_pending(struct mr_app *app)
{
	struct mr_policyd *p = app->state;

	return mr_server_pending(p->server) + mr_login_pending(p->login) + mr_counters_pending(p->counters);
}

void mr_policyd_stop(struct mr_app *app)
{
	struct mr_policyd *p = app->state;

	if (!p)
		return;
	mr_server_free(p->server);
	mr_login_stop(p->login);
	mr_directory_free(p->directory);
	mr_redis_free(p->redis);
	mr_counters_free(p->counters);
	mr_greylist_free(p->greylist);
	mr_admin_free(p->admin);
	mr_distinct_free(p->distinct);
	mr_login_free(p->login);
	mr_request_drop_all(p);
	free(p);
}

void mr_policyd_status(struct mr_app *app, struct mr_buf *out)
{
	struct mr_policyd *p = app->state;

	mr_buf_printf(out, "clients=%zu\ndirectory=%s\nredis=%s\n", mr_server_clients(p->server),
		      mr_directory_up(p->directory) ? "up" : "away",
		      !p->redis               ? "none"
		      : mr_redis_up(p->redis) ? "up"
					      : "away");
}

struct asked {
	struct mr_loop *loop;
	enum mr_dir_status status;
};

static void on_answer(const struct mr_dir_resolve *a, void *arg)
{
	struct asked *asked = arg;

	asked->status = a->status;
	mr_loop_stop(asked->loop);
}

/* Any answer that needs no retry shows that lookup and its database are there. */
int mr_policyd_check(const void *arg, struct mr_buf *out)
{
	const struct mr_policyd_conf *conf = arg;
	struct asked asked = { .loop = mr_loop_new(), .status = MR_DIR_TEMP };
	struct mr_directory *d = mr_directory_new(asked.loop, &(struct mr_directory_config){ .socket = conf->directory_socket });
	bool ok, up;
	int failed;

	mr_directory_resolve(d, MR_LIT("postmaster@check.invalid"), mr_now_ms() + CHECK_MS, on_answer, &asked);
	mr_loop_run(asked.loop);
	up = mr_directory_up(d);
	ok = asked.status == MR_DIR_OK || asked.status == MR_DIR_NOTFOUND;
	if (ok)
		mr_buf_puts(out, "ok lookup\n");
	else
		mr_buf_printf(out, "failed lookup: %s: %s\n", conf->directory_socket,
			      up ? "answers with a temporary failure, or not in time" : "nobody answers there");
	mr_directory_free(d);
	mr_loop_free(asked.loop);
	failed = mr_redis_check_line(&conf->shared, out) + mr_login_check_line(&conf->shared, out);
	return ok && !failed ? 0 : 1;
}
