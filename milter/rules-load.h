/* rules-load: the files of spam rules that the option rule_files names, read and compiled (lib/rules). */
#pragma once
#include "base/diag.h"
#include "rules/rules.h"

/* paths: files, and folders of *.pre and *.cf; the word "spamassassin" stands for the folders that SpamAssassin itself would read. All
 * *.pre come first, as there. What is wrong in rules is a problem of *out; 0 all the same. -errno and diag: a file cannot be read. */
int mr_rules_load(const struct mr_slice *paths, size_t n, struct mr_rules **out, struct mr_diag *diag);
/* For what they say of themselves: whatever is wrong with some is passed over. NULL: there are none. */
struct mr_rules *mr_rules_load_words(const struct mr_slice *paths, size_t n);
