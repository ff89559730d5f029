/* place: where database servers are, the preferred one first. For this folder only. */
#pragma once
#include "store/db.h"

#define MR_DB_PLACES_MAX 8
struct mr_db_place {
	char *socket; /* NULL: host and port */
	char *host;
	unsigned port;
	char *shown; /* for diagnoses */
};
struct mr_db_places {
	struct mr_db_place v[MR_DB_PLACES_MAX];
	size_t n; /* at least 1 */
};
/* db_socket, then each of db_host. 0, or -EINVAL. */
int mr_db_places(const struct mr_conf_shared *conf, struct mr_db_places *out, struct mr_diag *diag);
void mr_db_places_done(struct mr_db_places *p);
/* Own copies of the db_ options, but for those of the places. */
struct mr_conf_shared mr_db_conf_copy(const struct mr_conf_shared *c);
void mr_db_conf_done(struct mr_conf_shared *c);

/* A connection to places.v[at]. Where there are several, none is waited for long. */
int mr_db_open_at(const struct mr_conf_shared *conf, const struct mr_db_places *places, size_t at, struct mr_db **out,
		  struct mr_diag *diag);
