/* tool: see tool.h */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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

#define CHUNK    4096
#define CHUNKS   65536 /* where lines are handed on */
#define LAST_MAX 200

/* What a program prints: kept whole, or handed on by lines. */
struct output {
	struct mr_buf *kept; /* what was not handed on */
	mr_tool_line *take;  /* NULL: nothing is */
	void *arg;
	size_t line_max;
	bool cut; /* the beginning of this line was handed on */
	char last[LAST_MAX + 1];
};

static void hand_on(struct output *o, struct mr_slice line)
{
	if (line.n > o->line_max)
		line.n = o->line_max;
	if (!o->cut)
		o->take(line, o->arg);
	line = mr_slice_trim(line);
	if (line.n > 0)
		snprintf(o->last, sizeof(o->last), "%.*s", (int)(line.n < LAST_MAX ? line.n : LAST_MAX), line.p);
}

static void hand_on_lines(struct output *o)
{
	struct mr_slice rest = mr_buf_slice(o->kept);
	ptrdiff_t end;

	while ((end = mr_slice_chr(rest, '\n')) >= 0 || rest.n > o->line_max) {
		hand_on(o, end < 0 ? rest : (struct mr_slice){ rest.p, (size_t)end });
		o->cut = end < 0;
		rest = mr_slice_from(rest, end < 0 ? rest.n : (size_t)end + 1);
	}
	mr_buf_consume(o->kept, o->kept->n - rest.n);
}

static int take_output(int fd, uint64_t until, struct output *o)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t chunk = o->take ? CHUNKS : CHUNK;
	uint64_t now;
	ssize_t n;
	char *at;

	for (;;) {
		now = mr_now_ms();
		if (now >= until || poll(&p, 1, (int)(until - now)) == 0)
			return -ETIMEDOUT;
		at = mr_buf_reserve(o->kept, chunk);
		if (!at)
			return -EMSGSIZE;
		n = read(fd, at, chunk);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		mr_buf_filled(o->kept, n > 0 ? (size_t)n : 0);
		if (o->take)
			hand_on_lines(o);
	}
}

static int failed(const char *program, int status, struct mr_slice said, struct mr_diag *diag)
{
	struct mr_slice text = mr_slice_trim(said), last = mr_slice_from(text, (size_t)(mr_slice_rchr(text, '\n') + 1));
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code == 127 && text.n == 0)
		return mr_diag_set(diag, -ENOENT, "%s is not there", program);
	return mr_diag_set(diag, -EIO, "%s: exit %d: %.*s", program, code, (int)(last.n < LAST_MAX ? last.n : LAST_MAX),
			   last.n ? last.p : "");
}

static int run(const char *const *argv, struct mr_slice input, uint64_t ms, struct output *o, struct mr_diag *diag)
{
	int in = input_fd(input), pipes[2] = { -1, -1 }, status = 0, r = 0;
	pid_t pid = -1;

	if (in >= 0 && pipe2(pipes, O_CLOEXEC) == 0)
		pid = start(argv, in, pipes[1]);
	if (pid < 0)
		r = -errno;
	close(pipes[1]);
	if (pid > 0) {
		r = take_output(pipes[0], mr_now_ms() + ms, o);
		if (r < 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	close(in);
	close(pipes[0]);
	if (r < 0)
		return mr_diag_set(diag, r, "%s: %s", argv[0], strerror(-r));
	if (o->take && o->kept->n > 0)
		hand_on(o, mr_buf_slice(o->kept));
	return status == 0 ? 0 : failed(argv[0], status, o->take ? mr_slice_of(o->last) : mr_buf_slice(o->kept), diag);
}

int mr_tool_run(const char *const *argv, struct mr_slice input, uint64_t ms, struct mr_buf *out, struct mr_diag *diag)
{
	return run(argv, input, ms, &(struct output){ .kept = out }, diag);
}

int mr_tool_lines(const char *const *argv, struct mr_slice input, uint64_t ms, size_t line_max, mr_tool_line *take, void *arg,
		  struct mr_diag *diag)
{
	struct mr_buf kept = MR_BUF(line_max + CHUNKS);
	int r = run(argv, input, ms, &(struct output){ .kept = &kept, .take = take, .arg = arg, .line_max = line_max }, diag);

	mr_buf_done(&kept);
	return r;
}
