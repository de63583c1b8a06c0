"""Runs a real Postfix in a folder of its own, which delivers into a Dovecot by LMTP.

It accepts mail for `lab.test` from clients that have logged in (password `secret`, as for Dovecot),
and discards mail for other domains, but for `dead.test`, whose mail it accepts and then bounces.
Extensions (bounces+x@lab.test) are delivered as the address without. Three recipients fail at RCPT:
full@ (552), grey@ (450) and gone@lab.test (550). Logging in needs TLS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from postrail.embedded.ports import answers, choose_ports
from postrail.embedded.process_ids import until
from postrail.embedded.processes import Child
from tests.servers.certificates import Certificates
from tests.servers.dovecot import INSTALL, PASSWORD, Dovecot

READY_SECONDS = 30.0
STOP_SECONDS = 20.0
MASTER = Path("/usr/lib/postfix/sbin/master")

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.lab.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.0.2.0/24
smtpd_tls_chain_files = {folder}/server.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl_port}
# The default answers 454 to a refused relay, which looks temporary.
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
  check_recipient_access inline:{{ {{ full@lab.test = 552 5.2.2 mailbox full }},
    {{ grey@lab.test = 450 4.2.0 greylisted }}, {{ gone@lab.test = 550 5.1.1 no such user }} }},
  permit_sasl_authenticated, reject_unauth_destination
virtual_mailbox_domains = lab.test
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
message_size_limit = 41943040
mailbox_size_limit = 0
default_transport = discard:
relay_transport = discard:
recipient_delimiter = +
transport_maps = inline:{{ {{ dead.test = smtp:[127.0.0.1]:{dead_port} }} }}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
"""

SERVICES = """
{ports[smtp]} inet n - n - - smtpd
{ports[smtps]} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
{ports[dead]} inet n - n - - smtpd
  -o myhostname=mx.dead.test
  -o {{ smtpd_relay_restrictions = check_recipient_access static:{{550 5.1.1 no such user here}} }}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


# Run by root. Makes the queue as `postfix check` would, then runs the master (not `postfix start`,
# whose daemon would outlive us) until the file `wanted` or the process that made it is gone.
START = """
cd {folder} || exit 1
umask 022
mkdir -p queue data
cd queue
mkdir -p active bounce corrupt defer deferred flush hold incoming private saved trace
mkdir -p public maildrop pid
chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace ../data
chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace
chown postfix:postdrop public maildrop
chmod 710 public
chmod 730 maildrop
cd ..
MAIL_CONFIG={folder}/conf {master} -c {folder}/conf -d &
master=$!
trap 'kill $master; wait $master; chown -R {owner} {folder}; exit 0' EXIT
trap 'exit 0' TERM
while [ -e wanted ] && kill -0 {parent} 2> /dev/null && kill -0 $master; do
    sleep 0.1
done
kill -0 $master 2> /dev/null || tail -n 5 mail.log
"""


class Postfix:
    """One server in front of a Dovecot. It must run as root: directly, or by sudo."""

    host = "localhost"
    password = PASSWORD

    def __init__(self, folder: Path, certificates: Certificates, dovecot: Dovecot) -> None:
        if not MASTER.exists():
            raise AssertionError(f"Postfix is missing on this machine; run {INSTALL}")
        self._folder = folder
        self._certificates = certificates
        self._dovecot = dovecot
        self._wanted = folder / "wanted"
        # Further lines of main.cf, from the next start on.
        self.more_settings = ""
        self.ports = choose_ports(("smtp", "smtps", "dead"))
        self._child = Child(
            "Postfix",
            [*as_root(), "sh", f"{folder}/start.sh"],
            log_file=folder / "output.log",
        )

    @property
    def smtp_port(self) -> int:
        """Returns the port for SMTP with STARTTLS."""
        return self.ports["smtp"]

    @property
    def smtps_port(self) -> int:
        """Returns the port for SMTP over TLS."""
        return self.ports["smtps"]

    @property
    def log(self) -> str:
        """Returns the log so far."""
        return (self._folder / "mail.log").read_text(errors="replace")

    def start(self) -> None:
        """Starts the server, on the same ports and queue as before; waits until it answers."""
        self._write_configuration()
        self._wanted.touch()
        self._child.start()
        self._child.wait_until(
            lambda: answers(self.smtp_port) and answers(self.smtps_port), READY_SECONDS
        )

    def stop(self) -> None:
        """Stops the server; keeps its queue."""
        self._wanted.unlink(missing_ok=True)
        assert until(lambda: not self._child.running, STOP_SECONDS), "Postfix does not end"

    def _write_configuration(self) -> None:
        configuration = self._folder / "conf"
        configuration.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o755)
        chain = self._certificates
        pem = self._folder / "server.pem"
        pem.write_bytes(chain.key_file.read_bytes() + chain.certificate_file.read_bytes())
        pem.chmod(0o600)
        main = MAIN.format(
            folder=self._folder,
            sasl_port=self._dovecot.sasl_port,
            lmtp_port=self._dovecot.lmtp_port,
            dead_port=self.ports["dead"],
        )
        (configuration / "main.cf").write_text(main.lstrip() + self.more_settings)
        (configuration / "master.cf").write_text(SERVICES.format(ports=self.ports).lstrip())
        start = START.format(
            folder=self._folder,
            master=MASTER,
            owner=f"{os.getuid()}:{os.getgid()}",
            parent=os.getpid(),
        )
        (self._folder / "start.sh").write_text(start)


def as_root() -> list[str]:
    """Returns the prefix that runs a command as root; skips the test when that is impossible."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], check=False).returncode == 0:
        return sudo
    pytest.skip("Postfix starts as root only; run the tests as root, or allow sudo -n")
