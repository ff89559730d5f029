/* value-check: shapes of paths, addresses, names; see value.h */

/* system */
#include <stdint.h>

/* ours */
#include "base/mem.h"
#include "conf/value.h"

#define PATH_LEN_MAX    4000
#define DOMAIN_LEN_MAX  253
#define LABEL_LEN_MAX   63
#define ADDRESS_LEN_MAX 254

bool mr_value_is_folder(struct mr_slice name)
{
	static const char *const folders[] = { "run_dir", "state_dir", "postfix_dir" };

	for (size_t i = 0; i < MR_COUNT(folders); i++)
		if (mr_slice_eq(name, mr_slice_of(folders[i])))
			return true;
	return false;
}

/* Each {{name}} is one of the folders. */
static bool references_known(struct mr_slice s)
{
	for (; s.n > 0; s = mr_slice_from(s, 1)) {
		struct mr_slice name;

		if (!mr_slice_starts(s, MR_LIT("{{")))
			continue;
		s = mr_slice_from(s, 2);
		name = (struct mr_slice){ s.p, (size_t)(mr_slice_chr(s, '}') + 1) };
		if (name.n == 0 || !mr_slice_starts(mr_slice_from(s, name.n - 1), MR_LIT("}}")))
			return false;
		name.n--;
		if (!mr_value_is_folder(name))
			return false;
	}
	return true;
}

bool mr_value_is_path(struct mr_slice s)
{
	return s.n <= PATH_LEN_MAX && (mr_slice_starts(s, MR_LIT("/")) || mr_slice_starts(s, MR_LIT("{{"))) && references_known(s);
}

static bool is_label(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = mr_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return s.n > 0 && s.n <= LABEL_LEN_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

bool mr_value_is_domain(struct mr_slice s)
{
	struct mr_slice label;
	bool good = s.n > 0 && s.n <= DOMAIN_LEN_MAX;

	while (good && mr_slice_next(&s, '.', &label))
		good = is_label(label);
	return good;
}

bool mr_value_is_address(struct mr_slice s)
{
	ptrdiff_t at = mr_slice_rchr(s, '@');

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return at > 0 && s.n <= ADDRESS_LEN_MAX && mr_slice_chr(s, '@') == at && mr_value_is_domain(mr_slice_from(s, (size_t)at + 1));
}

bool mr_value_is_hostport(struct mr_slice s)
{
	struct mr_slice host;
	struct mr_ip ip;
	uint16_t port;

	if (mr_parse_hostport(s, &host, &port) < 0)
		return false;
	return mr_slice_chr(host, ':') >= 0 ? mr_parse_ip(host, &ip) == 0 : mr_value_is_domain(host);
}
