/* daemon: puts the parts together, and takes them apart. */
#include "lookup.h"

/* system */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "revoke.h"
#include "rt/generation.h"
#include "rt/log.h"
#include "rt/sock.h"
#include "sweep.h"

#define SOCKET_MODE 0660
#define SCRATCH_MAX (8u << 20)
#define FETCH_MS    20000 /* of a policy of MTA-STS */
#define DOMAINS_MAX 10000 /* whose TLS is remembered */
#define SIGNING_MS  10000 /* between two looks at the keys' states */

static struct mr_rows_config rows_config(const struct mr_lookup *l, const struct mr_lookup_conf *c)
{
	return (struct mr_rows_config){
		.max = (size_t)c->cache_rows,
		.ahead = (unsigned)c->read_ahead,
		.age_ms = c->row_age,
		.negative_age_ms = c->negative_age,
		.stale_ms = c->stale_max,
		.view_age_ms = c->map_view_age,
		.view_negative_age_ms = c->map_view_negative_age,
		.late_ms = c->poll_late,
		.generation = l->generation,
	};
}

static struct mr_changes_config changes_config(const struct mr_lookup_conf *c)
{
	return (struct mr_changes_config){ .interval_ms = c->poll_interval, .overlap_ms = c->poll_overlap, .late_ms = c->poll_late };
}

static struct mr_questions_config questions_config(const struct mr_lookup_conf *c)
{
	return (struct mr_questions_config){ .deadline_ms = c->deadline, .stale_wait_ms = c->stale_wait, .open_max = (size_t)c->queue };
}

static void on_change(enum mr_row_kind kind, const struct mr_change *change, void *arg)
{
	const struct mr_lookup *l = arg;

	if (l->questions == NULL)
		return;
	if (kind == MR_ROW_DOMAIN && strcmp(change->what, "disable") == 0)
		mr_sweep_soon(l->sweep);
	if (kind != MR_ROW_MAILBOX)
		return;
	mr_usage_recheck(arg, mr_slice_of(change->key));
	mr_revoke_change(l->revoke, change, mr_changes_silent_ms(l->changes));
}

/* --- sockets */

static struct mr_server *new_server(struct mr_lookup *l, const struct mr_lookup_conf *c, const struct mr_server_ops *what)
{
	struct mr_server_ops ops = *what;

	ops.clients_max = (size_t)c->clients_max;
	return mr_server_new(l->loop, &ops, l);
}

static int open_server(struct mr_lookup *l, const struct mr_lookup_conf *c, const struct mr_server_ops *what, const char *name,
		       struct mr_server **out, struct mr_diag *diag)
{
	int fd = mr_listen_unix(mr_arena_printf(l->scratch, "%s/%s", c->shared.run_dir, name), SOCKET_MODE, diag);

	if (fd < 0)
		return fd;
	*out = new_server(l, c, what);
	return mr_server_listen(*out, fd);
}

static int open_maps(struct mr_lookup *l, const struct mr_lookup_conf *c, const struct mr_server_ops *what, const char *name,
		     struct mr_server **out, struct mr_diag *diag)
{
	int fds[2], err = mr_listen_twice(c->shared.run_dir, c->shared.postfix_dir, name, SOCKET_MODE, fds, diag);

	if (err < 0)
		return err;
	*out = new_server(l, c, what);
	for (size_t i = 0; i < MR_COUNT(fds); i++)
		if (fds[i] >= 0)
			mr_server_listen(*out, fds[i]);
	return 0;
}

static int open_usage(struct mr_lookup *l, const struct mr_lookup_conf *c, struct mr_diag *diag)
{
	int fd = mr_listen_dgram(mr_arena_printf(l->scratch, "%s/usage/usage.sock", c->shared.run_dir), SOCKET_MODE, diag);

	if (fd < 0)
		return fd;
	l->usage_socket = mr_usage_socket_new(l, fd);
	return 0;
}

static int open_sockets(struct mr_lookup *l, const struct mr_lookup_conf *c, struct mr_diag *diag)
{
	int err = open_maps(l, c, &mr_session_socketmap, "lookup/map.sock", &l->maps, diag);

	if (err == 0)
		err = open_maps(l, c, &mr_session_secret_maps, "relay/relay.sock", &l->secret_maps, diag);
	if (err == 0)
		err = open_server(l, c, &mr_session_directory, "lookup/directory.sock", &l->directory, diag);
	if (err == 0)
		err = open_server(l, c, &mr_session_passdb, "passdb/passdb.sock", &l->passdb, diag);
	if (err == 0)
		err = open_server(l, c, &mr_session_keys, "keys/keys.sock", &l->keys, diag);
	if (err == 0)
		err = open_usage(l, c, diag);
	return err;
}

/* --- Redis: carries wake-ups and usage; without it all goes on, at most poll_interval later */

static void on_wake_up(struct mr_slice payload, void *arg)
{
	struct mr_lookup *l = arg;

	mr_presence_asked(l->presence, payload);
}

static void on_wake_ups_lost(void *arg)
{
	struct mr_lookup *l = arg;

	mr_changes_wake(l->changes);
}

static int open_redis(struct mr_lookup *l, const struct mr_conf_shared *c, struct mr_diag *diag)
{
	const struct mr_redis_config conf = mr_redis_config(c);

	if (!mr_redis_wanted(&conf))
		return 0;
	int err = mr_redis_new(l->loop, &conf, &l->redis, diag);
	const char *channel = mr_arena_printf(l->scratch, "%schanged", c->redis_prefix);
	return err ? err : mr_redis_subscribe(l->redis, channel, on_wake_up, on_wake_ups_lost, l);
}

/* --- */

/* All data of Redis is gone, or this host is new to it. What only it carries between hosts is given back to it. */
static void on_redis_loss(void *arg)
{
	struct mr_lookup *l = arg;

	mr_usage_share(l->usage);
}

static void on_round(void *arg)
{
	struct mr_lookup *l = arg;

	if (l->presence != NULL)
		mr_presence_round(l->presence);
}

static void open_presence(struct mr_lookup *l, const struct mr_conf_shared *c)
{
	if (l->redis != NULL)
		l->presence = mr_presence_new(l->loop, &(struct mr_presence_config){ .redis = l->redis,
										     .prefix = c->redis_prefix,
										     .host = l->site.hostname.p,
										     .changes = l->changes,
										     .on_loss = on_redis_loss,
										     .arg = l });
	mr_changes_watch(l->changes, on_round, l);
}

/* The log forgets after a week (lib/store/change.c), and so must a snapshot, before. */
#define SNAPSHOT_AGE_MAX_MS (6 * 24 * 3600 * (uint64_t)1000)

static void open_snapshot(struct mr_lookup *l, const struct mr_lookup_conf *c)
{
	const struct mr_conf_shared *db = &c->shared;
	const char *database = mr_arena_printf(l->scratch, "%s %s", db->db_name, db->db_socket);

	for (size_t i = 0; i < db->db_host.n; i++)
		database = mr_arena_printf(l->scratch, "%s %s", database, db->db_host.v[i]);
	l->snapshot = mr_snapshot_new(
	    l->loop, &(struct mr_snapshot_config){ .path = mr_arena_printf(l->scratch, "%s/lookup/rows", c->shared.state_dir),
						   .database = database,
						   .interval_ms = c->snapshot_interval,
						   .age_ms = c->stale_max < SNAPSHOT_AGE_MAX_MS ? c->stale_max : SNAPSHOT_AGE_MAX_MS,
						   .pool = l->pool,
						   .rows = l->rows,
						   .changes = l->changes });
}

static int open_parts(struct mr_lookup *l, const struct mr_lookup_conf *c, struct mr_diag *diag)
{
	const struct mr_rows_config rows = rows_config(l, c);
	const struct mr_changes_config changes = changes_config(c);
	const struct mr_questions_config questions = questions_config(c);

	const char *hostd = mr_arena_printf(l->scratch, "%s/hostd/hostd.sock", c->shared.run_dir);
	int err = mr_db_pool_new(l->loop, &c->shared, (unsigned)c->threads, (unsigned)c->queue, &l->pool, diag);
	if (err < 0)
		return err;
	l->source = mr_source_pool_new(l->loop, l->pool, (unsigned)c->threads);
	l->rows = mr_rows_new(&rows, l->source);
	l->revoke = mr_revoke_new(l->loop, hostd);
	l->changes = mr_changes_new(l->loop, &changes, l->rows, l->source, on_change, l);
	l->questions = mr_questions_new(l->loop, &questions, l->rows, &l->site);
	l->sweep = mr_sweep_new(l->loop, &(struct mr_sweep_config){ .interval_ms = c->session_check,
								    .hostd_socket = hostd,
								    .questions = l->questions,
								    .context = &l->context,
								    .revoke = l->revoke });
	l->signing = mr_signing_new(l->loop, l->pool, SIGNING_MS);
	l->usage =
	    mr_usage_new(l->loop, &(struct mr_usage_config){ .path = mr_arena_printf(l->scratch, "%s/lookup/usage", c->shared.state_dir),
							     .interval_ms = c->usage_interval,
							     .pool = l->pool,
							     .redis = l->redis,
							     .redis_prefix = c->shared.redis_prefix });
	open_snapshot(l, c);
	open_presence(l, &c->shared);
	return 0;
}

static int open_tls(struct mr_lookup *l, const struct mr_lookup_conf *c, struct mr_diag *diag)
{
	const struct mr_tls_config conf = { .resolver = c->shared.resolver,
					    .ca_file = c->mta_sts_ca_file,
					    .folder = mr_arena_printf(l->scratch, "%s/lookup/mta-sts", c->shared.state_dir),
					    .port = (unsigned)c->mta_sts_port,
					    .private_hosts = c->mta_sts_private,
					    .fetch_ms = FETCH_MS,
					    .domains_max = DOMAINS_MAX,
					    .pool = l->pool };

	if (!c->mta_sts)
		return 0;
	if (mkdir(conf.folder, 0700) < 0 && errno != EEXIST)
		mr_log(MR_LOG_ERROR, "mta-sts-not-kept", mr_s("folder", conf.folder), mr_s("reason", strerror(errno)));
	return mr_tls_new(l->loop, &conf, &l->tls, diag);
}

static void take_settings(struct mr_lookup *l, const struct mr_lookup_conf *c)
{
	l->deadline_ms = c->deadline;
	l->context = (struct mr_directory_context){ .usage = l->usage, .defaults = mr_thresholds_none(), .generation = l->generation };
	l->context.defaults.at[MR_AT_JUNK] = c->junk_score;
	l->context.defaults.at[MR_AT_REJECT] = c->reject_score;
	mr_generation_raise(l->generation);
}

int mr_lookup_start(struct mr_app *app, struct mr_diag *diag)
{
	const struct mr_lookup_conf *c = app->conf;
	struct mr_lookup *l = mr_new(struct mr_lookup, 1);

	app->state = l;
	l->loop = app->loop;
	l->scratch = mr_arena_new(SCRATCH_MAX);
	int err = mr_site_new(c, &l->site, diag);
	if (err == 0) /* before anybody can be connected */
		err = mr_generation_new(mr_arena_printf(l->scratch, "%s/lookup/generation", c->shared.run_dir), &l->generation, diag);
	if (err == 0)
		err = open_sockets(l, c, diag); /* first: what fails, fails here, before back ends are troubled */
	if (err == 0)
		err = open_redis(l, &c->shared, diag);
	if (err == 0)
		err = open_parts(l, c, diag);
	if (err == 0)
		take_settings(l, c);
	if (err == 0)
		err = open_tls(l, c, diag);
	return err;
}

void mr_lookup_reload(struct mr_app *app, const void *old_conf)
{
	const struct mr_lookup_conf *c = app->conf;
	struct mr_lookup *l = app->state;
	const struct mr_rows_config rows = rows_config(l, c);
	const struct mr_changes_config changes = changes_config(c);
	const struct mr_questions_config questions = questions_config(c);
	struct mr_diag diag = { 0 };
	struct mr_site site;

	if (mr_site_new(c, &site, &diag) == 0) {
		mr_site_done(&l->site);
		l->site = site;
	} else { /* it was fine a moment ago, when the settings were checked */
		mr_log(MR_LOG_ERROR, "settings-kept", mr_s("why", diag.text));
	}
	take_settings(l, c);
	mr_rows_configure(l->rows, &rows);
	mr_changes_configure(l->changes, &changes);
	mr_questions_configure(l->questions, &questions, &l->site);
	mr_sweep_configure(l->sweep, c->session_check);
}

void mr_lookup_drain(struct mr_app *app)
{
	struct mr_lookup *l = app->state;

	mr_server_stop_accepting(l->maps);
	mr_server_stop_accepting(l->secret_maps);
	mr_server_stop_accepting(l->directory);
	mr_server_stop_accepting(l->passdb);
	mr_server_stop_accepting(l->keys);
	mr_usage_socket_free(l->usage_socket);
	l->usage_socket = NULL;
	if (l->presence != NULL)
		mr_presence_leave(l->presence);
}

size_t mr_lookup_pending(struct mr_app *app)
{
	const struct mr_lookup *l = app->state;

	return mr_questions_open(l->questions) + l->pages + (l->presence != NULL && mr_presence_pending(l->presence)) +
	       (l->tls ? mr_tls_open(l->tls) : 0);
}

/* Questions end first, with what there is; then nobody waits for what the pool and Redis still hand over as they go. */
void mr_lookup_stop(struct mr_app *app)
{
	struct mr_lookup *l = app->state;

	if (l == NULL)
		return;
	mr_usage_socket_free(l->usage_socket);
	mr_sweep_free(l->sweep);
	mr_questions_free(l->questions);
	l->questions = NULL;
	mr_db_pool_free(l->pool);
	mr_tls_free(l->tls);
	mr_source_pool_free(l->source);
	mr_presence_free(l->presence);
	mr_redis_free(l->redis);
	mr_snapshot_free(l->snapshot);
	mr_changes_free(l->changes);
	mr_revoke_free(l->revoke);
	mr_rows_free(l->rows);
	mr_generation_free(l->generation);
	mr_usage_free(l->usage);
	mr_signing_free(l->signing);
	mr_server_free(l->maps);
	mr_server_free(l->secret_maps);
	mr_server_free(l->directory);
	mr_server_free(l->passdb);
	mr_server_free(l->keys);
	mr_site_done(&l->site);
	mr_arena_free(l->scratch);
	free(l);
	app->state = NULL;
}

static size_t clients(const struct mr_server *s)
{
	return s ? mr_server_clients(s) : 0;
}

void mr_lookup_status(struct mr_app *app, struct mr_buf *out)
{
	const struct mr_lookup *l = app->state;

	mr_arena_reset(l->scratch);
	mr_buf_printf(out, "database=%s\n", mr_db_pool_up(l->pool) ? "up" : "away");
	mr_buf_printf(out, "database_server=%s\n", mr_db_pool_server(l->pool, l->scratch));
	mr_buf_printf(out, "rounds=%ju\n", (uintmax_t)mr_changes_rounds(l->changes));
	mr_buf_printf(out, "changes=%s\n", mr_changes_late(l->changes) ? "late" : "followed");
	mr_buf_printf(out, "redis=%s\n", l->redis == NULL ? "off" : mr_redis_up(l->redis) ? "up" : "away");
	mr_buf_printf(out, "rows=%zu\n", mr_rows_count(l->rows));
	mr_buf_printf(out, "open_questions=%zu\n", mr_questions_open(l->questions));
	mr_buf_printf(out, "map_clients=%zu\ndirectory_clients=%zu\n", clients(l->maps), clients(l->directory));
	mr_buf_printf(out, "relay_clients=%zu\n", clients(l->secret_maps));
	mr_buf_printf(out, "passdb_clients=%zu\nkeys_clients=%zu\n", clients(l->passdb), clients(l->keys));
}

/* "applied ID": has this change been applied? The change log is read at once. "sync": all is read anew, by that round. */
int mr_lookup_control(struct mr_app *app, const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag)
{
	const struct mr_lookup *l = app->state;
	uint64_t id;
	bool applied;

	if (mr_slice_eq(r->verb, MR_LIT("sync"))) {
		mr_buf_printf(out, "round=%ju\n", (uintmax_t)mr_changes_sync(l->changes));
		return 0;
	}
	if (!mr_slice_eq(r->verb, MR_LIT("applied")))
		return -ENOENT;
	if (mr_parse_u64(r->arg, 1, UINT64_MAX, &id) < 0)
		return mr_diag_set(diag, -EINVAL, "applied wants the id of a change");
	applied = mr_changes_applied(l->changes, id);
	if (!applied)
		mr_changes_wake(l->changes);
	mr_buf_printf(out, "applied=%d\n", applied);
	return 0;
}
