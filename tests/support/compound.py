"""Compound files as Office and Outlook write them ([MS-CFB]), for tests: streams by name, all in one storage."""

import struct

SECTOR, SMALL, FEW = 512, 64, 4096
END, FREE, TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def chain(first, n):
    """What the table has for n sectors in a row."""
    return [*range(first + 1, first + n), END] if n else []


def padded(data, size):
    return data + b"\0" * (-len(data) % size)


def entry(name, kind, first, size):
    text = name.encode("utf-16le")
    return (text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text) + 2, kind, 1, FREE, FREE, 1 if kind == 5 else FREE) + b"\0" * 36
            + struct.pack("<IQ", first, size))


def compound(**streams):
    """The bytes of one; in names, "_dot_" stands for a dot and "_one_" for the character 1."""
    streams = {name.replace("_dot_", ".").replace("_one_", "\1"): data for name, data in streams.items()}
    small, small_table, large, entries = b"", [], b"", []
    for name, data in streams.items():
        if len(data) < FEW:
            n = -(-len(data) // SMALL)
            entries.append((name, len(small_table), len(data)))
            small_table += chain(len(small_table), n)
            small += padded(data, SMALL)
        else:
            entries.append((name, None, len(data)))
            large += padded(data, SECTOR)
    n_entries = -(-(len(entries) + 1) // 4)
    n_small_table = -(-len(small_table) // 128)
    n_small = -(-len(small) // SECTOR)
    first = {"directory": 1, "small_table": 1 + n_entries, "small": 1 + n_entries + n_small_table, "large": 1 + n_entries + n_small_table + n_small}
    table = [TABLE] + chain(1, n_entries) + chain(first["small_table"], n_small_table) + chain(first["small"], n_small)
    directory, at = entry("Root Entry", 5, first["small"] if n_small else END, len(small)), first["large"]
    for name, where, size in entries:
        if where is None:
            n = -(-size // SECTOR)
            directory += entry(name, 2, at, size)
            table += chain(at, n)
            at += n
        else:
            directory += entry(name, 2, where if size else END, size)
    assert len(table) <= 128
    head = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHHHIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, 1, 1, 0, FEW,
            first["small_table"] if n_small_table else END, n_small_table, END, 0))
    head += struct.pack("<109I", 0, *[FREE] * 108)
    return (head + struct.pack("<128I", *table, *[FREE] * (128 - len(table))) + padded(directory, SECTOR)
            + padded(struct.pack(f"<{len(small_table)}I", *small_table), SECTOR) + padded(small, SECTOR) + large)


def outlook_message(name, content):
    """A .msg with a file in it."""
    return compound(**{"__properties_version1.0": b"\0" * 32, "__substg1.0_0037001F": "Subject".encode("utf-16le"),
                       "__substg1.0_3707001F": name.encode("utf-16le"), "__substg1.0_37010102": content})


def package(name, content):
    """A file that was dropped into a document."""
    text = name.encode() + b"\0"
    body = struct.pack("<H", 2) + text + text + struct.pack("<II", 0x30000, len(text)) + text + struct.pack("<I", len(content)) + content
    return compound(_one_Ole10Native=struct.pack("<I", len(body)) + body)
