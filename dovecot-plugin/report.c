/* report: see report.h */

/* system */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ours */
#include "dovecot-plugin/report.h"
#include "proto/directory.h"

static int send_datagram(const char *path, struct mr_slice bytes)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (n >= sizeof to.sun_path)
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, n);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int r = sendto(fd, bytes.p, bytes.n, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int mr_report_usage(const char *socket_path, const char *address, uint64_t bytes, uint64_t messages)
{
	struct mr_buf datagram = MR_BUF(4096);
	struct mr_wire_out w;

	mr_wire_begin(&w, "cmd", "usage", 0);
	mr_wire_puts(&w, "address", address);
	mr_wire_putu(&w, "bytes", bytes);
	mr_wire_putu(&w, "messages", messages);
	int r = mr_wire_end(&w, &datagram);
	if (r == 0)
		r = send_datagram(socket_path, mr_buf_slice(&datagram));
	mr_buf_done(&datagram);
	return r;
}
