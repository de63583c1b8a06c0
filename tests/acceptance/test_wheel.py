"""The wheel is complete: installed in an empty environment, it runs there."""

import os
import re
import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest
from typer.core import TyperGroup

from services.cli.commands import COMMANDS
from services.cli.commands.run import Service

REPOSITORY = Path(__file__).parents[2]
GROUPS = {command.name for command in COMMANDS if isinstance(command.load(), TyperGroup)}

# One worker makes the environment for all of them.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("wheel")]


class Installed:
    """A virtual environment with the wheel and its dependencies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.wheel,) = folder.glob("postrail-*.whl")
        self._bin = folder / "environment" / "bin"
        venv.create(folder / "environment", with_pip=True)

    def run(
        self, program: str, *arguments: str, seconds: float = 300, code: int = 0, **settings: str
    ) -> str:
        """Returns what a program of the environment prints; it has to end with that exit code.

        The first import of a module takes long on a busy machine, as nothing is compiled yet.
        """
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "POSTRAIL_", "VIRTUAL_ENV"))
        }
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self.folder,
            env=ours | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def python(self, code: str) -> str:
        """Returns what some code prints there."""
        return self.run("python", "-W", "error", "-c", textwrap.dedent(code)).strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    environment = Installed(folder)
    install = ["install", "-q", "--no-compile", "--disable-pip-version-check"]
    environment.run("pip", *install, f"{environment.wheel}[embedded]", seconds=600)
    return environment


def test_the_wheel_takes_no_name_that_anyone_may_have(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    packages = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"postrail", "postrail_services"}


def test_it_works_beside_a_package_called_services(installed: Installed) -> None:
    (installed.folder / "services.py").write_text("raise SystemExit('the wrong services')")
    try:
        assert "Usage: postrail run" in installed.run("python", "-m", "postrail", "run", "--help")
    finally:
        (installed.folder / "services.py").unlink()


def test_the_command_prints_its_version(installed: Installed) -> None:
    version = installed.python("import postrail; print(postrail.__version__)")
    assert version in installed.run("postrail", "--version")


def test_the_packages_are_those_of_the_environment(installed: Installed) -> None:
    places = installed.python(
        "import postrail, postrail_services as ours; print(postrail.__file__, ours.__file__)"
    )
    assert all(str(installed.folder) in place for place in places.split())


def test_every_module_can_be_imported(installed: Installed) -> None:
    names = installed.python(
        """
        import importlib, pkgutil, warnings
        import postrail, postrail_services
        # Warnings of libraries are not ours to fix.
        warnings.simplefilter("ignore")
        for package in (postrail, postrail_services):
            for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
                importlib.import_module(module.name)
                print(module.name)
        """
    ).split()
    sources = [
        path
        for package in ("postrail", "services")
        for path in (REPOSITORY / package).rglob("*.py")
    ]
    # The two packages themselves are not listed.
    assert len(names) == len(sources) - 2


def test_the_schemas_are_there(installed: Installed) -> None:
    found = installed.python(
        """
        from postrail.stream.schema import known_schemas, schema_folder
        print(schema_folder())
        print(len(known_schemas()))
        """
    ).split()
    assert found[0].endswith("postrail/schemas")
    assert int(found[1]) == len(list((REPOSITORY / "schemas" / "released").glob("*.avsc")))


def test_the_migrations_are_there(installed: Installed) -> None:
    found = installed.python(
        """
        from importlib.resources import files
        folder = files("postrail") / "sql" / "migrations"
        print(*sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql")))
        """
    ).split()
    migrations = REPOSITORY / "postrail" / "sql" / "migrations"
    assert found == sorted(path.name for path in migrations.glob("*.sql"))


@pytest.mark.parametrize("service", list(Service))
def test_each_service_can_be_run(installed: Installed, service: Service) -> None:
    arguments = ["-m", f"postrail_services.{service.value}"]
    # It gets as far as its settings.
    printed = installed.run("python", *arguments, code=2, POSTRAIL_LOG_LEVEL="nonsense")
    assert f"postrail {service.value}: " in printed
    assert "POSTRAIL_LOG_LEVEL" in printed


def test_the_commands_of_the_readme_are_there(installed: Installed) -> None:
    shown = re.findall(r"postrail ([a-z]+)(?: ([a-z]+))?", (REPOSITORY / "README.md").read_text())
    commands = {(first, second) if first in GROUPS else (first,) for first, second in shown}
    known = {command.name for command in COMMANDS}
    commands = {words for words in commands if words[0] in known}
    assert len(commands) > 5
    for words in commands:
        assert f"Usage: postrail {' '.join(words)}" in installed.run("postrail", *words, "--help")


def test_the_whole_pipeline_runs_from_it(installed: Installed) -> None:
    data = installed.folder / "data"
    printed = installed.run("postrail", "up", "--exit-after-demo", "--data", str(data), seconds=600)
    assert "DEMO-1" in printed
    assert "sent" in printed
