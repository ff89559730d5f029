/* replay-policyd: plays scenario files against policyd's own parts, with a scripted directory, real sockets and a clock that stands still.
 *
 *   option NAME VALUE          before anything else: a line of section policyd; VALUE {...} is a list
 *   hostname NAME              of this host; comes first, too
 *   check NAME                 the scenario is this check's: it must have all five cases
 *   case CASE                  hit, miss, away, slow or gone begins here; when the next one begins, or at the end, it must have shown this:
 *                              hit   the check gave an answer
 *                              miss  there were answers, none of the check
 *                              away  something was answered while the directory was away (and the same for Redis, if the check asks it)
 *                              slow  time passed while one of them was waited for
 *                              gone  a client went while its request was under way, and nothing of it was left
 *   answer ...                 what the directory answers (fake-directory.h)
 *   directory MODE             open, away, hold, release, garbage
 *   redis MODE                 open, away (at first), hold, release, answer N N...
 *   client NAME                the client that the next lines are about; connects if it is new
 *   ask KEY=VALUE ...          a request of Postfix (request=smtpd_access_policy is added)
 *   raw TEXT                   these bytes, \n is a line break
 *   flood BYTES                that many bytes without an end, as far as they are taken
 *   gone                       the client closes its connection
 *   advance MS                 time passes
 *   reply(s) TEXT|TEXT...      exactly these actions have come, in this order
 *   silence                    nothing has come
 *   closed                     the connection was closed by policyd
 *   asked N CMD ADDRESS        how often the directory was asked so far
 *   commands N                 how many commands Redis was sent so far
 *   log TEXT                   the last "policy" line of the log contains this
 *   notice TEXT                the last "policy-notice" line contains this
 *   told TEXT                  mailreeve-admin was asked exactly this; it says ok. Without TEXT: nothing since
 *   drain                      stops accepting
 *   pending N                  requests under way */

/* system */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "fake-directory.h"
#include "fake-redis.h"
#include "policyd.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"
#include "rt/sock.h"

#define CLIENTS_MAX 16
#define TURNS       12 /* of the loop after each line: a question, its answer and the reply need fewer */
#define STEP_MS     50

static struct {
	const char *file;
	unsigned line;
	char folder[64], conf_path[128], directory_path[128], policy_path[128], redis_path[128], admin_path[128];
	int admin_fd; /* where mailreeve-admin would listen */
	struct mr_buf options;
	char hostname[64];
	struct mr_app app;
	struct mr_policyd_conf conf;
	struct fake_directory *directory;
	struct fake_redis *redis;
	struct {
		char name[32];
		int fd;
	} clients[CLIENTS_MAX];
	size_t n_clients, at;  /* the client that lines are about */
	int log_fd, stderr_fd; /* standard error is the log while a scenario is played */
} world;

/* What a case has shown so far. */
static const char *const cases[] = { "hit", "miss", "away", "slow", "gone" };
static struct {
	const struct mr_check *check; /* NULL: the scenario is no check's */
	unsigned done;                /* bits: of cases */
	size_t now;                   /* MR_COUNT(cases): none */
	off_t log;                    /* where its part of the log begins */
	size_t lines;                 /* policy lines when a back end went away */
	bool directory_away, redis_away, directory_shown, redis_shown, waited, left;
} tale = { .now = MR_COUNT(cases) };

static const struct mr_option *const tables[] = { mr_conf_shared_options, mr_policyd_options, NULL };

/* Nobody else sees the log, and with it what sanitizers say. */
static void show_log(void)
{
	char text[4096];
	ssize_t n;

	for (off_t at = 0; (n = pread(world.log_fd, text, sizeof(text), at)) > 0; at += n)
		if (write(world.stderr_fd, text, (size_t)n) < 0)
			break;
	dup2(world.stderr_fd, STDERR_FILENO);
}

/* Called by UBSan when it reports. */
void __ubsan_on_report(void);
void __ubsan_on_report(void)
{
	show_log();
}

static void fail(const char *what, const char *got)
{
	show_log();
	printf("%s:%u: %s%s%s\n", world.file, world.line, what, got ? ", but: " : "", got ? got : "");
	fflush(stdout); /* the leak checker may end the process before stdio does */
	exit(1);
}

static void turn(void)
{
	for (int i = 0; i < TURNS; i++)
		mr_loop_once(world.app.loop);
	mr_log_flush();
}

/* The log from `from` on. */
static const char *log_text(off_t from)
{
	static char text[1 << 20];
	ssize_t n = pread(world.log_fd, text, sizeof(text) - 1, from);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

#define POLICY_LINE " info: policy "

/* Lines of answers in `text` that have `word` in them. */
static size_t lines_with(const char *text, const char *word)
{
	size_t n = 0;

	for (const char *p = text, *end, *found; (p = strstr(p, POLICY_LINE)); p = end) {
		end = strchr(p, '\n');
		end = end ? end : p + strlen(p);
		found = strstr(p, word);
		n += found && found < end;
	}
	return n;
}

static bool asks_redis(const struct mr_check *c)
{
	return c->count || c->grey || c->seen;
}

/* NULL: the case has shown what it must. */
static const char *lacks(void)
{
	const char *text = log_text(tale.log);
	char as_check[64], as_observed[64], as_another[64];
	size_t hits;

	snprintf(as_check, sizeof(as_check), " check=%s ", tale.check->name);
	snprintf(as_observed, sizeof(as_observed), " observed=%s:", tale.check->name);
	snprintf(as_another, sizeof(as_another), ",%s:", tale.check->name);
	hits = lines_with(text, as_check) + lines_with(text, as_observed) + lines_with(text, as_another);
	switch (tale.now) {
	case 0:
		return hits > 0 ? NULL : "the check gave no answer";
	case 1:
		return hits == 0 && lines_with(text, "") > 0 ? NULL : "the check gave an answer, or nothing did";
	case 2:
		return tale.directory_shown && (tale.redis_shown || !asks_redis(tale.check)) ? NULL : "no back end was away";
	case 3:
		return tale.waited ? NULL : "nothing was slow";
	case 4:
		return tale.left && mr_policyd_pending(&world.app) == 0 ? NULL : "no client went, or its request stays";
	}
	return NULL;
}

/* After each line: was something answered while a back end was away? */
static void look_on(void)
{
	size_t lines = lines_with(log_text(tale.log), "");

	if (!tale.check || tale.now == MR_COUNT(cases))
		return;
	tale.directory_shown |= tale.directory_away && lines > tale.lines;
	tale.redis_shown |= tale.redis_away && lines > tale.lines;
}

static void end_case(void)
{
	const char *why = tale.check && tale.now < MR_COUNT(cases) ? lacks() : NULL;
	char name[64];

	if (why) {
		snprintf(name, sizeof(name), "case %s", cases[tale.now]);
		fail(name, why);
	}
	if (tale.now < MR_COUNT(cases))
		tale.done |= 1U << tale.now;
}

static void do_check(struct mr_slice arg)
{
	for (size_t i = 0; i < MR_CHECKS; i++)
		if (mr_slice_eq(arg, mr_slice_of(mr_checks[i]->name)))
			tale.check = mr_checks[i];
	if (!tale.check)
		fail("no such check", NULL);
}

static void do_case(struct mr_slice arg)
{
	end_case();
	for (tale.now = 0; tale.now < MR_COUNT(cases) && !mr_slice_eq(arg, mr_slice_of(cases[tale.now])); tale.now++)
		;
	if (tale.now == MR_COUNT(cases))
		fail("no such case", NULL);
	tale.log = lseek(world.log_fd, 0, SEEK_END);
	tale.lines = 0;
	tale.directory_shown = tale.redis_shown = tale.waited = tale.left = false;
}

static void start(void)
{
	struct mr_diag diag = { 0 };
	struct mr_buf text = MR_BUF(65536);

	mr_buf_printf(&text, "run_dir = \"%s\"\nhostname = \"%s\"\npostfix_dir = \"\"\nredis_socket = \"%s/redis.sock\"\npolicyd {\n%s}\n",
		      world.folder, world.hostname, world.folder, world.options.p ? world.options.p : "");
	if (mr_file_write(world.conf_path, 0600, mr_buf_slice(&text), &diag) < 0 ||
	    mr_conf_load(world.conf_path, true, tables, &world.conf, &diag) < 0)
		fail("configuration", diag.text);
	mr_buf_done(&text);
	world.app.loop = mr_loop_new();
	world.app.conf = &world.conf;
	world.directory = fake_directory_new(world.app.loop, world.directory_path);
	world.redis = fake_redis_new(world.app.loop, world.redis_path);
	if (mr_policyd_start(&world.app, &diag) < 0)
		fail("start", diag.text);
	turn();
}

static void do_option(struct mr_slice arg)
{
	ptrdiff_t space = mr_slice_chr(arg, ' ');

	if (world.app.loop || space < 0)
		fail("option comes first, with a value", NULL);
	mr_buf_printf(&world.options, arg.p[space + 1] == '{' ? "%.*s = %.*s\n" : "%.*s = \"%.*s\"\n", (int)space, arg.p,
		      (int)(arg.n - (size_t)space - 1), arg.p + space + 1);
}

static void do_hostname(struct mr_slice arg)
{
	snprintf(world.hostname, sizeof(world.hostname), "%.*s", (int)arg.n, arg.p);
}

static void do_answer(struct mr_slice arg)
{
	fake_directory_answer(world.directory, arg);
}

static void do_directory(struct mr_slice arg)
{
	if (!fake_directory_mode(world.directory, arg))
		fail("unknown mode", NULL);
	if (mr_slice_eq(arg, MR_LIT("away")) || mr_slice_eq(arg, MR_LIT("open")))
		tale.directory_away = mr_slice_eq(arg, MR_LIT("away"));
	tale.lines = lines_with(log_text(tale.log), "");
}

static void do_redis(struct mr_slice arg)
{
	if (mr_slice_starts(arg, MR_LIT("answer ")))
		fake_redis_answer(world.redis, mr_slice_from(arg, 7));
	else if (!fake_redis_mode(world.redis, arg))
		fail("unknown mode", NULL);
	if (mr_slice_eq(arg, MR_LIT("away")) || mr_slice_eq(arg, MR_LIT("open")))
		tale.redis_away = mr_slice_eq(arg, MR_LIT("away"));
	tale.lines = lines_with(log_text(tale.log), "");
}

static void do_client(struct mr_slice arg)
{
	for (world.at = 0; world.at < world.n_clients; world.at++)
		if (mr_slice_eq(arg, mr_slice_of(world.clients[world.at].name)))
			return;
	if (world.at == CLIENTS_MAX)
		fail("too many clients", NULL);
	world.n_clients++;
	snprintf(world.clients[world.at].name, sizeof(world.clients[0].name), "%.*s", (int)arg.n, arg.p);
	world.clients[world.at].fd = mr_connect_unix(world.policy_path);
	if (world.clients[world.at].fd < 0)
		fail("connect", strerror(-world.clients[world.at].fd));
}

static int client(void)
{
	if (world.n_clients == 0)
		do_client(MR_LIT("first"));
	return world.clients[world.at].fd;
}

static void put(struct mr_slice bytes)
{
	if (send(client(), bytes.p, bytes.n, MSG_NOSIGNAL) != (ssize_t)bytes.n)
		fail("send", strerror(errno));
}

static void do_ask(struct mr_slice arg)
{
	struct mr_buf out = MR_BUF(65536);
	struct mr_slice part;

	mr_buf_puts(&out, "request=smtpd_access_policy\n");
	while (mr_slice_next(&arg, ' ', &part)) {
		mr_buf_add(&out, part);
		mr_buf_putc(&out, '\n');
	}
	mr_buf_putc(&out, '\n');
	put(mr_buf_slice(&out));
	mr_buf_done(&out);
}

static void do_raw(struct mr_slice arg)
{
	struct mr_buf out = MR_BUF(65536);

	for (size_t i = 0; i < arg.n; i++) {
		bool escape = arg.p[i] == '\\' && i + 1 < arg.n && arg.p[i + 1] == 'n';

		mr_buf_putc(&out, escape ? '\n' : arg.p[i]);
		i += escape;
	}
	put(mr_buf_slice(&out));
	mr_buf_done(&out);
}

static uint64_t number(struct mr_slice s)
{
	uint64_t n = 0;

	if (mr_parse_u64(s, 0, UINT32_MAX, &n) < 0)
		fail("not a number", NULL);
	return n;
}

static void do_flood(struct mr_slice arg)
{
	char block[4096];
	uint64_t left = number(arg);
	ssize_t n = 0;

	memset(block, 'a', sizeof(block));
	for (int fd = client(); left > 0 && n >= 0; left -= n > 0 && (uint64_t)n < left ? (uint64_t)n : left) {
		n = send(fd, block, left < sizeof(block) ? (size_t)left : sizeof(block), MSG_NOSIGNAL);
		turn();
	}
}

static void do_gone(struct mr_slice arg)
{
	tale.left |= mr_policyd_pending(&world.app) > 0;
	close(client());
	world.clients[world.at].fd = -1;
	world.clients[world.at].name[0] = '\0'; /* the same name is a new client */
}

static void do_advance(struct mr_slice arg)
{
	tale.waited |= mr_policyd_pending(&world.app) > 0;
	for (uint64_t left = number(arg); left > 0; left -= left < STEP_MS ? left : STEP_MS) {
		mr_clock_advance(left < STEP_MS ? left : STEP_MS);
		mr_loop_once(world.app.loop);
	}
}

/* What has come since the last look; "closed" at the end of the connection. */
static const char *received(void)
{
	static char got[65536];
	ssize_t n = recv(client(), got, sizeof(got) - 1, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "closed";
	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void do_replies(struct mr_slice arg)
{
	struct mr_buf want = MR_BUF(65536);
	const char *got = received();
	struct mr_slice part;

	while (mr_slice_next(&arg, '|', &part))
		mr_buf_printf(&want, "action=%.*s\n\n", (int)part.n, part.p);
	if (strcmp(got, want.p) != 0)
		fail(want.p, got);
	mr_buf_done(&want);
}

static void do_silence(struct mr_slice arg)
{
	const char *got = received();

	if (got[0])
		fail("silence", got);
}

static void do_closed(struct mr_slice arg)
{
	const char *got = received();

	if (strcmp(got, "closed") != 0)
		fail("closed", got);
}

static void do_asked(struct mr_slice arg)
{
	ptrdiff_t space = mr_slice_chr(arg, ' ');
	size_t n = fake_directory_asked(world.directory, mr_slice_from(arg, (size_t)space + 1));
	char got[32];

	snprintf(got, sizeof(got), "%zu", n);
	if (space < 0 || n != number((struct mr_slice){ arg.p, (size_t)space }))
		fail("asked", got);
}

static void do_commands(struct mr_slice arg)
{
	size_t n = fake_redis_asked(world.redis);
	char got[32];

	snprintf(got, sizeof(got), "%zu", n);
	if (n != number(arg))
		fail("commands", got);
}

/* The last line of that kind has this in it. */
static void last_has(const char *kind, struct mr_slice arg)
{
	const char *text = log_text(0), *last = NULL;
	char *want = mr_slice_dup(arg);

	for (const char *p = text; (p = strstr(p, kind)); p++)
		last = p;
	if (!last || !strstr(last, want))
		fail(want, last ? last : text);
	free(want);
}

static void do_log(struct mr_slice arg)
{
	last_has(POLICY_LINE, arg);
}

static void do_notice(struct mr_slice arg)
{
	last_has(": policy-notice ", arg);
}

static void do_drain(struct mr_slice arg)
{
	mr_policyd_drain(&world.app);
}

static void do_pending(struct mr_slice arg)
{
	if (mr_policyd_pending(&world.app) != number(arg))
		fail("pending", NULL);
}

static void do_told(struct mr_slice arg)
{
	int fd = accept4(world.admin_fd, NULL, NULL, SOCK_CLOEXEC);
	char line[1100] = "";
	ssize_t n = fd < 0 ? 0 : recv(fd, line, sizeof(line) - 1, 0);

	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (!mr_slice_eq(mr_slice_of(line), arg))
		fail("told", line);
	if (fd >= 0 && (send(fd, "ok\n", 3, 0) != 3 || close(fd) < 0))
		fail("answer of admin", strerror(errno));
}

static const struct {
	const char *name;
	void (*run)(struct mr_slice arg);
} commands[] = {
	{ "hostname", do_hostname }, { "option", do_option },   { "answer", do_answer }, { "directory", do_directory },
	{ "check", do_check },       { "case", do_case },       { "redis", do_redis },   { "commands", do_commands },
	{ "client", do_client },     { "ask", do_ask },         { "raw", do_raw },       { "flood", do_flood },
	{ "gone", do_gone },         { "advance", do_advance }, { "reply", do_replies }, { "replies", do_replies },
	{ "silence", do_silence },   { "closed", do_closed },   { "asked", do_asked },   { "log", do_log },
	{ "drain", do_drain },       { "pending", do_pending }, { "told", do_told },     { "notice", do_notice },
};

static void play(struct mr_slice line)
{
	struct mr_slice name = { 0 }, rest = line;

	if (line.n == 0 || line.p[0] == '#')
		return;
	mr_slice_next(&rest, ' ', &name);
	for (size_t i = 0; i < MR_COUNT(commands); i++) {
		if (!mr_slice_eq(name, mr_slice_of(commands[i].name)))
			continue;
		if (!world.app.loop && commands[i].run != do_option && commands[i].run != do_check && commands[i].run != do_hostname)
			start();
		commands[i].run(name.n < line.n ? rest : (struct mr_slice){ 0 });
		if (world.app.loop)
			turn();
		look_on();
		return;
	}
	fail("unknown command", NULL);
}

static void prepare(const char *file)
{
	world.file = file;
	world.options = MR_BUF(4096);
	snprintf(world.folder, sizeof(world.folder), "/tmp/mr-replay-XXXXXX");
	if (!mkdtemp(world.folder))
		fail("mkdtemp", strerror(errno));
	snprintf(world.conf_path, sizeof(world.conf_path), "%s/lookup", world.folder);
	mkdir(world.conf_path, 0700);
	snprintf(world.conf_path, sizeof(world.conf_path), "%s/policyd", world.folder);
	mkdir(world.conf_path, 0700);
	snprintf(world.conf_path, sizeof(world.conf_path), "%s/mailreeve.conf", world.folder);
	snprintf(world.directory_path, sizeof(world.directory_path), "%s/lookup/directory.sock", world.folder);
	snprintf(world.redis_path, sizeof(world.redis_path), "%s/redis.sock", world.folder);
	snprintf(world.policy_path, sizeof(world.policy_path), "%s/policyd/policy.sock", world.folder);
	snprintf(world.admin_path, sizeof(world.admin_path), "%s/admin", world.folder);
	mkdir(world.admin_path, 0700);
	snprintf(world.admin_path, sizeof(world.admin_path), "%s/admin/admin.sock", world.folder);
	world.admin_fd = mr_listen_unix(world.admin_path, 0600, NULL);
	world.log_fd = memfd_create("log", MFD_CLOEXEC);
	dup2(world.log_fd, STDERR_FILENO);
	mr_clock_fake(1000000, 1700000000);
}

static void finish(void)
{
	char name[128];

	for (size_t i = 0; i < world.n_clients; i++)
		if (world.clients[i].fd >= 0)
			close(world.clients[i].fd);
	mr_policyd_stop(&world.app);
	fake_directory_free(world.directory);
	fake_redis_free(world.redis);
	mr_loop_free(world.app.loop);
	mr_conf_free(tables, &world.conf);
	mr_buf_done(&world.options);
	unlink(world.conf_path);
	unlink(world.policy_path);
	unlink(world.admin_path);
	close(world.admin_fd);
	snprintf(name, sizeof(name), "%s/lookup", world.folder);
	rmdir(name);
	snprintf(name, sizeof(name), "%s/policyd", world.folder);
	rmdir(name);
	snprintf(name, sizeof(name), "%s/admin", world.folder);
	rmdir(name);
	rmdir(world.folder);
}

int main(int argc, char **argv)
{
	struct mr_buf script = MR_BUF(1 << 20);
	struct mr_slice rest, line;
	struct mr_diag diag = { 0 };

	world.stderr_fd = dup(STDERR_FILENO);
	prepare(argc > 1 ? argv[1] : "");
	if (mr_file_read(world.file, &script, &diag) < 0)
		fail("read", diag.text);
	rest = mr_buf_slice(&script);
	while (mr_slice_next(&rest, '\n', &line)) {
		world.line++;
		play(line);
	}
	if (!world.app.loop)
		fail("nothing was played", NULL);
	end_case();
	if (argc > 2 && (!tale.check || strcmp(argv[2], tale.check->name) != 0))
		fail("the scenario is about another check", NULL);
	if (tale.check && tale.done != (1U << MR_COUNT(cases)) - 1)
		fail("a case is missing", NULL);
	finish();
	mr_buf_done(&script);
	dup2(world.stderr_fd, STDERR_FILENO); /* the leak checker's */
	return 0;
}
