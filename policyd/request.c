/* request: one question of Postfix from its arrival to its one log line. What the checks need is asked one after the other, the recipient
 * last: its answer may be large and lives during its callback only, in which the checks run. */

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "policyd.h"
#include "rt/admin.h"
#include "rt/clock.h"
#include "rt/log.h"

#define ARENA_MAX   (8 * MR_POLICY_REQUEST_MAX)
#define REPLY_MAX   1024
#define REDIS_MS    2000 /* that Redis may take */
#define LOG_MS      50   /* that the line of a request that simply passed may wait for others */
#define DEFERRED    "451 4.3.0 Temporary lookup failure"
#define LOOKUP_AWAY "lookup-away"

/* What comes of all checks together. */
struct outcome {
	const char *reply;          /* NULL: DUNNO */
	const char *check, *reason; /* that gave the reply */
	const char *observed;       /* "check:reason" of those that would have, in mode observe, with commas between; NULL: none */
	bool unknown;
	const char *unknown_reason;   /* the first */
	const char *lock;             /* why the login is to be locked */
	const struct mr_limit *limit; /* that the login has reached */
	const char *suspect;          /* why the login may be hijacked */
};

struct mr_request {
	struct mr_request *prev, *next;
	struct mr_policyd *policyd;
	struct mr_conn *conn;
	struct mr_arena *arena;
	struct mr_policy_request request; /* in the arena */
	struct mr_check_input in;
	struct mr_counted counted; /* that needed no asking */
	struct outcome out;
	unsigned needs;           /* bits: what is still to be asked of the directory */
	size_t at;                /* check whose turn it is to ask Redis */
	uint64_t began, deadline; /* ms */
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
		{ &from->protocol_state, &to->protocol_state },
		{ &from->queue_id, &to->queue_id },
		{ &from->instance, &to->instance },
		{ &from->client_address, &to->client_address },
		{ &from->sender, &to->sender },
		{ &from->recipient, &to->recipient },
		{ &from->sasl_username, &to->sasl_username },
		{ &from->size, &to->size },
		{ &from->client_name, &to->client_name },
		{ &from->reverse_client_name, &to->reverse_client_name },
		{ &from->helo_name, &to->helo_name },
		{ &from->server_address, &to->server_address },
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
	return state == MR_STATE_RCPT ? needs : needs & ~(unsigned)MR_NEED_RECIPIENT;
}

static bool asks_redis(size_t i)
{
	return mr_checks[i]->count || mr_checks[i]->grey || mr_checks[i]->seen;
}

static bool applies(size_t i, const struct mr_policyd_conf *conf, const struct mr_check_input *in)
{
	return conf->mode[i] != MR_MODE_OFF && (mr_checks[i]->states & in->state);
}

static void log_notice(const char *check, const struct mr_check_answer *a, const struct mr_policy_request *q)
{
	mr_log(MR_LOG_WARNING, "policy-notice", mr_s("check", check), mr_s("reason", a->reason), mr_sl("login", q->sasl_username),
	       mr_sl("client", q->client_address), mr_sl("instance", q->instance), mr_s("reply", a->reply));
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
		answer.reason = answer.reason ? answer.reason : LOOKUP_AWAY;
		out->unknown_reason = out->unknown_reason ? out->unknown_reason : answer.reason;
		reply = conf->on_error[i] == MR_ON_ERROR_DEFER ? DEFERRED : NULL;
		break;
	}
	if (reply && conf->mode[i] == MR_MODE_ENFORCE) {
		out->reply = reply;
		out->check = mr_checks[i]->name;
		out->reason = answer.reason;
		out->lock = answer.lock;
		out->limit = answer.limit;
	} else if (reply) {
		out->observed = mr_arena_printf(in->arena, "%s%s%s:%s", out->observed ? out->observed : "", out->observed ? "," : "",
						mr_checks[i]->name, answer.reason);
	}
	if (answer.suspect)
		out->suspect = answer.reason;
	if (answer.notice)
		log_notice(mr_checks[i]->name, &answer, in->request);
}

/* Those that need nothing more, in their order, until one in mode enforce has a reply. */
static void run_checks(const struct mr_policyd_conf *conf, const struct mr_check_input *in, struct outcome *out)
{
	for (size_t i = 0; i < MR_CHECKS && !out->reply; i++)
		if (!asks_redis(i) && applies(i, conf, in))
			run_check(i, conf, in, out);
}

static void count(const struct outcome *out)
{
	char first = out->reply ? out->reply[0] : '\0';

	mr_policyd_requests++;
	mr_policyd_passed += first == '\0';
	mr_policyd_refused += first == '5';
	mr_policyd_deferred += first == '4';
	mr_policyd_held += first == 'H';
	mr_policyd_observed += !out->reply && out->observed;
	mr_policyd_unknown += out->unknown;
}

static void on_log_due(void *arg)
{
	struct mr_policyd *p = arg;

	p->log_due = NULL;
	mr_log_flush();
}

/* Those of which there are many, and that say nothing, go out together. */
static void log_outcome(const struct mr_request *r, const struct outcome *out)
{
	const struct mr_policy_request *q = &r->request;
	const char *reason = out->reason ? out->reason : out->unknown ? out->unknown_reason : "ok";
	struct mr_policyd *p = r->policyd;
	struct mr_kv observed[2] = { { 0 } };

	if (out->observed)
		observed[0] = mr_s("observed", out->observed);
	mr_log_soon(MR_LOG_INFO, "policy", mr_sl("id", q->queue_id), mr_sl("instance", q->instance), mr_sl("state", q->protocol_state),
		    mr_sl("client", q->client_address), mr_sl("login", q->sasl_username), mr_sl("sender", q->sender),
		    mr_sl("recipient", q->recipient), mr_s("action", out->reply ? out->reply : "DUNNO"),
		    mr_s("check", out->check ? out->check : "-"), mr_s("reason", reason), mr_u("ms", mr_now_ms() - r->began), observed[0]);
	if (out->reply || out->observed || out->unknown)
		mr_log_flush();
	else if (!p->log_due)
		p->log_due = mr_timer_start(p->app->loop, LOG_MS, on_log_due, p);
}

static void forget(struct mr_request *r)
{
	struct mr_conn *c = r->conn;

	DL_DELETE(r->policyd->requests, r);
	mr_arena_free(r->arena);
	free(r);
	mr_conn_release(c);
}

/* Who is logged in is locked, or people are told of the limit that it has reached or of the suspicion. */
static void have_told(struct mr_request *r)
{
	struct mr_admin *admin = r->policyd->admin;
	const struct mr_limit *l = r->out.limit;
	struct mr_buf limit = MR_BUF(MR_LIMIT_TEXT_MAX);
	char verb[32];

	if (r->out.lock) {
		mr_admin_ask(admin, "lock", r->in.login_address, r->out.lock);
	} else if (l) {
		snprintf(verb, sizeof(verb), "limit-%s", mr_limit_action_str(l->action));
		mr_buf_printf(&limit, "%s ", mr_limit_what_str(l->what));
		mr_limit_rate_add(&limit, l);
		mr_admin_ask(admin, verb, r->in.login_address, limit.p);
	} else if (r->out.suspect) {
		mr_admin_ask(admin, r->out.reply && r->out.reply[0] == 'H' ? "hijack-hold" : "hijack-notice", r->in.login_address,
			     r->out.suspect);
	}
	mr_buf_done(&limit);
}

static void finish(struct mr_request *r)
{
	struct mr_buf reply = MR_BUF(REPLY_MAX);

	if (r->in.has_login && r->in.login == MR_DIR_OK)
		have_told(r);
	count(&r->out);
	log_outcome(r, &r->out);
	mr_policy_reply(&reply, r->out.reply ? r->out.reply : "DUNNO", MR_LIT(""));
	mr_conn_send(r->conn, mr_buf_slice(&reply));
	mr_buf_done(&reply);
	forget(r);
}

static void redis_next(struct mr_request *r);

static void on_counted(const struct mr_counted *c, void *arg)
{
	struct mr_request *r = arg;

	r->in.counted = c;
	run_check(r->at++, conf_of(r->policyd), &r->in, &r->out);
	r->in.counted = NULL;
	redis_next(r);
}

static void on_grey(const struct mr_grey_answer *a, void *arg)
{
	struct mr_request *r = arg;

	r->in.grey = a;
	run_check(r->at++, conf_of(r->policyd), &r->in, &r->out);
	r->in.grey = NULL;
	redis_next(r);
}

static uint64_t redis_ms(const struct mr_request *r)
{
	uint64_t now = mr_now_ms(), left = r->deadline > now ? r->deadline - now : 1;

	return left < REDIS_MS ? left : REDIS_MS;
}

static void on_noted(const struct mr_distincts *d, void *arg)
{
}

static void on_seen(const struct mr_distincts *d, void *arg)
{
	struct mr_request *r = arg;
	struct mr_distinct_item items[MR_DISTINCT_MAX];
	size_t n;

	r->in.seen = d;
	n = mr_checks[r->at]->seen(&r->in, items);
	if (n > 0)
		mr_distinct_ask(r->policyd->distinct, REDIS_MS, items, n, on_noted, NULL);
	run_check(r->at++, conf_of(r->policyd), &r->in, &r->out);
	r->in.seen = NULL;
	redis_next(r);
}

/* True when Redis is asked: the check runs when it has answered. Else it may run now. */
static bool ask_redis(struct mr_request *r, const struct mr_check *check)
{
	struct mr_distinct_item items[MR_DISTINCT_MAX];
	struct mr_count counts[MR_COUNTERS_MAX];
	struct mr_grey_triple triple = { 0 };
	size_t n = check->count ? check->count(&r->in, counts) : 0;
	bool take = r->in.state == MR_STATE_END_OF_MESSAGE;

	if (n > 0) {
		bool known = mr_counters_ask(r->policyd->counters, take, redis_ms(r), counts, n, &r->counted, on_counted, r);

		r->in.counted = known ? &r->counted : NULL;
		return !known;
	}
	if (check->grey && check->grey(&r->in, &triple))
		mr_greylist_ask(r->policyd->greylist, &r->in.settings->grey, &triple, redis_ms(r), on_grey, r);
	else if (check->seen && (n = check->seen(&r->in, items)) > 0)
		mr_distinct_ask(r->policyd->distinct, redis_ms(r), items, n, on_seen, r);
	else
		return false;
	return true;
}

/* The checks that ask Redis, one after the other, until one has a reply. */
static void redis_next(struct mr_request *r)
{
	const struct mr_policyd_conf *conf = conf_of(r->policyd);

	r->in.settings = &conf->checks; /* a reload may have come between */
	for (; r->at < MR_CHECKS && !r->out.reply; r->at++) {
		if (!asks_redis(r->at) || !applies(r->at, conf, &r->in))
			continue;
		r->in.on_error = (enum mr_check_on_error)conf->on_error[r->at];
		if (ask_redis(r, mr_checks[r->at]))
			return;
		run_check(r->at, conf, &r->in, &r->out);
		r->in.counted = NULL;
	}
	finish(r);
}

/* All is known of the directory that will be. */
static void decide(struct mr_request *r)
{
	r->in.settings = &conf_of(r->policyd)->checks;
	run_checks(conf_of(r->policyd), &r->in, &r->out);
	r->in.has_recipient = false;
	r->in.recipient = NULL; /* gone after this callback */
	redis_next(r);
}

static void ask_next(struct mr_request *r);

/* What cannot be read is no rule. */
static void take_limits(struct mr_request *r, const struct mr_dir_account *a)
{
	struct mr_limit *limits = mr_arena_try(r->arena, (a->n_limits + 1) * sizeof(*limits));

	for (size_t i = 0; limits && i < a->n_limits; i++)
		r->in.n_limits += mr_limit_parse(a->limits[i], &limits[r->in.n_limits]) == 0;
	r->in.limits = limits;
}

static void on_login(enum mr_dir_status status, const struct mr_dir_account *a, void *arg)
{
	struct mr_request *r = arg;

	r->in.has_login = true;
	r->in.login = status;
	if (status == MR_DIR_OK) {
		r->in.login_enabled = a->enabled;
		r->in.login_locked = a->locked;
		r->in.login_receive_only = a->receive_only;
		r->in.login_address = mr_slice_of(mr_arena_slice(r->arena, a->address));
		take_limits(r, a);
	}
	ask_next(r);
}

static struct mr_slice only_mailbox(const struct mr_dir_resolve *a)
{
	struct mr_slice found = { 0 };

	for (size_t i = 0; i < a->n_finals; i++) {
		if (!a->finals[i].local)
			continue;
		if (found.n > 0)
			return (struct mr_slice){ 0 };
		found = a->finals[i].account.address;
	}
	return found;
}

static void on_recipient(const struct mr_dir_resolve *a, void *arg)
{
	struct mr_request *r = arg;

	r->in.has_recipient = true;
	r->in.recipient = a;
	if (a->status == MR_DIR_OK)
		r->in.only_mailbox = mr_slice_of(mr_arena_slice(r->arena, only_mailbox(a)));
	r->in.sender_allowed = a->status == MR_DIR_OK && mr_check_all_receivers(&r->in, mr_check_allows);
	decide(r);
}

static void ask_next(struct mr_request *r)
{
	struct mr_directory *d = r->policyd->directory;

	if (r->needs & MR_NEED_LOGIN) {
		const struct mr_dir_account *kept = mr_directory_kept_account(d, r->request.sasl_username);

		r->needs &= ~(unsigned)MR_NEED_LOGIN;
		if (kept)
			on_login(MR_DIR_OK, kept, r);
		else
			mr_directory_account(d, r->request.sasl_username, r->deadline, on_login, r);
	} else if (r->needs & MR_NEED_RECIPIENT) {
		r->needs &= ~(unsigned)MR_NEED_RECIPIENT;
		mr_directory_resolve(d, r->request.recipient, r->deadline, on_recipient, r);
	} else {
		decide(r);
	}
}

void mr_request_start(struct mr_policyd *p, struct mr_conn *c, const struct mr_policy_request *in, uint64_t recipients)
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
	r->in.arena = r->arena;
	r->in.own_host = mr_slice_of(conf->shared.hostname[0] ? conf->shared.hostname : p->hostname);
	r->in.recipients = recipients;
	r->in.has_client = mr_parse_ip(r->request.client_address, &r->in.client) == 0;
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
	mr_timer_cancel(&p->log_due);
	mr_log_flush();
}
