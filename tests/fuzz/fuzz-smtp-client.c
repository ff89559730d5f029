/* fuzz-smtp-client: what an SMTP server says while a message is handed to it. Goal: a message that was taken for one of two recipients.
 * Whatever is said, each command is one line, and a message is sent whole or not at all. */
/* system */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "fuzz.h"
#include "smtp-client.h"

#define SAID_MAX 60000 /* bytes: what a socket takes at once */
#define CONTENT  "Subject: s\r\n\r\n.\r\n..x\r\n.\r\ny"
#define SENT     "X-F: 1\r\nSubject: s\r\n\r\n..\r\n...x\r\n..\r\ny\r\n.\r\n"

size_t fuzz_goals;

/* Commands up to DATA, then the message or nothing of it. */
static void check_sent(struct mr_slice sent, bool taken)
{
	static const char *const verbs[] = { "EHLO ", "MAIL FROM:<", "RCPT TO:<", "DATA", "QUIT" };
	bool data = false;

	while (sent.n) {
		ptrdiff_t eol = mr_slice_chr(sent, '\n');
		bool known = false;

		if (data && mr_slice_starts(sent, MR_LIT(SENT))) {
			sent = mr_slice_from(sent, sizeof(SENT) - 1);
			data = false;
			continue;
		}
		fuzz_assert(eol > 0 && sent.p[eol - 1] == '\r');
		for (size_t i = 0; i < MR_COUNT(verbs); i++)
			known |= mr_slice_starts(sent, mr_slice_of(verbs[i]));
		fuzz_assert(known);
		data = mr_slice_starts(sent, MR_LIT("DATA"));
		sent = mr_slice_from(sent, (size_t)eol + 1);
	}
	fuzz_assert(!taken || !data);
}

static size_t read_all(int fd, char *out, size_t max)
{
	size_t n = 0;
	ssize_t got;

	while (n < max && (got = recv(fd, out + n, max - n, MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_smtp_recipient to[] = { { .address = MR_LIT("a@d.test"), .parameters = MR_LIT("NOTIFY=NEVER") },
					  { .address = MR_LIT("b@d.test") } };
	struct mr_smtp_message m = { .sender = MR_LIT("s@x.test"),
				     .parameters = MR_LIT("RET=HDRS"),
				     .field = MR_LIT("X-F: 1\r\n"),
				     .content = MR_LIT(CONTENT),
				     .recipients = to,
				     .n_recipients = MR_COUNT(to) };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_diag diag = { 0 };
	static char sent[8192];
	int pair[2], r;

	if (size > SAID_MAX)
		return 0;
	fuzz_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	fuzz_assert(send(pair[1], data, size, MSG_DONTWAIT) == (ssize_t)size && shutdown(pair[1], SHUT_WR) == 0);
	r = mr_smtp_send_over(pair[0], &m, arena, &diag);
	close(pair[0]);
	fuzz_assert(r == 0 || r == -EAGAIN || r == -EPERM || r == -ECONNABORTED);
	fuzz_assert((r == 0) == (diag.text[0] == 0) || to[0].refused || to[1].refused);
	for (const char *c = diag.text; *c; c++)
		fuzz_assert((unsigned char)*c >= ' ' && *c != 0x7f);
	for (size_t i = 0; i < MR_COUNT(to); i++)
		fuzz_assert(to[i].refused == (to[i].why.n > 0));
	check_sent((struct mr_slice){ sent, read_all(pair[1], sent, sizeof(sent)) }, r == 0);
	close(pair[1]);
	fuzz_goals += r == 0 && to[0].refused != to[1].refused;
	return 0;
}
