/* driver: passdb and userdb "mailreeve". What they decide stands in passdb.c and userdb.c; how Dovecot's interface tables and callbacks
 * look in one version stands in compat-*.c, which offers what the second half of this header declares. Argument of both: the path of
 * lookup's passdb socket. They run in auth-worker processes (blocking = TRUE): a yescrypt check takes some 30 ms, and lookup may be slow.
 *
 * lookup away = internal failure: the client hears "temporary", never "wrong password" or "no such user". Nothing here gives Dovecot a
 * cache key. */
#pragma once

/* libraries */
#include "lib.h"
#include "auth-common.h"
#include "auth-request.h"
#include "passdb.h"
#include "userdb.h"

/* ours */
#include "dovecot-plugin/access.h"
#include "dovecot-plugin/client.h"

/* lookup answers "temp" by its own deadline of 10 s. Postfix's SASL client waits 10 s and then tells its client "temporary" (454); an
 * answer of ours, being a failure, would become "wrong password" (535) there. */
#define MR_ASK_TIMEOUT_MS 12000
#define MR_ANSWER_MAX     (8u << 20) /* bytes of one decoded answer */

struct mr_passdb {
	struct passdb_module module;
	struct mr_client *client;
};
struct mr_userdb {
	struct userdb_module module;
	struct mr_client *client;
};

void mr_verify_plain(struct auth_request *request, const char *password, verify_plain_callback_t *callback);
void mr_lookup_credentials(struct auth_request *request, lookup_credentials_callback_t *callback);
void mr_userdb_lookup(struct auth_request *request, userdb_callback_t *callback);
struct userdb_iterate_context *mr_iterate_init(struct auth_request *request, userdb_iter_callback_t *callback, void *context);
void mr_iterate_next(struct userdb_iterate_context *ctx);
int mr_iterate_deinit(struct userdb_iterate_context *ctx);

/* The compat file's part. */
enum passdb_result mr_compat_password_verify(struct auth_request *request, const char *password, const char *hash, const char *scheme);
void mr_compat_no_credentials(enum passdb_result result, lookup_credentials_callback_t *callback, struct auth_request *request);
