/* passdb: one login, its hash and switches from lookup, checked by Dovecot's own password schemes. */

/* ours */
#include "dovecot-plugin/driver.h"

static enum passdb_result result_of(struct auth_request *request, int r, const struct mr_dir_passdb *answer)
{
	if (r < 0) {
		e_error(authdb_event(request), "lookup does not answer: %s", strerror(-r));
		return PASSDB_RESULT_INTERNAL_FAILURE;
	}
	switch (answer->status) {
	case MR_DIR_OK:
		return PASSDB_RESULT_OK;
	case MR_DIR_BAD: /* no address that an account could have */
	case MR_DIR_NOTFOUND:
		auth_request_log_unknown_user(request, AUTH_SUBSYS_DB);
		return PASSDB_RESULT_USER_UNKNOWN;
	case MR_DIR_TEMP:
		break;
	}
	e_error(authdb_event(request), "lookup: %s", mr_dir_status_str(answer->status));
	return PASSDB_RESULT_INTERNAL_FAILURE;
}

/* The hash (without its scheme) and scheme of the login are data stack memory. */
static enum passdb_result find(struct auth_request *request, const char **hash, const char **scheme, bool *allowed)
{
	struct mr_passdb *db = container_of(request->passdb->passdb, struct mr_passdb, module);
	mr_autoarena arena = mr_arena_new(MR_ANSWER_MAX);
	struct mr_dir_passdb answer;
	int r = mr_client_passdb(db->client, request->fields.user, arena, &answer);
	enum passdb_result result = result_of(request, r, &answer);

	if (result == PASSDB_RESULT_OK) {
		*hash = t_strndup(answer.password.p, answer.password.n);
		*scheme = password_get_scheme(hash);
		*allowed = mr_access_login(&answer.account, request->fields.service);
		auth_request_set_field(request, "user", t_strndup(answer.account.address.p, answer.account.address.n), NULL);
	}
	if (result == PASSDB_RESULT_OK && !*scheme) {
		e_error(authdb_event(request), "the stored password has no {SCHEME}");
		result = PASSDB_RESULT_INTERNAL_FAILURE;
	}
	return result;
}

/* The password first: who does not know it does not learn that the account is disabled. */
void mr_verify_plain(struct auth_request *request, const char *password, verify_plain_callback_t *callback)
{
	const char *hash = NULL, *scheme = NULL;
	bool allowed = false;
	enum passdb_result result = find(request, &hash, &scheme, &allowed);

	if (result == PASSDB_RESULT_OK)
		result = mr_compat_password_verify(request, password, hash, scheme);
	if (result == PASSDB_RESULT_OK && !allowed) {
		e_info(authdb_event(request), "account may not use %s", request->fields.service);
		result = PASSDB_RESULT_USER_DISABLED;
	}
	callback(result, request);
}

void mr_lookup_credentials(struct auth_request *request, lookup_credentials_callback_t *callback)
{
	const char *hash = NULL, *scheme = NULL;
	bool allowed = false;
	enum passdb_result result = find(request, &hash, &scheme, &allowed);

	if (result == PASSDB_RESULT_OK && !allowed)
		result = PASSDB_RESULT_USER_DISABLED;
	if (result == PASSDB_RESULT_OK)
		passdb_handle_credentials(result, hash, scheme, callback, request);
	else
		mr_compat_no_credentials(result, callback, request);
}
