/* sock: Unix sockets, bound so that a stale one is replaced and a living one is not. */

/* system */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "rt/log.h"
#include "rt/sock.h"

#define BACKLOG 512

static int fill_address(const char *path, struct sockaddr_un *sa)
{
	size_t n = strlen(path);

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	memcpy(sa->sun_path, path, n + 1);
	return 0;
}

/* Makes room for binding: nothing there, or a socket that nobody answers on. */
static int clear_path(const struct sockaddr_un *sa, int type, struct mr_diag *diag)
{
	struct stat st;
	int fd, rc;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : mr_diag_set(diag, -errno, "socket %s: %s", sa->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return mr_diag_set(diag, -EEXIST, "socket %s: something else than a socket has that name", sa->sun_path);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mr_diag_set(diag, -errno, "socket %s: %s", sa->sun_path, strerror(errno));
	rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;
	close(fd);
	if (rc != -ECONNREFUSED)
		return mr_diag_set(diag, -EADDRINUSE, "socket %s: in use by another process", sa->sun_path);
	if (unlink(sa->sun_path) < 0)
		return mr_diag_set(diag, -errno, "socket %s: stale and cannot be removed: %s", sa->sun_path, strerror(errno));
	return 0;
}

static int fail_bind(const char *path, int err, struct mr_diag *diag)
{
	mr_autofree char *copy = mr_strdup(path);

	if (err == ENOENT)
		return mr_diag_set(diag, -err, "socket %s: the folder %s does not exist", path, dirname(copy));
	return mr_diag_set(diag, -err, "socket %s: %s", path, strerror(err));
}

static int bind_unix(const char *path, int type, unsigned mode, struct mr_diag *diag)
{
	struct sockaddr_un sa;
	int fd, rc = fill_address(path, &sa);

	if (rc < 0)
		return mr_diag_set(diag, rc, "socket %s: path longer than %zu bytes", path, sizeof(sa.sun_path) - 1);
	rc = clear_path(&sa, type, diag);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mr_diag_set(diag, -errno, "socket %s: %s", path, strerror(errno));
	/* The mode of the socket before bind() is that of the name (less the umask): never open wider than it shall be. */
	if (fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || chmod(path, mode) < 0)
		rc = fail_bind(path, errno, diag);
	else if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		rc = mr_diag_set(diag, -errno, "socket %s: %s", path, strerror(errno));
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int mr_listen_unix(const char *path, unsigned mode, struct mr_diag *diag)
{
	return bind_unix(path, SOCK_STREAM, mode, diag);
}

int mr_listen_dgram(const char *path, unsigned mode, struct mr_diag *diag)
{
	return bind_unix(path, SOCK_DGRAM, mode, diag);
}

/* The socket in Postfix's queue folder. -1 in *fd where there is none to bind: Postfix is not on this host or its folder is not prepared.
 */
static int listen_in_queue(const char *path, unsigned mode, int *fd, struct mr_diag *diag)
{
	mr_autofree char *copy = mr_strdup(path);
	const char *folder = dirname(copy);
	int rc = 0;

	*fd = -1;
	if (access(folder, F_OK) < 0) {
		mr_log(MR_LOG_WARNING, "postfix-folder-missing", mr_s("folder", folder), mr_s("socket", path), mr_err("error", errno));
	} else {
		rc = mr_listen_unix(path, mode, diag);
		if (rc >= 0)
			*fd = rc;
	}
	return rc < 0 ? rc : 0;
}

int mr_listen_twice(const char *run_dir, const char *postfix_dir, const char *name, unsigned mode, int fds[2], struct mr_diag *diag)
{
	struct mr_buf first = MR_BUF(PATH_MAX), second = MR_BUF(PATH_MAX);
	int rc, other = -1;

	mr_buf_printf(&first, "%s/%s", run_dir, name);
	mr_buf_printf(&second, "%s/run/mailreeve/%s", postfix_dir, name);
	rc = mr_listen_unix(first.p, mode, diag);
	if (rc < 0)
		goto out;
	fds[0] = rc;
	if (postfix_dir[0] && !mr_slice_eq(mr_buf_slice(&first), mr_buf_slice(&second)))
		rc = listen_in_queue(second.p, mode, &other, diag);
	if (rc < 0)
		close(fds[0]);
	else
		fds[1] = other;
out:
	mr_buf_done(&first);
	mr_buf_done(&second);
	return rc < 0 ? rc : 0;
}

/* Its length, or 0 where it is no address with a port. */
static socklen_t address_of(const char *address, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct mr_slice host;
	struct mr_ip ip;
	uint16_t port;

	*out = (struct sockaddr_storage){ 0 };
	if (mr_parse_hostport(mr_slice_of(address), &host, &port) < 0 || mr_parse_ip(host, &ip) < 0)
		return 0;
	out->ss_family = (sa_family_t)ip.family;
	if (ip.family == AF_INET6) {
		memcpy(&v6->sin6_addr, ip.bytes, sizeof(v6->sin6_addr));
		v6->sin6_port = htons(port);
		return sizeof(*v6);
	}
	memcpy(&v4->sin_addr, ip.bytes, sizeof(v4->sin_addr));
	v4->sin_port = htons(port);
	return sizeof(*v4);
}

/* The same, or 0 where it is not of the loopback. */
static socklen_t loopback(const char *address, struct sockaddr_storage *out)
{
	socklen_t n = address_of(address, out);

	if (n && out->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)out)->sin6_addr) ? n : 0;
	return n && ntohl(((struct sockaddr_in *)out)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ? n : 0;
}

bool mr_is_loopback(const char *address)
{
	struct sockaddr_storage sa;

	return loopback(address, &sa) > 0;
}

int mr_listen_loopback(const char *address, struct mr_diag *diag)
{
	struct sockaddr_storage sa;
	socklen_t n = loopback(address, &sa);
	int fd, on = 1, rc = 0;

	if (n == 0)
		return mr_diag_set(diag, -EINVAL, "%s: not an address of the loopback with a port", address);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mr_diag_set(diag, -errno, "%s: %s", address, strerror(errno));
	/* Not for two at once: a restart does not wait for the connections of the process before. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&sa, n) < 0 || listen(fd, BACKLOG) < 0) {
		rc = mr_diag_set(diag, -errno, "%s: %s", address, strerror(errno));
		close(fd);
	}
	return rc < 0 ? rc : fd;
}

int mr_connect_unix(const char *path)
{
	struct sockaddr_un sa;
	int fd, rc = fill_address(path, &sa);

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	rc = -errno; /* of a Unix socket EAGAIN means a full backlog, not "under way" */
	close(fd);
	return rc;
}

int mr_connect_ip(const char *address)
{
	struct sockaddr_storage sa;
	socklen_t n = address_of(address, &sa);
	int fd, rc;

	if (n == 0)
		return -EINVAL;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sa, n) == 0 || errno == EINPROGRESS)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* Closes fd where it fails. */
static int connect_wait(int fd, const struct sockaddr *sa, socklen_t n, uint64_t timeout_ms)
{
	struct timeval tv = { .tv_sec = (time_t)(timeout_ms / 1000), .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };
	int rc;

	if (fd < 0)
		return -errno;
	/* Holds for connect(2), a full backlog included, and for every read and write after it. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(fd, sa, n) == 0)
		return fd;
	rc = errno == EAGAIN || errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	close(fd);
	return rc;
}

int mr_connect_unix_wait(const char *path, uint64_t timeout_ms)
{
	struct sockaddr_un sa;
	int rc = fill_address(path, &sa);

	if (rc < 0)
		return rc;
	return connect_wait(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (const struct sockaddr *)&sa, sizeof(sa), timeout_ms);
}

int mr_connect_loopback_wait(const char *address, uint64_t timeout_ms)
{
	struct sockaddr_storage sa;
	socklen_t n = loopback(address, &sa);

	if (n == 0)
		return -EINVAL;
	return connect_wait(socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), (const struct sockaddr *)&sa, n, timeout_ms);
}
