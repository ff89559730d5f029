/* settings: the options of section policyd. */

/* ours */
#include "policyd.h"

#define SECOND 1000LL

#define OPTION(option, kind, where, text, low, high, words, how, sentence)                                                                 \
	{                                                                                                                                  \
		.section = "policyd", .name = option, .type = kind, .offset = offsetof(struct mr_policyd_conf, where), .def = text,        \
		.min = low, .max = high, .choices = words, .reload = how, .help = sentence                                                 \
	}

const struct mr_option mr_policyd_options[] = {
	OPTION("directory_socket", MR_OPT_PATH, directory_socket, "{{run_dir}}/lookup/directory.sock", 1, 0, NULL, MR_RELOAD_RESTART,
	       "Where mailreeve-lookup answers."),
	OPTION("deadline", MR_OPT_DURATION, deadline, "5s", 100, 15 * SECOND, NULL, MR_RELOAD_YES,
	       "When a request without an answer of the directory is decided by on_error; Postfix itself waits 20 s."),
	OPTION("clients_max", MR_OPT_INT, clients_max, "1000", 1, 60000, NULL, MR_RELOAD_RESTART,
	       "Connections of Postfix; further ones are closed at once."),
#define CHECK(name)                                                                                                                        \
	OPTION(#name "_mode", MR_OPT_ENUM, mode[MR_CHECK_##name], "enforce", 0, 0, "off|observe|enforce", MR_RELOAD_YES,                   \
	       "Whether the check " #name " refuses mail, only logs what it would refuse, or is not run."),                                \
	    OPTION(#name "_on_error", MR_OPT_ENUM, on_error[MR_CHECK_##name], "pass", 0, 0, "pass|defer", MR_RELOAD_YES,                   \
		   "What the check " #name " does when the directory cannot tell: let the mail pass, or answer 451."),
#include "checks/check-list.h"
#undef CHECK
	MR_OPTIONS_END,
};
