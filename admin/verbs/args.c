/* Words and flags of a verb. */
#include "args.h"

/* system */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FLAGS_MAX 32

static char called[80]; /* "mailreeve user add", for messages */

int verb_failed(const struct mr_diag *diag)
{
	fprintf(stderr, "%s: %s\n", called, diag->text);
	return 1;
}

int verb_usage(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", called);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 2;
}

static bool has_word(const char *words, const char *word)
{
	struct mr_slice rest = mr_slice_of(words), part;

	while (mr_slice_next(&rest, ' ', &part))
		if (mr_slice_eq(part, mr_slice_of(word)))
			return true;
	return false;
}

/* argv[0] is skipped. action NULL: every flag belongs to it. */
static int parse(const char *action, const struct verb_flag *table, void *flags, int argc, char **argv)
{
	struct option options[FLAGS_MAX + 1] = { 0 };
	const struct verb_flag *f;
	int opt;

	for (size_t i = 0; i < FLAGS_MAX && table[i].name; i++)
		options[i] =
		    (struct option){ table[i].name, table[i].kind == FLAG_TEXT ? required_argument : no_argument, NULL, 256 + (int)i };
	optind = 0; /* the GNU way to begin anew */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (opt == ':')
			return verb_usage("%s wants a value", argv[optind - 1]);
		if (opt < 256)
			return verb_usage("unknown option %s", argv[optind - 1]);
		f = &table[opt - 256];
		if (action && !has_word(f->actions, action))
			return verb_usage("--%s does not belong to %s", f->name, action);
		if (f->kind == FLAG_TEXT)
			*(const char **)((char *)flags + f->offset) = optarg;
		else
			*(int *)((char *)flags + f->offset) = f->value;
	}
	return 0;
}

int verb_flags(const char *verb, const struct verb_flag *table, void *flags, int *argc, char ***argv)
{
	int code;

	snprintf(called, sizeof(called), "mailreeve %s", verb);
	code = parse(NULL, table, flags, *argc + 1, *argv - 1);
	*argc -= optind - 1;
	*argv += optind - 1;
	return code;
}

int verb_dispatch(const char *family, const struct verb_action *actions, const struct verb_flag *table, void *flags,
		  const struct verbs_conf *conf, int argc, char **argv)
{
	int words, code;

	snprintf(called, sizeof(called), "mailreeve %s", family);
	if (argc < 1)
		return verb_usage("what to do? (--help tells)");
	for (const struct verb_action *a = actions; a->name; a++) {
		if (!mr_slice_eq(mr_slice_of(a->name), mr_slice_of(argv[0])))
			continue;
		snprintf(called, sizeof(called), "mailreeve %s %s", family, a->name);
		code = parse(a->name, table, flags, argc, argv);
		words = argc - optind;
		if (code)
			return code;
		if (words < a->min || words > a->max)
			return verb_usage("%s words (--help tells)", words < a->min ? "too few" : "too many");
		return a->run(conf, flags, words, argv + optind);
	}
	return verb_usage("unknown action %s (--help tells)", argv[0]);
}
