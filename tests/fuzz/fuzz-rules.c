/* fuzz-rules: rules of Postfix's maps and a key that Postfix asks for. First line: the map and the key; then a rule a line, pattern and
 * value. Goal: a rule holds. A rule taken is taken again as it is stored, no access rule permits anything, and of networks the narrowest
 * one that has the key holds. */

/* system */
#include <string.h>

/* ours */
#include "fuzz.h"
#include "store/rule.h"

#define RULES_MAX 64
#define INPUT_MAX 65536

size_t fuzz_goals;

static void check_again(enum mr_rule_map map, const struct mr_rule *rule, struct mr_arena *arena)
{
	struct mr_rule again;

	fuzz_assert(mr_rule_check(map, rule->pattern, rule->value, arena, &again, NULL) == 0);
	fuzz_assert(strcmp(again.pattern, rule->pattern) == 0 && strcmp(again.value, rule->value) == 0);
	fuzz_assert(rule->value[0] != '\0' && strlen(rule->value) <= MR_RULE_VALUE_MAX);
	if (map == MR_RULE_CLIENT || map == MR_RULE_SENDER || map == MR_RULE_RECIPIENT)
		fuzz_assert(strchr("RDHW", rule->value[0]) != NULL);
}

static void check_narrowest(const struct mr_rule *rules, size_t n, const struct mr_rule *found, struct mr_slice key)
{
	struct mr_ip ip;

	if (mr_parse_ip(key, &ip) != 0)
		return;
	fuzz_assert(found == NULL || (found->is_net && mr_net_has(&found->net, &ip)));
	for (size_t i = 0; i < n; i++) {
		if (rules[i].is_net && mr_net_has(&rules[i].net, &ip))
			fuzz_assert(found != NULL && found->net.bits >= rules[i].net.bits);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice text = fuzz_input(data, size), first, name, line, pattern;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rule rules[RULES_MAX];
	enum mr_rule_map map;
	size_t n = 0;

	if (size > INPUT_MAX || !mr_slice_next(&text, '\n', &first) || !mr_slice_next(&first, ' ', &name) ||
	    !mr_rule_map_parse(mr_arena_slice(arena, name), &map))
		return 0;
	while (n < RULES_MAX && mr_slice_next(&text, '\n', &line)) {
		if (!mr_slice_next(&line, ' ', &pattern) || line.p == NULL ||
		    mr_rule_check(map, mr_arena_slice(arena, pattern), mr_arena_slice(arena, line), arena, &rules[n], NULL) != 0)
			continue;
		check_again(map, &rules[n++], arena);
	}
	mr_rules_sort(rules, n);
	const struct mr_rule *found = mr_rules_find(rules, n, first, arena);
	check_narrowest(rules, n, found, first);
	fuzz_goals += found != NULL;
	return 0;
}
