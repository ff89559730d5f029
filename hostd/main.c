/* main: who may ask for what, and what is run for it. */

/* system */
#include <errno.h>

/* ours */
#include "app/service.h"
#include "base/mem.h"
#include "hostd.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/tool.h"

#define TOOLS_MS      60000       /* all of a request together */
#define AFTER_LOOK_MS 20000       /* of these: for what is done after looking at log-ins */
#define LIFETIME      100         /* seconds: the tools and the way there and back */
#define LOOK_AT_ONCE  1000        /* messages */
#define LOOK_MAX      (24u << 20) /* bytes of ids: of more than a million messages */

struct conf {
	struct mr_conf_shared shared;
	struct mr_conf_strings operators, revokers;
	char *postfix_config_dir, *dovecot_config;
	uint64_t look_time; /* ms */
};

#define OPTION(option, kind, where, text, sentence)                                                                                        \
	{                                                                                                                                  \
		.section = "hostd", .name = option, .type = kind, .offset = offsetof(struct conf, where), .def = text, .help = sentence    \
	}
static const struct mr_option options[] = {
	OPTION("operators", MR_OPT_STRINGS, operators, "mailreeve-admin", "Users of the system who may ask for everything, beside root."),
	OPTION("revokers", MR_OPT_STRINGS, revokers, "mailreeve-lookup",
	       "Users of the system who may ask who has sessions, have them dropped and a sender's messages held, and nothing else."),
	OPTION("postfix_config_dir", MR_OPT_PATH, postfix_config_dir, "", "Configuration folder of Postfix; \"\" is its own default."),
	OPTION("dovecot_config", MR_OPT_PATH, dovecot_config, "", "Configuration file of Dovecot; \"\" is its own default."),
	{ .section = "hostd",
	  .name = "look_time",
	  .type = MR_OPT_DURATION,
	  .offset = offsetof(struct conf, look_time),
	  .def = "20s",
	  .min = 100,
	  .max = 20000,
	  .help = "How long one request looks at the queue files of others for what came with a user's log-in; who asks goes on with the "
		  "next one." },
	MR_OPTIONS_END,
};

/* One request: what its programs have in common. */
struct work {
	const struct conf *conf;
	uint64_t until; /* ms: when the last of them has ended */
	struct mr_diag *diag;
};

#define ARGS_MAX (2 + LOOK_AT_ONCE)

/* PROGRAM [-c CONFIG] ARGS..., each line of what it prints to take(). */
static int tool(const struct work *w, const char *program, const char *config, const char *const *args, struct mr_slice input,
		mr_tool_line *take, void *arg)
{
	const char *argv[3 + ARGS_MAX + 1] = { program, "-c", config };
	uint64_t now = mr_now_ms();
	size_t n = *config ? 3 : 1;

	while (*args && n < MR_COUNT(argv) - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	return mr_tool_lines(argv, input, w->until > now ? w->until - now : 0, MR_SERVICE_ANSWER_MAX, take, arg, w->diag);
}

/* Sessions of a process that serves several users are dropped, too (-f): the others come back by themselves. */
static int kick(const struct work *w, const char *address, struct mr_buf *out)
{
	const char *const args[] = { "kick", "-f", "--", address, NULL };
	struct mr_hostd_kicked k = { 0 };
	int r = tool(w, "/usr/bin/doveadm", w->conf->dovecot_config, args, (struct mr_slice){ 0 }, mr_hostd_kicked, &k);

	if (r == -EIO && k.nobody) /* exit code 68 */
		r = 0;
	if (r == 0)
		mr_buf_printf(out, "kicked=%llu\n", (unsigned long long)k.sessions);
	return r;
}

/* Who has any. */
static int sessions(const struct work *w, struct mr_buf *out)
{
	static const char *const args[] = { "-f", "tab", "who", NULL };
	int r = tool(w, "/usr/bin/doveadm", w->conf->dovecot_config, args, (struct mr_slice){ 0 }, mr_hostd_session, out);

	return r == 0 && out->full ? mr_diag_set(w->diag, -EMSGSIZE, "more users than an answer takes") : r;
}

static int pick(const struct work *w, struct mr_hostd_pick *what)
{
	static const char *const args[] = { "-j", NULL };
	int r = tool(w, "/usr/sbin/postqueue", w->conf->postfix_config_dir, args, (struct mr_slice){ 0 }, mr_hostd_pick, what);

	return r == 0 && what->out && what->out->full ? mr_diag_set(w->diag, -EMSGSIZE, "more messages than an answer takes") : r;
}

/* Some of these ids, as many as go at once; l->rest is what is still to be looked at. */
static int look(const struct work *w, struct mr_hostd_logins *l)
{
	const char *args[ARGS_MAX + 1] = { "-e", "-q" };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice rest = l->rest, id;
	size_t n = 2;
	int r;

	while (n < ARGS_MAX && rest.n > 0 && mr_slice_next(&rest, '\n', &id))
		args[n++] = mr_arena_slice(arena, id);
	r = tool(w, "/usr/sbin/postcat", w->conf->postfix_config_dir, args, (struct mr_slice){ 0 }, mr_hostd_logins, l);
	if (r == -EIO) { /* it gives up at a message that is damaged, or has left the queue meanwhile, of which it prints nothing */
		if (!l->within)
			mr_slice_next(&l->rest, '\n', &id);
		l->within = false;
		*w->diag = (struct mr_diag){ .text = "" };
		r = 0;
	}
	return r;
}

/* Which of the messages `others` came with the log-in: of as many as there is time for. What the next turn is to go on with is put into
 * `more`. */
static int look_at_log_ins(const struct work *w, struct mr_hostd_request *q, const struct mr_buf *others, struct mr_buf *more)
{
	mr_autoarena arena = mr_arena_new(8 * (size_t)LOOK_MAX);
	struct mr_hostd_logins l = { .login = q->address, .rest = mr_hostd_from(mr_buf_slice(others), q->from, arena), .out = &q->ids };
	uint64_t now = mr_now_ms(), last = w->until - AFTER_LOOK_MS,
		 end = now + w->conf->look_time < last ? now + w->conf->look_time : last;
	struct work looking = { w->conf, end, &(struct mr_diag){ .text = "" } };
	int r = 0;

	mr_buf_reset(&q->ids);
	q->ids.max = LOOK_MAX;
	while (r == 0 && l.rest.n > 0 && mr_now_ms() < end)
		r = look(&looking, &l);
	if (r < 0)
		mr_log(MR_LOG_WARNING, "queue-looked-at-in-part", mr_s("for", q->address), mr_s("why", looking.diag->text));
	if (l.within || (l.rest.n > 0 && mr_slice_next(&l.rest, '\n', &l.id)))
		mr_buf_printf(more, "more=%.*s\n", (int)l.id.n, l.id.p);
	return others->full ? mr_diag_set(w->diag, -EMSGSIZE, "more messages than can be looked at") : 0;
}

static int change(const struct work *w, const char *action, const struct mr_buf *ids, uint64_t *sum)
{
	const char *const args[] = { action, "-", NULL };
	uint64_t n = 0;
	int r = 0;

	if (ids->n > 0)
		r = tool(w, "/usr/sbin/postsuper", w->conf->postfix_config_dir, args, mr_buf_slice(ids), mr_hostd_changed, &n);
	*sum += n;
	return r;
}

static struct mr_hostd_pick pick_of(const struct work *w, const struct mr_hostd_request *q)
{
	return (struct mr_hostd_pick){ .sender = q->address, .delimiter = w->conf->shared.delimiter[0] };
}

/* Those of an address: what goes under it at once, for what came with its log-in under another one must be looked for. */
static int change_all(const struct work *w, struct mr_hostd_request *q, struct mr_buf *out)
{
	struct mr_buf others = MR_BUF(LOOK_MAX), more = MR_BUF(MR_CONTROL_LINE_MAX);
	struct mr_hostd_pick what = pick_of(w, q);
	uint64_t n = 0;
	int r = 0;

	what.where = mr_slice_eq(mr_slice_of(q->verb->action), MR_LIT("-H")) ? MR_HOSTD_ON_HOLD : MR_HOSTD_NOT_ON_HOLD;
	what.out = &q->ids;
	what.others = &others;
	q->ids.max = MR_SERVICE_ANSWER_MAX;
	if (q->address)
		r = pick(w, &what);
	if (r == 0)
		r = change(w, q->verb->action, &q->ids, &n);
	if (r == 0 && others.n > 0) {
		r = look_at_log_ins(w, q, &others, &more);
		r = r == 0 ? change(w, q->verb->action, &q->ids, &n) : r;
	}
	if (r == 0)
		mr_buf_printf(out, "changed=%llu\n%s", (unsigned long long)n, more.n ? more.p : "");
	mr_buf_done(&more);
	mr_buf_done(&others);
	return r;
}

/* What goes under the address itself is told in the first turn. */
static int list(const struct work *w, struct mr_hostd_request *q, struct mr_buf *out)
{
	struct mr_buf others = MR_BUF(LOOK_MAX), more = MR_BUF(MR_CONTROL_LINE_MAX);
	struct mr_hostd_pick what = pick_of(w, q);
	mr_autoarena arena = mr_arena_new(8 * (size_t)LOOK_MAX);
	int r;

	what.where = q->verb->action ? MR_HOSTD_ON_HOLD : MR_HOSTD_ANY_QUEUE;
	what.whole_lines = true;
	what.out = q->from ? NULL : out;
	what.others = &others;
	r = pick(w, &what);
	if (r == 0 && others.n > 0)
		r = look_at_log_ins(w, q, &others, &more);
	if (r == 0 && q->ids.n > 0) {
		what = (struct mr_hostd_pick){ .whole_lines = true, .out = out, .only = mr_hostd_set(mr_buf_slice(&q->ids), arena) };
		r = pick(w, &what);
	}
	if (r == 0)
		mr_buf_add(out, mr_buf_slice(&more));
	mr_buf_done(&more);
	mr_buf_done(&others);
	return r;
}

static int run(const struct work *w, struct mr_hostd_request *q, struct mr_buf *out)
{
	switch (q->verb->job) {
	case MR_HOSTD_KICK:
		return kick(w, q->address, out);
	case MR_HOSTD_SESSIONS:
		return sessions(w, out);
	case MR_HOSTD_LIST:
		return list(w, q, out);
	case MR_HOSTD_CHANGE:
		return change_all(w, q, out);
	}
	return -EINVAL;
}

static bool may(const struct conf *c, const struct mr_peer *peer, const struct mr_hostd_verb *verb)
{
	return mr_peer_is(peer, &c->operators) || (verb->revoking && mr_peer_is(peer, &c->revokers));
}

static int serve(const void *conf, const struct mr_peer *peer, const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag)
{
	struct work w = { conf, mr_now_ms() + TOOLS_MS, diag };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_hostd_request q = { 0 };
	int err = mr_hostd_parse(r, arena, &q, diag);

	if (err == 0)
		err = may(conf, peer, q.verb) ? run(&w, &q, out) : mr_diag_set(diag, -EPERM, "not allowed");
	mr_buf_done(&q.ids);
	return err;
}

int main(int argc, char **argv)
{
	static const struct mr_service service = {
		.name = "hostd", .options = options, .conf_size = sizeof(struct conf), .lifetime = LIFETIME, .serve = serve
	};

	return mr_service_main(argc, argv, &service);
}
