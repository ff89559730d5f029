/* options: the section `milter` of mailreeve.conf. */
#pragma once
#include "conf/shared.h"
#include "rt/greylist.h"
#include "scan-setup.h"
#include "scores.h"
#include "verdict.h"

/* What it is worth that a message is like others. */
struct mr_fuzzy_scores {
	double text, like, file;
	int64_t weight; /* entries count from here on */
};

struct mr_milter_conf {
	struct mr_conf_shared shared; /* first */
	char *socket;
	int64_t sessions_max, history_max, scanners, scanner_messages;
	uint64_t message_max, scanner_memory;
	uint64_t scan_timeout, dns_timeout, directory_timeout; /* ms */
	struct mr_thresholds thresholds;
	bool outbound_scan, allow_unproven;
	int outbound_action; /* enum mr_outbound_action */
	struct mr_conf_strings symbol_scores, group_caps;
	struct mr_grey_rules grey;
	uint64_t quarantine_keep, quarantine_max; /* ms, bytes */
	uint64_t dmarc_keep, dmarc_day_max;       /* ms, bytes */
	int on_error;                             /* enum mr_on_error */
	int foreign_from;                         /* enum mr_foreign_from */
	int dns_away;                             /* enum mr_dns_away */
	struct mr_conf_nets forward_exempt_networks;
	struct mr_conf_strings trusted_sealers, forbidden_attachments, rule_files;
	struct mr_conf_strings dns_lists, dns_lists_skip;
	uint64_t dns_lists_timeout; /* ms */
	int64_t dns_lists_questions;
	struct mr_conf_strings clamd, virus_suspicious;
	int clamd_mode, clamd_away;          /* enum mr_clamd_mode, mr_clamd_away */
	int virus_action;                    /* enum mr_virus_action */
	uint64_t clamd_max_size;             /* bytes */
	uint64_t clamd_timeout, clamd_cache; /* ms */
	double virus_suspicious_score;
	bool attachment_filter;
	bool fuzzy;
	struct mr_fuzzy_scores fuzzy_scores;
	uint64_t fuzzy_keep; /* ms */
};
enum mr_on_error { MR_ON_ERROR_TEMPFAIL, MR_ON_ERROR_ACCEPT };
enum mr_foreign_from { MR_FOREIGN_FROM_REFUSE, MR_FOREIGN_FROM_UNSIGNED, MR_FOREIGN_FROM_SIGN };
enum mr_dns_away { MR_DNS_AWAY_PASS, MR_DNS_AWAY_DEFER };
enum mr_clamd_mode { MR_CLAMD_FILDES, MR_CLAMD_STREAM };
enum mr_clamd_away { MR_CLAMD_AWAY_DEFER, MR_CLAMD_AWAY_TAG, MR_CLAMD_AWAY_PASS };
enum mr_virus_action { MR_VIRUS_REJECT, MR_VIRUS_QUARANTINE };

#define MR_MILTER_WORDS_MAX 32768 /* bytes of a list of words */

extern const struct mr_option mr_milter_options[];
int mr_milter_validate(const void *conf, struct mr_diag *diag);

/* What the front's threads need of it: copied, so that a reload does not take it from under a message. Counted; any thread. */
struct mr_settings {
	_Atomic unsigned refs;
	char *hostname, *quarantine_dir, *evaluations_dir, *keyring_file;
	char *forwarder; /* address in whose name mail is forwarded: its domain seals */
	uint64_t message_max, scan_timeout, dns_timeout, directory_timeout;
	struct mr_thresholds thresholds;
	enum mr_outbound_action outbound_action;
	bool outbound_scan, allow_unproven;
	struct mr_grey_rules grey;
	struct mr_arena *arena; /* of scores */
	struct mr_scores scores;
	int on_error, foreign_from, dns_away;
	size_t sessions_max;
	bool clamd; /* it is asked */
	bool virus_withhold;
	uint64_t clamd_max_size, clamd_timeout;
	int clamd_away;
	uint64_t dns_lists_timeout;
	char *virus_suspicious; /* beginnings of names, spaces between */
	double virus_suspicious_score;
	struct mr_fuzzy_scores fuzzy_scores;
	struct mr_net *trusted, *exempt;
	size_t n_trusted, n_exempt;
};
/* The rows of dns_lists, read. -EINVAL with the one that is wrong. */
int mr_milter_lists(const struct mr_milter_conf *conf, struct mr_arena *arena, struct mr_scan_setup *s, struct mr_diag *diag);
/* What the scanners need of it, in the arena. */
struct mr_scan_setup mr_milter_setup(const struct mr_milter_conf *conf, struct mr_arena *arena);
/* The name of this host in header fields: free() it. */
char *mr_milter_hostname(const struct mr_milter_conf *conf);
/* Of a configuration that mr_milter_validate() has seen. */
struct mr_scores mr_milter_scores(const struct mr_milter_conf *conf, struct mr_arena *arena);
struct mr_settings *mr_settings_new(const struct mr_milter_conf *conf);
struct mr_settings *mr_settings_ref(struct mr_settings *s);
void mr_settings_unref(struct mr_settings *s); /* NULL is fine */
bool mr_settings_trusts(const struct mr_settings *s, const struct mr_ip *client);
/* Forwarded mail of this client keeps its sender. Family 0, no client, is never exempt. */
bool mr_settings_exempts(const struct mr_settings *s, const struct mr_ip *client);
