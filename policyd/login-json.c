/* login-json: the body of Dovecot's auth-policy requests. */

/* system */
#include <errno.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "base/mem.h"
#include "login.h"

#define LOGIN_MAX    1024
#define REMOTE_MAX   64
#define DEVICE_MAX   4096
#define PROTOCOL_MAX 32
#define PWHASH_MAX   128 /* SHA-512 in full */

/* A member that is not there is "". */
static int text_of(const json_t *object, const char *name, size_t max, struct mr_arena *arena, struct mr_slice *out)
{
	const json_t *value = json_object_get(object, name);

	if (!value || json_is_null(value)) {
		*out = MR_LIT("");
		return 0;
	}
	if (!json_is_string(value) || json_string_length(value) > max)
		return -EPROTO;
	*out = mr_slice_of(mr_arena_slice(arena, (struct mr_slice){ json_string_value(value), json_string_length(value) }));
	return 0;
}

static int truth_of(const json_t *object, const char *name, bool *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_is_true(value);
	return !value || json_is_boolean(value) ? 0 : -EPROTO;
}

static bool is_hex(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static int read_members(const json_t *object, struct mr_arena *arena, struct mr_login_try *t)
{
	if (text_of(object, "login", LOGIN_MAX, arena, &t->login) < 0 || text_of(object, "remote", REMOTE_MAX, arena, &t->remote) < 0 ||
	    text_of(object, "device_id", DEVICE_MAX, arena, &t->device) < 0 ||
	    text_of(object, "protocol", PROTOCOL_MAX, arena, &t->protocol) < 0 ||
	    text_of(object, "pwhash", PWHASH_MAX, arena, &t->pwhash) < 0 || truth_of(object, "success", &t->success) < 0 ||
	    truth_of(object, "policy_reject", &t->rejected) < 0 || !is_hex(t->pwhash))
		return -EPROTO;
	return 0;
}

/* How deep arrays and objects lie in each other is bounded by jansson, at 2048, and by the length of a request. */
int mr_login_try_parse(struct mr_slice json, struct mr_arena *arena, struct mr_login_try *out)
{
	json_t *object = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, NULL);
	struct mr_login_try t = { 0 };
	int rc = json_is_object(object) ? read_members(object, arena, &t) : -EPROTO;

	json_decref(object);
	if (rc == 0)
		*out = t;
	return rc;
}
