/* arena: see arena.h. A list of chunks, the newest first; what does not fit into the newest gets a new one. */

/* system */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"

#define ALIGNMENT      16
#define ORDINARY_CHUNK (8u << 10) /* bytes */
#if defined(__SANITIZE_ADDRESS__) /* gcc */
#define CHUNK 0 /* each allocation has a chunk of its exact size, so that the sanitizer sees one byte too far and use after a reset */
#elif defined(__has_feature) /* clang */
#define CHUNK (__has_feature(address_sanitizer) ? 0 : ORDINARY_CHUNK)
#else
#define CHUNK ORDINARY_CHUNK
#endif
#define CHUNK_MAX   (8 * CHUNK)
#define DEFAULT_MAX (64u << 20)
#define SHORT_TEXT  256 /* bytes of a printed text that is copied once */

struct chunk {
	struct chunk *older;
	size_t size, used; /* bytes of data */
	_Alignas(ALIGNMENT) char data[];
};

struct mr_arena {
	struct chunk *newest;
	size_t used, max; /* bytes */
};

struct mr_arena *mr_arena_new(size_t max)
{
	struct mr_arena *a = mr_new(struct mr_arena, 1);

	a->max = max ? max : DEFAULT_MAX;
	return a;
}

static void free_chunks(struct chunk *c)
{
	while (c) {
		struct chunk *older = c->older;

		free(c);
		c = older;
	}
}

void mr_arena_free(struct mr_arena *a)
{
	if (a)
		free_chunks(a->newest);
	free(a);
}

void mr_arena_reset(struct mr_arena *a)
{
	struct chunk *kept = a->newest;

	a->used = 0;
	/* One ordinary chunk stays, so that a session's next request allocates nothing. */
	if (CHUNK && kept && kept->size == CHUNK) {
		free_chunks(kept->older);
		kept->older = NULL;
		kept->used = 0;
	} else {
		free_chunks(kept);
		a->newest = NULL;
	}
}

/* Each next one has room for as much as all before, so that they stay few. */
static size_t ordinary_chunk(const struct mr_arena *a)
{
	size_t most = CHUNK_MAX; /* 0 under a sanitizer, as CHUNK is: then each allocation has a chunk of its own */

	return a->used <= CHUNK ? CHUNK : a->used < most ? a->used : most;
}

/* Not zeroed; NULL: over the maximum. */
static char *take(struct mr_arena *a, size_t exact)
{
	struct chunk *c = a->newest;
	size_t size, start;

	if (exact > a->max || exact > SIZE_MAX - sizeof(struct chunk) - ALIGNMENT)
		return NULL;
	size = (exact + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size > a->max - a->used)
		return NULL;
	if (!c || c->size - c->used < size) {
		size_t ordinary = ordinary_chunk(a), room = size > ordinary ? exact : ordinary;

		c = mr_realloc(NULL, sizeof(*c) + room);
		*c = (struct chunk){ .older = a->newest, .size = room };
		a->newest = c;
	}
	start = c->used;
	c->used = size > c->size - start ? c->size : start + size;
	a->used += size;
	return c->data + start;
}

/* Ends the process where there is none. */
static char *must_take(struct mr_arena *a, size_t exact)
{
	static const char why[] = "mailreeve: arena over its maximum\n";
	char *p = take(a, exact);

	if (!p) {
		ssize_t ignored = write(STDERR_FILENO, why, sizeof(why) - 1);

		(void)ignored;
		abort();
	}
	return p;
}

void *mr_arena_try(struct mr_arena *a, size_t n)
{
	size_t exact = n ? n : 1;
	char *p = take(a, exact);

	return p ? memset(p, 0, exact) : NULL;
}

void *mr_arena_alloc(struct mr_arena *a, size_t n)
{
	size_t exact = n ? n : 1;

	return memset(must_take(a, exact), 0, exact);
}

#define MORE_FIRST 8

void *mr_arena_more(struct mr_arena *a, void *v, size_t n, size_t *room, size_t max, size_t size)
{
	size_t wider = *room ? 2 * *room : MORE_FIRST;
	void *copy;

	if (n < *room)
		return v;
	if (wider > max)
		wider = max;
	copy = mr_arena_alloc(a, wider * size);
	if (n)
		memcpy(copy, v, n * size);
	*room = wider;
	return copy;
}

char *mr_arena_strdup(struct mr_arena *a, const char *s)
{
	return mr_arena_slice(a, mr_slice_of(s));
}

char *mr_arena_slice(struct mr_arena *a, struct mr_slice s)
{
	char *copy = must_take(a, s.n + 1);

	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

char *mr_arena_lower(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_slice(a, s);

	for (size_t i = 0; i < s.n; i++)
		out[i] = mr_lower(out[i]);
	return out;
}

char *mr_arena_printf(struct mr_arena *a, const char *fmt, ...)
{
	struct mr_buf text = MR_BUF(a->max);
	char shorter[SHORT_TEXT], *out;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(shorter, sizeof(shorter), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(shorter))
		return mr_arena_slice(a, (struct mr_slice){ shorter, (size_t)n });
	va_start(ap, fmt);
	mr_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	out = mr_arena_slice(a, mr_buf_slice(&text));
	mr_buf_done(&text);
	return out;
}

size_t mr_arena_used(const struct mr_arena *a)
{
	return a->used;
}
