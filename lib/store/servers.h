/* servers: which server of a pool will do. The state is under the pool's lock; a search takes what it needs out of it, works without the
 * lock, and brings back what it found. For this folder only. */
#pragma once
#include "store/place.h"

struct mr_server_state {
	bool bad;
	uint64_t failed_ms, pause; /* ms */
	struct mr_diag why;
};

struct mr_servers {
	struct mr_conf_shared conf; /* its own copies of the db_ options; does not change, like the places */
	struct mr_db_places places;
	struct mr_server_state v[MR_DB_PLACES_MAX];
	size_t current; /* that in use, or the last one */
	struct mr_db_expect expect;
	uint64_t epoch;         /* of the expectation */
	uint64_t lost;          /* take-overs */
	uint64_t failing_since; /* no server has done since then; 0: one does */
};
int mr_servers_init(struct mr_servers *s, const struct mr_conf_shared *conf, struct mr_diag *diag);
void mr_servers_done(struct mr_servers *s);
void mr_servers_expect(struct mr_servers *s, const struct mr_db_expect *e);
void mr_servers_failed(struct mr_servers *s, size_t at, const struct mr_diag *why);
bool mr_servers_all_bad(const struct mr_servers *s);
uint64_t mr_servers_next_try(const struct mr_servers *s); /* ms: when the first of them is due */
/* One line about all of them. */
void mr_servers_why(const struct mr_servers *s, struct mr_diag *why);

struct mr_search {
	bool asks[MR_DB_PLACES_MAX]; /* these, in order, until one does */
	int err[MR_DB_PLACES_MAX];   /* 0: it does, or was not asked */
	struct mr_diag why[MR_DB_PLACES_MAX];
	struct mr_db_expect expect;
	uint64_t epoch, lost, timeout_ms;
	bool may_take_over, took_over;
};
/* Those of first..end-1 whose pause is over. With the lock; false: there is none. */
bool mr_search_begin(struct mr_servers *s, size_t first, size_t end, struct mr_search *search);
/* Without it: an open connection with the right schema, or NULL. */
struct mr_db *mr_search_run(const struct mr_servers *s, struct mr_search *search);
/* With the lock. The last error, 0 when db is there. */
int mr_search_end(struct mr_servers *s, const struct mr_search *search, const struct mr_db *db);
/* A connection that is open already: does it still show what is expected? Without the lock. 0, or an error. */
int mr_search_recheck(const struct mr_search *search, struct mr_db *db, struct mr_diag *why);
