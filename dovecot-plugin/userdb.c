/* userdb: whether an account exists for a service, its quota, and the list of all. Home, uid and gid are the configuration's (userdb {
 * default_fields }). */

/* ours */
#include "dovecot-plugin/driver.h"

#define PAGE 500 /* addresses asked at once */

struct iterate {
	struct userdb_iterate_context ctx; /* first: Dovecot hands this pointer back */
	struct mr_client *client;
	struct mr_arena *arena; /* of the page */
	struct mr_wire page;
	size_t at;         /* position in the page */
	const char *after; /* last address given, in the arena; "" at the start */
};

static struct mr_client *client_of(struct auth_request *request)
{
	struct mr_userdb *db = container_of(request->userdb->userdb, struct mr_userdb, module);

	return db->client;
}

static enum userdb_result result_of(struct auth_request *request, int r, enum mr_dir_status status)
{
	if (r < 0) {
		e_error(authdb_event(request), "lookup does not answer: %s", strerror(-r));
		return USERDB_RESULT_INTERNAL_FAILURE;
	}
	switch (status) {
	case MR_DIR_OK:
		return USERDB_RESULT_OK;
	case MR_DIR_NOTFOUND:
		auth_request_log_unknown_user(request, AUTH_SUBSYS_DB);
		return USERDB_RESULT_USER_UNKNOWN;
	case MR_DIR_BAD: /* never bounce mail for a misunderstanding */
	case MR_DIR_TEMP:
		break;
	}
	e_error(authdb_event(request), "lookup: %s", mr_dir_status_str(status));
	return USERDB_RESULT_INTERNAL_FAILURE;
}

void mr_userdb_lookup(struct auth_request *request, userdb_callback_t *callback)
{
	const char *service = request->fields.service;
	mr_autoarena arena = mr_arena_new(MR_ANSWER_MAX);
	struct mr_dir_account account;
	enum mr_dir_status status = MR_DIR_TEMP;
	int r = mr_client_userdb(client_of(request), request->fields.user, service, arena, &status, &account);
	enum userdb_result result = result_of(request, r, status);

	if (result == USERDB_RESULT_OK && !mr_access_userdb(&account, service)) {
		e_info(authdb_event(request), "account takes no mail");
		result = USERDB_RESULT_USER_UNKNOWN;
	}
	if (result == USERDB_RESULT_OK) {
		auth_request_set_userdb_field(request, "user", t_strndup(account.address.p, account.address.n));
		auth_request_set_userdb_field(request, "quota_rule", t_strdup_printf("*:bytes=%" PRIu64, account.quota_bytes));
		if (account.locked) /* its script may be of whoever misused it: what it would send away is kept */
			auth_request_set_userdb_field(request, "sieve_max_redirects", "0");
	}
	callback(result, request);
}

struct userdb_iterate_context *mr_iterate_init(struct auth_request *request, userdb_iter_callback_t *callback, void *context)
{
	struct iterate *it = i_new(struct iterate, 1);

	auth_request_ref(request);
	it->ctx = (struct userdb_iterate_context){ .auth_request = request, .callback = callback, .context = context };
	it->client = client_of(request);
	it->arena = mr_arena_new(MR_ANSWER_MAX);
	it->after = "";
	return &it->ctx;
}

/* Gets the page after the last address. */
static bool turn_page(struct iterate *it)
{
	enum mr_dir_status status = MR_DIR_TEMP;
	const char *after = t_strdup(it->after);

	mr_arena_reset(it->arena);
	it->at = 0;
	it->page = (struct mr_wire){ 0 };
	int r = mr_client_iterate(it->client, after, PAGE, it->arena, &status, &it->page);
	return result_of(it->ctx.auth_request, r, status) == USERDB_RESULT_OK;
}

void mr_iterate_next(struct userdb_iterate_context *ctx)
{
	struct iterate *it = container_of(ctx, struct iterate, ctx);
	struct mr_slice address;
	bool found = mr_wire_each(&it->page, "address", &it->at, &address);

	if (!found) {
		ctx->failed = !turn_page(it);
		found = !ctx->failed && mr_wire_each(&it->page, "address", &it->at, &address);
	}
	if (found)
		it->after = mr_arena_slice(it->arena, address);
	ctx->callback(found ? it->after : NULL, ctx->context);
}

int mr_iterate_deinit(struct userdb_iterate_context *ctx)
{
	struct iterate *it = container_of(ctx, struct iterate, ctx);
	int r = ctx->failed ? -1 : 0;

	auth_request_unref(&ctx->auth_request);
	mr_arena_free(it->arena);
	i_free(it);
	return r;
}
