/* private: what the files of the rule engine share. */
#pragma once

/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/hash.h"
#include "rules/rules.h"
#include "sieve.h"

enum mr_rules_kind {
	MR_RULES_NONE, /* only spoken of: a score, flags */
	MR_RULES_HEADER,
	MR_RULES_BODY,
	MR_RULES_RAWBODY,
	MR_RULES_URI,
	MR_RULES_FULL,
	MR_RULES_MIMEHEADER,
	MR_RULES_META,
	MR_RULES_EVAL,
	MR_RULES_OUTSIDE, /* defined by what asks the network: askdns, urirhssub, "reuse" */
};
#define MR_RULES_KINDS 10

/* A regular expression without its delimiters, and what follows them. */
struct mr_rules_pattern {
	struct mr_slice text;
	uint32_t options;                  /* PCRE2_... */
	pcre2_code *code;                  /* NULL until compiled */
	struct mr_slice expanded;          /* text without calls, where it has some; else empty */
	bool jit;                          /* code is machine code, too; else it is interpreted */
	bool of_long;                      /* is matched against texts that may be long: a piece at a time */
	struct mr_rules_opening *openings; /* matches begin with one of these, and code looks only at where it is told to; NULL: anywhere */
	size_t n_openings;
	bool refers; /* to what others capture: has no code of its own */
};

/* Where in a text matches of one pattern may begin. */
struct mr_rules_places {
	const uint32_t *v; /* ascending, in the text that `base` counts from */
	size_t n, base;    /* base: of what is looked at now */
	bool all;          /* anywhere, whatever v says */
};

enum mr_rules_op {
	MR_RULES_NUMBER,
	MR_RULES_RULE,
	MR_RULES_NOT,
	MR_RULES_MINUS,
	MR_RULES_OR,
	MR_RULES_AND,
	MR_RULES_XOR,
	MR_RULES_EQ,
	MR_RULES_NE,
	MR_RULES_LT,
	MR_RULES_LE,
	MR_RULES_GT,
	MR_RULES_GE,
	MR_RULES_ADD,
	MR_RULES_SUB,
	MR_RULES_MUL,
	MR_RULES_DIV,
	MR_RULES_CHOICE,
	MR_RULES_JUMP, /* of steps only */
};
/* Of an expression as it is read. */
struct mr_rules_node {
	enum mr_rules_op op;
	double number;
	struct mr_rules_rule *rule;
	const struct mr_rules_node *a, *b, *c;
	const struct mr_rules_node *next; /* RULE: the next one of the same expression */
};

/* Of an expression as it is decided (steps.c). */
struct mr_rules_step {
	enum mr_rules_op op;
	uint32_t arg;  /* RULE: its index; OR, AND, CHOICE, JUMP: the step that may be next */
	double number; /* NUMBER */
};

struct mr_rules_rule {
	char *name;
	size_t index; /* of definition */
	bool part;    /* "__NAME" */
	enum mr_rules_kind kind;
	enum mr_rules_state state;
	const char *file, *description, *why;
	unsigned line;
	bool of_others; /* its file is */
	bool failed;    /* in error: said already */

	/* spoken of by name, also before the definition */
	double scores[4];
	bool scored;
	struct mr_slice tflags;
	bool replace; /* its tags are replaced */

	/* of the definition */
	struct mr_slice header; /* HEADER, MIMEHEADER: "Name", "Name:addr" */
	bool exists, negated, has_unset;
	struct mr_slice unset; /* matched where there is no such field */
	struct mr_rules_pattern pattern;
	struct mr_slice definition; /* META: the expression; EVAL: "name(args)" */
	const struct mr_sa_eval *eval;
	struct mr_sa_args args;
	const struct mr_rules_node *meta;
	const struct mr_rules_node *parts; /* its RULE nodes */
	const struct mr_rules_step *steps;
	size_t n_steps;
	bool constant; /* META in a circle: 0 */

	/* of tflags */
	bool multiple, nosubject, concat;
	bool captures; /* named groups of the pattern are kept */
	unsigned hits_max, range_min, range_max;

	const struct mr_rules_group *group; /* that the pattern is in */
	size_t place;                       /* in it */
	bool visiting, visited;             /* while metas are resolved */
	UT_hash_handle hh;
};

/* What a named group of some rule matched in a message. */
struct mr_rules_captured {
	struct mr_rules_captured *next;
	const char *name;
	struct mr_slice value;
};

struct mr_rules_tag {
	char *name;
	struct mr_slice text;
	unsigned called; /* by which pattern last */
	UT_hash_handle hh;
};

struct mr_rules_file {
	const char *name;
	unsigned line;
	bool of_others; /* mr_rules_of_others() */
	bool skip;      /* in a part that a condition leaves out */
	struct {
		bool skip; /* as it was before the condition */
		unsigned line;
	} conditions[32];
	size_t n_conditions;
};

struct mr_rules_list {
	struct mr_rules_rule **v;
	size_t n;
};

/* Patterns over the same text. */
struct mr_rules_group {
	enum mr_rules_kind kind;
	struct mr_slice header; /* HEADER */
	struct mr_rules_list rules;
	uint32_t *indexes;            /* of the rules */
	bool *positive;               /* each: it hits only where its pattern matches */
	struct mr_rules_sieve *sieve; /* finds where those with openings may match */
	void *database;               /* prefilter.c's: finds which of the others may match; NULL: all may */
	bool *covered;                /* by the database; others may always match */
};

struct mr_rules {
	struct mr_rules_config config;
	struct mr_arena *arena;
	struct mr_sa_conf *conf;
	struct mr_rules_rule *rules, **ordered; /* by name; by definition */
	uint32_t *running;                      /* indexes of rules: first those that are asked for themselves, then parts */
	size_t n_running, n_asked;
	bool *idle;                             /* each rule: does not run */
	struct mr_rules_tag *tags[4], *plugins; /* replace_tag, _pre, _inter, _post */
	struct mr_slice replace_start, replace_end;
	bool want_proofs;
	unsigned calls; /* patterns whose tags are called */
	unsigned depth; /* of the meta that is resolved */
	bool compat_welcomelist;
	size_t n_rules;
	unsigned includes;
	bool of_others;                 /* are the files that come now */
	const struct mr_rules_file *at; /* what is read now, or NULL */
	struct mr_rules_problem *problems;
	size_t n_problems, counted[2];

	/* compiled: patterns that run, by their texts */
	struct mr_rules_list capturing;
	struct mr_rules_group *groups;
	size_t n_groups;
	struct mr_rules_prefilter *prefilter; /* prefilter.c's, NULL: none */
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;

	/* of the message that is looked at */
	uint64_t until;  /* by config.cpu_ms() */
	size_t unlooked; /* bytes that were matched since the last look at it */
	bool late;
};

/* read.c */
void mr_rules_problem(struct mr_rules *r, enum mr_rules_fault fault, struct mr_rules_rule *rule, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The next word; *rest is what follows it, without white space before. */
struct mr_slice mr_rules_word(struct mr_slice *rest);
bool mr_rules_space(char c);
/* define.c */
bool mr_rules_name_ok(struct mr_slice name);
struct mr_rules_rule *mr_rules_named(struct mr_rules *r, struct mr_slice name); /* made when there is none; NULL: too many */
/* 1 a rule statement, 0 not one. Faults are problems. */
int mr_rules_define(struct mr_rules *r, struct mr_slice key, struct mr_slice value);
/* condition.c: -EINVAL and diag. */
int mr_rules_condition(struct mr_rules *r, struct mr_slice text, bool *out, struct mr_diag *diag);
bool mr_rules_has_feature(struct mr_rules *r, struct mr_slice name);
bool mr_rules_has_plugin(const struct mr_rules *r, struct mr_slice name);
/* known.c: settings of SpamAssassin that mean nothing here; plugins and features of its own. */
bool mr_rules_known_setting(struct mr_slice key);
bool mr_rules_known_plugin(struct mr_slice name);
bool mr_rules_known_feature(struct mr_slice name);
/* replace.c */
int mr_rules_replace_define(struct mr_rules *r, struct mr_slice key, struct mr_slice value); /* as mr_rules_define() */
struct mr_slice mr_rules_replace(struct mr_rules *r, struct mr_slice pattern);
/* The same with each tag written once and called where it stands: for what is too large for PCRE2 otherwise. */
struct mr_slice mr_rules_replace_by_calls(struct mr_rules *r, struct mr_slice pattern);
void mr_rules_replace_done(struct mr_rules *r);
/* pattern.c */
int mr_rules_pattern_parse(struct mr_slice text, struct mr_rules_pattern *out, struct mr_diag *diag);
/* -E2BIG: too large for PCRE2; -EINVAL. */
int mr_rules_pattern_compile(struct mr_rules_pattern *p, struct mr_diag *diag);
/* One that refers, with what was captured; its code is the caller's. False: something it names was not. */
bool mr_rules_pattern_fill(const struct mr_rules_pattern *p, const struct mr_rules_captured *all, struct mr_rules_pattern *out);
/* The time for one message begins. */
void mr_rules_pattern_begin(struct mr_rules *r);
/* How often it is found in `in`, at most max times; *first is where. places: for a pattern with openings, moves on. -1: it took too long,
 * or the time is over. */
int mr_rules_pattern_count(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, struct mr_rules_places *places,
			   unsigned max, struct mr_slice *first);
/* capture.c */
bool mr_rules_refers(struct mr_slice pattern);
void mr_rules_refer_any(struct mr_slice pattern, const char *any, struct mr_buf *out);
bool mr_rules_refer(struct mr_slice pattern, const struct mr_rules_captured *all, struct mr_buf *out); /* false: one is missing */
bool mr_rules_captures(const struct mr_rules_pattern *p);
/* Adds what the pattern captures in `in` where it was found. */
void mr_rules_capture(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, size_t at, struct mr_arena *arena,
		      struct mr_rules_captured **all);
/* texts.c: the texts of a group in a message. */
struct mr_rules_texts {
	bool there; /* the field is */
	const struct mr_sa_list *list;
	struct mr_slice one;
	struct mr_sa_list single;
	bool *may;                      /* each rule: may it match? */
	struct mr_rules_places *places; /* each rule with openings: where */
};
void mr_rules_texts_read(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_sa *sa, struct mr_arena *arena,
			 struct mr_rules_texts *out);
/* prefilter.c: takes from `may` the rules of the group that cannot match in any line of the text. */
void mr_rules_prefilter_scan(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_slice text, bool *may);
void mr_rules_prefilter_free(struct mr_rules *r);
/* meta.c */
int mr_rules_meta_parse(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_diag *diag);
/* steps.c: once rules have their indexes. -E2BIG. */
int mr_rules_steps_write(struct mr_rules *r, struct mr_rules_rule *rule);
double mr_rules_steps_value(const struct mr_rules_rule *rule, double (*value)(void *arg, size_t index), void *arg);
