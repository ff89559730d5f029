/* directory: status words and the meaning of sender patterns; see directory.h */

/* ours */
#include "proto/directory.h"

const char *mr_dir_status_str(enum mr_dir_status s)
{
	switch (s) {
	case MR_DIR_OK:
		return "ok";
	case MR_DIR_NOTFOUND:
		return "notfound";
	case MR_DIR_TEMP:
		return "temp";
	case MR_DIR_BAD:
		return "bad";
	}
	return "bad";
}

bool mr_dir_pattern_matches(struct mr_slice pattern, struct mr_slice sender)
{
	ptrdiff_t at = mr_slice_rchr(sender, '@');
	struct mr_slice domain = mr_slice_from(sender, (size_t)(at + 1));

	if (mr_slice_eq(pattern, MR_LIT("*")))
		return true;
	if (sender.n == 0)
		return mr_slice_eq(pattern, MR_LIT("<>"));
	if (mr_slice_chr(pattern, '@') >= 0)
		return mr_slice_ieq(pattern, sender);
	if (at < 0)
		return false;
	if (pattern.n > 0 && pattern.p[0] == '.')
		return domain.n > pattern.n && mr_slice_iends(domain, pattern);
	return mr_slice_ieq(pattern, domain);
}

enum mr_dir_listed mr_dir_listed(const struct mr_dir_account *a, struct mr_slice sender)
{
	if (sender.n > 0 && sender.p[sender.n - 1] == '.')
		sender.n--; /* of the domain: Postfix hands it on */
	for (size_t i = 0; i < a->n_patterns; i++)
		if (mr_dir_pattern_matches(a->patterns[i].pattern, sender))
			return a->patterns[i].allow ? MR_DIR_ALLOWED : MR_DIR_DENIED;
	return MR_DIR_UNLISTED;
}
