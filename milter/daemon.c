/* daemon: the milter as lib/app runs it: the loop on the main thread, libmilter's main loop beside it. */

/* system */
#include <errno.h>
#include <unistd.h>

/* ours */
#include "app/app.h"
#include "base/mem.h"
#include "daemon.h"
#include "evaluations.h"
#include "front.h"
#include "list-check.h"
#include "history.h"
#include "milter-stats.h"
#include "quarantine.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"
#include "sign.h"

#define DRAIN_MS      40000 /* longer than one message may take */
#define CHECK_MS      2000
#define HISTORY_LINES 20 /* where none are named */
#define CLOSE_NAP_US  2000

struct mr_milter_counters mr_milter_counters;

static const struct mr_stat stats[] = {
	{ "accepted_total", "Messages accepted.", &mr_milter_counters.accepted },
	{ "junked_total", "Messages marked for Junk for all recipients.", &mr_milter_counters.junked },
	{ "split_total", "Messages whose recipients got different verdicts.", &mr_milter_counters.split },
	{ "rejected_total", "Messages refused.", &mr_milter_counters.rejected },
	{ "tempfailed_total", "Messages answered 451.", &mr_milter_counters.tempfailed },
	{ "held_total", "Messages put on hold: they kill scanners, or are outgoing spam.", &mr_milter_counters.held },
	{ "greylisted_total", "Messages that have to come again.", &mr_milter_counters.greylisted },
	{ "withheld_total", "Messages that nobody got, kept in the quarantine.", &mr_milter_counters.withheld },
	{ "quarantined_total", "Quarantine copies written.", &mr_milter_counters.quarantined },
	{ "quarantine_entries", "Entries in the quarantine when it was last looked at, once a minute.",
	  &mr_milter_counters.quarantine_entries },
	{ "quarantine_bytes", "Bytes of their messages.", &mr_milter_counters.quarantine_bytes },
	{ "released_total", "Quarantine entries released.", &mr_milter_counters.released },
	{ "expired_total", "Quarantine entries removed because of their age or of the room they take.", &mr_milter_counters.expired },
	{ "signed_total", "Messages signed.", &mr_milter_counters.is_signed },
	{ "keys_opened_total", "Private keys unsealed and read, once each until they change or very many others are in use.",
	  &mr_milter_counters.keys_opened },
	{ "sealed_total", "Forwarded messages sealed.", &mr_milter_counters.sealed },
	{ "redirected_total", "Messages left as they are because a Sieve script redirects them.", &mr_milter_counters.redirected },
	{ "circles_total", "Forwarded messages refused because they go in a circle.", &mr_milter_counters.circles },
	{ "dmarc_evaluations_lost_total", "DMARC evaluations that could not be kept.", &mr_milter_counters.evaluations_lost },
	{ "sessions_refused_total", "Sessions refused because there were sessions_max already.", &mr_milter_counters.sessions_refused },
	{ "scanners_killed_total", "Scanners that died over a message.", &mr_milter_counters.scanners_killed },
	{ "dns_lists_asked_total", "Questions to lists in DNS.", &mr_list_counters.asked },
	{ "dns_lists_passed_over_total", "Questions not asked, because their list does not answer or refuses to.",
	  &mr_list_counters.passed_over },
	{ "dns_lists_refused_total", "Questions that a list refused to answer.", &mr_list_counters.refused },
	{ "dns_lists_silent_total", "Questions that a list did not answer in time.", &mr_list_counters.silent },
	{ "viruses_total", "Messages with a virus.", &mr_milter_counters.viruses },
	{ "viruses_suspected_total", "Messages in which clamd found what virus_suspicious names.", &mr_milter_counters.viruses_suspected },
	{ "clamd_asked_total", "Messages that clamd was to look at.", &mr_clamd_counters.asked },
	{ "clamd_cached_total", "Of these, those that it had seen before.", &mr_clamd_counters.cached },
	{ "clamd_unanswered_total", "Of these, those that no server answered for in time.", &mr_clamd_counters.unanswered },
	{ "clamd_servers_away", "Servers of clamd that are left alone until they answer again.", &mr_clamd_counters.away },
	{ 0 },
};

static const struct mr_milter_conf *conf_of(const struct mr_app *app)
{
	return app->conf;
}

static int configure_evaluations(const struct mr_milter_conf *conf, const struct mr_settings *s, struct mr_diag *diag)
{
	return mr_evaluations_configure(
	    &(struct mr_evaluations_config){ .dir = s->evaluations_dir, .keep_ms = conf->dmarc_keep, .day_max = conf->dmarc_day_max },
	    diag);
}

static int start(struct mr_app *app, struct mr_diag *diag)
{
	const struct mr_milter_conf *conf = conf_of(app);
	struct mr_settings *settings = mr_settings_new(conf);
	struct mr_milter_io *io = NULL;
	int r = mr_sign_load(settings->keyring_file, diag);

	if (r == 0)
		r = mr_quarantine_open(settings->quarantine_dir, diag);
	if (r == 0)
		r = configure_evaluations(conf, settings, diag);
	mr_history_configure((size_t)conf->history_max);
	if (r == 0)
		r = mr_milter_io_new(app->loop, conf, &io, diag);
	app->state = io;
	if (r < 0) {
		mr_settings_unref(settings);
		return r;
	}
	return mr_front_open(io, settings, conf->socket, diag);
}

static void reload(struct mr_app *app, const void *old_conf)
{
	const struct mr_milter_conf *conf = conf_of(app);
	struct mr_settings *settings = mr_settings_new(conf);
	struct mr_diag diag = { 0 };

	(void)old_conf;
	/* A ring that cannot be read leaves the old one: signing goes on. */
	if (mr_sign_load(conf->shared.dkim_keyring_file, &diag) < 0)
		mr_log(MR_LOG_ERROR, "keyring-kept", mr_s("why", diag.text));
	if (configure_evaluations(conf, settings, &diag) < 0)
		mr_log(MR_LOG_ERROR, "dmarc-evaluations-lost", mr_s("why", diag.text));
	mr_history_configure((size_t)conf->history_max);
	mr_front_set(settings);
	mr_milter_io_reload(app->state, conf);
}

static void drain(struct mr_app *app)
{
	(void)app;
	mr_front_drain();
}

static size_t pending(struct mr_app *app)
{
	(void)app;
	return mr_front_pending();
}

static int run(struct mr_app *app)
{
	(void)app;
	return mr_front_run();
}

static void request_stop(struct mr_app *app)
{
	(void)app;
	mr_front_request_stop();
}

/* libmilter's threads are still there: none may be waiting for the loop, or inside of ours, when things go. */
static void stop(struct mr_app *app)
{
	struct mr_milter_io *io = app->state;

	mr_front_shut();
	mr_loop_once(app->loop); /* what was posted and woke nobody holds its job */
	while (mr_front_inside()) {
		mr_milter_io_end_jobs(io);
		usleep(CLOSE_NAP_US);
		mr_loop_once(app->loop);
	}
	mr_front_close();
	mr_milter_io_free(io);
	mr_sign_wipe();
	mr_evaluations_close();
	mr_history_configure(0);
}

static void status(struct mr_app *app, struct mr_buf *out)
{
	struct mr_milter_io *io = app->state;

	mr_buf_printf(out, "sessions=%zu\nmessages=%zu\njobs=%zu\nscanners=%zu\nscans_waiting=%zu\ndirectory=%s\nclamd_open=%zu\n",
		      mr_front_sessions(), mr_front_pending(), mr_milter_io_jobs(io), mr_pool_scanners(mr_milter_io_pool(io)),
		      mr_pool_waiting(mr_milter_io_pool(io)), mr_directory_up(mr_milter_io_directory(io)) ? "up" : "away",
		      mr_clamd_open(mr_milter_io_clamd(io)));
	mr_list_health_print(mr_milter_io_lists(io), out);
}

/* One socket of lookup's answers. */
static int check_socket(const char *run_dir, const char *name, struct mr_buf *out)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", run_dir, name);
	fd = mr_connect_unix_wait(path, CHECK_MS);
	if (fd < 0) {
		mr_buf_printf(out, "failed %s: %s\n", name, strerror(-fd));
		return 1;
	}
	close(fd);
	mr_buf_printf(out, "ok %s\n", name);
	return 0;
}

/* One that answers is enough. */
static int check_clamd(const struct mr_milter_conf *c, struct mr_buf *out)
{
	char version[MR_CLAMD_TEXT_MAX + 1];
	size_t good = 0;

	for (size_t i = 0; i < c->clamd.n; i++) {
		int err = mr_clamd_check(c->clamd.v[i], CHECK_MS, version);

		good += err == 0;
		if (err == 0)
			mr_buf_printf(out, "ok %s %s\n", c->clamd.v[i], version);
		else
			mr_buf_printf(out, "failed %s: %s\n", c->clamd.v[i], strerror(-err));
	}
	return c->clamd.n > 0 && good == 0;
}

static int check_resolver(const char *resolver, struct mr_buf *out)
{
	struct mr_diag diag = { 0 };
	int err = mr_dns_check(resolver, CHECK_MS, &diag);

	if (err == 0)
		mr_buf_puts(out, "ok resolver\n");
	else
		mr_buf_printf(out, "failed resolver: %s\n", diag.text);
	return err ? 1 : 0;
}

static int check(const void *conf, struct mr_buf *out)
{
	const struct mr_milter_conf *c = conf;
	int r = check_socket(c->shared.run_dir, "lookup/directory.sock", out);

	if (check_socket(c->shared.run_dir, "keys/keys.sock", out))
		r = 1;
	if (check_clamd(c, out))
		r = 1;
	if (mr_lists_check(c, CHECK_MS, out))
		r = 1;
	return check_resolver(c->shared.resolver, out) ? 1 : r;
}

/* "history [N | id=QUEUE-ID]": JSON, an object a line. "waiting": messages at their end, and what they wait for. */
static int control(struct mr_app *app, const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag)
{
	struct mr_slice id = { 0 };
	uint64_t n = HISTORY_LINES;

	if (mr_slice_eq(r->verb, MR_LIT("waiting"))) {
		mr_milter_io_pending(app->state, out);
		return 0;
	}
	if (!mr_slice_eq(r->verb, MR_LIT("history")))
		return -ENOENT;
	if (mr_slice_starts(r->arg, MR_LIT("id=")))
		id = mr_slice_from(r->arg, 3);
	else if (r->arg.n && mr_parse_u64(r->arg, 1, UINT32_MAX, &n) < 0)
		return mr_diag_set(diag, -EINVAL, "history wants a number or id=QUEUE-ID");
	mr_history_print(n, id, out);
	return 0;
}

const struct mr_daemon mr_milter_daemon = {
	.name = "milter",
	.options = mr_milter_options,
	.conf_size = sizeof(struct mr_milter_conf),
	.stats = stats,
	.drain_ms = DRAIN_MS,
	.validate = mr_milter_validate,
	.start = start,
	.reload = reload,
	.drain = drain,
	.pending = pending,
	.stop = stop,
	.status = status,
	.control = control,
	.check = check,
	.run = run,
	.request_stop = request_stop,
};
