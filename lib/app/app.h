/* app: main() of every daemon. The daemon supplies a table row's worth of itself; here are options, configuration, logging, signals,
 * control socket, reload, drain and stop.
 *
 *   mailreeve-X [-c FILE] [--check-config | --check | --version | --help]
 *
 * --check-config  reads the configuration, 0 or 1 with one line.
 * --check         also asks each back end once; lines "ok NAME" or "failed NAME: why"; 0 or 1. `mailreeve check` runs this for each daemon
 * installed.
 *
 * (--dump-manual prints the daemon's own options and stats as its manual page has them; tests/unit/manual.py compares them, and writes
 * them.)
 *
 * SIGTERM, SIGINT: drain (stop accepting, finish what is pending, at most drain_ms), then 0. SIGUSR1 or control "reload": the new
 * configuration is loaded and checked beside the old; if anything is wrong the old one stays and one line says why. A second SIGTERM ends
 * the drain. SIGHUP and SIGPIPE are ignored. Failure to start: one line, exit 1.
 *
 * All callbacks but run() are called on the main thread, which runs the loop and takes the signals. A program that forks without exec must
 * reset its child's signals (rt/signals.h). */
#pragma once
#include "base/diag.h"
#include "conf/shared.h"
#include "rt/control.h"
#include "rt/loop.h"
#include "rt/stats.h"

struct mr_app {
	struct mr_loop *loop;
	/* The program's struct, beginning with struct mr_conf_shared; replaced at reload, the old one freed after it. Options that wait for
	 * a restart keep their old value in it. */
	const void *conf;
	const char *conf_path;
	void *state; /* the daemon's */
};

struct mr_daemon {
	const char *name;                /* "lookup": program mailreeve-lookup, section, control socket RUN_DIR/lookup/control.sock */
	const struct mr_option *options; /* of its own section */
	size_t conf_size;
	const struct mr_stat *stats; /* may be NULL */
	uint64_t drain_ms;
	/* Beyond the tables: what options mean together, files that must be readable. Also run by --check-config and before a reload. May
	 * be NULL. */
	int (*validate)(const void *conf, struct mr_diag *diag);
	int (*start)(struct mr_app *app, struct mr_diag *diag);   /* open sockets, start asking; must not wait for back ends */
	void (*reload)(struct mr_app *app, const void *old_conf); /* cannot fail: validate came before */
	void (*drain)(struct mr_app *app);                        /* stop accepting */
	size_t (*pending)(struct mr_app *app);                    /* requests under way; 0 ends the drain */
	/* Free everything (leak checkers look). Also called when start() has failed: takes whatever it left in app->state, NULL included.
	 */
	void (*stop)(struct mr_app *app);
	void (*status)(struct mr_app *app, struct mr_buf *out);
	/* A verb of its own on the control socket, as struct mr_control_ops has it. May be NULL. */
	int (*control)(struct mr_app *app, const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag);
	int (*check)(const void *conf, struct mr_buf *out); /* each back end once, lines as above; 0 or 1 */
	/* A daemon with a second main loop that is not ours (libmilter's smfi_main): run() is called on a thread of its own after start();
	 * request_stop(), on the main thread after the drain, must make run() return within 10 s. What run() returns without having been
	 * asked ends the daemon: 0 as SIGTERM does, else with exit 1. libmilter waits for SIGTERM and SIGHUP too, but does not see them:
	 * the kernel hands a process's signal to the main thread as long as that does not block it, and there it is ours. (Only a signal
	 * that comes while libmilter begins to wait, at its very start, may be libmilter's: run() ends then, with nothing to drain yet.)
	 * run() and its threads do not look at app->conf, which a reload replaces. Both NULL for the others. */
	int (*run)(struct mr_app *app);
	void (*request_stop)(struct mr_app *app);
};

int mr_daemon_main(int argc, char **argv, const struct mr_daemon *d);
