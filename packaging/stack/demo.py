"""The demo: a private mail host, real mail through every path, one line a step. Started by packaging/demo, which installs and builds before.

usage: python3 -m stack.demo [--check] [--keep DIR] [--port-base N]

--check        verify and stop; exit 0 when every step did what it should
--keep DIR     use this folder and leave it (with its mail and logs) afterwards
--port-base N  the hundred ports from N on, in place of free ones"""

import argparse
import os
import signal
import sys
import time

from . import admin, demo_steps, host, layout, mail

READY = """
The host stays up until Ctrl-C. Everything is below {dir}; demo.env there names it for scripts.

  user                anna@{domain} (also ben, dora); password: {password}
  submission          localhost:{submission} (STARTTLS), localhost:{submissions} (TLS)
  IMAP, POP3          localhost:{imap}, localhost:{pop3} (STARTTLS); localhost:{imaps}, localhost:{pop3s} (TLS)
  from outside        localhost:{smtp}
  certificate         signed by {dir}/tls/ca.pem
  mail to the world   lands in {dir}/sink
  administration      {dir}/mailreeve user list, {dir}/mailreeve check, ...
"""


def write_env(lay):
    """demo.env for whoever drives the demo from outside."""
    values = {"DIR": lay.dir, "CONF": lay.conf, "CLI": lay.cli, "CA": lay.tls / "ca.pem", "DOMAIN": layout.DOMAIN, "SINK_DIR": lay.sink}
    for name in ("smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "sieve", "dns"):
        values["PORT_" + name.upper()] = lay.ports[name]
    (lay.dir / "demo.env").write_text("".join(f"MR_{name}={value}\n" for name, value in values.items()))


def run_steps(running):
    """How many steps failed."""
    failed = 0
    client = mail.Client(running.lay)
    for step in demo_steps.STEPS:
        try:
            print(f"ok      {step.__doc__}: {step(running, client)}", flush=True)
        except Exception as error:  # each step is reported, whatever went wrong in it
            failed += 1
            print(f"FAILED  {step.__doc__}: {type(error).__name__}: {error}", flush=True)
    return failed


def stay(lay):
    print(READY.format(dir=lay.dir, domain=layout.DOMAIN, password=admin.PASSWORD, **lay.ports), flush=True)
    signal.pause()


def main():
    parser = argparse.ArgumentParser(prog="packaging/demo", description="A private mail host with real mail through every path.")
    parser.add_argument("--check", action="store_true", help="verify and stop; exit 0 when every step did what it should")
    parser.add_argument("--keep", metavar="DIR", help="use this folder and leave it afterwards")
    parser.add_argument("--port-base", type=int, metavar="N", help="the hundred ports from N on, in place of free ones")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell had SIGINT ignored for a background job
        signal.signal(number, signal.default_int_handler)
    if options.keep and os.path.isdir(options.keep) and os.listdir(options.keep):
        print(f"FAILED  {options.keep} is not empty: each demo wants a folder of its own", file=sys.stderr)
        return 1
    began = time.monotonic()
    try:
        with host.Host(options.keep and os.path.abspath(options.keep), options.port_base) as running:
            admin.populate(running.lay)
            write_env(running.lay)
            print(f"ok      a mail host for {layout.DOMAIN} below {running.lay.dir}: up after {time.monotonic() - began:.1f} s", flush=True)
            failed = run_steps(running)
            print(f"{len(demo_steps.STEPS) - failed} steps went as they should, {failed} did not ({time.monotonic() - began:.1f} s)", flush=True)
            if not options.check:
                stay(running.lay)
    except KeyboardInterrupt:
        print("stopped")
        return 0
    except (OSError, RuntimeError, ValueError) as error:
        print(f"FAILED  {error}", file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
