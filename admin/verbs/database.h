/* database: the verbs' connection. */
#pragma once
#include "options.h"
#include "store/db.h"

/* The writer's credentials in place of the shared ones. Strings are borrowed. */
struct mr_conf_shared verbs_database(const struct verbs_conf *conf);
/* Opens and checks the schema. */
int verbs_open(const struct verbs_conf *conf, struct mr_db **out, struct mr_diag *diag);
/* The exit code of a verb whose change came out as r. After a change every lookup is told, and waited for (acknowledge.h): who has not
 * applied it in time is named, and the exit code is 3 where --wait asked for that. */
int verbs_changed(const struct verbs_conf *conf, int r, const struct mr_diag *diag);

void verbs_close_(struct mr_db **db);
#define verbs_autodb __attribute__((cleanup(verbs_close_))) struct mr_db *
