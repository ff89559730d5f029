/* received: see received.h. */

/* ours */
#include "mail/received.h"

/* Of a slice that begins with "(": how long it is with its ")"; 0: it does not end. */
static size_t comment_len(struct mr_slice s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		depth += s.p[i] == '(';
		depth -= s.p[i] == ')';
		if (depth == 0)
			return i + 1;
	}
	return 0;
}

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '(' || c == ')' || c == ';';
}

/* A word, or a comment without its parentheses. False at the end. */
static bool next_token(struct mr_slice *rest, struct mr_slice *token, bool *is_comment)
{
	size_t n = 0;

	while (rest->n && ends_word(rest->p[0]) && rest->p[0] != '(')
		*rest = mr_slice_from(*rest, 1);
	if (!rest->n)
		return false;
	*is_comment = rest->p[0] == '(';
	if (*is_comment) {
		n = comment_len(*rest);
		if (n == 0)
			return false;
		*token = (struct mr_slice){ rest->p + 1, n - 2 };
	} else {
		while (n < rest->n && !ends_word(rest->p[n]))
			n++;
		*token = (struct mr_slice){ rest->p, n };
	}
	*rest = mr_slice_from(*rest, n);
	return true;
}

/* Behind a clause's word: its value, and a comment behind that. */
static void read_clause(struct mr_slice *rest, struct mr_slice *value, struct mr_slice *comment)
{
	struct mr_slice after = *rest, token;
	bool is_comment;

	if (!next_token(&after, &token, &is_comment) || is_comment)
		return;
	*value = token;
	*rest = after;
	if (next_token(&after, &token, &is_comment) && is_comment) {
		*comment = token;
		*rest = after;
	}
}

void mr_received_read(struct mr_slice value, struct mr_received *out)
{
	struct mr_slice word, from = { "", 0 }, comment;
	bool is_comment;

	*out = (struct mr_received){ { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 } };
	while (!out->with.n && next_token(&value, &word, &is_comment)) {
		if (is_comment)
			continue;
		if (!from.n && !out->by.n && mr_slice_ieq(word, MR_LIT("from")))
			read_clause(&value, &from, &out->client);
		else if (!out->by.n && mr_slice_ieq(word, MR_LIT("by")))
			read_clause(&value, &out->by, &out->program);
		else if (out->by.n && mr_slice_ieq(word, MR_LIT("with")))
			read_clause(&value, &out->with, &comment);
	}
}
