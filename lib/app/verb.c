/* verb: the command line and the configuration of a `mailreeve VERB` program. */

/* system */
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "app/verb.h"
#include "base/mem.h"
#include "rt/log.h"

static const char *conf_path; /* NULL: the default one */

const char *mr_verb_conf_path(void)
{
	return conf_path;
}

static int run(const struct mr_verb *v, const char *program, int argc, char **argv)
{
	const char *path = conf_path ? conf_path : MR_SYSCONFDIR "/mailreeve/mailreeve.conf";
	const struct mr_option *tables[] = { mr_conf_shared_options, v->options, NULL };
	void *conf = mr_alloc(v->conf_size > sizeof(struct mr_conf_shared) ? v->conf_size : sizeof(struct mr_conf_shared));
	struct mr_diag diag = { 0 };
	int code = 1;

	if (mr_conf_load(path, conf_path != NULL, tables, conf, &diag) < 0)
		fprintf(stderr, "%s: %s\n", program, diag.text);
	else
		code = v->run(conf, argc, argv);
	mr_conf_free(tables, conf);
	free(conf);
	return code;
}

/* The value of an option spelled "-c FILE", "--config FILE" or "--config=FILE"; NULL when *at is none of them. */
static const char *config_option(int argc, char **argv, int *at)
{
	static const char with[] = "--config=";

	if (strncmp(argv[*at], with, sizeof(with) - 1) == 0)
		return argv[*at] + sizeof(with) - 1;
	if ((strcmp(argv[*at], "-c") == 0 || strcmp(argv[*at], "--config") == 0) && *at + 1 < argc)
		return argv[++*at];
	return NULL;
}

int mr_verb_main(int argc, char **argv, const struct mr_verb *v)
{
	const char *value;
	char program[64];
	int at;

	snprintf(program, sizeof(program), "mailreeve-%s", v->name);
	mr_log_open(program, 0, MR_LOG_WARNING);
	signal(SIGPIPE, SIG_IGN);
	/* By hand, as the first option that is not ours is the verb's own. */
	for (at = 1; at < argc; at++) {
		value = config_option(argc, argv, &at);
		if (value) {
			conf_path = value;
		} else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			printf("%s", v->usage);
			return 0;
		} else if (strcmp(argv[at], "--version") == 0) {
			printf("%s %s\n", program, MR_VERSION);
			return 0;
		} else {
			break;
		}
	}
	return run(v, program, argc - at, argv + at);
}
