/* settings: what the options come to, for the front's threads and for scanners; see options.h. */

/* system */
#include <stdatomic.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "options.h"
#include "rt/redis.h"

struct mr_scores mr_milter_scores(const struct mr_milter_conf *conf, struct mr_arena *arena)
{
	struct mr_scores s = { 0 };

	mr_scores_parse(conf->symbol_scores.v, conf->symbol_scores.n, conf->group_caps.v, conf->group_caps.n, arena, &s, NULL);
	return s;
}

int mr_milter_lists(const struct mr_milter_conf *c, struct mr_arena *arena, struct mr_scan_setup *s, struct mr_diag *diag)
{
	struct mr_slice *rows = mr_arena_alloc(arena, c->dns_lists.n * sizeof(*rows) + 1);

	for (size_t i = 0; i < c->dns_lists.n; i++)
		rows[i] = mr_slice_of(c->dns_lists.v[i]);
	return mr_scan_setup_lists(s, rows, c->dns_lists.n, arena, diag);
}

char *mr_milter_hostname(const struct mr_milter_conf *conf)
{
	char name[256] = "";

	if (conf->shared.hostname[0])
		return mr_strdup(conf->shared.hostname);
	gethostname(name, sizeof(name) - 1);
	return mr_strdup(name[0] ? name : "localhost");
}

/* Words with spaces between. */
static struct mr_slice join(const struct mr_conf_strings *s, struct mr_arena *arena)
{
	struct mr_buf words = MR_BUF(MR_MILTER_WORDS_MAX);
	struct mr_slice r;

	for (size_t i = 0; i < s->n; i++)
		mr_buf_printf(&words, "%s%s", i ? " " : "", s->v[i]);
	r = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&words)));
	mr_buf_done(&words);
	return r;
}

struct mr_scan_setup mr_milter_setup(const struct mr_milter_conf *conf, struct mr_arena *arena)
{
	const struct mr_redis_config redis = mr_redis_config(&conf->shared);
	mr_autofree char *host = mr_milter_hostname(conf);
	struct mr_scan_setup s = { .hostname = mr_slice_of(mr_arena_strdup(arena, host)),
				   .trusted_sealers = join(&conf->trusted_sealers, arena) };

	s.fuzzy = conf->fuzzy && mr_redis_wanted(&redis);
	s.rule_cache = mr_slice_of(mr_arena_printf(arena, "%s/milter/rules", conf->shared.state_dir));
	s.rule_files = mr_arena_alloc(arena, (conf->rule_files.n + 1) * sizeof(*s.rule_files));
	for (size_t i = 0; i < conf->rule_files.n; i++)
		s.rule_files[s.n_rule_files++] = mr_slice_of(mr_arena_strdup(arena, conf->rule_files.v[i]));
	if (conf->attachment_filter)
		s.forbidden_attachments = join(&conf->forbidden_attachments, arena);
	s.lists_skip = join(&conf->dns_lists_skip, arena);
	s.list_questions = (unsigned)conf->dns_lists_questions;
	mr_milter_lists(conf, arena, &s, NULL); /* mr_milter_validate() has seen that they are good */
	return s;
}

static char *forwarder(const struct mr_milter_conf *conf)
{
	mr_autofree char *host = mr_milter_hostname(conf);
	struct mr_buf address = MR_BUF(512);

	mr_buf_printf(&address, "postmaster@%s", conf->shared.srs_domain[0] ? conf->shared.srs_domain : host);
	return mr_buf_steal(&address);
}

static struct mr_net *copy_nets(const struct mr_conf_nets *from)
{
	struct mr_net *nets = mr_new(struct mr_net, from->n + 1);

	for (size_t i = 0; i < from->n; i++)
		nets[i] = from->v[i];
	return nets;
}

struct mr_settings *mr_settings_new(const struct mr_milter_conf *conf)
{
	struct mr_settings *s = mr_new(struct mr_settings, 1);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf dir = MR_BUF(4096), evaluations = MR_BUF(4096);

	mr_buf_printf(&dir, "%s/milter/quarantine", conf->shared.state_dir);
	mr_buf_printf(&evaluations, "%s/milter/dmarc", conf->shared.state_dir);
	*s = (struct mr_settings){
		.refs = 1,
		.hostname = mr_milter_hostname(conf),
		.forwarder = forwarder(conf),
		.quarantine_dir = mr_buf_steal(&dir),
		.evaluations_dir = mr_buf_steal(&evaluations),
		.keyring_file = mr_strdup(conf->shared.dkim_keyring_file),
		.message_max = conf->message_max,
		.scan_timeout = conf->scan_timeout,
		.dns_timeout = conf->dns_timeout,
		.directory_timeout = conf->directory_timeout,
		.thresholds = conf->thresholds,
		.arena = mr_arena_new(0),
		.grey = conf->grey,
		.outbound_action = (enum mr_outbound_action)conf->outbound_action,
		.outbound_scan = conf->outbound_scan,
		.on_error = conf->on_error,
		.foreign_from = conf->foreign_from,
		.dns_away = conf->dns_away,
		.allow_unproven = conf->allow_unproven,
		.sessions_max = (size_t)conf->sessions_max,
		.dns_lists_timeout = conf->dns_lists_timeout,
		.clamd = conf->clamd.n > 0,
		.virus_withhold = conf->virus_action == MR_VIRUS_QUARANTINE,
		.clamd_max_size = conf->clamd_max_size,
		.clamd_timeout = conf->clamd_timeout,
		.clamd_away = conf->clamd_away,
		.virus_suspicious = mr_strdup(join(&conf->virus_suspicious, arena).p),
		.virus_suspicious_score = conf->virus_suspicious_score,
		.fuzzy_scores = conf->fuzzy_scores,
		.trusted = copy_nets(&conf->shared.trusted_networks),
		.n_trusted = conf->shared.trusted_networks.n,
		.exempt = copy_nets(&conf->forward_exempt_networks),
		.n_exempt = conf->forward_exempt_networks.n,
	};
	s->scores = mr_milter_scores(conf, s->arena);
	return s;
}

struct mr_settings *mr_settings_ref(struct mr_settings *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void mr_settings_unref(struct mr_settings *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	mr_arena_free(s->arena);
	free(s->hostname);
	free(s->forwarder);
	free(s->quarantine_dir);
	free(s->evaluations_dir);
	free(s->keyring_file);
	free(s->virus_suspicious);
	free(s->trusted);
	free(s->exempt);
	free(s);
}

static bool has(const struct mr_net *nets, size_t n, const struct mr_ip *client)
{
	for (size_t i = 0; i < n; i++)
		if (mr_net_has(&nets[i], client))
			return true;
	return false;
}

bool mr_settings_trusts(const struct mr_settings *s, const struct mr_ip *client)
{
	return has(s->trusted, s->n_trusted, client);
}

bool mr_settings_exempts(const struct mr_settings *s, const struct mr_ip *client)
{
	return has(s->exempt, s->n_exempt, client);
}
