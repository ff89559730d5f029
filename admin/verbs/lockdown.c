/* One account, locked and unlocked. */
#include "lockdown.h"

/* system */
#include <stdio.h>
#include <time.h>

/* ours */
#include "base/arena.h"
#include "store/validate.h"
#include "store/write.h"

#define SESSION_MS 1000 /* a log-in that was under way has become a session by then */

void lockdown_count_held(const struct mr_conf_shared *c, const char *address, unsigned turns, struct lockdown *out)
{
	out->in_part |= hostd_held(c, address, turns, &out->held, &out->hostd_diag) == HOSTD_PART;
}

/* The host's lookup does the same; nothing is done twice. The first time is for what is found at once. */
void lockdown_end(const struct mr_conf_shared *c, const char *address, unsigned turns, struct lockdown *out)
{
	const struct timespec pause = { SESSION_MS / 1000, SESSION_MS % 1000 * 1000000L };
	mr_autoarena arena = mr_arena_new(0);
	uint64_t n = 0;
	int r = 0;

	for (unsigned i = 0; i < 2 && r >= 0; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		r = hostd_count(c, mr_arena_printf(arena, "kick %s", address), 1, &n, &out->hostd_diag);
		if (r == 0)
			r = hostd_count(c, mr_arena_printf(arena, "hold-sender %s", address), i == 0 ? 1 : turns, &n, &out->hostd_diag);
	}
	out->in_part = r == HOSTD_PART;
	if (r >= 0)
		lockdown_count_held(c, address, turns, out);
}

static int take_address(const char *text, struct lockdown *out, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_account account;
	int r = mr_validate_account(text, arena, &account, diag);

	if (r == 0)
		snprintf(out->address, sizeof(out->address), "%s", account.address);
	return r;
}

int lockdown_lock(struct mr_db *db, const char *address, const char *reason, struct lockdown *out, struct mr_diag *diag)
{
	int r = take_address(address, out, diag);

	return r < 0 ? r : mr_write_user_lock(db, out->address, reason, &out->changed, diag);
}

int lockdown_unlock(struct mr_db *db, const char *address, struct lockdown *out, struct mr_diag *diag)
{
	int r = take_address(address, out, diag);

	return r < 0 ? r : mr_write_user_unlock(db, out->address, &out->changed, diag);
}
