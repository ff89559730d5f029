/* usage: mail plugin "mailreeve". After mail came or went, tells lookup the absolute usage of the user's quota root. It never delays or
 * fails what caused it: changes only mark the user, the report follows a moment later or when the user's session ends. Setting: plugin {
 * mailreeve_usage_socket = PATH }. */
#pragma once

/* libraries */
#include "lib.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "mail-storage-hooks.h"
#include "mail-user.h"
#include "module-context.h"
#include "notify-plugin.h"
#include "quota.h"

void mr_usage_init(struct module *module);
void mr_usage_deinit(void);

/* The compat file's part: the setting, or NULL where the plugin has nothing to do for this user; usage of the user's first quota root (0,
 * or -1 and why); undoing of notify_register(). */
const char *mr_compat_usage_socket(struct mail_user *user);
int mr_compat_usage(struct mail_user *user, uint64_t *bytes, uint64_t *messages, const char **error);
void mr_compat_notify_unregister(struct notify_context **ctx);
