/* main: who may ask for what, and what is run for it. */

/* system */
#include <errno.h>

/* ours */
#include "app/service.h"
#include "base/mem.h"
#include "hostd.h"
#include "rt/tool.h"

#define TOOL_MS  30000
#define LIFETIME 100 /* seconds: two tools and the way there and back */

struct conf {
	struct mr_conf_shared shared;
	struct mr_conf_strings operators, revokers;
	char *postfix_config_dir, *dovecot_config;
};

#define OPTION(option, kind, where, text, sentence)                                                                                        \
	{                                                                                                                                  \
		.section = "hostd", .name = option, .type = kind, .offset = offsetof(struct conf, where), .def = text, .help = sentence    \
	}
static const struct mr_option options[] = {
	OPTION("operators", MR_OPT_STRINGS, operators, "mailreeve-admin", "Users of the system who may ask for everything, beside root."),
	OPTION("revokers", MR_OPT_STRINGS, revokers, "mailreeve-lookup",
	       "Users of the system who may have sessions dropped and a sender's messages held, and nothing else."),
	OPTION("postfix_config_dir", MR_OPT_PATH, postfix_config_dir, "", "Configuration folder of Postfix; \"\" is its own default."),
	OPTION("dovecot_config", MR_OPT_PATH, dovecot_config, "", "Configuration file of Dovecot; \"\" is its own default."),
	MR_OPTIONS_END,
};

/* PROGRAM [-c CONFIG] ARGS..., each line of what it prints to take(). */
static int tool(const char *program, const char *config, const char *const args[4], struct mr_slice input, mr_tool_line *take, void *arg,
		struct mr_diag *diag)
{
	const char *with[] = { program, "-c", config, args[0], args[1], args[2], args[3], NULL };
	const char *without[] = { program, args[0], args[1], args[2], args[3], NULL };

	return mr_tool_lines(*config ? with : without, input, TOOL_MS, MR_SERVICE_ANSWER_MAX, take, arg, diag);
}

/* Sessions of a process that serves several users are dropped, too (-f): the others come back by themselves. */
static int kick(const struct conf *c, const char *address, struct mr_buf *out, struct mr_diag *diag)
{
	const char *const args[4] = { "kick", "-f", "--", address };
	struct mr_hostd_kicked k = { 0 };
	int r = tool("/usr/bin/doveadm", c->dovecot_config, args, (struct mr_slice){ 0 }, mr_hostd_kicked, &k, diag);

	if (r == -EIO && k.nobody) /* exit code 68 */
		r = 0;
	if (r == 0)
		mr_buf_printf(out, "kicked=%llu\n", (unsigned long long)k.sessions);
	return r;
}

static int pick(const struct conf *c, struct mr_hostd_pick what, struct mr_diag *diag)
{
	const char *const args[4] = { "-j" };
	int r = tool("/usr/sbin/postqueue", c->postfix_config_dir, args, (struct mr_slice){ 0 }, mr_hostd_pick, &what, diag);

	return r == 0 && what.out->full ? mr_diag_set(diag, -EMSGSIZE, "more messages than an answer takes") : r;
}

static int change(const struct conf *c, struct mr_hostd_request *q, struct mr_buf *out, struct mr_diag *diag)
{
	const char *const args[4] = { q->verb->action, "-" };
	bool releases = mr_slice_eq(mr_slice_of(q->verb->action), MR_LIT("-H"));
	struct mr_hostd_pick what = { .sender = q->address, .delimiter = c->shared.delimiter[0], .out = &q->ids };
	uint64_t n = 0;
	int r = 0;

	what.where = releases ? MR_HOSTD_ON_HOLD : MR_HOSTD_NOT_ON_HOLD;
	q->ids.max = MR_SERVICE_ANSWER_MAX;
	if (q->address)
		r = pick(c, what, diag);
	if (r == 0 && q->ids.n > 0)
		r = tool("/usr/sbin/postsuper", c->postfix_config_dir, args, mr_buf_slice(&q->ids), mr_hostd_changed, &n, diag);
	if (r == 0)
		mr_buf_printf(out, "changed=%llu\n", (unsigned long long)n);
	return r;
}

static int run(const struct conf *c, struct mr_hostd_request *q, struct mr_buf *out, struct mr_diag *diag)
{
	struct mr_hostd_pick all = { q->address, c->shared.delimiter[0], MR_HOSTD_ANY_QUEUE, true, out };

	switch (q->verb->job) {
	case MR_HOSTD_KICK:
		return kick(c, q->address, out, diag);
	case MR_HOSTD_LIST:
		return pick(c, all, diag);
	case MR_HOSTD_CHANGE:
		return change(c, q, out, diag);
	}
	return -EINVAL;
}

static bool may(const struct conf *c, const struct mr_peer *peer, const struct mr_hostd_verb *verb)
{
	return mr_peer_is(peer, &c->operators) || (verb->revoking && mr_peer_is(peer, &c->revokers));
}

static int serve(const void *conf, const struct mr_peer *peer, const struct mr_control_request *r, struct mr_buf *out, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_hostd_request q = { 0 };
	int err = mr_hostd_parse(r, arena, &q, diag);

	if (err == 0)
		err = may(conf, peer, q.verb) ? run(conf, &q, out, diag) : mr_diag_set(diag, -EPERM, "not allowed");
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
