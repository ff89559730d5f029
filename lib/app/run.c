/* run: a daemon from start to stop. */

/* system */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "app/instance.h"
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/systemd.h"

#define DRAIN_LOOK_MS 20    /* how often pending() is asked during a drain */
#define RUN_STOP_MS   10000 /* run() must have returned so long after request_stop() */

static size_t pending(struct instance *in)
{
	return in->d->pending ? in->d->pending(&in->app) : 0;
}

static void add_status(struct mr_buf *out, void *arg)
{
	struct instance *in = arg;

	mr_buf_printf(out, "program=%s\nversion=%s\npid=%d\nuptime_s=%ju\nstate=%s\npending=%zu\n", in->program, MR_VERSION, (int)getpid(),
		      (uintmax_t)(mr_now_ms() - in->started) / 1000, in->draining ? "draining" : "running", pending(in));
	if (in->d->status)
		in->d->status(&in->app, out);
}

static void add_pending(struct mr_buf *out, void *arg)
{
	mr_buf_printf(out, "pending=%zu\n", pending(arg));
}

static int on_reload(struct mr_diag *diag, void *arg)
{
	return instance_reload(arg, diag);
}

static int on_verb(const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag, void *arg)
{
	struct instance *in = arg;

	return in->d->control ? in->d->control(&in->app, r, out, diag) : -ENOENT;
}

static void on_run_stuck(void *arg)
{
	mr_log(MR_LOG_ERROR, "stop-failed", mr_s("reason", "the second main loop does not end"));
	_exit(1); /* its threads still use what we would free */
}

/* The last request is answered, or the time is over. */
static void finish(struct instance *in)
{
	if (in->stopping)
		return;
	in->stopping = true;
	mr_timer_cancel(&in->timer);
	if (!in->running) {
		mr_loop_stop(in->app.loop);
		return;
	}
	in->timer = mr_timer_start(in->app.loop, RUN_STOP_MS, on_run_stuck, in);
	in->d->request_stop(&in->app);
}

static void look_at_drain(void *arg)
{
	struct instance *in = arg;
	size_t left = pending(in);

	in->timer = NULL;
	if (left > 0 && mr_now_ms() < in->drain_until) {
		in->timer = mr_timer_start(in->app.loop, DRAIN_LOOK_MS, look_at_drain, in);
		return;
	}
	if (left > 0)
		mr_log(MR_LOG_WARNING, "drain-ended", mr_u("pending", left));
	finish(in);
}

static void drain(struct instance *in)
{
	mr_log(MR_LOG_NOTICE, "stopping", mr_u("pending", pending(in)));
	in->draining = true;
	in->drain_until = mr_now_ms() + in->d->drain_ms;
	if (in->d->drain)
		in->d->drain(&in->app);
	mr_systemd_stopping();
	look_at_drain(in);
}

static void on_signal(int number, void *arg)
{
	struct instance *in = arg;
	struct mr_diag diag = { 0 };

	if (number == SIGUSR1 && !in->draining)
		instance_reload(in, &diag);
	else if (number != SIGUSR1 && !in->draining)
		drain(in);
	else if (number != SIGUSR1)
		finish(in);
}

static void on_run_over(void *arg)
{
	struct instance *in = arg;

	pthread_join(in->run_thread, NULL);
	in->running = false;
	if (!in->stopping)
		mr_log(in->run_rc ? MR_LOG_ERROR : MR_LOG_NOTICE, "main-loop-ended", mr_i("rc", in->run_rc));
	in->exit_code = in->run_rc ? 1 : 0;
	in->stopping = true;
	mr_timer_cancel(&in->timer);
	mr_loop_stop(in->app.loop);
}

static void *run_second_loop(void *arg)
{
	struct instance *in = arg;

	in->run_rc = in->d->run(&in->app);
	mr_loop_post(in->app.loop, on_run_over, in);
	return NULL;
}

static int start(struct instance *in, struct mr_diag *diag)
{
	static const struct mr_control_ops ops = { .status = add_status, .pending = add_pending, .reload = on_reload, .verb = on_verb };
	const struct mr_conf_shared *shared = in->app.conf;
	char path[512];
	int rc;

	mr_log_open(in->program, shared->log_target, (enum mr_log_level)shared->log_level);
	if (in->d->stats)
		mr_stats_register(in->d->stats);
	snprintf(path, sizeof(path), "%s/%s/control.sock", shared->run_dir, in->d->name);
	rc = mr_control_new(in->app.loop, path, &ops, in, &in->control, diag);
	if (rc == 0)
		rc = in->d->start(&in->app, diag);
	if (rc >= 0 && in->d->run) {
		rc = mr_signals_thread(&in->run_thread, run_second_loop, in);
		in->running = rc == 0;
		if (rc < 0)
			mr_diag_set(diag, rc, "cannot start a thread: %s", strerror(-rc));
	}
	return rc < 0 ? rc : 0;
}

static void stop(struct instance *in)
{
	mr_timer_cancel(&in->timer);
	if (in->d->stop)
		in->d->stop(&in->app);
	mr_control_free(in->control);
	mr_signals_free(in->signals);
	mr_loop_free(in->app.loop);
	instance_conf_free(in, in->app.conf);
}

int instance_run(struct instance *in)
{
	struct mr_diag diag = { 0 };
	void *conf = NULL;

	if (instance_load(in, &conf, &diag) < 0) {
		fprintf(stderr, "%s: %s\n", in->program, diag.text);
		return 1;
	}
	in->app.conf = conf;
	in->started = mr_now_ms();
	in->app.loop = mr_loop_new();
	in->signals = mr_signals_start(in->app.loop, on_signal, in);
	if (start(in, &diag) < 0) {
		fprintf(stderr, "%s: %s\n", in->program, diag.text);
		in->exit_code = 1;
	} else {
		mr_systemd_ready(in->app.loop, "running");
		mr_log(MR_LOG_NOTICE, "started", mr_s("version", MR_VERSION));
		mr_loop_run(in->app.loop);
		mr_systemd_stopping();
		mr_log(MR_LOG_NOTICE, "stopped");
	}
	stop(in);
	return in->exit_code;
}
