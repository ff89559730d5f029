/* auth-modules: a private Dovecot's auth processes look for their modules in the folder MR_AUTH_MODULES. The stock folder is compiled into
 * them, and a test must not write there. For LD_PRELOAD; never installed. */

/* system */
#include <dlfcn.h>
#include <stdlib.h>

/* libraries */
#include <lib.h>
#include <module-dir.h>

struct module *module_dir_load_missing(struct module *old_modules, const char *dir, const char *module_names,
				       const struct module_dir_load_settings *set)
{
	struct module *(*next)(struct module *, const char *, const char *, const struct module_dir_load_settings *);
	const char *folder = getenv("MR_AUTH_MODULES");

	*(void **)&next = dlsym(RTLD_NEXT, "module_dir_load_missing");
	return next(old_modules, folder ? folder : dir, module_names, set);
}
