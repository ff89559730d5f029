/* login-check: what the hook for log-ins needs, and whether it answers. */

/* system */
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "login.h"
#include "rt/file.h"
#include "rt/sock.h"

#define KEY_MIN  16
#define CHECK_MS 3000
#define BODY     "{\"login\":\"\",\"remote\":\"\"}" /* counts for nothing */
#define OK       "HTTP/1.1 200 "

int mr_login_key(const struct mr_conf_shared *shared, struct mr_buf *key, struct mr_diag *diag)
{
	const char *path = shared->login_key_file;
	int rc = mr_file_secret(path, key, diag);

	if (rc == 0 && key->n < KEY_MIN)
		rc = mr_diag_set(diag, -EINVAL, "%s: a key has %d bytes at least", path, KEY_MIN);
	return mr_diag_about(diag, rc, "login_key_file");
}

int mr_login_validate(const struct mr_conf_shared *shared, struct mr_diag *diag)
{
	struct mr_buf key = MR_BUF(MR_LOGIN_KEY_MAX);
	int rc;

	if (!*shared->login_listen)
		return 0;
	if (!mr_is_loopback(shared->login_listen))
		return mr_diag_set(diag, -EINVAL, "login_listen: %s: only an address of the loopback, such as 127.0.0.1:10028",
				   shared->login_listen);
	rc = mr_login_key(shared, &key, diag);
	mr_wipe(key.p, key.cap);
	mr_buf_done(&key);
	return rc;
}

/* 0, or -errno; -EPROTO: another answer than 200. */
static int ask(const struct mr_conf_shared *shared, struct mr_slice key)
{
	int fd = mr_connect_loopback_wait(shared->login_listen, CHECK_MS), rc = 0;
	struct mr_buf request = MR_BUF(4096);
	char answer[sizeof(OK)] = "";

	if (fd < 0)
		return fd;
	mr_buf_printf(&request,
		      "POST /?command=report HTTP/1.1\r\nHost: %s\r\nX-API-Key: %.*s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n"
		      "%s",
		      shared->login_listen, (int)key.n, key.p, sizeof(BODY) - 1, BODY);
	if (write(fd, request.p, request.n) != (ssize_t)request.n || read(fd, answer, sizeof(answer) - 1) < 0)
		rc = -errno;
	else if (memcmp(answer, OK, sizeof(OK) - 1) != 0)
		rc = -EPROTO;
	mr_wipe(request.p, request.cap);
	mr_buf_done(&request);
	close(fd);
	return rc;
}

int mr_login_check_line(const struct mr_conf_shared *shared, struct mr_buf *out)
{
	struct mr_buf key = MR_BUF(MR_LOGIN_KEY_MAX);
	struct mr_diag diag = { 0 };
	int rc;

	if (!*shared->login_listen)
		return 0;
	rc = mr_login_key(shared, &key, &diag);
	if (rc == 0) {
		rc = ask(shared, mr_buf_slice(&key));
		if (rc < 0)
			mr_diag_set(&diag, rc, "%s: %s", shared->login_listen, rc == -EPROTO ? "does not take our key" : strerror(-rc));
	}
	mr_wipe(key.p, key.cap);
	mr_buf_done(&key);
	if (rc < 0)
		mr_buf_printf(out, "failed login: %s\n", diag.text);
	else
		mr_buf_puts(out, "ok login\n");
	return rc < 0 ? 1 : 0;
}
