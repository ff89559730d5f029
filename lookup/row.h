/* row: one row of the directory as lookup keeps it: immutable, counted, in one block of memory. Counting on the loop thread only; a row may
 * be made on any thread and handed over. */
#pragma once
#include "store/read.h"

enum mr_row_kind {
	MR_ROW_DOMAIN,
	MR_ROW_MAILBOX,
	MR_ROW_ALIAS,
	MR_ROW_GLOBAL /* its key is "" */,
	MR_ROW_RULES /* its key is the name of a map (store/rule.h) */,
	MR_ROW_VIEW /* "view key": of the site's own view */,
	MR_ROW_RELAY /* its key is the owner */
};
#define MR_ROW_KINDS 7

struct mr_row_global {
	struct mr_row_pattern *patterns; /* lists that hold for everybody */
	size_t n_patterns;
	const char *limits;
};

struct mr_row_view {
	const char *value;
};

struct mr_row {
	unsigned refs;
	enum mr_row_kind kind;
	bool exists; /* false: the database says that there is no such row; the rest is empty */
	union {      /* memory ends behind the kind's own member */
		struct mr_row_domain domain;
		struct mr_row_mailbox mailbox;
		struct mr_row_alias alias;
		struct mr_row_global global;
		struct mr_row_rules rules;
		struct mr_row_view view;
		struct mr_row_relay relay;
	};
};

/* Copies with one reference. Absent rows are one for all. */
struct mr_row *mr_row_absent(enum mr_row_kind kind);
struct mr_row *mr_row_of_domain(const struct mr_row_domain *d);
struct mr_row *mr_row_of_mailbox(const struct mr_row_mailbox *m);
struct mr_row *mr_row_of_alias(const struct mr_row_alias *a);
struct mr_row *mr_row_of_global(const struct mr_row_global *g);
struct mr_row *mr_row_of_rules(const struct mr_row_rules *r);
struct mr_row *mr_row_of_view(const struct mr_row_view *v);
struct mr_row *mr_row_of_relay(const struct mr_row_relay *r);

struct mr_row *mr_row_ref(struct mr_row *r);
void mr_row_unref(struct mr_row *r); /* NULL is fine */

/* Kind and text as one key of a hash table. */
#define MR_ROW_KEY_MAX 388 /* kind, address of 320 bytes, NUL; before the address of a view its name of 64 bytes and a space */
struct mr_row_key {
	size_t n;
	char bytes[MR_ROW_KEY_MAX];
};
bool mr_row_key_set(struct mr_row_key *k, enum mr_row_kind kind, struct mr_slice text); /* false: too long for any row */
enum mr_row_kind mr_row_key_kind(const char *bytes);
static inline struct mr_slice mr_row_key_text(const char *bytes, size_t n)
{
	return (struct mr_slice){ bytes + 1, n - 1 };
}

const char *mr_row_kind_str(enum mr_row_kind k);
/* As change_log writes it: "domain" "mailbox" "alias" "global" "rules" "view". */
bool mr_row_kind_parse(const char *s, enum mr_row_kind *out);

/* Has that time, seconds since 1970, 0 = never, come? A row is kept beyond it: whoever uses it looks at the clock. */
static inline bool mr_row_expired(int64_t expires, int64_t now)
{
	return expires != 0 && expires <= now;
}

/* What the pure functions (resolve, maps, directory answers) look at. UNKNOWN: the view has noted the key as missing; whoever runs the
 * function fetches all missing rows and runs it again from the start. TEMP: the row cannot be had now. */
enum mr_row_state { MR_ROW_FOUND, MR_ROW_NONE, MR_ROW_UNKNOWN, MR_ROW_TEMP };

struct mr_view {
	/* *row is set for FOUND only and lives until the run is over. */
	enum mr_row_state (*get)(struct mr_view *v, enum mr_row_kind kind, struct mr_slice key, const struct mr_row **row);
	bool stale;   /* set by get: something past its age was given, because the database is away */
	bool passing; /* set by get: something was given that the cache need not have */
};
