/* spawn: a real server for one test, in a folder of its own, that dies with the test. */
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* argv[0] is found in PATH and in /usr/sbin. Its output goes to the file "log" in `folder`. */
static inline pid_t spawn(const char *folder, char *const argv[])
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(folder) < 0)
		_exit(126);
	fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static inline void spawn_kill(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}
