"""Domains, users and aliases of a stack, made by the `mailreeve` command."""

import re

from . import daemons, layout, zones

PASSWORD = "a horse, a battery, a staple"

# Who lives on the hosted domain, for the demo and the tests alike. Tests that change an account make one of their own.
USERS = {
    "anna": [],
    "ben": [],
    "dora": [],
    "ernst": ["--disabled"],
    "robot": ["--send-only"],
}
ALIASES = {
    "info": ["anna"],
    "sales": ["anna", "ben"],
    "both": ["ben", "someone@" + layout.ELSEWHERE],
    "outside": ["someone@" + layout.ELSEWHERE],
    "press": ["anna", "dora"],
    "machine": ["robot"],
}
CATCH_ALL = "shop." + layout.DOMAIN   # every address there leads to ben


def address(name):
    return name if "@" in name else f"{name}@{layout.DOMAIN}"


def populate(lay):
    for domain in (layout.DOMAIN, CATCH_ALL):
        add_domain(lay, domain)
    for name, options in USERS.items():
        add_user(lay, name, *options)
    for name, destinations in ALIASES.items():
        daemons.cli(lay, "alias", "add", address(name), *map(address, destinations))
    daemons.cli(lay, "alias", "add", "@" + CATCH_ALL, address("ben"))
    daemons.cli(lay, "user", "set", address("dora"), "--deny", layout.FOREIGN)


def add_domain(lay, domain, *options):
    """Hosted from now on, its DKIM key published."""
    daemons.cli(lay, "domain", "add", domain, *options)
    publish(lay, domain)


def publish(lay, domain):
    shown = daemons.cli(lay, "dkim", "show", domain)
    for name, strings in re.findall(r"^(\S+)\s+IN\s+TXT\s+\(?((?:\s*\"[^\"]*\")+)", shown, re.MULTILINE):
        value = "".join(re.findall(r'"([^"]*)"', strings))
        zones.add(lay, zones.txt(name.rstrip("."), value))


def add_user(lay, name, *options, password=PASSWORD):
    daemons.cli(lay, "user", "add", address(name), *options, stdin=password + "\n")
    return address(name)
