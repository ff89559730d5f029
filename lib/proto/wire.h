/* wire: messages between our own parts: one netstring of "key=value\n" lines. Keys [a-z0-9_.-]+; in values % LF CR NUL are written
 * %25 %0A %0D %00. Every message starts with "v=1" and "id=NUMBER"; requests of one connection may be answered in any order.
 * No I/O, no libevent: the Dovecot plugin uses it as it is. */
#pragma once
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"

#define MR_WIRE_VERSION    1
#define MR_WIRE_MAX        (1u << 20) /* bytes of one message */
#define MR_WIRE_FIELDS_MAX 65536

struct mr_wire_field {
	struct mr_slice key, value; /* value decoded; in the caller's bytes or in the arena */
};
struct mr_wire {
	struct mr_wire_field *fields;
	size_t n;
};

/* Front of `in`: 1 message taken (*used bytes), 0 more needed, -EPROTO or -EMSGSIZE (give the connection up).
 * -EPROTO also for another version. */
int mr_wire_next(struct mr_slice in, struct mr_arena *arena, struct mr_wire *out, size_t *used);
/* First value of a key; the empty slice with p == NULL when absent. */
struct mr_slice mr_wire_get(const struct mr_wire *w, const char *key);
/* From *at on: the next value of a repeated key, false at the end. Start with *at = 0. */
bool mr_wire_each(const struct mr_wire *w, const char *key, size_t *at, struct mr_slice *value);
/* -ENOENT absent, -EINVAL, -ERANGE. */
int mr_wire_u64(const struct mr_wire *w, const char *key, uint64_t max, uint64_t *out);

/* One line "key=value\n", the value escaped; answers on the control socket are made of these, too. -ENOBUFS adds nothing. */
int mr_wire_line_add(struct mr_buf *out, const char *key, struct mr_slice value);

/* Building: begin, put..., then end adds the finished netstring to `out`. */
struct mr_wire_out {
	struct mr_buf body;
	size_t n; /* fields so far */
};
void mr_wire_begin(struct mr_wire_out *w, const char *cmd_or_status_key, const char *value, uint64_t id);
void mr_wire_put(struct mr_wire_out *w, const char *key, struct mr_slice value);
void mr_wire_puts(struct mr_wire_out *w, const char *key, const char *value);
void mr_wire_putu(struct mr_wire_out *w, const char *key, uint64_t value);
int mr_wire_end(struct mr_wire_out *w, struct mr_buf *out); /* frees w; -ENOBUFS if anything was too long */
