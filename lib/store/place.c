/* The list of servers. */
#include "store/place.h"

/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"

static bool is_v6(struct mr_slice host)
{
	struct mr_ip ip;

	return mr_parse_ip(host, &ip) == 0 && ip.family == AF_INET6;
}

static void set_host(struct mr_db_place *place, struct mr_slice host, unsigned port)
{
	struct mr_buf shown = MR_BUF(1024);

	place->host = mr_slice_dup(host);
	place->port = port;
	mr_buf_printf(&shown, is_v6(host) ? "[%s]:%u" : "%s:%u", place->host, port);
	place->shown = mr_buf_steal(&shown);
}

/* "/path", "host", "host:port", "[::1]:port", "::1". */
static int place_of(struct mr_slice text, unsigned default_port, struct mr_db_place *place, struct mr_diag *diag)
{
	struct mr_slice host;
	uint16_t port;

	if (mr_slice_starts(text, MR_LIT("/"))) {
		place->socket = mr_slice_dup(text);
		place->shown = mr_slice_dup(text);
	} else if (is_v6(text) || mr_slice_chr(text, ':') < 0) {
		set_host(place, text, default_port);
	} else if (mr_parse_hostport(text, &host, &port) == 0) {
		set_host(place, host, port);
	} else {
		return mr_diag_set(diag, -EINVAL, "db_host: \"%.*s\" is neither HOST nor HOST:PORT nor the path of a socket", (int)text.n,
				   text.p);
	}
	return 0;
}

int mr_db_places(const struct mr_conf_shared *conf, struct mr_db_places *out, struct mr_diag *diag)
{
	struct mr_db_places p = { 0 };
	int r = 0;

	if (*conf->db_socket)
		r = place_of(mr_slice_of(conf->db_socket), 0, &p.v[p.n++], diag);
	for (size_t i = 0; r == 0 && i < conf->db_host.n; i++) {
		if (p.n == MR_DB_PLACES_MAX)
			r = mr_diag_set(diag, -EINVAL, "db_host: at most %d servers, that of db_socket among them", MR_DB_PLACES_MAX);
		else
			r = place_of(mr_slice_of(conf->db_host.v[i]), (unsigned)conf->db_port, &p.v[p.n++], diag);
	}
	if (r == 0 && p.n == 0)
		r = mr_diag_set(diag, -EINVAL, "neither db_socket nor db_host names a database server");
	if (r == 0)
		*out = p;
	else
		mr_db_places_done(&p);
	return r;
}

void mr_db_places_done(struct mr_db_places *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].socket);
		free(p->v[i].host);
		free(p->v[i].shown);
	}
	*p = (struct mr_db_places){ 0 };
}

struct mr_conf_shared mr_db_conf_copy(const struct mr_conf_shared *c)
{
	return (struct mr_conf_shared){
		.db_name = mr_strdup(c->db_name),
		.db_user = mr_strdup(c->db_user),
		.db_password_file = mr_strdup(c->db_password_file),
		.db_ca_file = mr_strdup(c->db_ca_file),
		.db_timeout = c->db_timeout,
		.db_take_over = c->db_take_over,
	};
}

void mr_db_conf_done(struct mr_conf_shared *c)
{
	free(c->db_name);
	free(c->db_user);
	free(c->db_password_file);
	free(c->db_ca_file);
}

int mr_db_check_conf(const struct mr_conf_shared *conf, struct mr_diag *diag)
{
	struct mr_db_places places = { 0 };
	int r = mr_db_places(conf, &places, diag);

	mr_db_places_done(&places);
	return r;
}
