/* options: see options.h. */

/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/address.h"
#include "options.h"
#include "rt/clamd.h"
#include "rt/file.h"
#include "rules-load.h"

#define OFF(field) offsetof(struct mr_milter_conf, field)
#define MINUTE     (60 * 1000)
#define MEGA       (1024 * 1024)

const struct mr_option mr_milter_options[] = {
	{ .section = "milter",
	  .name = "socket",
	  .type = MR_OPT_PATH,
	  .offset = OFF(socket),
	  .def = "{{postfix_dir}}/run/mailreeve/milter/milter.sock",
	  .min = 1,
	  .reload = MR_RELOAD_RESTART,
	  .help = "The socket that Postfix connects to." },
	{ .section = "milter",
	  .name = "sessions_max",
	  .type = MR_OPT_INT,
	  .offset = OFF(sessions_max),
	  .def = "500",
	  .min = 1,
	  .max = 100000,
	  .help = "SMTP sessions at once; further ones are answered 451." },
	{ .section = "milter",
	  .name = "message_max",
	  .type = MR_OPT_SIZE,
	  .offset = OFF(message_max),
	  .def = "64M",
	  .min = 1024,
	  .max = INT64_C(1) << 31,
	  .help = "A message with more bytes is refused with 552; above Postfix's message_size_limit." },
	{ .section = "milter",
	  .name = "scanners",
	  .type = MR_OPT_INT,
	  .offset = OFF(scanners),
	  .def = "4",
	  .min = 1,
	  .max = 256,
	  .help = "Scanner processes at most; started when there is work." },
	{ .section = "milter",
	  .name = "scanner_messages",
	  .type = MR_OPT_INT,
	  .offset = OFF(scanner_messages),
	  .def = "1000",
	  .min = 1,
	  .max = 1000000,
	  .help = "Messages after which a scanner is replaced by a fresh one." },
	{ .section = "milter",
	  .name = "scanner_memory",
	  .type = MR_OPT_SIZE,
	  .offset = OFF(scanner_memory),
	  .def = "1G",
	  .min = 64 * MEGA,
	  .max = INT64_C(1) << 40,
	  .help = "Address space of one scanner." },
	{ .section = "milter",
	  .name = "scan_timeout",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(scan_timeout),
	  .def = "30s",
	  .min = 100,
	  .max = 100 * 1000,
	  .help = "Time for one message; then the scanner is killed and what is known counts." },
	{ .section = "milter",
	  .name = "dns_timeout",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(dns_timeout),
	  .def = "10s",
	  .min = 50,
	  .max = MINUTE,
	  .help = "Time for all DNS questions of one message." },
	{ .section = "milter",
	  .name = "dns_away",
	  .type = MR_OPT_ENUM,
	  .offset = OFF(dns_away),
	  .def = "pass",
	  .choices = "pass|defer",
	  .help = "When DNS does not tell what SPF, DKIM or DMARC of a message from outside depend on (temperror), and DMARC does not pass "
		  "without that: go on, or 451, unless the message is refused anyway." },
	{ .section = "milter",
	  .name = "directory_timeout",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(directory_timeout),
	  .def = "10s",
	  .min = 50,
	  .max = MINUTE,
	  .help = "Time for one question to mailreeve-lookup." },
	{ .section = "milter",
	  .name = "header_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(thresholds.at[MR_AT_HEADER]),
	  .def = "3",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score from which X-Spam-Level is added, a star for each whole point, for users' own filters: for recipients without a "
		  "threshold of their own, and where those who get a message differ." },
	{ .section = "milter",
	  .name = "junk_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(thresholds.at[MR_AT_JUNK]),
	  .def = "5",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score for Junk, for recipients without a threshold of their own." },
	{ .section = "milter",
	  .name = "quarantine_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(thresholds.at[MR_AT_QUARANTINE]),
	  .def = "1000",
	  .min = -1000,
	  .max = 1000,
	  .help =
	      "Score from which what would go to a mailbox's Junk is kept in the quarantine instead, for recipients without a threshold of "
	      "their own." },
	{ .section = "milter",
	  .name = "reject_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(thresholds.at[MR_AT_REJECT]),
	  .def = "15",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score for refusal, for recipients without a threshold of their own." },
	{ .section = "milter",
	  .name = "symbol_scores",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(symbol_scores),
	  .def = "",
	  .help = "Scores of the site's own in place of those that symbols come with, such as {DMARC_REJECT:15, SPF_FAIL:0}." },
	{ .section = "milter",
	  .name = "group_caps",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(group_caps),
	  .def = "",
	  .help = "The most that the symbols of a group add to the score together, such as {links:4, mime:3}; mailreeve scan --json shows "
		  "groups. What speaks for a message is not bounded." },
	{ .section = "milter",
	  .name = "greylist_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(thresholds.at[MR_AT_GREYLIST]),
	  .def = "4",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score from which mail that no mailbox takes as junk has to come again, unless its sender is known, for recipients "
		  "without a threshold of their own; 1000 is never." },
	{ .section = "milter",
	  .name = "greylist_delay",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(grey.delay),
	  .def = "5m",
	  .min = 1000,
	  .max = INT64_C(24) * 60 * MINUTE,
	  .help = "How long such mail is held off." },
	{ .section = "milter",
	  .name = "greylist_retry",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(grey.retry),
	  .def = "2d",
	  .min = 60 * MINUTE,
	  .max = INT64_C(30) * 24 * 60 * MINUTE,
	  .help = "How long a sender is remembered that does not come again; longer than greylist_delay." },
	{ .section = "milter",
	  .name = "greylist_max_age",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(grey.max_age),
	  .def = "35d",
	  .min = INT64_C(24) * 60 * MINUTE,
	  .max = INT64_C(366) * 24 * 60 * MINUTE,
	  .help = "How long a sender is known without sending anything suspicious." },
	{ .section = "milter",
	  .name = "allow_unproven",
	  .type = MR_OPT_BOOL,
	  .offset = OFF(allow_unproven),
	  .def = "yes",
	  .help =
	      "Whether lists of allowed senders hold for one of whom SPF, DKIM and DMARC say neither that the mail is his nor that it is "
	      "forged, as his domain publishes nothing. What they call forged is never allowed." },
	{ .section = "milter",
	  .name = "outbound_scan",
	  .type = MR_OPT_BOOL,
	  .offset = OFF(outbound_scan),
	  .def = "yes",
	  .help =
	      "Whether mail of our own is scanned. no: it is signed, and clamd is asked, whose suspicions are then all that outbound_score "
	      "sees; rules, lists and forbidden attachments are for what comes in." },
	{ .section = "milter",
	  .name = "outbound_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(thresholds.at[MR_AT_OUTBOUND]),
	  .def = "6",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score from which mail of our own counts as spam: outbound_action is done, and mailreeve-policyd is told (the signal "
		  "spam of hijack_signals), for users without a threshold of their own." },
	{ .section = "milter",
	  .name = "outbound_action",
	  .type = MR_OPT_ENUM,
	  .offset = OFF(outbound_action),
	  .def = "log",
	  .choices = "log|hold|quarantine|reject",
	  .help =
	      "What is done at outbound_score: the log says so; Postfix's hold queue has it until somebody looks (mailreeve queue); the "
	      "quarantine has it; the sender gets 550." },
	{ .section = "milter",
	  .name = "outbound_reject_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(thresholds.at[MR_AT_OUTBOUND_REJECT]),
	  .def = "1000",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score from which mail of our own is refused whatever outbound_action is, for users without a threshold of their own." },
	{ .section = "milter",
	  .name = "on_error",
	  .type = MR_OPT_ENUM,
	  .offset = OFF(on_error),
	  .def = "tempfail",
	  .choices = "tempfail|accept",
	  .help = "Mail whose scan or recipients remain unknown: answered 451, or taken as clean. Never decides about signing." },
	{ .section = "milter",
	  .name = "forward_exempt_networks",
	  .type = MR_OPT_NETS,
	  .offset = OFF(forward_exempt_networks),
	  .def = "",
	  .help =
	      "Clients whose mail, where it is forwarded to foreign recipients, leaves under its sender's own address and not under one "
	      "of ours (SRS), such as {192.0.2.0/24, 2001:db8::/32}; see forward_exempt in mailreeve-lookup(8) for senders." },
	{ .section = "milter",
	  .name = "foreign_from",
	  .type = MR_OPT_ENUM,
	  .offset = OFF(foreign_from),
	  .def = "unsigned",
	  .choices = "refuse|unsigned|sign",
	  .help = "Mail of a logged-in user whose header From is neither in the domain of the login nor in that of the envelope sender: "
		  "refused with 550, taken without our signature, or signed like other mail." },
	{ .section = "milter",
	  .name = "trusted_sealers",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(trusted_sealers),
	  .def = "",
	  .help = "Domains whose ARC seals are believed: mail that passed DMARC with them does not fail it here." },
	{ .section = "milter",
	  .name = "attachment_filter",
	  .type = MR_OPT_BOOL,
	  .offset = OFF(attachment_filter),
	  .def = "no",
	  .help = "Refuse mail, from outside and from our own, with a file that forbidden_attachments names." },
	{ .section = "milter",
	  .name = "forbidden_attachments",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(forbidden_attachments),
	  .def =
	      "ade, adp, apk, appx, bat, chm, cmd, com, cpl, dll, exe, hta, ins, iso, isp, img, jar, js, jse, lib, lnk, mde, msc, msi, "
	      "msix, "
	      "msp, mst, one, pif, ps1, reg, scf, scr, sct, shb, sys, vb, vbe, vbs, vhd, vhdx, vxd, wsc, wsf, wsh, application/x-dosexec, "
	      "application/x-ms-shortcut, application/x-msi, application/vnd.microsoft.portable-executable",
	  .help = "Ends of file names, without the dot, and media types as libmagic knows them from a file's content; both also inside "
		  "what holds files, such as archives and attached messages. application/vnd.ms-office.vbaproject: Office documents with "
		  "programs (VBA), whatever their name." },
	{ .section = "milter",
	  .name = "quarantine_keep",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(quarantine_keep),
	  .def = "30d",
	  .min = 60 * MINUTE,
	  .max = INT64_C(3660) * 24 * 60 * MINUTE,
	  .help = "How long entries of the quarantine are kept, released or not." },
	{ .section = "milter",
	  .name = "quarantine_max",
	  .type = MR_OPT_SIZE,
	  .offset = OFF(quarantine_max),
	  .def = "2G",
	  .min = MEGA,
	  .max = INT64_C(1) << 50,
	  .help = "Bytes of the messages in the quarantine: above, the oldest go within a minute." },
	{ .section = "milter",
	  .name = "history_max",
	  .type = MR_OPT_INT,
	  .offset = OFF(history_max),
	  .def = "1000",
	  .min = 0,
	  .max = 100000,
	  .help = "Messages whose verdicts are kept in memory for mailreeve scan --history." },
	{ .section = "milter",
	  .name = "dns_lists",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(dns_lists),
	  .def = "",
	  .help = "Lists in DNS that are asked about a message: names of ready-made ones, and rows such as \"bl.example.org client "
		  "127.0.0.2=EXAMPLE:3\"; see Lists in DNS above." },
	{ .section = "milter",
	  .name = "dns_lists_timeout",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(dns_lists_timeout),
	  .def = "3s",
	  .min = 50,
	  .max = MINUTE,
	  .help = "Time for all questions to lists about one message; dns_timeout at the most." },
	{ .section = "milter",
	  .name = "dns_lists_questions",
	  .type = MR_OPT_INT,
	  .offset = OFF(dns_lists_questions),
	  .def = "100",
	  .min = 1,
	  .max = 400,
	  .help = "Questions to all lists about one message; further ones are not asked." },
	{ .section = "milter",
	  .name = "dns_lists_skip",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(dns_lists_skip),
	  .def = "w3.org",
	  .help = "Domains that no list is asked about, with all below them." },
	{ .section = "milter",
	  .name = "clamd",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(clamd),
	  .def = "",
	  .help = "Servers of ClamAV by preference, such as unix:/run/clamav/clamd.ctl or tcp:192.0.2.1:3310; none: nobody looks for "
		  "viruses." },
	{ .section = "milter",
	  .name = "clamd_mode",
	  .type = MR_OPT_ENUM,
	  .offset = OFF(clamd_mode),
	  .def = "fildes",
	  .choices = "fildes|stream",
	  .help = "How clamd gets a message over a Unix socket: as a file descriptor, or byte by byte, as over TCP." },
	{ .section = "milter",
	  .name = "clamd_max_size",
	  .type = MR_OPT_SIZE,
	  .offset = OFF(clamd_max_size),
	  .def = "25M",
	  .min = 1024,
	  .max = INT64_C(1) << 31,
	  .help = "A message with more bytes is not looked at; its symbol is VIRUS_UNCHECKED. No more than clamd's StreamMaxLength and "
		  "MaxFileSize." },
	{ .section = "milter",
	  .name = "clamd_timeout",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(clamd_timeout),
	  .def = "20s",
	  .min = 50,
	  .max = 100 * 1000,
	  .help = "Time for clamd to answer about one message, all servers together." },
	{ .section = "milter",
	  .name = "clamd_cache",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(clamd_cache),
	  .def = "10m",
	  .min = 0,
	  .max = 24 * 60 * MINUTE,
	  .help =
	      "How long an answer is kept for the same message, as it comes again after a temporary failure; until a server has another "
	      "database at the longest. 0 keeps none." },
	{ .section = "milter",
	  .name = "clamd_away",
	  .type = MR_OPT_ENUM,
	  .offset = OFF(clamd_away),
	  .def = "defer",
	  .choices = "defer|tag|pass",
	  .help = "When no server answers: 451, go on with the symbol VIRUS_UNCHECKED, or go on. With defer a message that got no "
		  "answer within clamd_timeout three times is held in Postfix's queue." },
	{ .section = "milter",
	  .name = "virus_action",
	  .type = MR_OPT_ENUM,
	  .offset = OFF(virus_action),
	  .def = "reject",
	  .choices = "reject|quarantine",
	  .help = "Mail with a virus from outside: refused with 550, or accepted and kept in the quarantine. Our own is refused." },
	{ .section = "milter",
	  .name = "virus_suspicious",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(virus_suspicious),
	  .def = "Heuristics., PUA.",
	  .help = "Beginnings of names of signatures that are no proof: such a find is the symbol VIRUS_SUSPECTED." },
	{ .section = "milter",
	  .name = "virus_suspicious_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(virus_suspicious_score),
	  .def = "5",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score of VIRUS_SUSPECTED." },
	{ .section = "milter",
	  .name = "fuzzy",
	  .type = MR_OPT_BOOL,
	  .offset = OFF(fuzzy),
	  .def = "yes",
	  .help = "Compare messages and attached files with those that mailreeve fuzzy was shown. Does nothing without Redis." },
	{ .section = "milter",
	  .name = "fuzzy_text_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(fuzzy_scores.text),
	  .def = "5",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score of FUZZY_TEXT: three quarters of the text, or more, are those of a known message." },
	{ .section = "milter",
	  .name = "fuzzy_like_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(fuzzy_scores.like),
	  .def = "2",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score of FUZZY_TEXT_LIKE: more than half of the text." },
	{ .section = "milter",
	  .name = "fuzzy_file_score",
	  .type = MR_OPT_SCORE,
	  .offset = OFF(fuzzy_scores.file),
	  .def = "5",
	  .min = -1000,
	  .max = 1000,
	  .help = "Score of FUZZY_FILE: an attached file is known." },
	{ .section = "milter",
	  .name = "fuzzy_weight",
	  .type = MR_OPT_INT,
	  .offset = OFF(fuzzy_scores.weight),
	  .def = "1",
	  .min = 1,
	  .max = 1000000,
	  .help = "What is known counts from this weight on: that of all its copies which mailreeve fuzzy was shown." },
	{ .section = "milter",
	  .name = "fuzzy_keep",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(fuzzy_keep),
	  .def = "90d",
	  .min = 60 * MINUTE,
	  .max = INT64_C(3660) * 24 * 60 * MINUTE,
	  .help = "How long a message is known after mailreeve fuzzy was shown its last copy." },
	{ .section = "milter",
	  .name = "rule_files",
	  .type = MR_OPT_STRINGS,
	  .offset = OFF(rule_files),
	  .def = "mailreeve, spamassassin",
	  .help =
	      "Spam rules in SpamAssassin's language: files, and folders of which *.pre and *.cf are read. The word mailreeve stands "
	      "for the "
	      "rules that the program brings, spamassassin "
	      "for what SpamAssassin itself would read, where it is installed: the rules of its package or, newer, of sa-update, then "
	      "/etc/spamassassin. Later files change what earlier ones say. An error in a rule is an error of the configuration; in what "
	      "belongs to SpamAssassin it is left out and listed." },
	{ .section = "milter",
	  .name = "dmarc_keep",
	  .type = MR_OPT_DURATION,
	  .offset = OFF(dmarc_keep),
	  .def = "14d",
	  .min = 0,
	  .max = INT64_C(366) * 24 * 60 * MINUTE,
	  .help = "How long DMARC evaluations are kept for aggregate reports; 0 keeps none." },
	{ .section = "milter",
	  .name = "dmarc_day_max",
	  .type = MR_OPT_SIZE,
	  .offset = OFF(dmarc_day_max),
	  .def = "256M",
	  .min = MEGA,
	  .max = INT64_C(1) << 40,
	  .help = "Bytes of the evaluations of one day; further ones are not kept." },
	MR_OPTIONS_END,
};

/* "" is a milter that signs nothing. */
static int check_keyring(const char *path, struct mr_diag *diag)
{
	struct mr_keyring ring = { 0 };
	int r = path[0] ? mr_keyring_load(path, &ring, diag) : 0;

	mr_diag_about(diag, r, "dkim_keyring_file, made by mailreeve setup keys");

	mr_keyring_wipe(&ring);
	return r;
}

static int check_words(const struct mr_conf_strings *words, struct mr_diag *diag)
{
	size_t bytes = 0;

	for (size_t i = 0; i < words->n; i++) {
		if (strpbrk(words->v[i], " .*") && !strchr(words->v[i], '/'))
			return mr_diag_set(diag, -EINVAL,
					   "milter: forbidden_attachments: \"%s\" is no end of a name, such as exe, and no media type",
					   words->v[i]);
		bytes += strlen(words->v[i]) + 1;
	}
	return bytes > MR_MILTER_WORDS_MAX ? mr_diag_set(diag, -EINVAL, "milter: forbidden_attachments is too long") : 0;
}

static int parse_scores(const struct mr_milter_conf *c, struct mr_arena *arena, struct mr_scores *out, struct mr_diag *diag)
{
	return mr_scores_parse(c->symbol_scores.v, c->symbol_scores.n, c->group_caps.v, c->group_caps.n, arena, out, diag);
}

static int check_clamd(const struct mr_milter_conf *c, struct mr_diag *diag)
{
	if (c->clamd.n > MR_CLAMD_SERVERS_MAX)
		return mr_diag_set(diag, -EINVAL, "milter: clamd has more than %d servers", MR_CLAMD_SERVERS_MAX);
	for (size_t i = 0; i < c->clamd.n; i++) {
		if (mr_clamd_server_check(c->clamd.v[i], diag) < 0) {
			mr_diag_about(diag, -EINVAL, "milter: clamd");
			return -EINVAL;
		}
	}
	if (c->clamd.n && c->clamd_timeout >= c->scan_timeout)
		return mr_diag_set(diag, -EINVAL, "milter: clamd_timeout must be below scan_timeout");
	return 0;
}

static int check_rules(const struct mr_milter_conf *conf, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_setup setup = mr_milter_setup(conf, arena);
	struct mr_rules *rules = NULL;
	int err = setup.n_rule_files ? mr_rules_load(setup.rule_files, setup.n_rule_files, &rules, diag) : 0;

	if (err == 0 && rules)
		err = mr_rules_error(rules, diag);
	mr_rules_free(rules);
	return err;
}

static int check_lists(const struct mr_milter_conf *c, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_setup s = { 0 };
	size_t bytes = 0;

	for (size_t i = 0; i < c->dns_lists_skip.n; i++)
		bytes += strlen(c->dns_lists_skip.v[i]) + 1;
	if (bytes > MR_MILTER_WORDS_MAX)
		return mr_diag_set(diag, -EINVAL, "milter: dns_lists_skip is too long");
	return mr_diag_about(diag, mr_milter_lists(c, arena, &s, diag), "milter: dns_lists");
}

int mr_milter_validate(const void *conf, struct mr_diag *diag)
{
	const struct mr_milter_conf *c = conf;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice domain;
	struct mr_scores scores;
	size_t bytes = 0;

	if (c->thresholds.at[MR_AT_JUNK] > c->thresholds.at[MR_AT_REJECT])
		return mr_diag_set(diag, -EINVAL, "milter: junk_score is above reject_score");
	if (c->grey.retry <= c->grey.delay)
		return mr_diag_set(diag, -EINVAL, "milter: greylist_retry must be longer than greylist_delay");
	if (c->thresholds.at[MR_AT_OUTBOUND] > c->thresholds.at[MR_AT_OUTBOUND_REJECT])
		return mr_diag_set(diag, -EINVAL, "milter: outbound_score is above outbound_reject_score");
	if (c->dns_timeout >= c->scan_timeout)
		return mr_diag_set(diag, -EINVAL, "milter: dns_timeout must be below scan_timeout");
	for (size_t i = 0; i < c->trusted_sealers.n; i++) {
		if (mr_domain_check(mr_slice_of(c->trusted_sealers.v[i]), false, arena, &domain, diag) < 0)
			return -EINVAL;
		bytes += domain.n + 1;
	}
	if (bytes > MR_MILTER_WORDS_MAX)
		return mr_diag_set(diag, -EINVAL, "milter: trusted_sealers has too many domains");
	if (check_words(&c->forbidden_attachments, diag) < 0 || check_clamd(c, diag) < 0 || check_lists(c, diag) < 0)
		return -EINVAL;
	if (parse_scores(c, arena, &scores, diag) < 0)
		return -EINVAL;
	if (check_rules(c, diag) < 0)
		return -EINVAL;
	return check_keyring(c->shared.dkim_keyring_file, diag);
}
