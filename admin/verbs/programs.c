/* Our other programs. */
#include "programs.h"

/* system */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "app/verb.h"
#include "base/mem.h"
#include "rt/clock.h"

extern char **environ;

const char *const program_daemons[] = { "lookup", "policyd", "milter", NULL };

/* Beside ourselves in a build tree, which the presence of this folder's own verbs shows. */
static const char *const beside[] = { "", "/../../lookup", "/../../policyd", "/../../milter", NULL };
static const char *const installed[] = { MR_LIBEXECDIR, MR_SBINDIR, NULL };

static bool try(const char *folder, const char *below, const char *name, char *path, size_t size)
{
	int n = snprintf(path, size, "%s%s/%s", folder, below, name);

	return n > 0 && (size_t)n < size && access(path, X_OK) == 0;
}

static bool own_folder(char *folder, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", folder, size - 1);
	char *slash;

	if (n <= 0)
		return false;
	folder[n] = '\0';
	slash = strrchr(folder, '/');
	*slash = '\0';
	return true;
}

int program_find(const char *name, char *path, size_t size)
{
	const char *set = getenv("MR_LIBEXEC");
	char folder[PATH_MAX], probe[PATH_MAX + 32];

	if (set && try(set, "", name, path, size))
		return 0;
	if (own_folder(folder, sizeof(folder)) && try(folder, "", "mailreeve-schema", probe, sizeof(probe)))
		for (size_t i = 0; beside[i]; i++)
			if (try(folder, beside[i], name, path, size))
				return 0;
	for (size_t i = 0; installed[i]; i++)
		if (try(installed[i], "", name, path, size))
			return 0;
	return -ENOENT;
}

/* Until the other end closes, or the time is over. */
static int take_output(int fd, uint64_t until, struct mr_buf *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now;
	ssize_t n;
	char *room;

	for (;;) {
		now = mr_now_ms();
		if (now >= until || poll(&p, 1, (int)(until - now)) == 0)
			return -ETIMEDOUT;
		room = mr_buf_reserve(out, 4096);
		if (!room)
			return -ENOBUFS;
		n = read(fd, room, 4096);
		if (n <= 0)
			return n < 0 && errno != EINTR ? -errno : 0;
		mr_buf_filled(out, (size_t)n);
	}
}

static int spawn(const char *path, const char *arg, int fd, pid_t *pid)
{
	const char *conf = mr_verb_conf_path(), *argv[] = { path, arg, conf ? "-c" : NULL, conf, NULL };
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO);
	r = posix_spawn(pid, path, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int program_ask(const char *path, const char *arg, uint64_t ms, struct mr_buf *out)
{
	int pipes[2], r, status = 0;
	pid_t pid = 0;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	r = spawn(path, arg, pipes[1], &pid);
	close(pipes[1]);
	if (r == 0) {
		r = take_output(pipes[0], mr_now_ms() + ms, out);
		if (r < 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(pipes[0]);
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}
