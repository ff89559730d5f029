/* test-socketmap: requests of Postfix, replies to it. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "proto/socketmap.h"
#include "unit.h"

static void test_parse(void **state)
{
	static const struct {
		struct mr_slice in;
		const char *map, *key; /* NULL: refused */
	} cases[] = {
		{ MR_LIT("alias john@example.org"), "alias", "john@example.org" },
		{ MR_LIT("alias two words"), "alias", "two words" },
		{ MR_LIT("alias "), "alias", "" },
		{ MR_LIT("alias j\xc3\xb6rg@example.org"), "alias", "j\xc3\xb6rg@example.org" },
		{ MR_LIT(""), NULL, NULL },
		{ MR_LIT("alias"), NULL, NULL },
		{ MR_LIT(" key"), NULL, NULL },
		{ MR_LIT("alias a\0b"), NULL, NULL },
		{ MR_LIT("alias a\nb"), NULL, NULL },
		{ MR_LIT("al\x7fias a"), NULL, NULL },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_socketmap_request r = { 0 };

		assert_int_equal(mr_socketmap_parse(cases[i].in, &r), cases[i].map ? 0 : -EPROTO);
		if (cases[i].map) {
			assert_slice(r.map, cases[i].map);
			assert_slice(r.key, cases[i].key);
		} else {
			assert_null(r.map.p);
		}
	}
}

static void test_reply(void **state)
{
	static const struct {
		enum mr_socketmap_status status;
		const char *data, *reply;
	} cases[] = {
		{ MR_SOCKETMAP_OK, "a@example.org", "16:OK a@example.org," },
		{ MR_SOCKETMAP_OK, "", "17:TEMP empty answer," },
		{ MR_SOCKETMAP_NOTFOUND, "", "9:NOTFOUND ," },
		{ MR_SOCKETMAP_TEMP, "database", "13:TEMP database," },
		{ MR_SOCKETMAP_TIMEOUT, "", "8:TIMEOUT ," },
		{ MR_SOCKETMAP_PERM, "no such map", "16:PERM no such map," },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf out = MR_BUF(100);

		assert_int_equal(mr_socketmap_reply(&out, cases[i].status, mr_slice_of(cases[i].data)), 0);
		assert_slice(mr_buf_slice(&out), cases[i].reply);
		mr_buf_done(&out);
	}
}

static void test_reply_too_long(void **state)
{
	mr_autofree char *data = mr_alloc(MR_SOCKETMAP_REPLY_MAX);
	struct mr_buf out = MR_BUF(2 * MR_SOCKETMAP_REPLY_MAX);

	memset(data, 'x', MR_SOCKETMAP_REPLY_MAX);
	assert_int_equal(mr_socketmap_reply(&out, MR_SOCKETMAP_OK, (struct mr_slice){ data, MR_SOCKETMAP_REPLY_MAX - 2 }), -ENOBUFS);
	assert_int_equal(out.n, 0);
	assert_int_equal(mr_socketmap_reply(&out, MR_SOCKETMAP_OK, (struct mr_slice){ data, MR_SOCKETMAP_REPLY_MAX - 3 }), 0);
	mr_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_reply),
					    cmocka_unit_test(test_reply_too_long) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
