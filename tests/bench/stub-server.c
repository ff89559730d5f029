/* stub-server: one loop, nothing else. */

/* system */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ours */
#include "stub-server.h"

#define EVENTS 64

static void loop(int listener, int poll, bool (*answer)(int fd))
{
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN };

	for (;;) {
		int n = epoll_wait(poll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd != listener && !answer(fd)) {
				close(fd);
			} else if (fd == listener && (event.data.fd = accept(fd, NULL, NULL)) >= 0) {
				epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
			}
		}
	}
}

int stub_serve(const char *path, bool (*answer)(int fd))
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), poll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };

	if (strlen(path) >= sizeof(name.sun_path)) {
		fprintf(stderr, "%s: too long\n", path);
		return 1;
	}
	memcpy(name.sun_path, path, strlen(path) + 1);
	umask(0);
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) != 0 || listen(listener, 512) != 0 ||
	    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) {
		perror(path);
		return 1;
	}
	loop(listener, poll, answer);
	return 1;
}
