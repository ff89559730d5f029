/* print: what verbs show, as a table for people or as JSON. */
#pragma once
#include <jansson.h>
#include "store/read.h"

/* rows x columns cells, the first row being the head; widths follow the contents. */
void print_table(const char *const *cells, size_t rows, size_t columns);
/* Prints and drops it; 0, or 1 when stdout fails. */
int print_json(json_t *value);

/* "12 MB", "Unlimited" (F142). In the arena. */
const char *print_quota(uint64_t bytes, struct mr_arena *arena);
const char *print_yes(bool yes);
const char *print_duration(uint64_t ms, struct mr_arena *arena);        /* its two largest units, rounded up: "1h5m" */
const char *print_end(int64_t at, struct mr_arena *arena);              /* "2026-12-31T18:00:00Z"; "never" for 0 */
json_t *json_end(int64_t at);                                           /* the same; null = never */
json_t *json_patterns(const struct mr_row_pattern *patterns, size_t n); /* [{"pattern", "action"}] */
void print_patterns(const struct mr_row_pattern *patterns, size_t n);
