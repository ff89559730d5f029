/* tool: see tool.h */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "rt/clock.h"
#include "rt/tool.h"

static char *const environment[] = { (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)(uintptr_t) "LC_ALL=C", NULL };

/* A file of its own in memory: however long, nobody waits for its reader. */
static int input_fd(struct mr_slice input)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n = 1;

	while (fd >= 0 && n > 0 && done < input.n) {
		n = write(fd, input.p + done, input.n - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && (done < input.n || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static pid_t start(const char *const *argv, int in, int out)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0 && chdir("/") == 0)
		execve(argv[0], (char *const *)(uintptr_t)argv, environment);
	_exit(127);
}

static int take_output(int fd, uint64_t until, struct mr_buf *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now;
	ssize_t n;
	char *at;

	for (;;) {
		now = mr_now_ms();
		if (now >= until || poll(&p, 1, (int)(until - now)) == 0)
			return -ETIMEDOUT;
		at = mr_buf_reserve(out, 4096);
		if (!at)
			return -EMSGSIZE;
		n = read(fd, at, 4096);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		out->n += n > 0 ? (size_t)n : 0;
	}
}

static int last_line(const char *program, int status, const struct mr_buf *out, struct mr_diag *diag)
{
	struct mr_slice text = mr_slice_trim(mr_buf_slice(out)), last = mr_slice_from(text, (size_t)(mr_slice_rchr(text, '\n') + 1));
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code == 127 && text.n == 0)
		return mr_diag_set(diag, -ENOENT, "%s is not there", program);
	return mr_diag_set(diag, -EIO, "%s: exit %d: %.*s", program, code, (int)(last.n < 200 ? last.n : 200), last.n ? last.p : "");
}

int mr_tool_run(const char *const *argv, struct mr_slice input, uint64_t ms, struct mr_buf *out, struct mr_diag *diag)
{
	int in = input_fd(input), pipes[2] = { -1, -1 }, status = 0, r = 0;
	pid_t pid = -1;

	if (in >= 0 && pipe2(pipes, O_CLOEXEC) == 0)
		pid = start(argv, in, pipes[1]);
	if (pid < 0)
		r = -errno;
	close(pipes[1]);
	if (pid > 0) {
		r = take_output(pipes[0], mr_now_ms() + ms, out);
		if (r < 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	close(in);
	close(pipes[0]);
	if (r < 0)
		return mr_diag_set(diag, r, "%s: %s", argv[0], strerror(-r));
	return status == 0 ? 0 : last_line(argv[0], status, out, diag);
}
