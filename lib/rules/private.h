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
	MR_RULES_URI_DETAIL,
	MR_RULES_META,
	MR_RULES_EVAL,
	MR_RULES_OUTSIDE, /* defined by what asks the network: askdns, urirhssub, "reuse" */
};
#define MR_RULES_KINDS 11

/* A regular expression without its delimiters, and what follows them. */
struct mr_rules_pattern {
	pcre2_code *code;                  /* NULL until compiled */
	struct mr_rules_opening *openings; /* matches begin with one of these, and code looks only at where it is told to; none: anywhere */
	struct mr_rules_opening *factors;  /* matches contain one of these; none: nothing that is rare. Both until there is a sieve */
	bool jit;                          /* code is machine code, too; else it is interpreted */
	bool of_long;                      /* is matched against texts that may be long: a piece at a time */
	bool empty;                        /* may match nothing: the empty text has a match */
	bool refers;      /* to what others capture: is made for each message; its own code is what it is where none of that occurs */
	uint32_t options; /* PCRE2_... */
	size_t n_openings, n_factors;
	double share; /* of the bytes of ordinary mail, at which either is found */
	struct mr_slice text;
	struct mr_slice expanded; /* text without calls, where it has some; else empty */
};

/* What a rule on addresses asks of one of them. */
enum mr_rules_key { MR_RULES_RAW, MR_RULES_TYPE, MR_RULES_CLEANED, MR_RULES_TEXT, MR_RULES_DOMAIN, MR_RULES_HOST, MR_RULES_DETAILS };
struct mr_rules_detail {
	struct mr_rules_pattern pattern;
	bool there, negated;
};

/* What a sieve tells of the pattern at that place of its group. */
#define MR_RULES_BEGINS(i)   (2 * (i))
#define MR_RULES_CONTAINS(i) (2 * (i) + 1)

static inline bool mr_rules_is_sifted(const struct mr_rules_pattern *p)
{
	return p->n_openings || p->n_factors;
}

/* Where in a text something of a pattern stands: ascending, in the text that the base counts from. */
struct mr_rules_found {
	const uint32_t *v;
	size_t n;
	bool all; /* anywhere, whatever v says */
};
struct mr_rules_places {
	struct mr_rules_found begins, contained; /* its matches may begin there, and what they contain stands there */
	size_t base;                             /* of what is looked at now */
};

/* Before a text is looked through. */
static inline struct mr_rules_places mr_rules_places_of(const struct mr_rules_pattern *p)
{
	return (struct mr_rules_places){ .begins.all = !p->n_openings, .contained.all = !p->n_factors };
}

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
	MR_RULES_JUMP, /* of steps only, like the next one */
	MR_RULES_MANY,
};
/* Of an expression as it is read. */
struct mr_rules_node {
	enum mr_rules_op op;
	double number;
	struct mr_rules_rule *rule;
	const struct mr_rules_node *a, *b, *c;
	const struct mr_rules_node *next; /* RULE: the next one of the same expression */
};

/* Of an expression as it is decided (steps.c). A step with a number has it in the place of the next one. */
union mr_rules_step {
	struct {
		uint32_t op; /* enum mr_rules_op */
		uint32_t
		    arg; /* RULE: its index; OR, AND, CHOICE, JUMP: the step that may be next; MANY: of how many RULE steps that follow */
	};
	double number; /* NUMBER; MANY: what their sum has to exceed */
};

struct mr_rules_line {
	const char *file;
	unsigned line;
	bool brought;
};

struct mr_rules_rule {
	/* What a message asks of it stands together. */
	enum mr_rules_kind kind;
	uint32_t index; /* of definition */
	bool exists, negated, has_unset;
	bool constant; /* META in a circle: 0 */
	bool multiple, nosubject, concat;
	bool captures; /* named groups of the pattern are kept */
	unsigned hits_max, range_min, range_max;
	uint32_t n_steps;
	uint32_t place;                     /* in its group */
	const struct mr_rules_group *group; /* that the pattern is in */
	const union mr_rules_step *steps;
	const struct mr_sa_eval *eval;
	struct mr_rules_pattern pattern;
	struct mr_sa_args args;

	char *name;
	bool part; /* "__NAME" */
	enum mr_rules_state state;
	const char *file, *description, *why;
	unsigned line;
	bool of_others, brought, stock; /* its file is */
	bool failed;                    /* in error: said already */

	/* spoken of by name, also before the definition */
	double scores[4];
	bool scored;
	struct mr_rules_line scored_at; /* last */
	struct mr_slice tflags;
	bool replace; /* its tags are replaced */

	/* of the definition */
	struct mr_slice header;          /* HEADER, MIMEHEADER: "Name", "Name:addr" */
	struct mr_rules_detail *details; /* URI_DETAIL: by its key */
	struct mr_slice unset;           /* matched where there is no such field */
	struct mr_slice definition;      /* META: the expression; EVAL: "name(args)" */
	const struct mr_rules_node *meta;
	const struct mr_rules_node *parts; /* its RULE nodes */
	double dear;                       /* META: see steps.c */
	bool dear_known;
	bool visiting, visited;                                                                        /* while metas are resolved */
	enum { MR_RULES_HOPE_UNKNOWN, MR_RULES_HOPE_ASKED, MR_RULES_HOPEFUL, MR_RULES_HOPELESS } hope; /* see idle.c */
	UT_hash_handle hh;
};

/* Of a rule what a message changes, and what is needed with it. Between two messages there are no values, and awake is who always is. */
struct mr_rules_now {
	double value;        /* how often, or what its expression gives */
	float need, most;    /* META: what the values of those who wake it must exceed; all: no value is above it */
	uint32_t wakes_from; /* the metas that it wakes are from there on in mr_rules.wakes, to that of the next rule */
	uint8_t state;       /* enum mr_rules_awakeness */
	bool first;          /* is looked at before metas are woken */
	bool part;
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
	bool brought;   /* mr_rules_brought() */
	bool stock;     /* mr_rules_stock() */
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
	uint32_t *indexes;              /* of the rules */
	bool *positive;                 /* each: it hits only where its pattern matches */
	struct mr_rules_sieve *sieve;   /* finds where those with openings may match */
	struct mr_rules_places *places; /* each: where it may match in the message that is looked at */
	void *database;                 /* prefilter.c's: finds which of those without openings may match; NULL: all may */
	bool *covered;                  /* each: by the database */
	uint32_t *blind;                /* those that neither sieve nor database tell of: they always may match */
	size_t n_blind;
};

enum mr_rules_awakeness {
	MR_RULES_SLEEPS, /* and is 0 */
	MR_RULES_WAKES,  /* not looked at yet */
	MR_RULES_SETTLED,
};
/* Rules that a message may make hit (wake.c). */
struct mr_rules_awake {
	uint32_t *v; /* indexes of those that do not sleep */
	size_t n;
	double *push;     /* each meta that needs more than one: how much there is */
	uint32_t *pushed; /* which have some */
	size_t n_pushed;
};

struct mr_rules {
	struct mr_rules_config config;
	struct mr_arena *arena;
	struct mr_sa_conf *conf;
	struct mr_rules_rule *rules, **ordered; /* by name; by definition */
	struct mr_rules_now *now;               /* each rule */
	uint32_t *wakes;                        /* metas, rule by rule */
	struct mr_rules_tag *tags[4], *plugins; /* replace_tag, _pre, _inter, _post */
	struct mr_slice replace_start, replace_end;
	bool want_proofs;
	unsigned calls; /* patterns whose tags are called */
	unsigned depth; /* of the meta that is resolved */
	bool compat_welcomelist;
	size_t n_rules;
	unsigned includes;
	bool of_others, brought, stock; /* are the files that come now */
	const struct mr_rules_file *at; /* what is read now, or NULL */
	struct mr_rules_problem *problems;
	size_t n_problems, counted[MR_RULES_VAIN + 1];

	/* compiled: patterns that run, by their texts */
	struct mr_rules_list capturing;
	struct mr_rules_group *groups;
	size_t n_groups;
	struct mr_rules_prefilter *prefilter; /* prefilter.c's, NULL: none */
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;

	/* of the message that is looked at */
	struct mr_rules_awake awake;
	size_t n_always;
	struct mr_slice *matched; /* each rule with a pattern that has hit; the others' are empty */
	uint64_t until;           /* by config.cpu_ms() */
	size_t unlooked;          /* bytes that were matched since the last look at it */
	bool late;
};

/* read.c */
void mr_rules_problem(struct mr_rules *r, enum mr_rules_fault fault, struct mr_rules_rule *rule, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Beyond MR_RULES_PROBLEMS_MAX it is only counted. Its text is in the arena. */
const char *mr_rules_problem_add(struct mr_rules *r, struct mr_rules_problem p);
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
void mr_rules_pattern_forget(struct mr_rules_pattern *p); /* its openings and factors; how many there are stays */
/* -E2BIG: too large for PCRE2; -EINVAL. */
int mr_rules_pattern_compile(struct mr_rules_pattern *p, struct mr_diag *diag);
/* One that refers, with what was captured; its code is the caller's. False: that is no pattern, or a too large one. */
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
/* Was all that the pattern names captured? And does any of it stand in one of these texts, in whatever case? */
bool mr_rules_is_captured(struct mr_slice pattern, const struct mr_rules_captured *all);
bool mr_rules_occurs(struct mr_slice pattern, const struct mr_rules_captured *all, const struct mr_sa_list *texts, struct mr_arena *arena);
/* Adds what the pattern captures in `in` where it was found. */
void mr_rules_capture(struct mr_rules *r, const struct mr_rules_pattern *p, struct mr_slice in, size_t at, struct mr_arena *arena,
		      struct mr_rules_captured **all);
/* texts.c: the texts of a group in a message. */
struct mr_rules_texts {
	bool there; /* the field is */
	const struct mr_sa_list *list;
	struct mr_slice one;
	struct mr_sa_list single;
	uint32_t *may,
	    *sifted; /* of the group's rules those that may match, besides g->blind; and those of which the sieve told anything */
	size_t n_may, n_sifted;
};
/* Writes g->places, too, until mr_rules_texts_done(). */
void mr_rules_texts_read(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_sa *sa, struct mr_arena *arena,
			 struct mr_rules_texts *out);
void mr_rules_texts_done(const struct mr_rules_group *g, const struct mr_rules_texts *t);
/* prefilter.c: those that the database covers and that may match in some line of the text; all of them where it was not all of the text.
 * out has room for each. How many. */
size_t mr_rules_prefilter_scan(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_slice text, bool cut, uint32_t *out);
void mr_rules_prefilter_free(struct mr_rules *r);
/* uri-detail.c */
int mr_rules_details_parse(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_slice text, struct mr_diag *diag); /* -EINVAL */
int mr_rules_details_compile(struct mr_rules_rule *rule, struct mr_diag *diag); /* as mr_rules_pattern_compile() */
void mr_rules_details_jit(struct mr_rules_rule *rule);
void mr_rules_details_free(struct mr_rules_rule *rule);
/* 1, and the address; 0; -1: it took too long, or the time is over. */
int mr_rules_details_match(struct mr_rules *r, const struct mr_rules_rule *rule, struct mr_sa *sa, struct mr_slice *first);
/* meta.c */
int mr_rules_meta_parse(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_diag *diag);
/* steps.c: once rules have their indexes. -E2BIG. */
int mr_rules_steps_write(struct mr_rules *r, struct mr_rules_rule *rule);
struct mr_rules_values { /* of rules, by their indexes */
	double (*value)(void *arg, size_t index);
	double (*most)(void *arg, size_t index); /* that it can be, as far as is known already */
	void *arg;
};
double mr_rules_steps_value(const struct mr_rules_rule *rule, const struct mr_rules_values *of);
double mr_rules_node_at_zero(const struct mr_rules_node *n); /* its value while no rule hits */
/* needs.c: of a rule what its expression needs: it is 0 while the values of those in v are not more than `above` together. */
struct mr_rules_needs {
	uint32_t *v;
	size_t n, room;
	bool none;    /* needs nothing */
	double above; /* 0: any of them is enough */
	double cost;  /* how likely it is that they wake it; above 1: they do in each message */
	double most;  /* no value of the rule is above it */
};
struct mr_rules_needs *mr_rules_needs(const struct mr_rules *r); /* of each rule, once they are grouped */
void mr_rules_needs_free(const struct mr_rules *r, struct mr_rules_needs *all);
bool mr_rules_is_first(const struct mr_rules_rule *rule); /* to be looked at before metas are woken */
/* wake.c: after the rules are grouped; whoever is awake in each message is then. */
void mr_rules_wake_prepare(struct mr_rules *r);
/* One that may hit, and the metas that it may make hit; those that come first wake others only once they have hit. */
void mr_rules_wake(struct mr_rules *r, uint32_t index);
void mr_rules_wake_others(struct mr_rules *r, uint32_t index, double value); /* value: of that one, at most */
void mr_rules_sleep(struct mr_rules *r);                                     /* as before the message */
/* idle.c: says what of the site's files never runs here, and what counts on it. Once all have their states. */
void mr_rules_tell_idle(struct mr_rules *r);
/* finish.c: whoever has the proofs tells it by a symbol of its own, here it is for other rules; also a meta that was brought along over
 * nothing else, unless the site gives it a score. */
bool mr_rules_told(const struct mr_rules_rule *rule);
/* Is any of the first n scores one? Each is, where none is given. */
bool mr_rules_scores(const struct mr_rules_rule *rule, size_t n);
/* Who of the group is blind; again when it has got a database. */
void mr_rules_list_blind(struct mr_rules_group *g);
