/* session-socketmap: Postfix asks its tables. */
#include "lookup.h"

/* system */
#include <errno.h>

/* ours */
#include "mail/address.h"
#include "map.h"
#include "proto/netstring.h"
#include "rt/clock.h"
#include "stats.h"

static const struct mr_map *map_find(const struct mr_map *const table[], struct mr_slice name)
{
	for (size_t i = 0; table[i] != NULL; i++) {
		if (mr_slice_eq(mr_slice_of(table[i]->name), name))
			return table[i];
	}
	return NULL;
}

static bool reply(const struct mr_map_answer *a, struct mr_buf *out)
{
	if (a->status == MR_SOCKETMAP_TEMP)
		mr_stat_temp++;
	if (mr_socketmap_reply(out, a->status, a->data) != 0)
		mr_socketmap_reply(out, MR_SOCKETMAP_PERM, MR_LIT("the answer is too long"));
	return true;
}

static bool run(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	const struct mr_map *map = ask->what;
	struct mr_map_answer answer = { .status = MR_SOCKETMAP_NOTFOUND };

	map->find(w, ask->key, &answer);
	if (answer.published && ask->extra.n > 0) /* what comes then is not of rows: see answer() */
		return true;
	return !answer.waiting && reply(&answer, out);
}

static const struct mr_site_view *view_find(const struct mr_site *site, struct mr_slice name)
{
	for (size_t i = 0; i < site->n_views; i++) {
		if (mr_slice_eq(site->views[i].map, name))
			return &site->views[i];
	}
	return NULL;
}

/* A map of the site: ask->extra is its view. Keys are looked for in lower case. */
static bool run_view(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	struct mr_map_answer answer = { .status = MR_SOCKETMAP_NOTFOUND };

	mr_map_view(w, ask->extra, ask->key, &answer);
	return !answer.waiting && reply(&answer, out);
}

static void on_facts(const struct mr_tls_facts *f, void *arg)
{
	struct mr_map_answer answer = { .status = MR_SOCKETMAP_TEMP,
					.data = MR_LIT("what this domain publishes about TLS is not known now") };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf out = MR_BUF(MR_SOCKETMAP_REPLY_MAX);
	struct mr_slice value = { "", 0 };

	if (mr_tls_decide(f, arena, &value))
		answer = (struct mr_map_answer){ .status = value.n ? MR_SOCKETMAP_OK : MR_SOCKETMAP_NOTFOUND, .data = value };
	reply(&answer, &out);
	mr_conn_send(arg, mr_buf_slice(&out));
	mr_conn_release(arg);
	mr_buf_done(&out);
}

static void answer(const struct mr_ask *ask, struct mr_slice bytes)
{
	struct mr_lookup *l = mr_conn_arg(ask->to);
	mr_autoarena arena = mr_arena_new(0);

	if (bytes.n == 0) {
		mr_tls_ask(l->tls, mr_address_lower(ask->key, arena), mr_now_ms() + l->deadline_ms, on_facts, ask->to);
		return;
	}
	mr_conn_send(ask->to, bytes);
	mr_conn_release(ask->to);
}

static void refuse(struct mr_conn *c, struct mr_slice why)
{
	struct mr_buf out = MR_BUF(256);

	mr_socketmap_reply(&out, MR_SOCKETMAP_PERM, why);
	mr_conn_send(c, mr_buf_slice(&out));
	mr_buf_done(&out);
}

static ssize_t take(struct mr_conn *c, struct mr_slice in, const struct mr_map *const table[])
{
	struct mr_lookup *l = mr_conn_arg(c);
	struct mr_socketmap_request request;
	struct mr_slice payload;
	size_t used;
	int err = mr_netstring_next(in, MR_SOCKETMAP_REQUEST_MAX, &payload, &used);

	if (err > 0)
		err = mr_socketmap_parse(payload, &request) == 0 ? 1 : -EPROTO;
	if (err < 0)
		mr_stat_malformed++;
	if (err <= 0)
		return err;
	mr_stat_maps++;
	const struct mr_map *map = map_find(table, request.map);
	const struct mr_site_view *own = map == NULL && table == mr_maps ? view_find(&l->site, request.map) : NULL;
	if (map == NULL && own == NULL) {
		refuse(c, MR_LIT("there is no such map"));
		return (ssize_t)used;
	}
	struct mr_ask ask = { .run = own ? run_view : run, .answer = answer, .key = request.key, .what = map, .to = c };
	ask.extra = own ? own->view : mr_slice_of(l->tls ? "published" : "");
	mr_conn_hold(c);
	mr_question_start(l->questions, &ask);
	return (ssize_t)used;
}

static ssize_t data(struct mr_conn *c, struct mr_slice in)
{
	return take(c, in, mr_maps);
}

static ssize_t secret_data(struct mr_conn *c, struct mr_slice in)
{
	return take(c, in, mr_secret_maps);
}

/* Answers carry no number: they come in the order of the questions. */
#define SOCKETMAP(called, handler)                                                                                                         \
	{                                                                                                                                  \
		.name = called, .request_max = MR_SOCKETMAP_REQUEST_MAX + 16, .pending_max = 1, .data = handler                            \
	}
const struct mr_server_ops mr_session_socketmap = SOCKETMAP("socketmap", data);
const struct mr_server_ops mr_session_secret_maps = SOCKETMAP("secret maps", secret_data);
