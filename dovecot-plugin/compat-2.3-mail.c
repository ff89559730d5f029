/* compat-2.3-mail: the frame of the mail plugin and the calls of lib-storage and its plugins that differ in 2.4, for Dovecot 2.3. */

/* ours */
#include "dovecot-plugin/usage.h"

const char *mailreeve_plugin_version = DOVECOT_ABI_VERSION;
const char *mailreeve_plugin_dependencies[] = { "quota", "notify", NULL };
void mailreeve_plugin_init(struct module *module);
void mailreeve_plugin_deinit(void);

const char *mr_compat_usage_socket(struct mail_user *user)
{
	const char *path = mail_user_plugin_getenv(user, "mailreeve_usage_socket");

	return path && *path ? path : NULL;
}

static int resource(struct quota_root *root, const char *name, uint64_t *value, const char **error)
{
	uint64_t limit;

	switch (quota_get_resource(root, "", name, value, &limit, error)) {
	case QUOTA_GET_RESULT_LIMITED:
	case QUOTA_GET_RESULT_UNLIMITED:
		return 0;
	case QUOTA_GET_RESULT_BACKGROUND_CALC:
	case QUOTA_GET_RESULT_UNKNOWN_RESOURCE:
	case QUOTA_GET_RESULT_INTERNAL_ERROR:
		break;
	}
	return -1;
}

int mr_compat_usage(struct mail_user *user, uint64_t *bytes, uint64_t *messages, const char **error)
{
	struct quota_root_iter *iter = quota_root_iter_init_user(user);
	struct quota_root *root = quota_root_iter_next(iter);

	quota_root_iter_deinit(&iter);
	*error = "no quota root";
	if (!root || resource(root, QUOTA_NAME_STORAGE_BYTES, bytes, error) < 0 || resource(root, QUOTA_NAME_MESSAGES, messages, error) < 0)
		return -1;
	return 0;
}

void mr_compat_notify_unregister(struct notify_context **ctx)
{
	notify_unregister(*ctx);
	*ctx = NULL;
}

void mailreeve_plugin_init(struct module *module)
{
	mr_usage_init(module);
}

void mailreeve_plugin_deinit(void)
{
	mr_usage_deinit();
}
