/* Client of control sockets. */
#include "control.h"

/* system */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "rt/clock.h"
#include "rt/sock.h"

#define WAIT_MS    3000
#define ANSWER_MAX (256 * 1024)

static bool complete(struct mr_slice answer)
{
	struct mr_slice line, last = { 0 };

	if (!answer.n || answer.p[answer.n - 1] != '\n')
		return false;
	answer.n--;
	while (mr_slice_next(&answer, '\n', &line))
		last = line;
	return mr_slice_eq(last, MR_LIT("ok")) || mr_slice_starts(last, MR_LIT("error "));
}

static int take_answer(int fd, uint64_t ms, struct mr_buf *out)
{
	uint64_t now, until = mr_now_ms() + ms;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char bytes[4096];
	ssize_t n;

	while (!complete(mr_buf_slice(out))) {
		now = mr_now_ms();
		if (now >= until || poll(&p, 1, (int)(until - now)) == 0)
			return -ETIMEDOUT;
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0 && mr_buf_add(out, (struct mr_slice){ bytes, (size_t)n }) < 0)
			return -EMSGSIZE;
	}
	return 0;
}

struct mr_slice control_value(struct mr_slice answer, const char *key)
{
	struct mr_slice line, name = mr_slice_of(key);

	while (mr_slice_next(&answer, '\n', &line))
		if (mr_slice_starts(line, name) && line.n > name.n && line.p[name.n] == '=')
			return mr_slice_from(line, name.n + 1);
	return (struct mr_slice){ 0 };
}

int control_request(const char *path, uint64_t ms, const char *line, struct mr_buf *answer)
{
	int fd = mr_connect_unix_wait(path, ms), r = fd < 0 ? fd : 0;

	if (r == 0 && dprintf(fd, "%s\n", line) < 0)
		r = -errno;
	if (r == 0)
		r = take_answer(fd, ms, answer);
	if (fd >= 0)
		close(fd);
	return r;
}

int control_ask(const char *run_dir, const char *daemon, const char *verb, struct mr_buf *answer, struct mr_diag *diag)
{
	char path[PATH_MAX];
	int r;

	*answer = MR_BUF(ANSWER_MAX);
	snprintf(path, sizeof(path), "%s/%s/control.sock", run_dir, daemon);
	r = control_request(path, WAIT_MS, verb, answer);
	errno = -r;
	return r < 0 ? mr_diag_set(diag, r, "not running, or not answering at %s: %m", path) : 0;
}
