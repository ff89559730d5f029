/* main: the command line of a daemon. */

/* system */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

/* ours */
#include "app/instance.h"
#include "base/buf.h"
#include "rt/log.h"

#define CHECK_MAX (64 * 1024)

enum mode { RUN, CHECK_CONFIG, CHECK, DUMP_MANUAL, VERSION, HELP, USAGE };

static enum mode parse_arguments(struct instance *in, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, CHECK_CONFIG },
		{ "check", no_argument, NULL, CHECK },
		{ "help", no_argument, NULL, HELP },
		{ "dump-manual", no_argument, NULL, DUMP_MANUAL },
		{ "version", no_argument, NULL, VERSION },
		{ 0 },
	};
	enum mode mode = RUN;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt == '?')
			return USAGE;
		if (opt == 'c') {
			in->app.conf_path = optarg;
			in->conf_given = true;
		} else {
			mode = (enum mode)opt;
		}
	}
	return optind < argc ? USAGE : mode;
}

static int usage(const struct instance *in, FILE *to)
{
	fprintf(to, "usage: %s [-c FILE] [--check-config | --check | --version | --help]\n", in->program);
	return to == stdout ? 0 : 2;
}

/* Reads the configuration, and asks the back ends if told to. */
static int check(const struct instance *in, bool back_ends)
{
	struct mr_buf out = MR_BUF(CHECK_MAX);
	struct mr_diag diag = { 0 };
	void *conf = NULL;
	int code = 0;

	if (instance_load(in, &conf, &diag) < 0) {
		fprintf(stderr, "%s: %s\n", in->program, diag.text);
		return 1;
	}
	if (back_ends && in->d->check) {
		code = in->d->check(conf, &out) ? 1 : 0;
		fwrite(out.p, 1, out.n, stdout);
	}
	mr_buf_done(&out);
	instance_conf_free(in, conf);
	return code;
}

int mr_daemon_main(int argc, char **argv, const struct mr_daemon *d)
{
	struct instance in = { .d = d, .tables = { mr_conf_shared_options, d->options, NULL } };

	snprintf(in.program, sizeof(in.program), "mailreeve-%s", d->name);
	in.app.conf_path = MR_SYSCONFDIR "/mailreeve/mailreeve.conf";
	mr_log_open(in.program, 0, MR_LOG_WARNING);
	switch (parse_arguments(&in, argc, argv)) {
	case RUN:
		return instance_run(&in);
	case CHECK_CONFIG:
		return check(&in, false);
	case CHECK:
		return check(&in, true);
	case DUMP_MANUAL:
		mr_app_manual(d->options, d->stats);
		return 0;
	case VERSION:
		printf("%s %s\n", in.program, MR_VERSION);
		return 0;
	case HELP:
		return usage(&in, stdout);
	case USAGE:
		break;
	}
	return usage(&in, stderr);
}
