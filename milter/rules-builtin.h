/* rules-builtin: the rules of the folder rules, made part of the program by rules/embed.py: they are there in every sandbox and from the
 * build folder, and never of another version. */
#pragma once
#include "base/slice.h"

struct mr_rules_builtin {
	const char *name; /* for messages: "mailreeve/NAME.cf" */
	struct mr_slice text;
};
extern const struct mr_rules_builtin mr_rules_builtin[];
extern const size_t mr_rules_builtin_n;
