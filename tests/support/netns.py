"""Network namespaces of one process, and packets that are lost in them."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
LOSS = "add table inet loss\nadd chain inet loss in {{ type filter hook input priority 0; }}\nadd rule inet loss in numgen random mod 100 < {percent} drop\n"


@contextlib.contextmanager
def own_network():
    """Inside the block this thread, and all threads and processes that it starts, have a network of their own: the loopback alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            if libc.setns(before, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(before)


@contextlib.contextmanager
def loss(percent, under=()):
    """So many of a hundred packets that arrive are lost. `under`: words before a command that bring it into the namespace."""
    subprocess.run([*under, "nft", "-f", "-"], input=LOSS.format(percent=percent), text=True, check=True)
    try:
        yield
    finally:
        subprocess.run([*under, "nft", "delete", "table", "inet", "loss"], check=True)
