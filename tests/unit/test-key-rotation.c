/* test-key-rotation: the keys of a domain from state to state. One letter a key: kind and state, then what DNS shows. */

/* ours */
#include "base/mem.h"
#include "mail/key-rotation.h"
#include "unit.h"

#define KEEP 1000

/* "R w 5 +": RSA (E: Ed25519), waiting signing retired gone, age, + seen, - absent, ? something else. Keys are parted by commas. */
static const struct {
	const char *keys, *next, *why;
} cases[] = {
	{ "R s 0 -, E w 0 -", "sw", "a new domain: RSA signs, Ed25519 waits" },
	{ "R s 0 +, E w 0 -", "sw", "one of two is seen" },
	{ "R s 0 -, E w 0 +", "sw", "an Ed25519 key does not sign beside an RSA key that nobody sees" },
	{ "R s 0 ?, E w 0 +", "sw", "nor beside a wrong one" },
	{ "R s 0 +, E w 0 +", "ss", "both are seen" },
	{ "R w 0 +, E w 0 +", "ss", "both at once" },
	{ "E w 0 +", "w", "no RSA key at all" },
	{ "R s 9 +, R w 0 -", "sw", "the old key signs while the new one is not seen" },
	{ "R s 9 +, R w 0 ?", "sw", "nor while it is wrong" },
	{ "R s 9 +, R w 0 +", "rs", "then the new one takes over" },
	{ "R s 9 -, R w 0 +", "rs", "whether the old one was ever seen or not" },
	{ "R s 9 +, R w 5 +, R w 2 +, R w 3 +", "rrsr", "the youngest of several" },
	{ "R s 9 +, R w 5 +, R w 2 -", "rsw", "that is seen; a younger one goes on waiting" },
	{ "E s 9 +, R s 9 +, E w 0 +", "rss", "each kind for itself" },
	{ "E s 9 +, R s 9 -, E w 0 +", "ssw", "no Ed25519 key begins while RSA is not seen" },
	{ "R s 9 +, E s 9 +, R w 0 +", "rss", "an Ed25519 key goes on through a rotation of RSA" },
	{ "R s 9 ?, E s 9 +", "ss", "a key that signs goes on when its record is lost" },
	{ "R r 999 -", "r", "a record stays its time" },
	{ "R r 1000 +", "r", "and until somebody takes it away" },
	{ "R r 1000 ?", "r", "whatever stands there" },
	{ "R r 1000 -", "g", "then the key is gone" },
	{ "R r 5000 -, R s 1 +", "gs", "alone" },
	{ "", "", "no keys" },
};

static const char letters[] = "wsrg"; /* in the order of the states */

static size_t keys_of(const char *text, struct mr_rotating_key *out)
{
	struct mr_slice rest = mr_slice_of(text), one, word;
	size_t n = 0;

	while (rest.n && mr_slice_next(&rest, ',', &one)) {
		struct mr_rotating_key *k = &out[n++];

		one = mr_slice_trim(one);
		mr_slice_next(&one, ' ', &word);
		k->ed25519 = word.p[0] == 'E';
		mr_slice_next(&one, ' ', &word);
		k->state = (enum mr_key_state)(strchr(letters, word.p[0]) - letters);
		mr_slice_next(&one, ' ', &word);
		k->age = strtol(word.p, NULL, 10);
		k->seen = one.p[0] == '+';
		k->absent = one.p[0] == '-';
	}
	return n;
}

static void test_rotation(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_rotating_key keys[8] = { 0 };
		size_t n = keys_of(cases[i].keys, keys);
		char got[9] = "";

		for (int again = 0; again < 2; again++) { /* the second time nothing changes */
			mr_keys_rotate(keys, n, KEEP);
			for (size_t k = 0; k < n; k++)
				got[k] = letters[keys[k].next];
			if (strcmp(got, cases[i].next) != 0)
				fail_msg("%s (%s): %s, not %s", cases[i].keys, cases[i].why, got, cases[i].next);
			for (size_t k = 0; k < n; k++) {
				keys[k].age = keys[k].next == keys[k].state ? keys[k].age : 0;
				keys[k].state = keys[k].next;
			}
		}
	}
}

static void test_names(void **state)
{
	enum mr_key_state s = MR_KEY_GONE;

	for (int i = MR_KEY_WAITING; i <= MR_KEY_GONE; i++) {
		assert_true(mr_key_state_parse(mr_slice_of(mr_key_state_str((enum mr_key_state)i)), &s));
		assert_int_equal(s, i);
	}
	assert_true(mr_key_state_parse(MR_LIT("stored"), &s));
	assert_int_equal(s, MR_KEY_WAITING);
	assert_false(mr_key_state_parse(MR_LIT("Signing"), &s));
	assert_false(mr_key_state_parse(MR_LIT(""), &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rotation), cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
