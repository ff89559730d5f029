/* request: one question of Postfix from its arrival to its one log line. What the checks need is asked one after the other, the recipient
 * last: its answer may be large and lives during its callback only, in which the checks run. */

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "policyd.h"
#include "rt/clock.h"
#include "rt/log.h"

#define ARENA_MAX (4 * MR_POLICY_REQUEST_MAX)
#define REPLY_MAX 1024
#define DEFERRED  "451 4.3.0 Temporary lookup failure"

struct mr_request {
	struct mr_request *prev, *next;
	struct mr_policyd *policyd;
	struct mr_conn *conn;
	struct mr_arena *arena;
	struct mr_policy_request request; /* in the arena */
	struct mr_check_input in;
	unsigned needs;           /* bits: what is still to be asked */
	uint64_t began, deadline; /* ms */
};

/* What comes of all checks together. */
struct outcome {
	const char *reply;                            /* NULL: DUNNO */
	const char *check, *reason;                   /* that gave the reply */
	const char *observed_check, *observed_reason; /* the first that would have, in mode observe */
	bool unknown, deferred;
};

static const struct mr_policyd_conf *conf_of(const struct mr_policyd *p)
{
	return p->app->conf;
}

/* Every attribute that a check or the log looks at. */
static void copy_request(struct mr_arena *arena, const struct mr_policy_request *from, struct mr_policy_request *to)
{
	const struct {
		const struct mr_slice *from;
		struct mr_slice *to;
	} copies[] = {
		{ &from->protocol_state, &to->protocol_state }, { &from->queue_id, &to->queue_id }, { &from->instance, &to->instance },
		{ &from->client_address, &to->client_address }, { &from->sender, &to->sender },     { &from->recipient, &to->recipient },
		{ &from->sasl_username, &to->sasl_username },   { &from->size, &to->size },
	};

	*to = (struct mr_policy_request){ 0 };
	for (size_t i = 0; i < MR_COUNT(copies); i++)
		*copies[i].to = mr_slice_of(mr_arena_slice(arena, *copies[i].from));
}

static unsigned state_of(struct mr_slice protocol_state)
{
	if (mr_slice_eq(protocol_state, MR_LIT("RCPT")))
		return MR_STATE_RCPT;
	if (mr_slice_eq(protocol_state, MR_LIT("END-OF-MESSAGE")))
		return MR_STATE_END_OF_MESSAGE;
	return 0;
}

static unsigned needs_of(const struct mr_policyd_conf *conf, enum mr_check_state state)
{
	unsigned needs = 0;

	for (size_t i = 0; i < MR_CHECKS; i++)
		if (conf->mode[i] != MR_MODE_OFF && (mr_checks[i]->states & state))
			needs |= mr_checks[i]->needs;
	return needs;
}

static void run_check(size_t i, const struct mr_policyd_conf *conf, const struct mr_check_input *in, struct outcome *out)
{
	struct mr_check_answer answer = { .kind = MR_CHECK_PASS };
	const char *reply = NULL;

	mr_checks[i]->run(in, &answer);
	switch (answer.kind) {
	case MR_CHECK_PASS:
		break;
	case MR_CHECK_REFUSE:
		reply = answer.reply;
		break;
	case MR_CHECK_UNKNOWN:
		out->unknown = true;
		answer.reason = "lookup-away";
		reply = conf->on_error[i] == MR_ON_ERROR_DEFER ? DEFERRED : NULL;
		break;
	}
	if (reply && conf->mode[i] == MR_MODE_ENFORCE) {
		out->reply = reply;
		out->check = mr_checks[i]->name;
		out->reason = answer.reason;
		out->deferred = answer.kind == MR_CHECK_UNKNOWN;
	} else if (reply && !out->observed_check) {
		out->observed_check = mr_checks[i]->name;
		out->observed_reason = answer.reason;
	}
}

/* In their order, until one in mode enforce has a reply. */
static struct outcome run_checks(const struct mr_policyd_conf *conf, const struct mr_check_input *in)
{
	struct outcome out = { 0 };

	for (size_t i = 0; i < MR_CHECKS && !out.reply; i++)
		if (conf->mode[i] != MR_MODE_OFF && (mr_checks[i]->states & in->state))
			run_check(i, conf, in, &out);
	return out;
}

static void count(const struct outcome *out)
{
	mr_policyd_requests++;
	mr_policyd_passed += !out->reply;
	mr_policyd_refused += out->reply && !out->deferred;
	mr_policyd_deferred += out->deferred;
	mr_policyd_observed += !out->reply && out->observed_check;
	mr_policyd_unknown += out->unknown;
}

static void log_outcome(const struct mr_request *r, const struct outcome *out)
{
	const struct mr_policy_request *q = &r->request;
	const char *reason = out->reason ? out->reason : out->unknown ? "lookup-away" : "ok";
	struct mr_kv observed[2] = { { 0 } };

	if (out->observed_check)
		observed[0] = mr_s("observed", mr_arena_printf(r->arena, "%s:%s", out->observed_check, out->observed_reason));
	mr_log(MR_LOG_INFO, "policy", mr_sl("id", q->queue_id), mr_sl("instance", q->instance), mr_sl("state", q->protocol_state),
	       mr_sl("client", q->client_address), mr_sl("login", q->sasl_username), mr_sl("sender", q->sender),
	       mr_sl("recipient", q->recipient), mr_s("action", out->reply ? out->reply : "DUNNO"),
	       mr_s("check", out->check ? out->check : "-"), mr_s("reason", reason), mr_u("ms", mr_now_ms() - r->began), observed[0]);
}

static void forget(struct mr_request *r)
{
	struct mr_conn *c = r->conn;

	DL_DELETE(r->policyd->requests, r);
	mr_arena_free(r->arena);
	free(r);
	mr_conn_release(c);
}

/* All is known that will be. */
static void finish(struct mr_request *r)
{
	struct outcome out = run_checks(conf_of(r->policyd), &r->in);
	struct mr_buf reply = MR_BUF(REPLY_MAX);

	count(&out);
	log_outcome(r, &out);
	mr_policy_reply(&reply, out.reply ? out.reply : "DUNNO", MR_LIT(""));
	mr_conn_send(r->conn, mr_buf_slice(&reply));
	mr_buf_done(&reply);
	forget(r);
}

static void ask_next(struct mr_request *r);

static void on_login(enum mr_dir_status status, const struct mr_dir_account *a, void *arg)
{
	struct mr_request *r = arg;

	r->in.has_login = true;
	r->in.login = status;
	r->in.login_enabled = status == MR_DIR_OK && a->enabled;
	ask_next(r);
}

static void on_recipient(const struct mr_dir_resolve *a, void *arg)
{
	struct mr_request *r = arg;

	r->in.has_recipient = true;
	r->in.recipient = a;
	finish(r);
}

static void ask_next(struct mr_request *r)
{
	struct mr_directory *d = r->policyd->directory;

	if (r->needs & MR_NEED_LOGIN) {
		r->needs &= ~(unsigned)MR_NEED_LOGIN;
		mr_directory_account(d, r->request.sasl_username, r->deadline, on_login, r);
	} else if (r->needs & MR_NEED_RECIPIENT) {
		r->needs &= ~(unsigned)MR_NEED_RECIPIENT;
		mr_directory_resolve(d, r->request.recipient, r->deadline, on_recipient, r);
	} else {
		finish(r);
	}
}

void mr_request_start(struct mr_policyd *p, struct mr_conn *c, const struct mr_policy_request *in)
{
	struct mr_request *r = mr_alloc(sizeof(*r));
	const struct mr_policyd_conf *conf = conf_of(p);
	unsigned state = state_of(in->protocol_state);

	mr_conn_hold(c);
	r->policyd = p;
	r->conn = c;
	r->arena = mr_arena_new(ARENA_MAX);
	copy_request(r->arena, in, &r->request);
	r->began = mr_now_ms();
	r->deadline = r->began + conf->deadline;
	r->in.request = &r->request;
	r->in.state = (enum mr_check_state)state;
	mr_parse_u64(r->request.size, 0, UINT64_MAX, &r->in.size); /* what is no number is not known: 0 */
	r->needs = needs_of(conf, r->in.state);
	if (r->request.sasl_username.n == 0)
		r->needs &= ~(unsigned)MR_NEED_LOGIN;
	if (r->request.recipient.n == 0)
		r->needs &= ~(unsigned)MR_NEED_RECIPIENT;
	DL_APPEND(p->requests, r);
	ask_next(r);
}

void mr_request_drop_all(struct mr_policyd *p)
{
	struct mr_request *r, *next;

	DL_FOREACH_SAFE (p->requests, r, next)
		forget(r);
}
