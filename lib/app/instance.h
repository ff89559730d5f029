/* instance: one running daemon. Internal to lib/app. */
#pragma once
#include "app/app.h"
#include "rt/signals.h"

struct instance {
	const struct mr_daemon *d;
	char program[64];                  /* "mailreeve-lookup" */
	bool conf_given;                   /* -c: the file must exist */
	const struct mr_option *tables[3]; /* shared, own, NULL */
	struct mr_app app;
	struct mr_control *control;
	struct mr_signals *signals;
	uint64_t started, drain_until; /* ms of mr_now_ms() */
	struct mr_timer *timer;        /* of the drain, then of the wait for run() */
	bool draining, stopping;
	pthread_t run_thread;
	bool running; /* run_thread is to be joined */
	int run_rc;
	int exit_code;
};

/* What --dump-manual prints. */
void mr_app_manual(const struct mr_option *options, const struct mr_stat *stats);
/* A new struct of the program, loaded and validated, for instance_conf_free(). */
int instance_load(const struct instance *in, void **conf, struct mr_diag *diag);
void instance_conf_free(const struct instance *in, const void *conf);
/* Takes the new configuration if it is good, else changes nothing. Logs either. */
int instance_reload(struct instance *in, struct mr_diag *diag);
/* From start to stop; the exit code. */
int instance_run(struct instance *in);
