/* source: where rows come from, behind a small interface: the daemon's is MariaDB through store's pool (source.c), tests bring their own.
 * Each call starts a read and returns at once: 0, or -EAGAIN when nothing was started. What was started calls back on the loop thread,
 * later, exactly once, with err 0 or -EAGAIN (the database is away, refuses or is too slow). Rows are read causally: a read sees everything
 * that was committed before it began on whatever host of a cluster, and on replicas everything that is expected of them. */
#pragma once
#include "row.h"

struct mr_source_row {
	enum mr_row_kind kind;
	struct mr_slice key;
	bool plain; /* a mailbox that has neither patterns nor limits, as is known: they are not read */
	void (*done)(void *arg, int err, struct mr_row *row); /* the row's reference goes over; NULL on error */
	void *arg;
};

struct mr_change_list {
	const struct mr_change *v;
	size_t n;
	uint64_t newest; /* highest id there is */
	struct mr_db_origin origin;
};

struct mr_source_changes {
	uint64_t after;
	unsigned limit;
	void (*done)(void *arg, int err, const struct mr_change_list *list);
	void *arg;
};

struct mr_source_mailboxes {
	struct mr_slice after;
	unsigned limit;
	void (*done)(void *arg, int err, char *const *addresses, size_t n);
	void *arg;
};

/* Both rows of each of the addresses that come next after one, in the order of the database. */
struct mr_near_row {
	enum mr_row_kind kind;
	const char *key;
	struct mr_row *row; /* whoever keeps it takes a reference */
};
struct mr_near_list {
	const struct mr_near_row *v;
	size_t n;
	const char *end; /* the last address; NULL: none comes behind it */
};
struct mr_source_near {
	struct mr_slice after;
	unsigned limit; /* mailboxes, and rows of aliases; at most MR_READ_NEAR_MAX */
	void (*done)(void *arg, int err, const struct mr_near_list *list);
	void *arg;
};

/* Addresses by their mr_hash(), in order. */
struct mr_owner_set {
	uint64_t *v;
	size_t n;
	bool many; /* more than were asked for: none are here */
};
void mr_owner_set_make(struct mr_owner_set *s, char *const *addresses, size_t n);
void mr_owner_set_done(struct mr_owner_set *s);
struct mr_source_owners {
	unsigned max;                                                /* of one set */
	void (*done)(void *arg, int err, struct mr_owner_set *sets); /* MR_OWNED of them; whoever keeps one leaves an empty one */
	void *arg;
};

/* What is asked for is copied. */
struct mr_source {
	int (*read_row)(struct mr_source *s, const struct mr_source_row *r);
	int (*read_changes)(struct mr_source *s, const struct mr_source_changes *r);
	int (*read_mailboxes)(struct mr_source *s, const struct mr_source_mailboxes *r);
	/* Every read started from now on comes from a server that shows these changes, or fails. */
	void (*expect)(struct mr_source *s, const struct mr_db_expect *e);
	int (*read_near)(struct mr_source *s, const struct mr_source_near *r);
	int (*read_owners)(struct mr_source *s, const struct mr_source_owners *r);
};

struct mr_source *mr_source_pool_new(struct mr_loop *l, struct mr_db_pool *pool, unsigned threads);
void mr_source_pool_free(struct mr_source *s); /* after the pool */
