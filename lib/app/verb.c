/* verb: the command line and the configuration of a `mailreeve VERB` program. */

/* system */
#include <signal.h>
#include <stdio.h>

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

static bool is(const char *word, const char *brief, const char *whole)
{
	return mr_slice_eq(mr_slice_of(word), mr_slice_of(brief)) || mr_slice_eq(mr_slice_of(word), mr_slice_of(whole));
}

/* What stands before the first word that is not known here; the rest, flags of its own too, is the verb's. */
int mr_verb_main(int argc, char **argv, const struct mr_verb *v)
{
	char program[64];
	int i;

	snprintf(program, sizeof(program), "mailreeve-%s", v->name);
	mr_log_open(program, 0, MR_LOG_WARNING);
	signal(SIGPIPE, SIG_IGN);
	for (i = 1; i < argc; i++) {
		if (is(argv[i], "-h", "--help")) {
			printf("%s", v->usage);
			return 0;
		}
		if (is(argv[i], "--version", "--version")) {
			printf("%s %s\n", program, MR_VERSION);
			return 0;
		}
		if (!is(argv[i], "-c", "--config"))
			break;
		if (++i == argc) {
			fprintf(stderr, "%s: %s wants a file\n", program, argv[i - 1]);
			return 2;
		}
		conf_path = argv[i];
	}
	return run(v, program, argc - i, argv + i);
}
