/* explain: see explain.h. */

/* libraries */
#include <jansson.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "explain.h"
#include "history.h"
#include "rt/clock.h"

/* What is not UTF-8 is shown as in logs. */
static json_t *text(struct mr_slice s)
{
	json_t *v = json_stringn(s.p ? s.p : "", s.n);
	struct mr_buf escaped = MR_BUF(4096);

	if (v)
		return v;
	mr_escape_add(&escaped, s, 1000);
	v = json_string(escaped.p ? escaped.p : "");
	mr_buf_done(&escaped);
	return v;
}

static json_t *string(const char *s)
{
	return s ? text(mr_slice_of(s)) : json_null();
}

static json_t *recipients(const struct mr_job *j)
{
	json_t *all = json_array();

	for (size_t i = 0; i < j->n_recipients && i < MR_EXPLAIN_RECIPIENTS_MAX; i++)
		json_array_append_new(all, string(j->recipients[i]->address));
	return all;
}

static json_t *withheld(const struct mr_verdict *v)
{
	json_t *all = json_array();

	for (size_t i = 0; i < v->n_withheld && i < MR_EXPLAIN_RECIPIENTS_MAX; i++)
		json_array_append_new(all, text(v->withheld[i].address));
	return all;
}

static json_t *symbols(const struct mr_scan_result *r)
{
	json_t *all = json_object();

	for (size_t i = 0; i < r->n_symbols; i++)
		json_object_setn_new(all, r->symbols[i].name.p, r->symbols[i].name.n, json_real(r->symbols[i].score));
	return all;
}

static json_t *groups(const struct mr_job *j)
{
	struct mr_score_group v[MR_SYMBOLS_MAX];
	size_t n = mr_scores_groups(&j->settings->scores, &j->scan, v);
	json_t *all = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_setn_new(all, v[i].name.p, v[i].name.n, json_real(v[i].counted));
	return all;
}

static json_t *times(const struct explain *x)
{
	const struct mr_job *j = x->job;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "receive", (json_int_t)x->receive_ms, "recipients",
			 (json_int_t)(x->known ? j->recipients_ms : 0), "scan", (json_int_t)(x->known ? j->scan_ms : 0), "dns",
			 (json_int_t)(x->known ? j->dns_ms : 0), "clamd", (json_int_t)(x->known ? j->clamd_ms : 0), "fuzzy",
			 (json_int_t)(x->known ? j->fuzzy_ms : 0), "greylist", (json_int_t)x->greylist_ms, "total",
			 (json_int_t)x->total_ms);
}

static json_t *object(const struct explain *x)
{
	const struct mr_job *j = x->job;
	char client[MR_IP_STRLEN] = "";
	json_t *o = json_pack("{s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:I, s:s, s:o, s:I, s:o, s:o, s:o}", "time",
			      (json_int_t)mr_wall(), "id", string(x->queue_id), "role", mr_role_str(j->role), "client",
			      j->client.family ? mr_ip_str(&j->client, client) : "", "login", string(j->login), "sender", string(j->sender),
			      "from", string(j->from), "n_recipients", (json_int_t)j->n_recipients, "recipients", recipients(j), "size",
			      (json_int_t)j->message.n, "action", mr_action_str(x->verdict->action), "reason", string(x->verdict->reason),
			      "signed", (json_int_t)x->n_signatures, "quarantine", string(x->quarantine_id[0] ? x->quarantine_id : NULL),
			      "withheld", withheld(x->verdict), "ms", times(x));

	if (x->verdict->n_unproven)
		json_object_set_new(o, "allowed_unproven", json_integer((json_int_t)x->verdict->n_unproven));
	if (x->known && j->virus_name[0])
		json_object_set_new(o, "virus", json_string(j->virus_name));
	if (!x->known || !j->scanned)
		return o;
	json_object_set_new(o, "score", json_real(j->scan.score));
	json_object_set_new(o, "symbols", symbols(&j->scan));
	json_object_set_new(o, "groups", groups(j));
	json_object_set_new(o, "complete", json_boolean(j->scan.complete));
	return o;
}

void explain_keep(const struct explain *x)
{
	json_t *o = object(x);
	char *line = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));

	if (line)
		mr_history_add(mr_slice_of(x->queue_id), mr_slice_of(line));
	free(line);
	json_decref(o);
}
