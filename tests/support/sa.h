/* sa: settings for messages in tests, as rule files have them. */
#pragma once
#include "base/mem.h"
#include "mail/sa/sa.h"

/* "key value" lines more. */
static inline void test_sa_set(struct mr_sa_conf *c, const char *lines)
{
	struct mr_slice rest = mr_slice_of(lines), line;

	while (rest.n && mr_slice_next(&rest, '\n', &line)) {
		ptrdiff_t space = mr_slice_chr(line, ' ');
		struct mr_slice key = { line.p, space < 0 ? line.n : (size_t)space };

		mr_sa_conf_set(c, key, mr_slice_trim(mr_slice_from(line, key.n)), NULL);
	}
}

static inline struct mr_sa_conf *test_sa_conf(void)
{
	static const char *const settings[][2] = {
		{ "util_rb_tld", "com org net example uk de" },
		{ "util_rb_2tld", "co.uk" },
		{ "originating_ip_headers", "X-Originating-IP" },
		{ "freemail_domains", "free.example *.mail.example" },
		{ "blocklist_from", "*@bad.example" },
		{ "enlist_uri_host", "(BLOCK) evil.example" },
	};
	struct mr_sa_conf *c = mr_sa_conf_new();

	for (size_t i = 0; i < MR_COUNT(settings); i++)
		mr_sa_conf_set(c, mr_slice_of(settings[i][0]), mr_slice_of(settings[i][1]), NULL);
	return c;
}
