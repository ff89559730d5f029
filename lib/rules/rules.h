/* rules: SpamAssassin's rule language (Mail::SpamAssassin::Conf of 4.0.1): read from text, compiled once, then matched against messages.
 *
 * Reading never stops at a fault: each one is a problem with its file and line, the rest is read. What the language knows and this engine
 * does not is a problem of its own kind: nothing is left out silently. Regular expressions are PCRE2's, over bytes, with \d \s \w and
 * case of ASCII only, as SpamAssassin compiles them.
 *
 * A set of rules belongs to one thread. Processes forked from the one that compiled it share its memory. */
#pragma once
#include "base/buf.h"
#include "mail/sa/eval.h"

#define MR_RULES_NAME_MAX     128
#define MR_RULES_INCLUDES_MAX 10     /* files in each other */
#define MR_RULES_LINE_MAX     65536  /* bytes */
#define MR_RULES_MAX          100000 /* rules */
#define MR_RULES_PROBLEMS_MAX 10000  /* kept; counted beyond */
#define MR_RULES_RUN_MS       3000   /* a message usually needs a few */

struct mr_rules;

struct mr_rules_config {
	bool net;   /* rules that ask the network count, and the scores that go with it */
	bool bayes; /* scores for sites that have a learning filter */
	/* `include`: reads the file into the rules by mr_rules_read(). -errno and diag. NULL: includes are refused. */
	int (*include)(void *arg, struct mr_rules *r, const char *path, struct mr_diag *diag);
	void *arg;
	/* Milliseconds of processor time that this process has had: regular expressions may take MR_RULES_RUN_MS of it for a message. NULL:
	 * only their steps are bounded. */
	uint64_t (*cpu_ms)(void);
};

enum mr_rules_fault {
	MR_RULES_ERROR,       /* no rule language, or no regular expression: somebody has to mend it */
	MR_RULES_UNSUPPORTED, /* fine for SpamAssassin, left out here */
	MR_RULES_IDLE,        /* a rule that never runs here: it asks the network, or a learning filter */
	MR_RULES_VAIN,        /* what a meta or a score says of rules that never run here */
};
struct mr_rules_problem {
	enum mr_rules_fault fault;
	bool brought; /* mr_rules_brought(); never with IDLE and VAIN */
	const char *file;
	unsigned line;
	const char *rule; /* or NULL */
	const char *text;
};

struct mr_rules *mr_rules_new(const struct mr_rules_config *config);
void mr_rules_free(struct mr_rules *r); /* NULL is fine */
/* The lines of one file; later ones replace earlier ones. */
void mr_rules_read(struct mr_rules *r, const char *file, struct mr_slice text);
/* The files that are read from now on are another program's: what is wrong in them is left out and listed as not supported; whoever looks
 * after this program cannot mend it. */
void mr_rules_of_others(struct mr_rules *r, bool of_others);
/* The files that are read from now on come with a program, no administrator wrote them: what in them never runs here is told of by its
 * state only. */
void mr_rules_brought(struct mr_rules *r, bool brought);
/* The files that are read from now on are SpamAssassin's rules as it brings them: written for what it sees, they see nothing of what is
 * signed opaquely (mr_sa_signed()). */
void mr_rules_stock(struct mr_rules *r, bool stock);
/* After the last file: resolves, compiles. */
void mr_rules_finish(struct mr_rules *r);

size_t mr_rules_problems(const struct mr_rules *r, enum mr_rules_fault fault, size_t max, const struct mr_rules_problem **out);
/* The first error, "file:line: text"; -EINVAL, or 0 when there is none. */
int mr_rules_error(const struct mr_rules *r, struct mr_diag *diag);

enum mr_rules_state {
	MR_RULES_RUNS,
	MR_RULES_NO_SCORE, /* its score is 0; one that asks the network is off instead if it would have one with the network */
	MR_RULES_OFF,      /* asks the network, or a learning filter, which this set does not */
	MR_RULES_UNNEEDED, /* part of others, none of which runs */
	MR_RULES_CANNOT,   /* not supported, or in error */
};
struct mr_rules_info {
	const char *name, *kind, *file, *description; /* description: or NULL */
	const char *why;                              /* it is off, or cannot; or NULL */
	unsigned line;
	double score;
	enum mr_rules_state state;
};
/* Do they ask what was proved of senders (mr_sa_prove())? */
bool mr_rules_want_proofs(const struct mr_rules *r);
/* What the settings say that functions and renderings look at; lives as long as the rules. */
const struct mr_sa_conf *mr_rules_conf(const struct mr_rules *r);
/* Every rule in the order of definition. Start with *at = 0. */
bool mr_rules_each(const struct mr_rules *r, size_t *at, struct mr_rules_info *out);
/* What a rule says of itself, or NULL. */
const char *mr_rules_description(const struct mr_rules *r, struct mr_slice name);
const char *mr_rules_state_str(enum mr_rules_state s);

struct mr_rules_hit {
	const char *name; /* lives as long as the rules */
	double score;
	bool stock;              /* mr_rules_stock() */
	unsigned count;          /* 1, or how often with tflags multiple, or what the function said */
	bool part;               /* "__NAME", or what is told elsewhere: counts in others only */
	struct mr_slice matched; /* of a regular expression: what it matched first; of the message, or empty */
};
struct mr_rules_hits {
	struct mr_rules_hit *v; /* in the arena, in the order of definition; then those that only signed text has */
	size_t n;
	bool slow; /* some regular expressions took too long; they count as not matching */
	bool cut;  /* after ten of those, or when the time is over, the others are left out */
};
/* parts: all parts are looked at and told of, not only those that decided something. */
void mr_rules_run(struct mr_rules *r, struct mr_sa *sa, bool parts, struct mr_arena *arena, struct mr_rules_hits *out);

/* Databases that spare most patterns a look (prefilter.c): each takes seconds to minutes to build, so that they are kept somewhere under
 * their keys. Rules run without them as well, only slower. How many there are: 0 where the library is not built in. */
size_t mr_rules_prefilters(const struct mr_rules *r);
void mr_rules_prefilter_key(const struct mr_rules *r, size_t i, struct mr_arena *arena, struct mr_slice *out); /* hex digits */
int mr_rules_prefilter_build(const struct mr_rules *r, size_t i, struct mr_buf *out, struct mr_diag *diag);
/* Bytes that build() gave for the same key, from a place where nobody else writes. -EINVAL. */
int mr_rules_prefilter_load(struct mr_rules *r, size_t i, struct mr_slice bytes, struct mr_diag *diag);
