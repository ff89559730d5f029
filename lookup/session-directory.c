/* session-directory: our own parts ask over the wire: directory, passdb and keys sockets, which differ in what may be asked there. */
#include "lookup.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "rt/clock.h"
#include "stats.h"

struct command {
	const char *name, *key, *extra;                                                     /* of its arguments; extra may be NULL */
	bool (*run)(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out); /* NULL: not of rows */
};

static const struct command directory_commands[] = {
	{ "resolve", "address", NULL, mr_answer_resolve },
	{ "account", "address", NULL, mr_answer_account },
	{ "sender", "address", NULL, mr_answer_sender },
	{ "tls", "domain", NULL, NULL },
	{ 0 },
};
static const struct command passdb_commands[] = {
	{ "passdb", "address", NULL, mr_answer_passdb },
	{ "userdb", "address", NULL, mr_answer_account },
	{ "iterate", "after", NULL, NULL },
	{ 0 },
};
static const struct command keys_commands[] = {
	{ "dkim-key", "domain", "selector", mr_answer_dkim_key },
	{ 0 },
};

static void answer(const struct mr_ask *ask, struct mr_slice bytes)
{
	mr_conn_send(ask->to, bytes);
	mr_conn_release(ask->to);
}

static void refuse(struct mr_conn *c, uint64_t id, const char *why)
{
	struct mr_buf out = MR_BUF(1024);

	mr_dir_status_encode(&out, id, MR_DIR_BAD, why);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static const struct command *command_find(const struct command *table, struct mr_slice name)
{
	for (const struct command *c = table; c->name != NULL; c++) {
		if (mr_slice_eq(mr_slice_of(c->name), name))
			return c;
	}
	return NULL;
}

struct tls_question {
	struct mr_conn *c;
	uint64_t id;
};

static void on_facts(const struct mr_tls_facts *f, void *arg)
{
	struct tls_question *q = arg;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(MR_WIRE_MAX);
	struct mr_slice policy = { "", 0 };
	struct mr_wire_out w;

	bool known = mr_tls_decide(f, arena, &policy);
	mr_wire_begin(&w, "status", mr_dir_status_str(known ? MR_DIR_OK : MR_DIR_TEMP), q->id);
	mr_wire_put(&w, "dane", f->dane_reason);
	mr_wire_put(&w, "mta-sts", f->sts_reason);
	mr_wire_put(&w, "policy", policy);
	mr_wire_end(&w, &out);
	mr_conn_send(q->c, mr_buf_slice(&out));
	mr_conn_release(q->c);
	mr_buf_done(&out);
	free(q);
}

/* For people: what Postfix is told, and why. */
static void start_tls(struct mr_lookup *l, struct mr_conn *c, uint64_t id, struct mr_slice domain)
{
	mr_autoarena arena = mr_arena_new(0);
	struct tls_question *q;
	struct mr_slice name;

	if (l->tls == NULL || mr_domain_check(domain, true, arena, &name, NULL) < 0) {
		refuse(c, id, l->tls ? "this is no domain" : "mta_sts is switched off");
		return;
	}
	q = mr_new(struct tls_question, 1);
	*q = (struct tls_question){ c, id };
	mr_conn_hold(c);
	mr_tls_ask(l->tls, name, mr_now_ms() + l->deadline_ms, on_facts, q);
}

static void dispatch(struct mr_conn *c, const struct command *table, const struct mr_wire *w)
{
	struct mr_lookup *l = mr_conn_arg(c);
	const struct command *cmd = command_find(table, mr_wire_get(w, "cmd"));
	uint64_t id = 0, limit = MR_ITERATE_MAX;

	(void)mr_wire_u64(w, "id", UINT64_MAX, &id); /* mr_wire_next() takes no message without */
	if (cmd == NULL) {
		refuse(c, id, "this socket knows no such question");
		return;
	}
	struct mr_ask ask = { .run = cmd->run, .answer = answer, .id = id, .what = &l->context, .to = c };
	ask.key = mr_wire_get(w, cmd->key);
	ask.extra = cmd->extra ? mr_wire_get(w, cmd->extra) : (struct mr_slice){ "", 0 };
	if (ask.key.p == NULL || ask.extra.p == NULL) {
		refuse(c, id, "an argument is missing");
	} else if (cmd->run != NULL) {
		mr_conn_hold(c);
		mr_question_start(l->questions, &ask);
	} else if (mr_slice_eq(mr_slice_of(cmd->name), MR_LIT("tls"))) {
		start_tls(l, c, id, ask.key);
	} else if (mr_wire_u64(w, "limit", MR_ITERATE_MAX, &limit) == -ERANGE || limit == 0) {
		refuse(c, id, "limit is 1 to 1000");
	} else {
		mr_conn_hold(c);
		mr_iterate_start(l, c, id, ask.key, limit);
	}
}

static ssize_t take(struct mr_conn *c, struct mr_slice in, const struct command *table)
{
	struct mr_lookup *l = mr_conn_arg(c);
	struct mr_wire w;
	size_t used;

	mr_arena_reset(l->scratch);
	int err = mr_wire_next(in, l->scratch, &w, &used);
	if (err < 0)
		mr_stat_malformed++;
	if (err <= 0)
		return err;
	mr_stat_directory++;
	dispatch(c, table, &w);
	return (ssize_t)used;
}

static ssize_t directory_data(struct mr_conn *c, struct mr_slice in)
{
	return take(c, in, directory_commands);
}

static ssize_t passdb_data(struct mr_conn *c, struct mr_slice in)
{
	return take(c, in, passdb_commands);
}

static ssize_t keys_data(struct mr_conn *c, struct mr_slice in)
{
	return take(c, in, keys_commands);
}

const struct mr_server_ops mr_session_directory = { .name = "directory", .request_max = MR_DIR_QUESTION_MAX, .data = directory_data };
const struct mr_server_ops mr_session_passdb = { .name = "passdb", .request_max = MR_DIR_QUESTION_MAX, .data = passdb_data };
const struct mr_server_ops mr_session_keys = { .name = "keys", .request_max = MR_DIR_QUESTION_MAX, .data = keys_data };
