/* verb: the command line and the configuration of a `mailreeve VERB` program. */

/* system */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "base/mem.h"
#include "rt/log.h"

static int run(const struct mr_verb *v, const char *program, const char *path, bool given, int argc, char **argv)
{
	const struct mr_option *tables[] = { mr_conf_shared_options, v->options, NULL };
	void *conf = mr_alloc(v->conf_size > sizeof(struct mr_conf_shared) ? v->conf_size : sizeof(struct mr_conf_shared));
	struct mr_diag diag = { 0 };
	int code = 1;

	if (mr_conf_load(path, given, tables, conf, &diag) < 0)
		fprintf(stderr, "%s: %s\n", program, diag.text);
	else
		code = v->run(conf, argc, argv);
	mr_conf_free(tables, conf);
	free(conf);
	return code;
}

int mr_verb_main(int argc, char **argv, const struct mr_verb *v)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 }
	};
	const char *path = MR_SYSCONFDIR "/mailreeve/mailreeve.conf";
	bool given = false;
	char program[64];
	int opt;

	snprintf(program, sizeof(program), "mailreeve-%s", v->name);
	mr_log_open(program, 0, MR_LOG_WARNING);
	signal(SIGPIPE, SIG_IGN);
	while ((opt = getopt_long(argc, argv, "+c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			given = true;
			break;
		case 'h':
			printf("%s", v->usage);
			return 0;
		case 'V':
			printf("%s %s\n", program, MR_VERSION);
			return 0;
		default:
			return 2; /* getopt has said why */
		}
	}
	return run(v, program, path, given, argc - optind, argv + optind);
}
