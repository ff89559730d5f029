/* One connection: how it is opened, and what its errors are in words. */
#include "store/db.h"

/* system */
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

/* libraries */
#include <errmsg.h>
#include <mysqld_error.h>

/* ours */
#include "base/mem.h"
#include "rt/file.h"
#include "store/connection.h"
#include "store/place.h"
#include "store/query.h"

#define CONNECT_MAX_MS 10000
#define SEVERAL_MAX_MS 2000 /* where another server may be asked */
#define SECRET_MAX     1024

static unsigned seconds(uint64_t ms)
{
	uint64_t s = (ms + 999) / 1000;

	return s ? (unsigned)s : 1;
}

bool mr_db_broken(const struct mr_db *db)
{
	return db->broken;
}

bool mr_db_useless(const struct mr_db *db)
{
	return db->broken || db->unready;
}

bool mr_db_retry(const struct mr_db *db)
{
	switch (db->last_errno) {
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_SP_DOES_NOT_EXIST: /* the savepoint of a transaction that was rolled back */
	case ER_UNKNOWN_COM_ERROR:
		return true;
	default:
		return false;
	}
}

/* The ways in which a session ends or cannot begin. NULL for any other error. */
static const char *connection_trouble(unsigned err)
{
	switch (err) {
	case CR_UNKNOWN_HOST:
		return "unknown host";
	case CR_CONN_HOST_ERROR:
	case CR_CONNECTION_ERROR:
		return "connection refused";
	case CR_SSL_CONNECTION_ERROR:
		return "no TLS session";
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case CR_SERVER_LOST_EXTENDED:
	case ER_CONNECTION_KILLED:
	case ER_SERVER_SHUTDOWN:
		return "connection lost or too slow";
	case CR_COMMANDS_OUT_OF_SYNC:
	case CR_MALFORMED_PACKET:
	case CR_SERVER_HANDSHAKE_ERR:
		return "the answers are not understood";
	case ER_CON_COUNT_ERROR:
	case ER_TOO_MANY_USER_CONNECTIONS:
		return "too many connections";
	default:
		return NULL;
	}
}

int mr_db_failed(struct mr_db *db, unsigned err, const char *text, struct mr_diag *diag)
{
	const char *trouble = connection_trouble(err);

	db->last_errno = err;
	db->unready = err == ER_UNKNOWN_COM_ERROR; /* so Galera says that it is not ready */
	if (trouble) {
		db->broken = true;
		return mr_diag_set(diag, -EAGAIN, "database %s: %s (%s)", db->where, trouble, text);
	}
	switch (err) {
	case ER_ACCESS_DENIED_ERROR:
	case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
		return mr_diag_set(diag, -EAGAIN, "database %s: wrong credentials for user \"%s\" (%s; see mailreeve schema grants)",
				   db->where, db->user, text);
	case ER_BAD_DB_ERROR:
		return mr_diag_set(diag, -EAGAIN,
				   "database %s: there is no database \"%s\" (mailreeve schema grants prints what creates it)", db->where,
				   db->name);
	case ER_DBACCESS_DENIED_ERROR:
	case ER_TABLEACCESS_DENIED_ERROR:
		return mr_diag_set(diag, -EAGAIN, "database %s: user \"%s\" lacks rights in \"%s\" (see mailreeve schema grants): %s",
				   db->where, db->user, db->name, text);
	case ER_NO_SUCH_TABLE:
	case ER_VIEW_INVALID:
		return mr_diag_set(diag, -EPROTO, "database %s: no schema in \"%s\" (run mailreeve schema apply): %s", db->where, db->name,
				   text);
	case ER_DUP_ENTRY:
		return mr_diag_set(diag, -EEXIST, "database %s: %s", db->where, text);
	case ER_LOCK_DEADLOCK:
	case ER_SP_DOES_NOT_EXIST:
		return mr_diag_set(diag, -EAGAIN, "database %s: another change came first (%s)", db->where, text);
	case ER_UNKNOWN_COM_ERROR:
		return mr_diag_set(diag, -EAGAIN, "database %s: it is no part of a working cluster now (%s)", db->where, text);
	case ER_STATEMENT_TIMEOUT:
		return mr_diag_set(diag, -EAGAIN, "database %s: statement took too long", db->where);
	default:
		return mr_diag_set(diag, -EAGAIN, "database %s: error %u: %s", db->where, err, text);
	}
}

/* As the client library does it for an empty name. */
static char *user_text(const struct mr_conf_shared *conf)
{
	const struct passwd *own = *conf->db_user ? NULL : getpwuid(geteuid());

	return mr_strdup(own ? own->pw_name : conf->db_user);
}

/* TLS: to a socket none; to a host with a CA file named: required and verified; to a host without one: none is demanded. All of it
 * explicit, since the library's defaults differ between 3.3 and 3.4. */
static void set_options(MYSQL *my, const struct mr_conf_shared *conf, const struct mr_db_place *place, uint64_t connect_max)
{
	unsigned timeout = seconds(conf->db_timeout), lock_wait = timeout > 5 ? 5 : timeout;
	unsigned connect = seconds(conf->db_timeout < connect_max ? conf->db_timeout : connect_max);
	bool tls = !place->socket && *conf->db_ca_file;
	enum mysql_protocol_type protocol = place->socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
	my_bool no = 0, verify = tls;
	unsigned off = 0;
	struct mr_buf init = MR_BUF(512);

	mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
	mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &timeout);
	mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
	mysql_options(my, MYSQL_OPT_RECONNECT, &no);
	mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(my, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &verify);
	if (tls)
		mysql_options(my, MYSQL_OPT_SSL_CA, conf->db_ca_file);
	/* The server's own limit comes first: it ends a statement and leaves the connection whole. */
	mr_buf_printf(&init,
		      "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO', time_zone='+00:00', autocommit=1, "
		      "max_statement_time=%.3f, innodb_lock_wait_timeout=%u",
		      (double)conf->db_timeout * 0.9 / 1000, lock_wait);
	mysql_options(my, MYSQL_INIT_COMMAND, init.p);
	mr_buf_done(&init);
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_start(void)
{
	mysql_library_init(0, NULL, NULL);
}

int mr_db_open_at(const struct mr_conf_shared *conf, const struct mr_db_places *places, size_t at, struct mr_db **out, struct mr_diag *diag)
{
	const struct mr_db_place *place = &places->v[at];
	struct mr_buf password = MR_BUF(SECRET_MAX);
	struct mr_db *db = NULL;
	int r = 0;

	pthread_once(&library_once, library_start);
	if (*conf->db_password_file && (r = mr_file_secret(conf->db_password_file, &password, diag)) < 0)
		goto out;
	db = mr_new(struct mr_db, 1);
	db->where = mr_strdup(place->shown);
	db->at = at;
	db->user = user_text(conf);
	db->name = mr_strdup(conf->db_name);
	db->my = mysql_init(NULL);
	if (!db->my) {
		r = mr_diag_set(diag, -ENOMEM, "database: out of memory");
		goto out;
	}
	set_options(db->my, conf, place, places->n > 1 ? SEVERAL_MAX_MS : CONNECT_MAX_MS);
	if (!mysql_real_connect(db->my, place->host, db->user, password.p, conf->db_name, place->port, place->socket, 0)) {
		r = mr_db_failed(db, mysql_errno(db->my), mysql_error(db->my), diag);
		goto out;
	}
	*out = db;
	db = NULL;
out:
	mr_db_close(db);
	mr_wipe(password.p, password.cap);
	mr_buf_done(&password);
	return r;
}

/* A node of a cluster lets one in while it is no part of it, too, and then refuses all that has to do with data. */
static int open_ready(const struct mr_conf_shared *conf, const struct mr_db_places *places, size_t at, struct mr_db **out,
		      struct mr_diag *diag)
{
	struct mr_db *db = NULL;
	int r = mr_db_open_at(conf, places, at, &db, diag);

	if (r == 0 && places->n > 1)
		r = mr_exec_direct(db, "DO 0", diag);
	if (r == 0)
		*out = db;
	else
		mr_db_close(db);
	return r;
}

/* One server after the other; `spare` is one that can only be read. What is wrong with the preferred one is said. */
static int open_for_writing(const struct mr_conf_shared *conf, const struct mr_db_places *places, struct mr_db **out, struct mr_diag *diag)
{
	struct mr_db *db = NULL, *spare = NULL;
	bool read_only;
	int r = -EAGAIN;

	for (size_t at = 0; at < places->n && r != 0; at++) {
		db = NULL;
		read_only = false;
		r = open_ready(conf, places, at, &db, diag);
		if (r == 0 && places->n > 1)
			r = mr_db_read_only(db, &read_only, diag);
		if (r == 0 && read_only) {
			mr_db_close(spare ? db : NULL);
			spare = spare ? spare : db;
			r = -EROFS;
		} else if (r < 0) {
			mr_db_close(db);
		}
	}
	if (r == 0)
		mr_db_close(spare);
	*out = r == 0 ? db : spare;
	return *out ? 0 : r;
}

static int open_for_reading(const struct mr_conf_shared *conf, const struct mr_db_places *places, struct mr_db **out, struct mr_diag *diag)
{
	int r = -EAGAIN;

	for (size_t at = 0; at < places->n && r != 0; at++)
		r = open_ready(conf, places, at, out, diag);
	return r;
}

struct source {
	struct mr_conf_shared conf;
	struct mr_db_places places;
};

static void source_free(struct source *s)
{
	if (!s)
		return;
	mr_db_conf_done(&s->conf);
	mr_db_places_done(&s->places);
	free(s);
}

static int open_of(const struct source *s, enum mr_db_use use, struct mr_db **out, struct mr_diag *diag)
{
	struct mr_diag why = { 0 };
	struct mr_db *db = NULL;
	int r = use == MR_DB_WRITE ? open_for_writing(&s->conf, &s->places, &db, &why) : open_for_reading(&s->conf, &s->places, &db, &why);

	if (r < 0)
		return mr_diag_set(diag, r, "%s%s", why.text, s->places.n > 1 ? ", and no other server will do" : "");
	if (why.text[0])
		db->instead = mr_strdup(why.text);
	*out = db;
	return 0;
}

int mr_db_open(const struct mr_conf_shared *conf, enum mr_db_use use, struct mr_db **out, struct mr_diag *diag)
{
	struct source *s = mr_new(struct source, 1);
	int r = mr_db_places(conf, &s->places, diag);

	s->conf = mr_db_conf_copy(conf);
	if (r == 0)
		r = open_of(s, use, out, diag);
	if (r == 0 && use == MR_DB_WRITE)
		(*out)->source = s;
	else
		source_free(s);
	return r;
}

uint64_t mr_db_timeout(const struct mr_db *db)
{
	return db->source->conf.db_timeout;
}

int mr_db_reopen(struct mr_db *db, struct mr_diag *diag)
{
	struct mr_db *fresh = NULL, old;
	int r = open_of(db->source, MR_DB_WRITE, &fresh, diag);

	if (r == 0)
		r = mr_db_check_schema(fresh, diag);
	if (r == 0) {
		fresh->noted = db->noted;
		fresh->source = db->source;
		db->source = NULL;
		old = *db;
		*db = *fresh;
		*fresh = old;
	}
	mr_db_close(fresh);
	return r;
}

void mr_db_close(struct mr_db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->n_statements; i++)
		mysql_stmt_close(db->statements[i].st);
	if (db->my)
		mysql_close(db->my);
	source_free(db->source);
	free(db->instead);
	free(db->where);
	free(db->user);
	free(db->name);
	free(db);
}

uint64_t mr_db_noted(const struct mr_db *db)
{
	return db->noted;
}

void mr_db_interrupt(const struct mr_db *db)
{
	shutdown(mysql_get_socket(db->my), SHUT_RDWR);
}

int mr_db_ping(struct mr_db *db)
{
	struct mr_diag ignored = { 0 };

	if (!db->broken && mysql_ping(db->my))
		mr_db_failed(db, mysql_errno(db->my), mysql_error(db->my), &ignored);
	return db->broken ? -EAGAIN : 0;
}
