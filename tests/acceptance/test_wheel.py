"""The wheel holds all that Postrail needs: installed in an empty environment, it runs there."""

import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

# One worker makes the environment for all of them.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("wheel")]


class Installed:
    """An environment of its own, with nothing but the wheel and what it asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bin = folder / "environment" / "bin"
        venv.create(folder / "environment", with_pip=True)

    def run(self, program: str, *arguments: str, seconds: float = 60) -> str:
        """What a program of the environment prints; it has to end with 0."""
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "POSTRAIL_", "VIRTUAL_ENV"))
        }
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self.folder,
            env=ours,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def python(self, code: str) -> str:
        """What some code prints there."""
        return self.run("python", "-W", "error", "-c", textwrap.dedent(code)).strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("postrail-*.whl")
    environment = Installed(folder)
    install = ["install", "-q", "--no-compile", "--disable-pip-version-check"]
    environment.run("pip", *install, f"{wheel}[embedded]", seconds=600)
    return environment


def test_the_command_says_its_version(installed: Installed) -> None:
    version = installed.python("import postrail; print(postrail.__version__)")
    assert version in installed.run("postrail", "--version")


def test_the_packages_are_those_of_the_environment(installed: Installed) -> None:
    places = installed.python(
        "import postrail, services; print(postrail.__file__, services.__file__)"
    )
    assert all(str(installed.folder) in place for place in places.split())


def test_every_module_can_be_imported(installed: Installed) -> None:
    names = installed.python(
        """
        import importlib, pkgutil, warnings
        import postrail, services
        # What libraries warn of is not ours to mend.
        warnings.simplefilter("ignore")
        for package in (postrail, services):
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


def test_the_whole_pipeline_runs_from_it(installed: Installed) -> None:
    data = installed.folder / "data"
    said = installed.run("postrail", "up", "--exit-after-demo", "--data", str(data), seconds=600)
    assert "DEMO-1" in said
    assert "sent" in said
