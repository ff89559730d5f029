#!/usr/bin/python3
"""lookup-maps: every file in lookup/maps is in the list that the table is made from, opens with its name, and is described in the manual page."""

import pathlib
import re
import sys

lookup = pathlib.Path(sys.argv[1]) / "lookup"
files = {path.stem for path in (lookup / "maps").glob("*.c")}
lists = re.findall(r"^lookup(?:_secret)?_maps = \[(.*?)\]", (lookup / "maps/meson.build").read_text(), re.S | re.M)
listed = {name for names in lists for name in re.findall(r"'([a-z-]+)'", names)}
manual = (lookup / "mailreeve-lookup.8").read_text()
described = set(re.findall(r"^\.It Cm ([a-z-]+)$", manual[manual.index(".Sh MAPS"):manual.index(".Sh OPTIONS")], re.M))
wrong = [f"{name}: not in lookup/maps/meson.build" for name in files - listed]
wrong += [f"{name}: not in mailreeve-lookup(8)" for name in files - described]
wrong += [f"{name}: described, but there is no such map" for name in described - files]
wrong += [f"{name}.c: does not open with its name" for name in files if not (lookup / "maps" / f"{name}.c").read_text().startswith(f"/* {name}: ")]
assert files, "no maps found"
print("\n".join(sorted(wrong)))
sys.exit(1 if wrong else 0)
