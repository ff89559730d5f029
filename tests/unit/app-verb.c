/* app-verb: a verb as small as can be, driven by app.py: prints its option and its words; "fail" ends with 1. */

/* system */
#include <stdio.h>
#include <string.h>

/* ours */
#include "app/verb.h"

struct conf {
	struct mr_conf_shared shared;
	char *cert;
};

static const struct mr_option options[] = {
	{ "setup", "tls_cert_file", MR_OPT_PATH, offsetof(struct conf, cert), "/none", 0, 0, NULL, MR_RELOAD_YES, "A file." },
	MR_OPTIONS_END,
};

static int run(const void *conf, int argc, char **argv)
{
	const struct conf *c = conf;

	printf("%s %s", c->shared.run_dir, c->cert);
	for (int i = 0; i < argc; i++)
		printf(" [%s]", argv[i]);
	printf("\n");
	return argc > 0 && strcmp(argv[0], "fail") == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = {
		.name = "small", .usage = "usage: mailreeve small\n", .options = options, .conf_size = sizeof(struct conf), .run = run
	};

	return mr_verb_main(argc, argv, &verb);
}
