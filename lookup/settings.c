#include "settings.h"

/* system */
#include <errno.h>
#include <stddef.h>

/* ours */
#include "site.h"
#include "store/db.h"
#include "store/read.h"

#define SECOND 1000LL
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

#define OPTION(field, kind, text, low, high, how, sentence)                                                                                \
	{                                                                                                                                  \
		.section = "lookup", .name = #field, .type = kind, .offset = offsetof(struct mr_lookup_conf, field), .def = text,          \
		.min = low, .max = high, .reload = how, .help = sentence                                                                   \
	}

const struct mr_option mr_lookup_options[] = {
	OPTION(threads, MR_OPT_INT, "4", 1, 64, MR_RELOAD_RESTART,
	       "Connections to the database, a thread each; two more, for most reads, have none."),
	OPTION(
	    queue, MR_OPT_INT, "10000", 10, 1000000, MR_RELOAD_RESTART,
	    "Statements that may wait for a connection, and questions that may wait for rows; further ones get at once what is in memory, "
	    "or a temporary failure."),
	OPTION(clients_max, MR_OPT_INT, "2000", 1, 60000, MR_RELOAD_RESTART,
	       "Connections to each socket; further ones are closed at once."),
	OPTION(cache_rows, MR_OPT_INT, "1000000", 100, 100000000, MR_RELOAD_YES,
	       "Rows kept in memory; beyond that the row not asked for longest is forgotten."),
	OPTION(read_ahead, MR_OPT_INT, "256", 0, MR_READ_NEAR_MAX, MR_RELOAD_YES,
	       "Addresses read ahead in one step at most, where they are asked for in their order and there is room; 0: none."),
	OPTION(row_age, MR_OPT_DURATION, "1h", 0, DAY, MR_RELOAD_YES,
	       "Age at which a row is read again although the change log names no change of it."),
	OPTION(negative_age, MR_OPT_DURATION, "5m", 0, DAY, MR_RELOAD_YES, "The same for the knowledge that a row does not exist."),
	OPTION(stale_max, MR_OPT_DURATION, "1d", 0, 30 * DAY, MR_RELOAD_YES,
	       "Age up to which a row still answers while the database is away. A row that was changed never does, and nobody is refused "
	       "for good on the strength of one."),
	OPTION(stale_wait, MR_OPT_DURATION, "500ms", 0, 10 * SECOND, MR_RELOAD_YES,
	       "How long a question waits for the database when such a row could answer it."),
	OPTION(deadline, MR_OPT_DURATION, "10s", 100, 60 * SECOND, MR_RELOAD_YES,
	       "When a question without an answer gets a temporary failure."),
	OPTION(poll_interval, MR_OPT_DURATION, "1s", 50, 60 * SECOND, MR_RELOAD_YES,
	       "How often the change log is read; a message on Redis makes it be read at once."),
	OPTION(poll_overlap, MR_OPT_DURATION, "10s", SECOND, HOUR, MR_RELOAD_YES,
	       "How long an entry of the change log may take to become visible after ones that come behind it."),
	OPTION(poll_late, MR_OPT_DURATION, "5s", SECOND, HOUR, MR_RELOAD_YES,
	       "When the change log could not be read for so long, rows count as past their age, and the log says so."),
	OPTION(usage_interval, MR_OPT_DURATION, "10s", 0, HOUR, MR_RELOAD_RESTART, "How soon a reported usage is in the state file."),
	OPTION(snapshot_interval, MR_OPT_DURATION, "5m", 0, DAY, MR_RELOAD_RESTART,
	       "How often the rows in memory are written to state_dir, from where they answer after a restart while the database is away; "
	       "0 keeps none."),
	OPTION(
	    session_check, MR_OPT_DURATION, "5m", 0, DAY, MR_RELOAD_YES,
	    "How often the sessions that are open on this host are looked at for accounts that have expired or are otherwise switched off "
	    "although no command did it; 0: never."),
	OPTION(junk_score, MR_OPT_SCORE, "5", -1000, 1000, MR_RELOAD_YES,
	       "Score from which a message is junk, where neither user nor domain says otherwise."),
	OPTION(reject_score, MR_OPT_SCORE, "15", -1000, 1000, MR_RELOAD_YES,
	       "Score from which a message is refused, where neither user nor domain says otherwise."),
	OPTION(forward_exempt, MR_OPT_STRINGS, "", 0, 0, MR_RELOAD_YES,
	       "Senders whose mail to foreign recipients leaves under their own address, without the forwarding pass: addresses, domains, "
	       ".domains with all below. For what machines in your networks send in the name of others; by network the milter's "
	       "forward_exempt_networks exempts."),
	OPTION(mta_sts, MR_OPT_BOOL, "yes", 0, 0, MR_RELOAD_RESTART,
	       "Whether the map tls-policy tells what other domains publish: TLSA records, else a policy of MTA-STS. With no, Postfix asks "
	       "for TLSA records by itself, and MTA-STS is not looked at."),
	OPTION(mta_sts_ca_file, MR_OPT_PATH, "/etc/ssl/certs/ca-certificates.crt", 0, 0, MR_RELOAD_RESTART,
	       "Certificate authorities that the host of a policy must have its certificate of."),
	OPTION(mta_sts_private, MR_OPT_BOOL, "no", 0, 0, MR_RELOAD_RESTART,
	       "Whether policies are fetched from private, local and otherwise special addresses, too."),
	OPTION(mta_sts_port, MR_OPT_INT, "443", 1, 65535, MR_RELOAD_RESTART, "Port of policy hosts; others than 443 are for tests."),
	{ .section = "lookup",
	  .name = "disabled_mailboxes",
	  .type = MR_OPT_ENUM,
	  .offset = offsetof(struct mr_lookup_conf, disabled_mailboxes),
	  .choices = "store|refuse",
	  .def = "store",
	  .reload = MR_RELOAD_YES,
	  .help = "What becomes of new mail for a mailbox that is switched off. What was taken in before is delivered in any case." },
	OPTION(map_views, MR_OPT_STRINGS, "", 0, 0, MR_RELOAD_YES,
	       "Maps of the site's own, each the name of the map and that of a view or table with the columns name and value, such as "
	       "'partners v_partners'."),
	OPTION(map_view_age, MR_OPT_DURATION, "1m", 0, DAY, MR_RELOAD_YES,
	       "Age at which a row of such a view is read again, unless an entry of the change log has dropped it before."),
	OPTION(map_view_negative_age, MR_OPT_DURATION, "30s", 0, DAY, MR_RELOAD_YES,
	       "The same for the knowledge that a view has no such row."),
	MR_OPTIONS_END,
};

int mr_lookup_validate(const void *conf, struct mr_diag *diag)
{
	const struct mr_lookup_conf *c = conf;
	struct mr_site site;

	if (c->poll_late <= c->poll_interval)
		return mr_diag_set(diag, -EINVAL, "lookup.poll_late must be longer than lookup.poll_interval");
	if (c->reject_score < c->junk_score)
		return mr_diag_set(diag, -EINVAL, "lookup.reject_score must not be below lookup.junk_score");
	int err = mr_db_check_conf(&c->shared, diag);
	if (err == 0)
		err = mr_site_new(c, &site, diag);
	if (err == 0)
		mr_site_done(&site);
	return err;
}
