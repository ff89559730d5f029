/* mailreeve: runs mailreeve-VERB, as git does. `mailreeve -c FILE VERB WORD...` becomes `mailreeve-VERB -c FILE WORD...`. */
/* system */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "programs.h"

#define NAME_MAX_BYTES 64

static const char usage[] = "usage: mailreeve [-c FILE] VERB [WORD...]\n"
			    "\n"
			    "  domain, user, alias   the accounts: add, list, show, set, del\n"
			    "  rule                  access, transport and milter maps of Postfix\n"
			    "  queue                 messages that wait, or are on hold\n"
			    "  dkim                  signing keys and the records to publish\n"
			    "  schema                the tables of the database\n"
			    "  setup                 configuration for Postfix and Dovecot, keys\n"
			    "  check, doctor         is everything there, and does it answer\n"
			    "\n"
			    "mailreeve VERB --help tells more; other parts bring further verbs. See mailreeve(8).\n";

static bool verb_name(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz-")] == '\0' && strlen(s) < NAME_MAX_BYTES;
}

static int run_verb(const char *conf, int argc, char **argv)
{
	char **args = mr_new(char *, (size_t)argc + 3);
	char name[NAME_MAX_BYTES + 16], path[PATH_MAX];
	size_t n = 0;

	snprintf(name, sizeof(name), "mailreeve-%s", argv[0]);
	if (!verb_name(argv[0]) || program_find(name, path, sizeof(path)) < 0) {
		fprintf(stderr, "mailreeve: there is no verb \"%s\" here (mailreeve --help)\n", argv[0]);
		free(args);
		return 2;
	}
	args[n++] = name;
	if (conf) {
		args[n++] = (char *)(uintptr_t) "-c";
		args[n++] = (char *)(uintptr_t)conf;
	}
	for (int i = 1; i < argc; i++)
		args[n++] = argv[i];
	execv(path, args);
	fprintf(stderr, "mailreeve: %s: %s\n", path, strerror(errno));
	free(args);
	return 1;
}

int main(int argc, char **argv)
{
	const char *conf = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "+c:h-:")) != -1) {
		if (opt == 'c') {
			conf = optarg;
		} else if (opt == 'h' || (opt == '-' && mr_slice_eq(mr_slice_of(optarg), MR_LIT("help")))) {
			fputs(usage, stdout);
			return 0;
		} else if (opt == '-' && mr_slice_eq(mr_slice_of(optarg), MR_LIT("version"))) {
			printf("mailreeve %s\n", MR_VERSION);
			return 0;
		} else {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return 2;
	}
	return run_verb(conf, argc - optind, argv + optind);
}
