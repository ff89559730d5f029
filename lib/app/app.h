/* app: main() of every daemon. The daemon supplies a table row's worth of itself; here are options, configuration, logging, signals, control socket,
 * reload, drain and stop.
 *
 *   mailreeve-X [-c FILE] [--check-config | --check | --version | --help]
 *
 * --check-config  reads the configuration, 0 or 1 with one line.
 * --check         also asks each back end once; lines "ok NAME" or "failed NAME: why"; 0 or 1. `mailreeve check` runs this for each daemon installed.
 *
 * SIGTERM, SIGINT: drain (stop accepting, finish what is pending, at most drain_ms), then 0. SIGUSR1 or control "reload": the new configuration is loaded and
 * checked beside the old; if anything is wrong the old one stays and one line says why. Failure to start: one line, exit 1. */
#pragma once
#include "base/diag.h"
#include "conf/shared.h"
#include "rt/control.h"
#include "rt/loop.h"
#include "rt/stats.h"

struct mr_app {
	struct mr_loop *loop;
	const void *conf;   /* the program's struct, beginning with struct mr_conf_shared; replaced at reload, the old one freed after it */
	const char *conf_path;
	void *state;        /* the daemon's */
};

struct mr_daemon {
	const char *name;                 /* "lookup": program mailreeve-lookup, section, control socket RUN_DIR/lookup/control.sock */
	const struct mr_option *options;  /* of its own section */
	size_t conf_size;
	const struct mr_stat *stats;      /* may be NULL */
	uint64_t drain_ms;
	/* Beyond the tables: what options mean together, files that must be readable. Also run by --check-config and before a reload. May be NULL. */
	int (*validate)(const void *conf, struct mr_diag *diag);
	int (*start)(struct mr_app *app, struct mr_diag *diag); /* open sockets, start asking; must not wait for back ends */
	void (*reload)(struct mr_app *app, const void *old_conf); /* cannot fail: validate came before */
	void (*drain)(struct mr_app *app);                      /* stop accepting */
	size_t (*pending)(struct mr_app *app);                  /* requests under way; 0 ends the drain */
	void (*stop)(struct mr_app *app);                       /* free everything (leak checkers look) */
	void (*status)(struct mr_app *app, struct mr_buf *out);
	int (*check)(const void *conf, struct mr_buf *out);     /* each back end once, lines as above; 0 or 1 */
	/* A daemon whose own main loop must be on the main thread (libmilter): run() is called in place of mr_loop_run(), which then runs on a thread of its
	 * own; request_stop() must make run() return. Both NULL for the others. */
	int (*run)(struct mr_app *app);
	void (*request_stop)(struct mr_app *app);
};

int mr_daemon_main(int argc, char **argv, const struct mr_daemon *d);
