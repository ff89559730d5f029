/* own-exe: for the milter under valgrind, preloaded. It starts its scanner master as /proc/self/exe, which the kernel takes for valgrind;
 * by its name it is found. */

/* system */
#include <dlfcn.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

typedef int spawn_function(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
			   char *const[]);

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr, char *const argv[],
		char *const env[])
{
	spawn_function *real = (spawn_function *)dlsym(RTLD_NEXT, "posix_spawn");
	char name[4096] = "";

	if (strcmp(path, "/proc/self/exe") == 0 && readlink(path, name, sizeof(name) - 1) > 0)
		path = name;
	return real(pid, path, actions, attr, argv, env);
}
