/* app-daemon: a daemon as small as can be, driven by app.py. Its socket RUN/keeper/test.sock answers a line with `greeting` and `fixed` at
 * once, or for "later" after 500 ms. Environment SECOND_LOOP=1: it has a second main loop which, as libmilter does, waits for signals in a
 * thread of its own. */

/* system */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "app/app.h"
#include "base/mem.h"
#include "rt/server.h"
#include "rt/sock.h"

#define LATER_MS 500

struct conf {
	struct mr_conf_shared shared;
	char *greeting, *fixed;
};

static const struct mr_option options[] = {
	{ "keeper", "greeting", MR_OPT_STRING, offsetof(struct conf, greeting), "hello", 0, 0, NULL, MR_RELOAD_YES, "What is said." },
	{ "keeper", "fixed", MR_OPT_STRING, offsetof(struct conf, fixed), "one", 0, 0, NULL, MR_RELOAD_RESTART, "What stays." },
	MR_OPTIONS_END,
};

static _Atomic int64_t requests;
static const struct mr_stat stats[] = { { "requests_total", "Requests.", &requests }, { 0 } };

static struct mr_server *server;
static struct mr_conn *waiting; /* who said "later", and until when; one at a time */
static struct mr_timer *later;
static int wake[2];
static atomic_bool over;

static void answer(struct mr_conn *c)
{
	const struct conf *conf = ((struct mr_app *)mr_conn_arg(c))->conf;
	char text[256];

	snprintf(text, sizeof(text), "%s %s\n", conf->greeting, conf->fixed);
	mr_conn_send(c, mr_slice_of(text));
}

static void on_later(void *arg)
{
	later = NULL;
	answer(waiting);
	mr_conn_release(waiting);
	waiting = NULL;
}

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	ptrdiff_t end = mr_slice_chr(in, '\n');

	if (end < 0)
		return 0;
	requests++;
	if (mr_slice_starts(in, MR_LIT("later\n"))) {
		mr_conn_hold(c);
		waiting = c;
		later = mr_timer_start(((struct mr_app *)mr_conn_arg(c))->loop, LATER_MS, on_later, NULL);
	} else {
		answer(c);
	}
	return end + 1;
}

static int validate(const void *conf, struct mr_diag *diag)
{
	const struct conf *c = conf;

	return strcmp(c->greeting, "bad") == 0 ? mr_diag_set(diag, -EINVAL, "greeting: not this one") : 0;
}

static int start(struct mr_app *app, struct mr_diag *diag)
{
	static const struct mr_server_ops ops = { .name = "test", .request_max = 100, .clients_max = 10, .data = on_data };
	const struct conf *conf = app->conf;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/keeper/test.sock", conf->shared.run_dir);
	fd = mr_listen_unix(path, 0600, diag);
	if (fd < 0)
		return fd;
	server = mr_server_new(app->loop, &ops, app);
	return mr_server_listen(server, fd);
}

static void drain(struct mr_app *app)
{
	mr_server_stop_accepting(server);
}

static size_t pending(struct mr_app *app)
{
	return mr_server_pending(server);
}

static void stop(struct mr_app *app)
{
	mr_server_free(server);
	mr_timer_cancel(&later);
	if (waiting)
		mr_conn_release(waiting);
}

static void status(struct mr_app *app, struct mr_buf *out)
{
	mr_buf_printf(out, "greeting=%s\n", ((const struct conf *)app->conf)->greeting);
}

static int check(const void *conf, struct mr_buf *out)
{
	mr_buf_puts(out, "ok first\nfailed second: away\n");
	return 1;
}

static void *wait_for_signals(void *arg)
{
	sigset_t *set = arg;
	int number;

	sigwait(set, &number);
	if (!over)
		dprintf(STDOUT_FILENO, "stolen %d\n", number);
	return NULL;
}

static int run(struct mr_app *app)
{
	pthread_t thief;
	sigset_t set;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thief, NULL, wait_for_signals, &set);
	if (read(wake[0], &c, 1) == 1)
		dprintf(STDOUT_FILENO, "asked to stop\n");
	over = true;
	pthread_kill(thief, SIGINT);
	pthread_join(thief, NULL);
	return 0;
}

static void request_stop(struct mr_app *app)
{
	dprintf(wake[1], ".");
}

int main(int argc, char **argv)
{
	bool second = getenv("SECOND_LOOP") != NULL;
	struct mr_daemon daemon = { .name = "keeper",
				    .options = options,
				    .conf_size = sizeof(struct conf),
				    .stats = stats,
				    .drain_ms = 3000,
				    .validate = validate,
				    .start = start,
				    .drain = drain,
				    .pending = pending,
				    .stop = stop,
				    .status = status,
				    .check = check,
				    .run = second ? run : NULL,
				    .request_stop = second ? request_stop : NULL };

	if (second && pipe(wake) < 0)
		return 1;
	return mr_daemon_main(argc, argv, &daemon);
}
