"""A real Dovecot (IMAP, POP3, LMTP) in a folder of its own; every user exists.

The password of every user is `secret`. All ports are free loopback ports.
"""

from __future__ import annotations

import contextlib
import grp
import imaplib
import os
import pwd
import re
import shutil
import smtplib
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from postrail.embedded.ports import LOOPBACK, answers, choose_ports
from postrail.embedded.processes import Child
from tests.servers.certificates import Certificates

PASSWORD = "secret"
INSTALL = "scripts/install-test-parts.sh"
PORTS = ("imap", "imaps", "pop3", "pop3s", "lmtp", "sasl")
READY_SECONDS = 20.0
COMMAND_SECONDS = 60.0
NOBODY = 65534

CONFIGURATION = """
protocols = imap pop3 lmtp
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = {folder.name}
listen = 127.0.0.1
log_path = {folder}/dovecot.log
mail_location = {mail_location}
mail_home = {folder}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
default_internal_user = {internal_user}
default_internal_group = {internal_group}
default_login_user = {login_user}
default_vsz_limit = 1024 M
ssl = yes
ssl_cert = <{certificates.certificate_file}
ssl_key = <{folder}/server.key
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_username_chars =
auth_failure_delay = 0 secs
mail_max_userip_connections = 500
mail_fsync = never
{tokens}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Processed {{
    auto = create
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  client_limit = 1000
  process_min_avail = 1
  inet_listener imap {{
    port = {ports[imap]}
  }}
  inet_listener imaps {{
    port = {ports[imaps]}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  client_limit = 1000
  inet_listener pop3 {{
    port = {ports[pop3]}
  }}
  inet_listener pop3s {{
    port = {ports[pop3s]}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 500
  client_limit = {sessions_per_process}
  service_count = {sessions_until_end}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {ports[lmtp]}
  }}
}}
service auth {{
  inet_listener sasl {{
    address = 127.0.0.1
    port = {ports[sasl]}
  }}
}}
# Failed logins would slow down the next ones from the same address.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

# Dovecot checks tokens by asking the provider that issued them (RFC 7662).
TOKENS = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.ext
}}
"""


class Dovecot:
    """One server. When the tests run as root, other users must be able to enter its folder."""

    host = "localhost"
    password = PASSWORD

    def __init__(
        self,
        folder: Path,
        certificates: Certificates,
        *,
        introspection: str = "",
        token_mechanisms: str = "xoauth2 oauthbearer",
        sessions_per_process: int = 1,
        mail_location: str = "mdbox:~/mdbox",
    ) -> None:
        """Makes a server; `introspection` (settings of Dovecot's) adds tokens of a provider."""
        self._mail_location = mail_location
        self._folder = folder
        trust = f"tls_ca_cert_file = {folder}/ca.pem\n"
        self._introspection = introspection and introspection + trust
        self._mechanisms = f"plain login {token_mechanisms if introspection else ''}".strip()
        # Above 1 for thousands of idle sessions, which then need fewer processes.
        self._sessions_per_process = sessions_per_process
        self._certificates = certificates
        self.ports = choose_ports(PORTS)
        # Further lines of dovecot.conf, from the next start on.
        self.more_settings = ""
        self._configuration = folder / "dovecot.conf"
        self._child = Child(
            "Dovecot",
            [program("dovecot"), "-F", "-c", str(self._configuration)],
            log_file=folder / "output.log",
            # After its own end, the master takes seconds to notice that its processes ended.
            whole_group=True,
            stop_seconds=3.0,
        )

    @property
    def pid(self) -> int:
        """Returns the id of its master process."""
        return self._child.pid

    @property
    def imap_port(self) -> int:
        """Returns the port for IMAP with STARTTLS."""
        return self.ports["imap"]

    @property
    def imaps_port(self) -> int:
        """Returns the port for IMAP over TLS."""
        return self.ports["imaps"]

    @property
    def pop3_port(self) -> int:
        """Returns the port for POP3 with STLS."""
        return self.ports["pop3"]

    @property
    def pop3s_port(self) -> int:
        """Returns the port for POP3 over TLS."""
        return self.ports["pop3s"]

    @property
    def lmtp_port(self) -> int:
        """Returns the port for LMTP, which needs no login."""
        return self.ports["lmtp"]

    @property
    def sasl_port(self) -> int:
        """Returns the port where Postfix authenticates users."""
        return self.ports["sasl"]

    @property
    def log(self) -> str:
        """Returns the log since the server was made."""
        return (self._folder / "dovecot.log").read_text(errors="replace")

    def start(self) -> None:
        """Starts the server on the same ports and messages as before; waits until it answers."""
        self._configuration.write_text(self._configured())
        self._child.start()
        ports = (self.imap_port, self.pop3_port, self.lmtp_port)
        self._child.wait_until(lambda: all(map(answers, ports)), READY_SECONDS)

    def stop(self) -> None:
        """Stops it; open connections break."""
        self._child.stop()

    def kill(self) -> None:
        """Kills its master process by SIGKILL."""
        self._child.kill()

    @contextlib.contextmanager
    def connection(self, user: str) -> Iterator[imaplib.IMAP4]:
        """Opens an IMAP connection that is logged in."""
        with imaplib.IMAP4(LOOPBACK, self.imap_port) as client:
            client.login(user, PASSWORD)
            yield client

    def append(
        self, user: str, message: bytes, folder: str = "INBOX", when: datetime | None = None
    ) -> int:
        """Adds a message by IMAP, received at `when` (aware); returns its UID."""
        date = f'"{when:%d-%b-%Y %H:%M:%S %z}"' if when else ""
        with self.connection(user) as client:
            _, answer = client.append(folder, "", date, message)
        found = re.search(rb"APPENDUID \d+ (\d+)", answer[0])
        assert found is not None, answer
        return int(found[1])

    def deliver(
        self, user: str | Sequence[str], message: bytes, sender: str = "customer@example.org"
    ) -> None:
        """Delivers a message by LMTP, as a mail server in front would."""
        users = [user] if isinstance(user, str) else list(user)
        with smtplib.LMTP(LOOPBACK, self.lmtp_port) as client:
            client.sendmail(sender, users, message)

    def fill(self, user: str, messages: Iterable[bytes]) -> None:
        """Adds many messages to INBOX at once, in order: 10,000 take a second."""
        source = self._folder / "import" / user
        for part in ("cur", "new", "tmp"):
            (source / part).mkdir(parents=True)
        for number, message in enumerate(messages):
            (source / "new" / f"{1_700_000_000 + number}.M{number}.host").write_bytes(message)
        self._give(source)
        self.doveadm("import", "-u", user, f"maildir:{source}", "", "ALL")
        shutil.rmtree(source)

    def put(self, user: str, name: str, message: bytes) -> None:
        """Writes a file of the user's maildir; another content under its UID if it exists."""
        box = self._folder / "mail" / user / "Maildir"
        for part in ("cur", "new", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        present = next(box.glob(f"*/{name}*"), box / "new" / name)
        present.write_bytes(message)
        self._give(box.parent)

    def uids(self, user: str, folder: str = "INBOX") -> list[int]:
        """Returns the UIDs in the folder."""
        return sorted(self.flags(user, folder))

    def flags(self, user: str, folder: str = "INBOX") -> dict[int, set[str]]:
        """Returns the flags of each UID, for example {1: {"\\Seen"}}, without \\Recent."""
        found = {}
        for line in self.doveadm("fetch", "-u", user, "uid flags", "mailbox", folder).split("\f"):
            if match := re.search(r"uid: (\d+)\s+flags:([^\n]*)", line):
                found[int(match[1])] = set(match[2].split()) - {"\\Recent"}
        return found

    def messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Returns the bytes of all messages in the folder, by UID."""
        with self.connection(user) as client:
            client.select(folder, readonly=True)
            _, answer = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
        return [part[1] for part in answer if isinstance(part, tuple)]

    def uidvalidity(self, user: str, folder: str = "INBOX") -> int:
        """Returns the folder's UIDVALIDITY."""
        shown = self.doveadm("mailbox", "status", "-u", user, "uidvalidity", folder)
        return int(shown.strip().rpartition("=")[2])

    def set_uidvalidity(self, user: str, number: int, folder: str = "INBOX") -> None:
        """Changes UIDVALIDITY, as restoring a mailbox from a backup would."""
        self.doveadm("mailbox", "update", "-u", user, "--uid-validity", str(number), folder)

    def kick(self, user: str) -> None:
        """Disconnects the user's sessions."""
        self.doveadm("kick", user)

    def doveadm(self, *arguments: str) -> str:
        """Runs an administration command; returns what it prints."""
        done = subprocess.run(
            [program("doveadm"), "-c", str(self._configuration), *arguments],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        # 68 is doveadm's "nothing found", for example no session to kick.
        if done.returncode not in (0, 68):
            raise RuntimeError(f"doveadm {arguments}: {done.stderr}")
        return done.stdout

    def _configured(self) -> str:
        (self._folder / "mail").mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o755)
        self._give(self._folder / "mail")
        # A copy that only we can read, as Dovecot warns of others.
        key = self._folder / "server.key"
        shutil.copyfile(self._certificates.key_file, key)
        key.chmod(0o600)
        # Dovecot's own users cannot enter the folder of the certificates.
        shutil.copyfile(self._certificates.ca_file, self._folder / "ca.pem")
        (self._folder / "oauth2.ext").write_text(self._introspection)
        root = os.geteuid() == 0
        us = pwd.getpwuid(os.geteuid()).pw_name
        return self.more_settings + CONFIGURATION.format(
            folder=self._folder,
            certificates=self._certificates,
            mail_location=self._mail_location,
            ports=self.ports,
            password=PASSWORD,
            mechanisms=self._mechanisms,
            tokens=TOKENS.format(folder=self._folder) if self._introspection else "",
            sessions_per_process=self._sessions_per_process,
            sessions_until_end=1 if self._sessions_per_process == 1 else 0,
            uid=NOBODY if root else os.geteuid(),
            gid=NOBODY if root else os.getegid(),
            internal_user="dovecot" if root else us,
            internal_group="dovecot" if root else grp.getgrgid(os.getegid()).gr_name,
            login_user="dovenull" if root else us,
        )

    def _give(self, folder: Path) -> None:
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)


def program(name: str) -> str:
    """Returns the path of a Debian program; fails with the command to run when it is missing."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if path is None:
        raise AssertionError(f"{name} is missing on this machine; run {INSTALL}")
    return path
