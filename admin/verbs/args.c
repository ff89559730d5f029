/* Words and flags of a verb. */
#include "args.h"

/* system */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "base/parse.h"
#include "mail/address.h"
#include "mail/idn.h"

#define FLAGS_MAX  32
#define FLAG_WAIT  (256 + FLAGS_MAX)
#define WAIT_MS    2000
#define WAIT_MAX_S 600

static uint64_t wait_ms = WAIT_MS;
static bool wait_given;
static char called[80]; /* "mailreeve user add", for messages */

int verb_failed(const struct mr_diag *diag)
{
	fprintf(stderr, "%s: %s\n", called, diag->text);
	return 1;
}

__attribute__((format(printf, 1, 0))) static void say(const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", called);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void verb_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

int verb_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return 2;
}

uint64_t verb_wait_ms(bool *given)
{
	*given = wait_given;
	return wait_ms;
}

static int set_wait(const char *text)
{
	uint64_t seconds;

	if (mr_parse_u64(mr_slice_of(text), 0, WAIT_MAX_S, &seconds) < 0)
		return verb_usage("--wait: seconds, at most %d", WAIT_MAX_S);
	wait_ms = seconds * 1000;
	wait_given = true;
	return 0;
}

/* 0 or the exit code. Texts that are put together live as long as the program. */
static int set_text(const struct verb_flag *f, const char **text, const char *value)
{
	static struct mr_arena *texts;

	if (*text && f->kind == FLAG_TEXT)
		return verb_usage("--%s stands there twice", f->name);
	if (!texts)
		texts = mr_arena_new(0);
	*text = *text ? mr_arena_printf(texts, "%s\n%s", *text, value) : value;
	return 0;
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
	struct option options[FLAGS_MAX + 2] = { 0 };
	const struct verb_flag *f;
	size_t n = 0;
	int opt, code;

	for (size_t i = 0; i < FLAGS_MAX && table[i].name; i++)
		options[n++] =
		    (struct option){ table[i].name, table[i].kind == FLAG_SWITCH ? no_argument : required_argument, NULL, 256 + (int)i };
	if (action)
		options[n] = (struct option){ "wait", required_argument, NULL, FLAG_WAIT };
	optind = 0; /* the GNU way to begin anew */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (opt == ':')
			return verb_usage("%s wants a value", argv[optind - 1]);
		if (opt < 256)
			return verb_usage("unknown option %s", argv[optind - 1]);
		if (opt == FLAG_WAIT) {
			code = set_wait(optarg);
			if (code)
				return code;
			continue;
		}
		f = &table[opt - 256];
		if (action && !has_word(f->actions, action))
			return verb_usage("--%s does not belong to %s", f->name, action);
		code = 0;
		if (f->kind == FLAG_SWITCH)
			*(int *)((char *)flags + f->offset) = f->value;
		else
			code = set_text(f, (const char **)((char *)flags + f->offset), optarg);
		if (code)
			return code;
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

const char *verb_name(const char *text, struct mr_arena *arena)
{
	struct mr_slice name = mr_slice_of(text);

	name = mr_slice_chr(name, '@') < 0 ? mr_idn_ascii(name, arena) : mr_idn_address(name, arena);
	return mr_address_lower(name, arena).p;
}
