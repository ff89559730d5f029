"""`mailreeve setup`: secrets that are made once, and the shipped files with the options filled in."""

import os
import pathlib
import re
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MR_PROGRAMS") or os.environ.get("MR_BUILD") or SOURCE / "build")
VERBS = BUILD / "admin/verbs"


def test_setup_keys(tmp_path):
    conf = tmp_path / "mailreeve.conf"
    conf.write_text(f"dkim_keyring_file = {tmp_path}/ring\nsrs_secret_file = {tmp_path}/srs\nrelay_keyring_file = {tmp_path}/relay\n"
                    f"login_key_file = {tmp_path}/login\n"
                    f"setup {{\n login_dovecot_file = {tmp_path}/dovecot\n}}\n")
    names = ("ring", "srs", "login", "dovecot", "relay")
    run = [str(VERBS / "mailreeve"), "-c", str(conf), "setup", "keys"]
    subprocess.run(run, check=True, capture_output=True)
    made = [(tmp_path / name).read_text() for name in names]
    assert all(re.fullmatch(r"k1 [A-Za-z0-9+/]{43}=\n", made[i]) for i in (0, 4)) and made[0] != made[4]
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{43}=\n", text) for text in made[1:3])
    assert f"\nauth_policy_server_api_header = {made[2]}" in made[3] and re.search(r"\nauth_policy_hash_nonce = [0-9a-f]{32}\n$", made[3])
    assert all((tmp_path / name).stat().st_mode & 0o777 == 0o640 for name in names)
    (tmp_path / "dovecot").unlink()  # made again of the same key: the same
    subprocess.run(run, check=True, capture_output=True)
    assert [(tmp_path / name).read_text() for name in names] == made


def test_setup_print(tmp_path):
    conf, templates = tmp_path / "mailreeve.conf", tmp_path / "templates/postfix"
    templates.mkdir(parents=True)
    (tmp_path / "cert").touch()
    conf.write_text(f"run_dir = /run/x\nhostname = mx.example.org\nsetup {{\n\ttls_cert_file = {tmp_path}/cert\n\ttls_key_file = {tmp_path}/cert\n"
                    "\tmessage_size_limit = 2M\n}\n")
    given = conf.read_text()
    main = templates / "main.cf"
    run = [str(VERBS / "mailreeve"), "-c", str(conf), "setup", "print", "postfix-main", "--templates", str(templates.parent)]
    main.write_text("myhostname = {{hostname}}\nsize = {{message_size_limit}}\nsocket = {{run_dir}}/a\nport = {{forward_port}} ${x} {y}\n")
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    assert done.stdout == "myhostname = mx.example.org\nsize = 2097152\nsocket = /run/x/a\nport = 10027 ${x} {y}\n"
    for listen, shown in (('""', "url = mode = 0600\n"), ('"127.0.0.1:7"', "url = http://127.0.0.1:7/mode = 0\n")):
        conf.write_text(f"login_listen = {listen}\n{given}")
        main.write_text("url = {{login_url}}mode = {{login_penalty_mode}}\n")
        assert subprocess.run(run, check=True, capture_output=True, text=True).stdout == shown
    for bad in ("a\n{{no_such_option}}\n", "a\n{{hostname\n", "a\n{{"):
        main.write_text(bad)
        done = subprocess.run(run, check=False, capture_output=True, text=True)
        assert done.returncode == 1 and "main.cf:2" in done.stderr and done.stdout == "", done
    (tmp_path / "cert").unlink()
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    assert done.returncode == 1 and "tls_cert_file" in done.stderr
