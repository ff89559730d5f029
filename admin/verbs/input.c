/* Passwords and confirmations. */
#include "input.h"

/* system */
#include <errno.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"

#define LINE_BYTES 1024

static int line(const char *prompt, struct mr_buf *out, struct mr_diag *diag)
{
	char text[LINE_BYTES];
	bool got, whole;
	size_t n;

	if (prompt)
		fprintf(stderr, "%s", prompt);
	got = fgets(text, sizeof(text), stdin) != NULL;
	if (prompt)
		fputc('\n', stderr);
	if (!got)
		return mr_diag_set(diag, -EINVAL, "no password on standard input");
	n = strcspn(text, "\n");
	whole = text[n] == '\n' || feof(stdin);
	if (whole)
		mr_buf_add(out, (struct mr_slice){ text, n });
	mr_wipe(text, sizeof(text));
	return whole ? 0 : mr_diag_set(diag, -EINVAL, "the password is too long");
}

static int twice(struct mr_buf *out, struct mr_diag *diag)
{
	struct mr_buf again = MR_BUF(LINE_BYTES);
	int r = line("Password: ", out, diag);

	if (r == 0)
		r = line("Again: ", &again, diag);
	if (r == 0 && !mr_slice_eq(mr_buf_slice(out), mr_buf_slice(&again)))
		r = mr_diag_set(diag, -EINVAL, "the two passwords differ");
	mr_wipe(again.p, again.cap);
	mr_buf_done(&again);
	return r;
}

int input_password(struct mr_buf *out, struct mr_diag *diag)
{
	struct termios was, quiet;
	int r;

	*out = MR_BUF(LINE_BYTES);
	mr_buf_puts(out, "");
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &was))
		return line(NULL, out, diag);
	quiet = was;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	r = twice(out, diag);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	return r;
}

bool input_confirm(const char *question)
{
	char text[16];

	if (!isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s Type yes: ", question);
	return fgets(text, sizeof(text), stdin) && mr_slice_eq(mr_slice_trim(mr_slice_of(text)), MR_LIT("yes"));
}
