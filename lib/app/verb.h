/* verb: what every `mailreeve VERB` program begins with: -c FILE, --help, --version, usage errors (exit 2), configuration (exit 1 with one
 * line). */
#pragma once
#include "conf/shared.h"

struct mr_verb {
	const char *name;                /* "user" */
	const char *usage;               /* text of --help */
	const struct mr_option *options; /* further table, or NULL */
	size_t conf_size;
	/* argv[0] is the first word or option after the verb that is not -c FILE. Returns the exit code: 0 done, 1 refused or failed (one
	 * line on stderr), 2 usage. */
	int (*run)(const void *conf, int argc, char **argv);
};
int mr_verb_main(int argc, char **argv, const struct mr_verb *v);
/* The file named by -c, for verbs that run other programs of ours with it; NULL: the default one. */
const char *mr_verb_conf_path(void);
