/* spawn: a real server for one test, in a folder of its own, that dies with the test. */
#pragma once
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

/* A port of the loopback that was free for UDP and TCP a moment ago. */
static inline unsigned free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t n = sizeof(sa);
	int udp, tcp, r = -1;

	for (int i = 0; i < 100 && r < 0; i++) {
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sa.sin_port = 0;
		udp = socket(AF_INET, SOCK_DGRAM, 0);
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(udp, (struct sockaddr *)&sa, n) == 0 && getsockname(udp, (struct sockaddr *)&sa, &n) == 0)
			r = bind(tcp, (struct sockaddr *)&sa, n);
		close(udp);
		close(tcp);
	}
	return r < 0 ? 0 : ntohs(sa.sin_port);
}
