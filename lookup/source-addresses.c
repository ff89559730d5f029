/* source-addresses: reads of mailboxes and aliases, gathered: those of one turn of the loop are one statement; while one is under way, what
 * comes meanwhile is gathered for the next. A statement that takes its time is not waited for while there are connections. It goes by a
 * line, else to the pool's threads. */
#include "source-pool.h"

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/mem.h"

#define ARENA_MAX (64u << 20) /* bytes of one statement's answer: some aliases with very many destinations */
#define AT_ONCE   2           /* statements under way before reads are gathered: one waits for a disk while the other computes */
#define GATHER_MS 1           /* how long reads wait for the statement under way, before they get a connection of their own */

struct ask {
	struct mr_source_row ask;
	char *key;
	struct mr_row *row;
};

/* The keys of one kind, and which asks they belong to. */
struct keys {
	const char *v[MR_READ_MAX];
	struct ask *asks[MR_READ_MAX];
	size_t n;
	bool plain; /* all of them */
};

struct batch {
	struct mr_addresses_ask on_line; /* first */
	struct pool_source *source;
	struct ask asks[MR_READ_MAX];
	size_t n;
	int err;
	/* While it is read. */
	struct keys mailboxes, aliases;
	struct mr_row_mailbox m[MR_READ_MAX];
	struct mr_row_alias a[MR_READ_MAX];
};

static void select_kind(struct batch *b, enum mr_row_kind kind, struct keys *keys)
{
	keys->n = 0;
	keys->plain = true;
	for (size_t i = 0; i < b->n; i++) {
		if (b->asks[i].ask.kind != kind)
			continue;
		keys->plain = keys->plain && b->asks[i].ask.plain;
		keys->v[keys->n] = b->asks[i].key;
		keys->asks[keys->n++] = &b->asks[i];
	}
}

/* What is asked for, from the start. */
static void set_up(struct batch *b)
{
	select_kind(b, MR_ROW_MAILBOX, &b->mailboxes);
	select_kind(b, MR_ROW_ALIAS, &b->aliases);
	memset(b->m, 0, b->mailboxes.n * sizeof(*b->m));
	memset(b->a, 0, b->aliases.n * sizeof(*b->a));
}

static struct mr_read_keys keys_of(const struct keys *k)
{
	return (struct mr_read_keys){ k->v, k->n, k->plain };
}

static void make_rows(struct batch *b)
{
	for (size_t i = 0; i < b->mailboxes.n && b->err == 0; i++)
		b->mailboxes.asks[i]->row = b->m[i].address ? mr_row_of_mailbox(&b->m[i]) : mr_row_absent(MR_ROW_MAILBOX);
	for (size_t i = 0; i < b->aliases.n && b->err == 0; i++)
		b->aliases.asks[i]->row = b->a[i].address ? mr_row_of_alias(&b->a[i]) : mr_row_absent(MR_ROW_ALIAS);
}

static void run(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct batch *b = arg;
	mr_autoarena arena = mr_arena_new(ARENA_MAX);

	if (db == NULL)
		return;
	set_up(b);
	const struct mr_read_keys mailboxes = keys_of(&b->mailboxes), aliases = keys_of(&b->aliases);
	b->err = mr_read_addresses(db, &mailboxes, &aliases, arena, b->m, b->a, NULL);
	make_rows(b);
}

static void tell(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		b->asks[i].ask.done(b->asks[i].ask.arg, b->err ? -EAGAIN : 0, b->asks[i].row);
		free(b->asks[i].key);
	}
	free(b);
}

static void stop_waiting(struct pool_source *s)
{
	mr_timer_cancel(&s->timer);
	mr_later_cancel(s->loop, &s->turn_ends);
}

static void hand_over(struct pool_source *s);

static void done(void *arg)
{
	struct batch *b = arg;
	struct pool_source *s = b->source;

	s->under_way--;
	tell(b);
	if (s->gathered != NULL)
		hand_over(s);
}

static int give_to_pool(struct batch *b)
{
	struct mr_db_pool *pool = b->source->pool; /* NULL: it all ends */

	return pool ? mr_db_pool_submit(pool, &(struct mr_db_job){ .job = run, .done = done, .arg = b }) : -EAGAIN;
}

/* What a line could not read the pool reads: it knows of other servers, and waits for longer. */
static void on_line_done(struct mr_addresses_ask *ask, int err)
{
	struct batch *b = (struct batch *)ask;

	b->err = err;
	make_rows(b);
	mr_arena_free(ask->arena);
	if (err == 0 || give_to_pool(b) != 0)
		done(b);
}

static bool give_to_line(struct batch *b)
{
	struct pool_source *s = b->source;

	set_up(b);
	b->on_line = (struct mr_addresses_ask){ .mailboxes = keys_of(&b->mailboxes),
						.aliases = keys_of(&b->aliases),
						.arena = mr_arena_new(ARENA_MAX),
						.m = b->m,
						.a = b->a,
						.done = on_line_done };
	for (size_t i = 0; i < MR_COUNT(s->lines); i++)
		if (s->lines[i] != NULL && mr_line_read_addresses(s->lines[i], &b->on_line))
			return true;
	mr_arena_free(b->on_line.arena);
	return false;
}

/* Has what was gathered read. */
static int submit(struct pool_source *s)
{
	int err = give_to_line(s->gathered) ? 0 : give_to_pool(s->gathered);

	if (err != 0)
		return err;
	stop_waiting(s);
	s->gathered = NULL;
	s->under_way++;
	return 0;
}

/* The reads have failed. */
static void give_up(struct pool_source *s)
{
	struct batch *b = s->gathered;

	stop_waiting(s);
	s->gathered = NULL;
	tell(b);
}

/* Not from inside pool_read_address(), whose caller is told later. */
static void hand_over(struct pool_source *s)
{
	if (submit(s) != 0)
		give_up(s);
}

static void on_time(void *arg)
{
	struct pool_source *s = arg;

	s->timer = NULL;
	if (s->under_way < s->at_once)
		hand_over(s); /* else done() will */
}

static void on_turn_ends(void *arg)
{
	hand_over(arg);
}

static void gather(struct pool_source *s)
{
	s->gathered = mr_new(struct batch, 1);
	s->gathered->source = s;
	s->gathered->err = -EAGAIN;
	if (s->under_way >= AT_ONCE) {
		s->timer = mr_timer_start(s->loop, GATHER_MS, on_time, s);
		return;
	}
	s->turn_ends = (struct mr_later){ .fn = on_turn_ends, .arg = s };
	mr_later_start(s->loop, &s->turn_ends);
}

int pool_read_address(struct pool_source *s, const struct mr_source_row *r)
{
	if (s->gathered != NULL && s->gathered->n == MR_READ_MAX) {
		int err = submit(s);
		if (err != 0)
			return err;
	}
	if (s->gathered == NULL)
		gather(s);
	s->gathered->asks[s->gathered->n++] = (struct ask){ .ask = *r, .key = mr_slice_dup(r->key) };
	return 0;
}

void pool_addresses_end(struct pool_source *s)
{
	while (s->gathered != NULL)
		give_up(s);
}
