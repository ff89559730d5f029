/* usage: see usage.h */

/* ours */
#include "dovecot-plugin/report.h"
#include "dovecot-plugin/usage.h"

#define REPORT_DELAY_MS 200 /* a burst of changes is one report; IMAP's sync after an expunge, which frees the space, is done by then */

struct usage_user {
	union mail_user_module_context module_ctx;
	const char *socket_path;
	struct timeout *timer; /* set: there is something to report */
};

/* One mailbox transaction. It outlives Dovecot's own object: commit is told after that is gone. */
struct change {
	struct mail_user *user;
	bool counts; /* mail came or went, not only flags */
};

static MODULE_CONTEXT_DEFINE_INIT(usage_user_module, &mail_user_module_register);
#define USAGE_USER(user) MODULE_CONTEXT(user, usage_user_module)

static struct notify_context *notify;

static void report(struct mail_user *user)
{
	struct usage_user *u = USAGE_USER(user);
	uint64_t bytes, messages;
	const char *error;

	timeout_remove(&u->timer);
	if (mr_compat_usage(user, &bytes, &messages, &error) < 0) {
		e_warning(user->event, "mailreeve: usage is not known: %s", error);
		return;
	}
	int r = mr_report_usage(u->socket_path, user->username, bytes, messages);
	if (r < 0)
		e_warning(user->event, "mailreeve: usage not reported to %s: %s", u->socket_path, strerror(-r));
}

static void changed(struct mail_user *user)
{
	struct usage_user *u = USAGE_USER(user);

	if (u && !u->timer)
		u->timer = timeout_add_short_to(io_loop_get_root(), REPORT_DELAY_MS, report, user);
}

static struct mail_user *owner_of(struct mailbox *box)
{
	struct mail_namespace *ns = mailbox_list_get_namespace(box->list);

	return ns->owner ? ns->owner : ns->user;
}

static void *on_begin(struct mailbox_transaction_context *t)
{
	struct change *c = i_new(struct change, 1);

	c->user = owner_of(t->box);
	return c;
}

static void on_save(void *txn, struct mail *mail ATTR_UNUSED)
{
	((struct change *)txn)->counts = TRUE;
}

static void on_copy(void *txn, struct mail *from ATTR_UNUSED, struct mail *to)
{
	on_save(txn, to);
}

static void on_commit(void *txn, struct mail_transaction_commit_changes *changes ATTR_UNUSED)
{
	struct change *c = txn;

	if (c->counts)
		changed(c->user);
	i_free(c);
}

static void on_rollback(void *txn)
{
	i_free(txn);
}

static void *on_delete_begin(struct mailbox *box ATTR_UNUSED)
{
	return NULL;
}

static void on_delete_commit(void *txn ATTR_UNUSED, struct mailbox *box)
{
	changed(owner_of(box));
}

static void on_delete_rollback(void *txn ATTR_UNUSED)
{
}

static const struct notify_vfuncs notify_vfuncs = {
	.mail_transaction_begin = on_begin,
	.mail_save = on_save,
	.mail_copy = on_copy,
	.mail_expunge = on_save,
	.mail_transaction_commit = on_commit,
	.mail_transaction_rollback = on_rollback,
	.mailbox_delete_begin = on_delete_begin,
	.mailbox_delete_commit = on_delete_commit,
	.mailbox_delete_rollback = on_delete_rollback,
};

/* While the namespaces are still there to count in. */
static void on_user_deinit_pre(struct mail_user *user)
{
	struct usage_user *u = USAGE_USER(user);

	if (u->timer)
		report(user);
	u->module_ctx.super.deinit_pre(user);
}

static void on_user_created(struct mail_user *user)
{
	const char *socket_path = mr_compat_usage_socket(user);

	if (!socket_path)
		return;
	struct usage_user *u = p_new(user->pool, struct usage_user, 1);
	u->socket_path = socket_path;
	u->module_ctx.super = *user->vlast;
	user->vlast->deinit_pre = on_user_deinit_pre;
	user->vlast = &u->module_ctx.super;
	MODULE_CONTEXT_SET(user, usage_user_module, u);
}

static struct mail_storage_hooks hooks = { .mail_user_created = on_user_created };

void mr_usage_init(struct module *module)
{
	mail_storage_hooks_add(module, &hooks);
	notify = notify_register(&notify_vfuncs);
}

void mr_usage_deinit(void)
{
	mr_compat_notify_unregister(&notify);
	mail_storage_hooks_remove(&hooks);
}
