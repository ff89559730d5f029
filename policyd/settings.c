/* settings: the options of section policyd. */

/* system */
#include <errno.h>

/* ours */
#include "policyd.h"
#include "signals.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Of large sites, whose servers take turns. */
#define GREY_EXEMPT "amazonses.com, google.com, icloud.com, mailgun.net, outlook.com, sendgrid.net, yahoo.com"

#define OPTION(option, kind, where, text, low, high, words, how, sentence)                                                                 \
	{                                                                                                                                  \
		.section = "policyd", .name = option, .type = kind, .offset = offsetof(struct mr_policyd_conf, where), .def = text,        \
		.min = low, .max = high, .choices = words, .reload = how, .help = sentence                                                 \
	}

const struct mr_option mr_policyd_options[] = {
	OPTION("directory_socket", MR_OPT_PATH, directory_socket, "{{run_dir}}/lookup/directory.sock", 1, 0, NULL, MR_RELOAD_RESTART,
	       "Where mailreeve-lookup answers."),
	OPTION("admin_socket", MR_OPT_PATH, admin_socket, "{{run_dir}}/admin/admin.sock", 1, 0, NULL, MR_RELOAD_RESTART,
	       "Where mailreeve-admin answers, which locks accounts and tells people."),
	OPTION("deadline", MR_OPT_DURATION, deadline, "5s", 100, 15 * SECOND, NULL, MR_RELOAD_YES,
	       "When a request without an answer of the directory is decided by on_error; Postfix itself waits 20 s."),
	OPTION("clients_max", MR_OPT_INT, clients_max, "1000", 1, 60000, NULL, MR_RELOAD_RESTART,
	       "Connections of Postfix; further ones are closed at once."),
	OPTION("clients_allow", MR_OPT_NETS, checks.clients_allow, "", 0, 0, NULL, MR_RELOAD_YES,
	       "Networks whose clients are spared the checks helo, helo_domain, helo_fqdn, client_ptr, client_name and greylist."),
	OPTION("clients_deny", MR_OPT_NETS, checks.clients_deny, "", 0, 0, NULL, MR_RELOAD_YES,
	       "Networks from which mail is taken of logged-in users only; the narrowest network of both lists decides."),
	OPTION("own_names", MR_OPT_STRINGS, checks.own_names, "", 0, 0, NULL, MR_RELOAD_YES,
	       "Names and addresses of this site that no stranger may call himself by in HELO, beside hostname and the address it "
	       "connected to."),
	OPTION("greylist_delay", MR_OPT_DURATION, checks.grey.delay, "5m", SECOND, DAY, NULL, MR_RELOAD_YES,
	       "How long mail that is new to the check greylist is held off."),
	OPTION("greylist_retry", MR_OPT_DURATION, checks.grey.retry, "2d", HOUR, 30 * DAY, NULL, MR_RELOAD_YES,
	       "How long new mail is remembered that does not come again; longer than greylist_delay."),
	OPTION("greylist_max_age", MR_OPT_DURATION, checks.grey.max_age, "35d", DAY, 365 * DAY, NULL, MR_RELOAD_YES,
	       "How long mail, and a client, that has passed is remembered without coming again."),
	OPTION("greylist_clients_after", MR_OPT_INT, checks.grey.clients_after, "5", 0, 1000, NULL, MR_RELOAD_YES,
	       "After how many kinds of mail that have passed, one counted in an hour, a client waits no more; 0 is never."),
	OPTION("greylist_exempt_domains", MR_OPT_STRINGS, checks.grey_exempt, GREY_EXEMPT, 0, 0, NULL, MR_RELOAD_YES,
	       "Clients with a verified name in these domains are not greylisted."),
#define CHECK(name, initially)                                                                                                             \
	OPTION(#name "_mode", MR_OPT_ENUM, mode[MR_CHECK_##name], initially, 0, 0, "off|observe|enforce", MR_RELOAD_YES,                   \
	       "Whether the check " #name " refuses mail, only logs what it would refuse, or is not run."),                                \
	    OPTION(#name "_on_error", MR_OPT_ENUM, on_error[MR_CHECK_##name], "pass", 0, 0, "pass|defer", MR_RELOAD_YES,                   \
		   "What the check " #name " does when the directory cannot tell: let the mail pass, or answer 451."),
#include "checks/check-list.h"
#undef CHECK
	OPTION("hijack_signals", MR_OPT_STRINGS, checks.hijack_signals,
	       "recipients:100/1h:2, senders:4/1h:2, networks:3/1h:2, logins:6/1h:2, new-networks:1/1h:1, null-senders:2/1h:2, "
	       "bounces:15/1h:2, bounce-ratio:30/1h:2, spam:3/1h:2",
	       0, 0, NULL, MR_RELOAD_YES,
	       "What gives points to the check hijack: a signal, how much of it within what time, and the points."),
	OPTION("hijack_known_for", MR_OPT_DURATION, checks.hijack_known_for, "60d", HOUR, 400 * DAY, NULL, MR_RELOAD_YES,
	       "How long a network that an account has sent or logged in from is not new."),
	OPTION("hijack_notice", MR_OPT_INT, checks.hijack_notice, "4", 0, 10000, NULL, MR_RELOAD_YES,
	       "Points from which on the check hijack writes a policy-notice; 0 is never."),
	OPTION("hijack_hold", MR_OPT_INT, checks.hijack_hold, "7", 0, 10000, NULL, MR_RELOAD_YES,
	       "Points from which on it has messages held; 0 is never."),
	OPTION("hijack_lock", MR_OPT_INT, checks.hijack_lock, "10", 0, 10000, NULL, MR_RELOAD_YES,
	       "Points from which on it has the account locked; 0 is never."),
	OPTION("login_mode", MR_OPT_ENUM, login.mode, "enforce", 0, 0, "off|observe|enforce", MR_RELOAD_YES,
	       "Whether log-ins are delayed and rejected, only logged as if, or not looked at."),
	OPTION("login_window", MR_OPT_DURATION, login.window, "1h", MINUTE, 7 * DAY, NULL, MR_RELOAD_YES,
	       "How long a wrong password counts."),
	OPTION("login_pair_max", MR_OPT_INT, login.pair_max, "10", 1, 1000, NULL, MR_RELOAD_YES,
	       "Different wrong passwords of one address for one login within the window; more are rejected."),
	OPTION("login_address_max", MR_OPT_INT, login.address_max, "30", 1, 1000, NULL, MR_RELOAD_YES,
	       "Different pairs of login and wrong password of one IPv4 address or IPv6 /64 within the window."),
	OPTION("login_network_max", MR_OPT_INT, login.network_max, "200", 1, 1000, NULL, MR_RELOAD_YES,
	       "The same of one IPv4 /24 or IPv6 /48."),
	OPTION("login_known_max", MR_OPT_INT, login.known_max, "20", 1, 1000, NULL, MR_RELOAD_YES,
	       "Different wrong passwords for one login within the window from a network that it is known in."),
	OPTION("login_known_for", MR_OPT_DURATION, login.known_for, "60d", HOUR, 400 * DAY, NULL, MR_RELOAD_YES,
	       "How long a network and device are known after a log-in."),
	OPTION(
	    "login_networks_max", MR_OPT_INT, login.networks_max, "30", 1, 1000, NULL, MR_RELOAD_YES,
	    "Networks with a wrong password for one login within the window; with more each try for it is delayed where it is not known."),
	OPTION("login_delay_max", MR_OPT_DURATION, login.delay_max, "10s", 0, MINUTE, NULL, MR_RELOAD_YES,
	       "Longest delay of a log-in; less than a second is none."),
	OPTION("login_exempt", MR_OPT_NETS, login.exempt, "", 0, 0, NULL, MR_RELOAD_YES,
	       "Networks whose log-ins are not looked at, such as that of a gateway with a protection of its own."),
	MR_OPTIONS_END,
};

int mr_policyd_validate(const void *arg, struct mr_diag *diag)
{
	const struct mr_policyd_conf *conf = arg;

	if (conf->checks.grey.retry <= conf->checks.grey.delay)
		return mr_diag_set(diag, -EINVAL, "policyd.greylist_retry must be longer than policyd.greylist_delay");
	if (conf->checks.hijack_signals.n > MR_SIGNAL_ROWS_MAX)
		return mr_diag_set(diag, -E2BIG, "policyd.hijack_signals: more than %d", MR_SIGNAL_ROWS_MAX);
	for (size_t i = 0; i < conf->checks.hijack_signals.n; i++) {
		struct mr_signal_row row;
		int rc = mr_signal_row_parse(mr_slice_of(conf->checks.hijack_signals.v[i]), &row);

		if (rc < 0)
			return mr_diag_set(diag, rc,
					   "policyd.hijack_signals: \"%s\" is not SIGNAL:AMOUNT/WINDOW:POINTS, such as recipients:100/1h:2",
					   conf->checks.hijack_signals.v[i]);
	}
	return mr_login_validate(&conf->shared, diag);
}
