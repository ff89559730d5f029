/* schema: migrations schema/NNNN-*.sql, built into the program; forward only, re-runnable, one at a time under a lease row. */
#pragma once
#include "store/db.h"

/* Creates what is missing up to MR_SCHEMA_NEWEST. Calls said(line) for each step. A second run changes nothing. */
int mr_schema_apply(struct mr_db *db, void (*said)(const char *line, void *arg), void *arg, struct mr_diag *diag);
int mr_schema_version(struct mr_db *db, unsigned *version, struct mr_diag *diag); /* 0 = empty database */
