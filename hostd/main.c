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

static bool may(const struct conf *c, const struct mr_peer *peer, enum mr_hostd_verb verb)
{
	return mr_peer_is(peer, &c->operators) ||
	       ((verb == MR_HOSTD_KICK || verb == MR_HOSTD_HOLD_SENDER) && mr_peer_is(peer, &c->revokers));
}

/* Sessions of a process that serves several users are dropped, too (-f): the others come back by themselves. */
static int kick(const struct conf *c, const char *address, struct mr_buf *out, struct mr_diag *diag)
{
	const char *const with[] = { "/usr/bin/doveadm", "-c", c->dovecot_config, "kick", "-f", "--", address, NULL };
	const char *const without[] = { "/usr/bin/doveadm", "kick", "-f", "--", address, NULL };
	struct mr_buf said = MR_BUF(MR_SERVICE_ANSWER_MAX);
	int r = mr_tool_run(*c->dovecot_config ? with : without, (struct mr_slice){ 0 }, TOOL_MS, &said, diag);

	if (r == -EIO && mr_slice_starts(mr_buf_slice(&said), MR_LIT("no users kicked"))) /* exit code 68 */
		r = 0;
	if (r == 0)
		mr_buf_printf(out, "kicked=%zu\n", mr_hostd_kicked(mr_buf_slice(&said)));
	mr_buf_done(&said);
	return r;
}

static int pick(const struct conf *c, const struct mr_hostd_pick *pick, struct mr_buf *out, struct mr_diag *diag)
{
	const char *const with[] = { "/usr/sbin/postqueue", "-c", c->postfix_config_dir, "-j", NULL };
	const char *const without[] = { "/usr/sbin/postqueue", "-j", NULL };
	struct mr_buf listing = MR_BUF(MR_SERVICE_ANSWER_MAX);
	int r = mr_tool_run(*c->postfix_config_dir ? with : without, (struct mr_slice){ 0 }, TOOL_MS, &listing, diag);

	if (r == 0)
		mr_hostd_pick(mr_buf_slice(&listing), pick, out);
	mr_buf_done(&listing);
	return r;
}

/* action: an option of postsuper(1) that takes ids from its standard input. */
static int change(const struct conf *c, const char *action, struct mr_slice ids, struct mr_buf *out, struct mr_diag *diag)
{
	const char *const with[] = { "/usr/sbin/postsuper", "-c", c->postfix_config_dir, action, "-", NULL };
	const char *const without[] = { "/usr/sbin/postsuper", action, "-", NULL };
	struct mr_buf said = MR_BUF(MR_SERVICE_ANSWER_MAX);
	int r = ids.n == 0 ? 0 : mr_tool_run(*c->postfix_config_dir ? with : without, ids, TOOL_MS, &said, diag);

	if (r == 0)
		mr_buf_printf(out, "changed=%llu\n", (unsigned long long)mr_hostd_changed(mr_buf_slice(&said)));
	mr_buf_done(&said);
	return r;
}

static int change_sender(const struct conf *c, const char *action, const char *sender, struct mr_buf *out, struct mr_diag *diag)
{
	const struct mr_hostd_pick what = { sender, c->shared.delimiter[0], action[1] == 'H' ? MR_HOSTD_ON_HOLD : MR_HOSTD_NOT_ON_HOLD,
					    false };
	struct mr_buf ids = MR_BUF(MR_SERVICE_ANSWER_MAX);
	int r = pick(c, &what, &ids, diag);

	if (r == 0)
		r = change(c, action, mr_buf_slice(&ids), out, diag);
	mr_buf_done(&ids);
	return r;
}

static int list(const struct conf *c, const char *sender, struct mr_buf *out, struct mr_diag *diag)
{
	const struct mr_hostd_pick what = { sender, c->shared.delimiter[0], MR_HOSTD_ANY_QUEUE, true };

	return pick(c, &what, out, diag);
}

static int run(const struct conf *c, const struct mr_hostd_request *q, struct mr_buf *out, struct mr_diag *diag)
{
	switch (q->verb) {
	case MR_HOSTD_KICK:
		return kick(c, q->address, out, diag);
	case MR_HOSTD_LIST:
		return list(c, q->address, out, diag);
	case MR_HOSTD_HOLD_SENDER:
		return change_sender(c, "-h", q->address, out, diag);
	case MR_HOSTD_RELEASE_SENDER:
		return change_sender(c, "-H", q->address, out, diag);
	case MR_HOSTD_HOLD:
		return change(c, "-h", mr_buf_slice(&q->ids), out, diag);
	case MR_HOSTD_RELEASE:
		return change(c, "-H", mr_buf_slice(&q->ids), out, diag);
	case MR_HOSTD_DELETE:
		return change(c, "-d", mr_buf_slice(&q->ids), out, diag);
	}
	return -EINVAL;
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
