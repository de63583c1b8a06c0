"""The shared core of Postrail; the services in `services` are built on it."""

from importlib.metadata import version

__version__ = version("postrail")
