/* test-conf: files → struct, every refusal with its file and line, lists, conf.d, expansion, reload, text and manual. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "conf/shared.h"
#include "unit.h"

struct conf {
	struct mr_conf_shared shared;
	char *name, *folder, *address, *domain;
	bool on;
	int64_t count;
	uint64_t size, time;
	double score;
	int mode;
	struct mr_conf_nets nets;
	struct mr_conf_strings words;
};

#define FIELD(option) .section = "lookup", .name = #option, .offset = offsetof(struct conf, option), .help = "Helps."
static const struct mr_option options[] = {
	{ FIELD(name), .type = MR_OPT_STRING, .min = 1, .max = 5, .def = "abc" },
	{ FIELD(folder), .type = MR_OPT_PATH, .def = "{{run_dir}}/lookup" },
	{ FIELD(address), .type = MR_OPT_ADDRESS, .def = "" },
	{ FIELD(domain), .type = MR_OPT_DOMAIN, .def = "" },
	{ FIELD(on), .type = MR_OPT_BOOL, .def = "no" },
	{ FIELD(count), .type = MR_OPT_INT, .min = -5, .max = 5, .def = "1", .reload = MR_RELOAD_RESTART },
	{ FIELD(size), .type = MR_OPT_SIZE, .min = 1024, .max = 1 << 30, .def = "1M" },
	{ FIELD(time), .type = MR_OPT_DURATION, .min = 250, .max = 90000, .def = "10s" },
	{ FIELD(score), .type = MR_OPT_SCORE, .min = -10, .max = 10, .def = "6.5" },
	{ FIELD(mode), .type = MR_OPT_ENUM, .choices = "low|high", .def = "low" },
	{ FIELD(nets), .type = MR_OPT_NETS, .def = "127.0.0.0/8, ::1" },
	{ FIELD(words), .type = MR_OPT_STRINGS, .def = "" },
	MR_OPTIONS_END,
};
static const struct mr_option *const tables[] = { mr_conf_shared_options, options, NULL };

static char folder[] = "/tmp/mr-test-conf-XXXXXX";

static void write_file(const char *name, struct mr_slice text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p, text.n), text.n);
	close(fd);
}

/* Loads the folder's mailreeve.conf; the diagnosis is without the folder's name. */
static int load(struct conf *c, struct mr_diag *why)
{
	struct mr_diag diag = { 0 };
	char path[200];
	size_t skip = strlen(folder) + 1;
	int err;

	snprintf(path, sizeof(path), "%s/mailreeve.conf", folder);
	err = mr_conf_load(path, true, tables, c, &diag);
	*why = (struct mr_diag){ 0 };
	assert_int_equal(diag.text[0] != 0, err < 0);
	if (err < 0)
		mr_diag_set(why, 0, "%s", strncmp(diag.text, folder, skip - 1) == 0 ? diag.text + skip : diag.text);
	return err;
}

static int load_text(struct mr_slice text, struct conf *c, struct mr_diag *why)
{
	write_file("mailreeve.conf", text);
	return load(c, why);
}

static void test_defaults(void **state)
{
	struct mr_diag why = { 0 };
	struct conf c = { 0 };

	assert_int_equal(mr_conf_load("/nonexistent/mailreeve.conf", true, tables, &c, &why), -ENOENT);
	assert_string_equal(why.text, "/nonexistent/mailreeve.conf: No such file or directory");
	assert_null(c.name);
	assert_int_equal(mr_conf_load("/nonexistent/mailreeve.conf", false, tables, &c, NULL), 0);
	assert_string_equal(c.shared.run_dir, "/run/mailreeve");
	assert_string_equal(c.shared.delimiter, "+");
	assert_int_equal(c.shared.log_level, 3);
	assert_int_equal(c.shared.forward_port, 10027);
	assert_string_equal(c.name, "abc");
	assert_string_equal(c.folder, "/run/mailreeve/lookup");
	assert_string_equal(c.address, "");
	assert_false(c.on);
	assert_int_equal(c.size, 1048576);
	assert_int_equal(c.time, 10000);
	assert_true(c.score == 6.5);
	assert_int_equal(c.nets.n, 2);
	assert_int_equal(c.nets.v[0].bits, 8);
	assert_int_equal(c.words.n, 0);
	mr_conf_free(tables, &c);
	assert_null(c.name);
	assert_null(c.nets.v);
}

static void test_values(void **state)
{
	static const char text[] = "# comment with { and \"\n"
				   "run_dir = /srv/run  # another\n"
				   "delimiter=\"#\"\n"
				   "\n"
				   "lookup {\n"
				   "  name = 'a\\\"b'\r\n"
				   "\tfolder = \"{{state_dir}}/x/{{run_dir}}\"\n"
				   "  address = a+b@example.org\n"
				   "  on = yes count = -5\n";
	struct mr_diag why;
	struct conf c = { 0 };

	assert_int_equal(load_text(MR_LIT(text), &c, &why), -EINVAL);
	assert_string_equal(why.text, "mailreeve.conf:9: one value a line; quote what has white space or one of # \" ' = { } , in it");
	assert_int_equal(
	    load_text(MR_LIT("run_dir = /srv/run  # another\nstate_dir = /s\ndelimiter=\"#\"\nlookup {\n  name = 'a\\\"b'\r\n"
			     "\tfolder = \"{{state_dir}}/x/{{run_dir}}\"\n  address = a+b@example.org\n domain=mx-1.example.org\n"
			     "on = yes\ncount = -5\nsize = 2k\ntime = 1m30s\nscore = -0.25\nmode = high\n"
			     "nets = {\n 192.0.2.0/24, # office\n \"2001:db8::/32\"\n}\nwords = { a, \"b \\\"\\\\ c\",\n'd' }\n}\nmilter { "
			     "what = {1,2} }\n"),
		      &c, &why),
	    0);
	assert_string_equal(c.shared.run_dir, "/srv/run");
	assert_string_equal(c.shared.delimiter, "#");
	assert_string_equal(c.name, "a\\\"b");
	assert_string_equal(c.folder, "/s/x//srv/run");
	assert_string_equal(c.address, "a+b@example.org");
	assert_string_equal(c.domain, "mx-1.example.org");
	assert_true(c.on);
	assert_int_equal(c.count, -5);
	assert_int_equal(c.size, 2048);
	assert_int_equal(c.time, 90000);
	assert_true(c.score == -0.25);
	assert_int_equal(c.mode, 1);
	assert_int_equal(c.nets.n, 2);
	assert_int_equal(c.nets.v[1].bits, 32);
	assert_int_equal(c.words.n, 3);
	assert_string_equal(c.words.v[1], "b \"\\ c");
	mr_conf_free(tables, &c);
}

/* The refusals that a file of one part can have. */
static void test_refused(void **state)
{
	static const struct {
		struct mr_slice text;
		const char *why;
	} cases[] = {
		{ MR_LIT("x = 1"), "mailreeve.conf:1: x: no such option" },
		{ MR_LIT("# a\n\n# b\nnme = 1\n"), "mailreeve.conf:4: nme: no such option" },
		{ MR_LIT("lookup {\n\n  nme = 1\n}"), "mailreeve.conf:3: lookup.nme: no such option" },
		{ MR_LIT("lookup {\n  run_dir = /x\n}"), "mailreeve.conf:2: lookup.run_dir: no such option" },
		{ MR_LIT("\nlokup {\n}"), "mailreeve.conf:2: lokup: no such section" },
		{ MR_LIT("name = abc"), "mailreeve.conf:1: name: no such option" },
		{ MR_LIT("lookup = abc"), "mailreeve.conf:1: lookup: no such option" },
		{ MR_LIT("lookup { count = 6 }"), "mailreeve.conf:1: lookup.count: \"6\" is not a number from -5 to 5" },
		{ MR_LIT("lookup { count = six }"), "mailreeve.conf:1: lookup.count: \"six\" is not a number from -5 to 5" },
		{ MR_LIT("lookup { count = \"\" }"), "mailreeve.conf:1: lookup.count: \"\" is not a number from -5 to 5" },
		{ MR_LIT("lookup { size = 1023 }"), "mailreeve.conf:1: lookup.size: \"1023\" is not a size from 1k to 1G" },
		{ MR_LIT("lookup { size = 2G }"), "mailreeve.conf:1: lookup.size: \"2G\" is not a size from 1k to 1G" },
		{ MR_LIT("lookup { time = 10 }"), "mailreeve.conf:1: lookup.time: \"10\" is not a duration from 250ms to 1m30s" },
		{ MR_LIT("lookup { time = 1h }"), "mailreeve.conf:1: lookup.time: \"1h\" is not a duration from 250ms to 1m30s" },
		{ MR_LIT("lookup { score = 10.5 }"), "mailreeve.conf:1: lookup.score: \"10.5\" is not a score from -10 to 10" },
		{ MR_LIT("lookup { mode = hi }"), "mailreeve.conf:1: lookup.mode: \"hi\" is not one of low, high" },
		{ MR_LIT("lookup { on = maybe }"), "mailreeve.conf:1: lookup.on: \"maybe\" is not yes or no" },
		{ MR_LIT("lookup { name = '' }"), "mailreeve.conf:1: lookup.name: \"\" is not text of 1 to 5 bytes" },
		{ MR_LIT("lookup { name = abcdef }"), "mailreeve.conf:1: lookup.name: \"abcdef\" is not text of 1 to 5 bytes" },
		{ MR_LIT("lookup { name = 'a\tb' }"), "mailreeve.conf:1: lookup.name: \"a\\x09b\" is not text of 1 to 5 bytes" },
		{ MR_LIT("lookup { address = ab }"), "mailreeve.conf:1: lookup.address: \"ab\" is not a mail address or \"\"" },
		{ MR_LIT("lookup { domain = a..b }"), "mailreeve.conf:1: lookup.domain: \"a..b\" is not a host or domain name or \"\"" },
		{ MR_LIT("lookup { folder = x/y }"), "mailreeve.conf:1: lookup.folder: \"x/y\" is not an absolute path or \"\"" },
		{ MR_LIT("lookup { folder = '{{rundir}}/y' }"),
		  "mailreeve.conf:1: lookup.folder: \"{{rundir}}/y\" is not an absolute path or \"\"" },
		{ MR_LIT("run_dir = ''"), "mailreeve.conf:1: run_dir: \"\" is not an absolute path" },
		{ MR_LIT("run_dir = '{{run_dir}}'"), "mailreeve.conf:1: run_dir: \"{{run_dir}}\" is not an absolute path" },
		{ MR_LIT("resolver = 127.0.0.1"),
		  "mailreeve.conf:1: resolver: \"127.0.0.1\" is not an address and port such as 127.0.0.1:53 or "
		  "[::1]:53, or \"\"" },
		{ MR_LIT("lookup {\nnets = {192.0.2.0/24,\n192.0.2.1/24}\n}"),
		  "mailreeve.conf:2: lookup.nets: \"192.0.2.1/24\" is not a list of networks such as {192.0.2.0/24, 2001:db8::/32}" },
		{ MR_LIT("lookup { words = {a, ''} }"), "mailreeve.conf:1: lookup.words: \"\" is not a list such as {a, b}" },
		{ MR_LIT("lookup { count = {1} }"), "mailreeve.conf:1: lookup.count: one value, not a list" },
		{ MR_LIT("lookup {\n"), "mailreeve.conf:2: section lookup has no } at its end" },
		{ MR_LIT("lookup {\n lookup {"), "mailreeve.conf:2: a section inside of section lookup" },
		{ MR_LIT("milter {\n a b\n}"), "mailreeve.conf:2: neither \"name = value\" nor \"section {\" nor the end of one" },
		{ MR_LIT("}"), "mailreeve.conf:1: neither \"name = value\" nor \"section {\" nor the end of one" },
		{ MR_LIT("= 1"), "mailreeve.conf:1: neither \"name = value\" nor \"section {\" nor the end of one" },
		{ MR_LIT("\n\0"), "mailreeve.conf:2: neither \"name = value\" nor \"section {\" nor the end of one" },
		{ MR_LIT("run_dir"), "mailreeve.conf:1: neither \"name = value\" nor \"section {\" nor the end of one" },
		{ MR_LIT("run_dir =\n/x"), "mailreeve.conf:1: a value is missing" },
		{ MR_LIT("run_dir = # /x"), "mailreeve.conf:1: a value is missing" },
		{ MR_LIT("run_dir = \"/x\n\""), "mailreeve.conf:1: the closing \" is missing on this line" },
		{ MR_LIT("run_dir = '/x"), "mailreeve.conf:1: the closing ' is missing on this line" },
		{ MR_LIT("run_dir = \"/\\n\""), "mailreeve.conf:1: in \"...\" a backslash stands only before \" and \\" },
		{ MR_LIT("run_dir = \"/\\"), "mailreeve.conf:1: in \"...\" a backslash stands only before \" and \\" },
		{ MR_LIT("run_dir = \"/\0\""), "mailreeve.conf:1: a NUL byte" },
		{ MR_LIT("run_dir = /x y\n"),
		  "mailreeve.conf:1: one value a line; quote what has white space or one of # \" ' = { } , in it" },
		{ MR_LIT("lookup {\nwords = {a b}\n}"), "mailreeve.conf:2: a list has commas between its values and } at its end" },
		{ MR_LIT("lookup {\nwords = {a,}\n}"), "mailreeve.conf:2: a value is missing" },
		{ MR_LIT("lookup {\nwords = {a\n"), "mailreeve.conf:3: a list has commas between its values and } at its end" },
		{ MR_LIT("milter {\n x = {\n"), "mailreeve.conf:3: a value is missing" },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_diag why;
		struct conf c = { 0 };

		assert_int_equal(load_text(cases[i].text, &c, &why), -EINVAL);
		assert_string_equal(why.text, cases[i].why);
		assert_null(c.name);
		assert_null(c.nets.v);
	}
}

static void test_hostile_sizes(void **state)
{
	struct mr_buf text = MR_BUF(4 << 20);
	struct mr_diag why;
	struct conf c = { 0 };

	mr_buf_puts(&text, "lookup { words = {");
	for (int i = 0; i < 10001; i++)
		mr_buf_puts(&text, "\"\\\"a\",");
	mr_buf_puts(&text, "a} }");
	assert_int_equal(load_text(mr_buf_slice(&text), &c, &why), -EINVAL);
	assert_string_equal(why.text, "mailreeve.conf:1: more than 10000 values");
	mr_buf_reset(&text);
	mr_buf_puts(&text, "run_dir = \"");
	while (text.n < 1 << 20)
		mr_buf_putc(&text, 'a');
	assert_int_equal(load_text(mr_buf_slice(&text), &c, &why), -EINVAL);
	assert_string_equal(why.text, "mailreeve.conf:1: the closing \" is missing on this line");
	mr_buf_putc(&text, 'a');
	assert_int_equal(load_text(mr_buf_slice(&text), &c, &why), -EFBIG);
	assert_string_equal(why.text, "mailreeve.conf: File too large");
	mr_buf_done(&text);
}

static void test_files(void **state)
{
	struct mr_diag why = { 0 };
	struct conf c = { 0 };
	char path[200], other[200];

	snprintf(path, sizeof(path), "%s/conf.d", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("mailreeve.conf", MR_LIT("lookup { count = 1\n name = main }"));
	write_file("conf.d/10-b.conf", MR_LIT("lookup { count = 3 }"));
	write_file("conf.d/9-a.conf", MR_LIT("lookup { count = 4 }")); /* after 10 in byte order */
	write_file("conf.d/B.conf", MR_LIT("lookup { size = 2k }"));
	write_file("conf.d/a.conf", MR_LIT("lookup { size = 3k }"));
	write_file("conf.d/z.conf~", MR_LIT("no configuration"));
	write_file("conf.d/.z.conf", MR_LIT("no configuration"));
	assert_int_equal(load(&c, &why), 0);
	assert_int_equal(c.count, 4);
	assert_int_equal(c.size, 3072);
	assert_string_equal(c.name, "main");
	mr_conf_free(tables, &c);
	write_file("conf.d/zz.conf", MR_LIT("\nlookup { count = 9 }"));
	assert_int_equal(load(&c, &why), -EINVAL);
	assert_string_equal(why.text, "conf.d/zz.conf:2: lookup.count: \"9\" is not a number from -5 to 5");
	snprintf(other, sizeof(other), "%s/conf.d/zz.conf", folder);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(symlink("/nonexistent", other), 0);
	assert_int_equal(load(&c, &why), -ENOENT);
	assert_string_equal(why.text, "conf.d/zz.conf: No such file or directory");
	why = (struct mr_diag){ 0 };
	assert_int_equal(mr_conf_load(path, true, tables, &c, &why), -EISDIR);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(load(&c, &why), -EINVAL);
	assert_int_equal(unlink(other), 0);
}

static void test_expansion(void **state)
{
	struct mr_diag why = { 0 };
	struct conf c = { 0 };

	assert_int_equal(load_text(MR_LIT("postfix_dir = ''\nlookup {\nfolder = \"/a{{postfix_dir}}/run\"\n}"), &c, &why), 0);
	assert_string_equal(c.folder, "");
	mr_conf_free(tables, &c);
	assert_int_equal(load_text(MR_LIT("lookup {\nfolder = \"/a{{run_dir}\"\n}"), &c, &why), -EINVAL);
	assert_int_equal(load_text(MR_LIT("lookup {\nfolder = \"/a{{\"\n}"), &c, &why), -EINVAL);
	assert_int_equal(load_text(MR_LIT("lookup {\nfolder = \"/a{{run_dir}}{{run_dir}}\"\n}"), &c, &why), 0);
	assert_string_equal(c.folder, "/a/run/mailreeve/run/mailreeve");
	mr_conf_free(tables, &c);
}

static void note(const struct mr_option *o, void *arg)
{
	mr_buf_printf(arg, "%s%s ", o->name, o->reload == MR_RELOAD_RESTART ? "!" : "");
}

static void test_reload(void **state)
{
	struct mr_buf names = MR_BUF(1000);
	struct mr_diag why;
	struct conf old = { 0 }, fresh = { 0 };

	for (int i = 0; i < 3; i++) {
		assert_int_equal(load_text(MR_LIT("lookup { words = {a, b}\n words = {c} }"), &old, &why), 0);
		assert_int_equal(old.words.n, 1);
		assert_int_equal(load_text(MR_LIT("log_level = debug\nlookup { words = {c, d}\n nets = {}\n count = 2\n time = 10000ms }"),
					   &fresh, &why),
				 0);
		mr_conf_diff(tables, &old, &fresh, note, &names);
		assert_slice(mr_buf_slice(&names), "log_level count! nets words ");
		mr_buf_reset(&names);
		mr_conf_diff(tables, &old, &old, note, &names);
		assert_int_equal(names.n, 0);
		mr_conf_free(tables, &old);
		mr_conf_free(tables, &fresh);
	}
	mr_buf_done(&names);
}

static void test_text(void **state)
{
	static const struct {
		const char *name, *text; /* NULL: no such option */
	} cases[] = {
		{ "run_dir", "/run/mailreeve" },
		{ "log_level", "info" },
		{ "forward_port", "10027" },
		{ "lookup.folder", "/run/mailreeve/lookup" },
		{ "folder", "/run/mailreeve/lookup" },
		{ "size", "1048576" },
		{ "time", "10s" },
		{ "score", "6.5" },
		{ "on", "no" },
		{ "mode", "low" },
		{ "nets", "127.0.0.0/8, [::1]/128" },
		{ "words", "" },
		{ "milter.folder", NULL },
		{ "lookup.run_dir", NULL },
		{ "nonsense", NULL },
		{ "", NULL },
	};
	struct conf c = { 0 };

	assert_int_equal(mr_conf_load("/nonexistent", false, tables, &c, NULL), 0);
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf out = MR_BUF(1000);

		assert_int_equal(mr_conf_text(tables, &c, mr_slice_of(cases[i].name), &out), cases[i].text ? 0 : -ENOENT);
		assert_slice(mr_buf_slice(&out), cases[i].text ? cases[i].text : "");
		mr_buf_done(&out);
	}
	mr_conf_free(tables, &c);
}

static void test_manual(void **state)
{
	static const struct mr_option table[] = {
		{ .name = "a",
		  .type = MR_OPT_INT,
		  .max = 7,
		  .def = "3",
		  .help = ".Starts with a dot \\ and so on.",
		  .reload = MR_RELOAD_RESTART },
		{ .name = "b", .type = MR_OPT_PATH, .def = "", .help = "Folder." },
		MR_OPTIONS_END,
	};
	struct mr_buf out = MR_BUF(10000);

	assert_int_equal(mr_conf_manual(table, &out), 0);
	assert_slice(mr_buf_slice(&out),
		     ".It Ic a\n\\&.Starts with a dot \\e and so on.\n.br\nTakes a number from 0 to 7.\nThe default is\n.Ql 3 .\n"
		     "A change takes effect at restart.\n.It Ic b\nFolder.\n.br\nTakes an absolute path or \"\".\n");
	mr_buf_reset(&out);
	assert_int_equal(mr_conf_manual(mr_conf_shared_options, &out), 0);
	for (const struct mr_option *o = mr_conf_shared_options; o->name; o++)
		assert_non_null(strstr(out.p, o->name));
	mr_buf_done(&out);
}

static int setup(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int removed(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int teardown(void **state)
{
	return nftw(folder, removed, 4, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile_sizes), cmocka_unit_test(test_expansion), cmocka_unit_test(test_reload),
		cmocka_unit_test(test_text),          cmocka_unit_test(test_manual),    cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
