/* check: the table of checks, and what several of them ask. */

/* ours */
#include "check.h"

#define CHECK(name, mode) extern const struct mr_check mr_check_##name;
#include "checks/check-list.h"
#undef CHECK

const struct mr_check *const mr_checks[MR_CHECKS] = {
#define CHECK(name, mode) [MR_CHECK_##name] = &mr_check_##name,
#include "checks/check-list.h"
#undef CHECK
};

bool mr_check_receives(const struct mr_dir_final *f)
{
	return !f->local || f->account.receive; /* a disabled mailbox takes mail, too: its owner reads it later */
}

bool mr_check_allows(const struct mr_dir_final *f, const struct mr_check_input *in)
{
	return mr_dir_listed(&f->account, in->request->sender) == MR_DIR_ALLOWED;
}

bool mr_check_all_receivers(const struct mr_check_input *in, bool (*is)(const struct mr_dir_final *f, const struct mr_check_input *in))
{
	const struct mr_dir_resolve *r = in->recipient;
	size_t receivers = 0;

	for (size_t i = 0; i < r->n_finals; i++) {
		if (!mr_check_receives(&r->finals[i]))
			continue;
		receivers++;
		if (!r->finals[i].local || !is(&r->finals[i], in))
			return false;
	}
	return receivers > 0;
}
