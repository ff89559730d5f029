/* conf: option tables → typed structs. One table row is the truth about an option: name, type, default, bounds, how a reload takes it,
 * help.
 *
 * File: /etc/mailreeve/mailreeve.conf, then conf.d/ *.conf beside it in byte order (later wins). Lines `name = value`, sections
 * `lookup { ... }` (they do not nest), lists `{a, b}`, # comments. A value with white space or one of # " ' = { } , stands in quotes: "..."
 * with \" and \\, or '...' as it is. Options outside a section are shared by all programs; each program has its own section. Our own
 * reader, since libconfuse 3.3 counts lines with comments wrong, takes a section without its end, and ends the process when it cannot read.
 * An unknown option or section, a bad value, or a value out of bounds is an error with file and line; foreign sections that are known
 * are skipped (their own program checks them). Secrets never stand here: only `*_file` options. */
#pragma once
#include <stdint.h>
#include "base/diag.h"
#include "base/parse.h"

enum mr_option_type {
	MR_OPT_STRING, /* char * (never NULL), of min..max bytes, no control bytes */
	MR_OPT_PATH,   /* char *; absolute, or "" where min is 0; {{run_dir}}, {{state_dir}}, {{postfix_dir}} in it are replaced ("" if that
			  is "") */
	MR_OPT_BOOL,   /* bool */
	MR_OPT_INT,    /* int64_t within min..max */
	MR_OPT_SIZE,   /* uint64_t bytes within min..max */
	MR_OPT_DURATION, /* uint64_t milliseconds within min..max */
	MR_OPT_SCORE,    /* double within min..max */
	MR_OPT_ENUM,     /* int: index into `choices`, "a|b|c" */
	MR_OPT_ADDRESS,  /* char *: a mail address or "" */
	MR_OPT_DOMAIN,   /* char *: a host or domain name, or "" */
	MR_OPT_HOSTPORT, /* char *: "127.0.0.1:53", "[::1]:53", or "" */
	MR_OPT_NETS,     /* struct mr_conf_nets */
	MR_OPT_STRINGS,  /* struct mr_conf_strings */
};

struct mr_conf_nets {
	struct mr_net *v;
	size_t n;
};
struct mr_conf_strings {
	char **v;
	size_t n;
};

enum mr_option_reload { MR_RELOAD_YES, MR_RELOAD_RESTART /* a changed value is logged and waits for a restart */ };

struct mr_option {
	const char *section; /* NULL = shared */
	const char *name;
	enum mr_option_type type;
	size_t offset;       /* in the program's conf struct */
	const char *def;     /* default as in the file, without quotes and braces: "10M", "a, b", "" */
	int64_t min, max;    /* numbers, sizes (bytes), durations (ms), scores, length of strings; both 0 = unbounded */
	const char *choices; /* MR_OPT_ENUM */
	enum mr_option_reload reload;
	const char *help; /* one sentence for the manual */
};
#define MR_OPTIONS_END                                                                                                                     \
	{                                                                                                                                  \
		0                                                                                                                          \
	}

/* Loads `path` and its conf.d into *conf (struct of the program, zeroed by the caller). `tables`: NULL-terminated list of tables, each
 * ended by MR_OPTIONS_END. A missing file: all defaults when `must_exist` is false. 0, or -errno with the diagnosis "file:line:
 * section.option: why" and *conf zeroed again. May be called as often as wanted. */
int mr_conf_load(const char *path, bool must_exist, const struct mr_option *const tables[], void *conf, struct mr_diag *diag);
/* Frees what mr_conf_load put into the struct. */
void mr_conf_free(const struct mr_option *const tables[], void *conf);
/* Calls `changed` for every option that differs. */
void mr_conf_diff(const struct mr_option *const tables[], const void *old, const void *new_conf,
		  void (*changed)(const struct mr_option *o, void *arg), void *arg);
/* Value of an option by its name ("name" or "section.name") as text for the configuration of other programs: sizes in bytes, durations as
 * "90s" or "250ms", booleans as yes or no, lists joined with ", ". -ENOENT: no such option. */
struct mr_buf;
int mr_conf_text(const struct mr_option *const tables[], const void *conf, struct mr_slice name, struct mr_buf *out);
/* Text of the table as mdoc list items; the manual pages are built from it. */
int mr_conf_manual(const struct mr_option *table, struct mr_buf *out);
