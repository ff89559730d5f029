/* row-code: rows as bytes, for the snapshot. One function a kind goes over its fields for both ways, so that they cannot differ; a new
 * field of a row is one line here. Numbers in network order, texts and lists with their length before them. */
#pragma once
#include "base/buf.h"
#include "row.h"

#define MR_ROW_FORMAT 2       /* raised when what is written changes its meaning */
uint64_t mr_row_layout(void); /* another number when the structs of rows are others, so that nobody reads them with the wrong eyes */

void mr_row_encode(const struct mr_row *row, struct mr_buf *out); /* one that exists */
/* A new reference, or NULL: these bytes are no row of this kind. The arena is for work. */
struct mr_row *mr_row_decode(enum mr_row_kind kind, struct mr_slice in, struct mr_arena *arena);

/* The same for other records: `out` set writes, else `in` is read. `bad` stays set once what is read does not fit. */
struct mr_coder {
	struct mr_buf *out;
	struct mr_slice in;
	struct mr_arena *arena;
	bool bad;
};
void mr_code_u64(struct mr_coder *c, uint64_t *v);
void mr_code_text(struct mr_coder *c, char **s); /* no NUL inside; read into the arena */
