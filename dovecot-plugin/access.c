/* access: see access.h */

/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "dovecot-plugin/access.h"

static bool one_of(const char *service, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(service, list[i]) == 0)
			return true;
	return false;
}

bool mr_access_login(const struct mr_dir_account *a, const char *service)
{
	static const char *const submitting[] = { "smtp", "submission" };

	return a->enabled && !(one_of(service, submitting, MR_COUNT(submitting)) ? a->receive_only : a->send_only);
}

bool mr_access_userdb(const struct mr_dir_account *a, const char *service)
{
	static const char *const delivering[] = { "lmtp", "lda" };

	return !one_of(service, delivering, MR_COUNT(delivering)) || (a->receive && !a->send_only);
}
