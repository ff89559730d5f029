/* reload: the configuration of a daemon, loaded beside the old one and taken only as a whole. */

/* system */
#include <string.h>

/* ours */
#include "app/instance.h"
#include "base/mem.h"
#include "rt/log.h"
#include "rt/systemd.h"

int instance_load(const struct instance *in, void **conf, struct mr_diag *diag)
{
	void *fresh = mr_alloc(in->d->conf_size);
	int rc = mr_conf_load(in->app.conf_path, in->conf_given, in->tables, fresh, diag);

	if (rc == 0 && in->d->validate)
		rc = in->d->validate(fresh, diag);
	if (rc < 0)
		instance_conf_free(in, fresh);
	else
		*conf = fresh;
	return rc < 0 ? rc : 0;
}

void instance_conf_free(const struct instance *in, const void *conf)
{
	void *own = (void *)(uintptr_t)conf; /* made by instance_load() */

	if (!own)
		return;
	mr_conf_free(in->tables, own);
	free(own);
}

static size_t value_size(enum mr_option_type type)
{
	switch (type) {
	case MR_OPT_STRING:
	case MR_OPT_PATH:
	case MR_OPT_ADDRESS:
	case MR_OPT_DOMAIN:
	case MR_OPT_HOSTPORT:
		return sizeof(char *);
	case MR_OPT_BOOL:
		return sizeof(bool);
	case MR_OPT_INT:
		return sizeof(int64_t);
	case MR_OPT_SIZE:
	case MR_OPT_DURATION:
		return sizeof(uint64_t);
	case MR_OPT_SCORE:
		return sizeof(double);
	case MR_OPT_ENUM:
		return sizeof(int);
	case MR_OPT_NETS:
		return sizeof(struct mr_conf_nets);
	case MR_OPT_STRINGS:
		return sizeof(struct mr_conf_strings);
	}
	return 0;
}

struct change {
	void *old, *fresh;
	size_t n;
};

/* A value that waits for a restart stays: old and new are exchanged, so each is still freed once. */
static void on_change(const struct mr_option *o, void *arg)
{
	struct change *c = arg;
	char *old = (char *)c->old + o->offset, *fresh = (char *)c->fresh + o->offset, keep[64];
	size_t n = value_size(o->type);

	if (o->reload != MR_RELOAD_RESTART) {
		c->n++;
		return;
	}
	mr_log(MR_LOG_WARNING, "option-waits-for-restart", mr_s("section", o->section ? o->section : "shared"), mr_s("option", o->name));
	memcpy(keep, old, n);
	memcpy(old, fresh, n);
	memcpy(fresh, keep, n);
}

static void take(struct instance *in, void *fresh)
{
	const struct mr_conf_shared *shared = fresh;
	void *old = (void *)(uintptr_t)in->app.conf;
	struct change change = { old, fresh, 0 };

	mr_conf_diff(in->tables, old, fresh, on_change, &change);
	mr_log_open(in->program, shared->log_target, (enum mr_log_level)shared->log_level);
	in->app.conf = fresh;
	if (in->d->reload)
		in->d->reload(&in->app, old);
	instance_conf_free(in, old);
	mr_log(MR_LOG_NOTICE, "reloaded", mr_u("changed", change.n));
}

int instance_reload(struct instance *in, struct mr_diag *diag)
{
	void *fresh = NULL;
	int rc;

	mr_systemd_reloading();
	rc = instance_load(in, &fresh, diag);
	if (rc < 0)
		mr_log(MR_LOG_ERROR, "reload-refused", mr_s("reason", diag->text));
	else
		take(in, fresh);
	mr_systemd_ready(in->app.loop, rc < 0 ? "reload refused, running with the old configuration" : "running");
	return rc;
}
