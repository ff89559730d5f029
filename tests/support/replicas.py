"""A primary MariaDB and asynchronous replicas of it that tests may stop, and whose replication they may hold."""

import pathlib
import socket
import time

import mariadb


def unused_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not within its time"
        time.sleep(0.05)


class Pair:
    """`first` is written to, `second` is its replica and read only."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.first = mariadb.MariaDB(self.folder / "first", unused_port(), self.options(1))
        self.second = mariadb.MariaDB(self.folder / "second", 0, [*self.options(2), "--read-only=1"])

    @staticmethod
    def options(number):
        return [f"--server-id={number}", "--log-bin=log", "--binlog-format=ROW", "--relay-log=relay", "--sync-binlog=1"]

    def start(self):
        self.first.start().sql("CREATE USER copier@'%' IDENTIFIED BY 'copies'; GRANT REPLICATION SLAVE ON *.* TO copier@'%';")
        self.second.start().sql(f"CHANGE MASTER TO master_host='127.0.0.1', master_port={self.first.port}, master_user='copier', master_password='copies', "
                                "master_use_gtid=slave_pos, master_connect_retry=1; START SLAVE;")
        return self

    def in_step(self):
        """Until the replica has all there is."""
        at = self.first.sql("SELECT @@gtid_binlog_pos")[0][0]
        assert self.second.sql(f"SELECT MASTER_GTID_WAIT('{at}', 30)") == [["0"]]

    def hold(self):
        self.in_step()
        self.second.sql("STOP SLAVE SQL_THREAD")

    def release(self):
        self.second.sql("START SLAVE SQL_THREAD")

    def received(self):
        """Until all that the first has written is in the replica's hands, though not applied."""
        file, position = self.first.sql("SHOW MASTER STATUS")[0][:2]

        def has():
            status = self.second.sql("SHOW SLAVE STATUS")[0]
            return (status[5], int(status[6])) >= (file, int(position))
        until(has)

    def remove(self):
        self.first.remove()
        self.second.remove()
