/* Templates. */
#include "render.h"

/* system */
#include <errno.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"

/* As Postfix lists networks: an IPv6 address stands in brackets. */
static int add_networks(const struct mr_conf_nets *nets, struct mr_buf *out)
{
	char ip[MR_IP_STRLEN];
	int r = 0;

	for (size_t i = 0; i < nets->n && r == 0; i++) {
		bool v6 = nets->v[i].ip.family == AF_INET6;

		r = mr_buf_printf(out, "%s%s%s%s/%u", i ? ", " : "", v6 ? "[" : "", mr_ip_str(&nets->v[i].ip, ip), v6 ? "]" : "",
				  nets->v[i].bits);
	}
	return r;
}

static int add_name(const struct verbs_conf *conf, const char *data_dir, struct mr_slice name, struct mr_buf *out)
{
	const struct mr_option *const tables[] = { mr_conf_shared_options, verbs_options, NULL };
	char host[256] = "";

	if (mr_slice_eq(name, MR_LIT("data_dir")))
		return mr_buf_puts(out, data_dir);
	if (mr_slice_eq(name, MR_LIT("client_rate_exempt")))
		return add_networks(&conf->client_rate_exempt, out);
	if (mr_slice_eq(name, MR_LIT("trusted_networks")))
		return add_networks(&conf->shared.trusted_networks, out);
	if (mr_slice_eq(name, MR_LIT("hostname")) && !*conf->shared.hostname) {
		gethostname(host, sizeof(host) - 1);
		return mr_buf_puts(out, host);
	}
	if (mr_slice_eq(name, MR_LIT("login_penalty_mode"))) /* of the socket by which Dovecot keeps delays of its own */
		return mr_buf_puts(out, *conf->shared.login_listen ? "0" : "0600");
	if (mr_slice_eq(name, MR_LIT("login_url")))
		return *conf->shared.login_listen ? mr_buf_printf(out, "http://%s/", conf->shared.login_listen) : 0;
	return mr_conf_text(tables, conf, name, out);
}

int render(const struct verbs_conf *conf, const char *data_dir, const char *file, struct mr_slice text, struct mr_buf *out,
	   struct mr_diag *diag)
{
	unsigned line = 1;
	size_t end;

	for (size_t i = 0; i < text.n; i++) {
		line += text.p[i] == '\n';
		if (!mr_slice_starts(mr_slice_from(text, i), MR_LIT("{{"))) {
			mr_buf_putc(out, text.p[i]);
			continue;
		}
		for (end = i + 2; end < text.n && text.p[end] != '}' && text.p[end] != '\n'; end++)
			;
		if (!mr_slice_starts(mr_slice_from(text, end), MR_LIT("}}")) ||
		    add_name(conf, data_dir, (struct mr_slice){ text.p + i + 2, end - i - 2 }, out) < 0)
			return mr_diag_set(diag, -EINVAL, "%s:%u: no option of that name: %.*s", file, line, (int)(end - i), text.p + i);
		i = end + 1;
	}
	return out->full ? mr_diag_set(diag, -ENOBUFS, "%s: too long", file) : 0;
}
