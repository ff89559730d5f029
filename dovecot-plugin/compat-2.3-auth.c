/* compat-2.3-auth: the interface tables of passdb and userdb, and the calls of Dovecot's auth that differ in 2.4, for Dovecot 2.3. */

/* ours */
#include "dovecot-plugin/driver.h"

const char *authdb_mailreeve_version = DOVECOT_ABI_VERSION;
void authdb_mailreeve_init(void);
void authdb_mailreeve_deinit(void);

enum passdb_result mr_compat_password_verify(struct auth_request *request, const char *password, const char *hash, const char *scheme)
{
	int r = auth_request_password_verify(request, password, hash, scheme, AUTH_SUBSYS_DB);

	return r > 0 ? PASSDB_RESULT_OK : PASSDB_RESULT_PASSWORD_MISMATCH;
}

void mr_compat_no_credentials(enum passdb_result result, lookup_credentials_callback_t *callback, struct auth_request *request)
{
	callback(result, NULL, 0, request);
}

static struct mr_client *client_for(const char *args)
{
	struct mr_client *c;

	if (*args != '/')
		i_fatal("mailreeve: args must be the path of lookup's passdb socket, not '%s'", args);
	if (mr_client_get(args, MR_ASK_TIMEOUT_MS, &c) < 0)
		i_fatal("mailreeve: args is too long for a socket's path: %s", args);
	return c;
}

static struct passdb_module *passdb_preinit_2_3(pool_t pool, const char *args)
{
	struct mr_passdb *db = p_new(pool, struct mr_passdb, 1);

	db->client = client_for(args);
	db->module.blocking = TRUE;
	return &db->module;
}

static void passdb_deinit_2_3(struct passdb_module *module)
{
	struct mr_passdb *db = container_of(module, struct mr_passdb, module);

	mr_client_put(db->client);
}

static struct userdb_module *userdb_preinit_2_3(pool_t pool, const char *args)
{
	struct mr_userdb *db = p_new(pool, struct mr_userdb, 1);

	db->client = client_for(args);
	db->module.blocking = TRUE;
	return &db->module;
}

static void userdb_deinit_2_3(struct userdb_module *module)
{
	struct mr_userdb *db = container_of(module, struct mr_userdb, module);

	mr_client_put(db->client);
}

static struct passdb_module_interface passdb_mailreeve = {
	.name = "mailreeve",
	.preinit = passdb_preinit_2_3,
	.deinit = passdb_deinit_2_3,
	.verify_plain = mr_verify_plain,
	.lookup_credentials = mr_lookup_credentials,
};

static struct userdb_module_interface userdb_mailreeve = {
	.name = "mailreeve",
	.preinit = userdb_preinit_2_3,
	.deinit = userdb_deinit_2_3,
	.lookup = mr_userdb_lookup,
	.iterate_init = mr_iterate_init,
	.iterate_next = mr_iterate_next,
	.iterate_deinit = mr_iterate_deinit,
};

void authdb_mailreeve_init(void)
{
	passdb_register_module(&passdb_mailreeve);
	userdb_register_module(&userdb_mailreeve);
}

void authdb_mailreeve_deinit(void)
{
	passdb_unregister_module(&passdb_mailreeve);
	userdb_unregister_module(&userdb_mailreeve);
}
