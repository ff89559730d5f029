/* args: `mailreeve FAMILY ACTION [--flag] WORD...`: which action, which flags belong to it, how many words. */
#pragma once
#include "base/arena.h"
#include "base/diag.h"
#include "options.h"

struct verb_flag {
	const char *name;    /* without the hyphens; NULL ends the table */
	const char *actions; /* "add set": those that know it */
	/* int set to `value`; const char * set to what follows, once; the same as often as one likes, with a line break between */
	enum { FLAG_SWITCH, FLAG_TEXT, FLAG_TEXTS } kind;
	size_t offset; /* in the family's struct */
	int value;
};
struct verb_action {
	const char *name; /* NULL ends the table */
	int min, max;     /* words */
	int (*run)(const struct verbs_conf *conf, const void *flags, int argc, char **argv);
};
/* The exit code: 2 with one line on stderr for a usage error. */
int verb_dispatch(const char *family, const struct verb_action *actions, const struct verb_flag *table, void *flags,
		  const struct verbs_conf *conf, int argc, char **argv);
/* How long a change waits for every lookup: --wait SECONDS, which each action takes, or 2 s. */
uint64_t verb_wait_ms(bool *given);
/* For a verb without actions: takes the flags, leaves the words in *argc, *argv. 0 or the exit code. */
int verb_flags(const char *verb, const struct verb_flag *table, void *flags, int *argc, char ***argv);
/* One line on stderr, "mailreeve FAMILY ACTION: why"; returns 1. */
int verb_failed(const struct mr_diag *diag);
/* The same without being a failure. */
void verb_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a usage error; returns 2. */
int verb_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A word that is a domain or an address, as the database has it: in lower case, with A-labels. */
const char *verb_name(const char *text, struct mr_arena *arena);
