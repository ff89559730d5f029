/* pdf-token: the words of PDF (ISO 32000-1 section 7.2, 7.3); see pdf-internal.h. */
/* ours */
#include "mail/pdf-internal.h"

#define NUMBER_MAX 1e9

bool pdf_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\0';
}

static bool is_delimiter(char c)
{
	return c && strchr("()<>[]{}/%", c);
}

static int hex_digit(char c)
{
	c = mr_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void skip_space(struct pdf_lexer *l)
{
	while (l->at < l->end) {
		if (*l->at == '%') {
			while (l->at < l->end && *l->at != '\n' && *l->at != '\r')
				l->at++;
		} else if (pdf_is_space(*l->at)) {
			l->at++;
		} else {
			return;
		}
	}
}

static void read_name(struct pdf_lexer *l)
{
	for (; l->at < l->end && !pdf_is_space(*l->at) && !is_delimiter(*l->at); l->at++) {
		if (*l->at == '#' && l->end - l->at > 2 && hex_digit(l->at[1]) >= 0 && hex_digit(l->at[2]) >= 0) {
			mr_buf_putc(l->text, (char)(hex_digit(l->at[1]) * 16 + hex_digit(l->at[2])));
			l->at += 2;
		} else {
			mr_buf_putc(l->text, *l->at);
		}
	}
}

/* What stands behind a backslash; `at` is on its last byte afterwards. */
static void read_escape(struct pdf_lexer *l)
{
	static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
	const char *known;
	unsigned octal = 0, digits = 0;

	while (digits < 3 && l->at + digits < l->end && l->at[digits] >= '0' && l->at[digits] <= '7')
		octal = octal * 8 + (unsigned)(l->at[digits++] - '0');
	if (digits) {
		mr_buf_putc(l->text, (char)octal);
		l->at += digits - 1;
	} else if (*l->at == '\r' || *l->at == '\n') {
		if (*l->at == '\r' && l->end - l->at > 1 && l->at[1] == '\n')
			l->at++;
	} else {
		known = *l->at ? strchr(from, *l->at) : NULL;
		mr_buf_putc(l->text, known ? to[known - from] : *l->at);
	}
}

static void read_string(struct pdf_lexer *l)
{
	size_t depth = 1;

	for (; l->at < l->end; l->at++) {
		if (*l->at == '\\') {
			if (++l->at == l->end)
				return;
			read_escape(l);
			continue;
		}
		depth += *l->at == '(';
		depth -= *l->at == ')';
		if (!depth) {
			l->at++;
			return;
		}
		mr_buf_putc(l->text, *l->at);
	}
}

void pdf_hex(struct pdf_lexer *l)
{
	int high = -1;

	for (; l->at < l->end && *l->at != '>'; l->at++) {
		int digit = hex_digit(*l->at);

		if (digit < 0)
			continue;
		if (high >= 0)
			mr_buf_putc(l->text, (char)(high * 16 + digit));
		high = high >= 0 ? -1 : digit;
	}
	if (high >= 0)
		mr_buf_putc(l->text, (char)(high * 16));
	if (l->at < l->end)
		l->at++;
}

/* True: a number is all that it is. */
static bool read_number(struct mr_slice word, double *out)
{
	double value = 0, part = 0;
	bool minus = *word.p == '-', digits = false;

	for (size_t i = minus || *word.p == '+'; i < word.n; i++) {
		char c = word.p[i];

		if (c == '.' && part == 0) {
			part = 1;
			continue;
		}
		if (c < '0' || c > '9')
			return false;
		digits = true;
		part /= 10;
		if (part > 0)
			value += part * (c - '0');
		else if (value < NUMBER_MAX)
			value = value * 10 + (c - '0');
	}
	*out = minus ? -value : value;
	return digits;
}

static enum pdf_token read_word(struct pdf_lexer *l)
{
	const char *first = l->at++;

	while (l->at < l->end && !pdf_is_space(*l->at) && !is_delimiter(*l->at))
		l->at++;
	l->word = (struct mr_slice){ first, (size_t)(l->at - first) };
	return read_number(l->word, &l->number) ? PDF_NUMBER : PDF_WORD;
}

static bool take_two(struct pdf_lexer *l, char c)
{
	if (l->end - l->at < 2 || l->at[0] != c || l->at[1] != c)
		return false;
	l->at += 2;
	return true;
}

enum pdf_token pdf_next(struct pdf_lexer *l)
{
	skip_space(l);
	if (l->at == l->end)
		return PDF_END;
	if (take_two(l, '<'))
		return PDF_DICT;
	if (take_two(l, '>'))
		return PDF_DICT_END;
	mr_buf_reset(l->text);
	switch (*l->at) {
	case '/':
		l->at++;
		read_name(l);
		return PDF_NAME;
	case '(':
		l->at++;
		read_string(l);
		return PDF_STRING;
	case '<':
		l->at++;
		pdf_hex(l);
		return PDF_HEX;
	case '[':
		l->at++;
		return PDF_ARRAY;
	case ']':
		l->at++;
		return PDF_ARRAY_END;
	}
	return read_word(l);
}
