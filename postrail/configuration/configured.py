"""The base class and the field types that configured things share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
ProjectKey = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,19}$")]
MailAddress = Annotated[str, Field(min_length=3, max_length=320, pattern=r"^[^\s@<>]+@[^\s@<>]+$")]
# Blanks at the ends of a password belong to it.
Secret = Annotated[str, StringConstraints(strip_whitespace=False)]
# Blank or 0 in a port means the protocol's own.
Port = Annotated[int, BeforeValidator(lambda given: given or 0), Field(ge=0, le=65535)]


class Configured(BaseModel):
    """Something an operator configures, known by its name."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @property
    def secret_fields(self) -> dict[str, bool]:
        """The secrets that it has with these values, each with whether it must be given."""
        return {}


def faulty(faults: list[tuple[str, str]]) -> PydanticCustomError:
    words = "; ".join(f"{field}: {problem}" for field, problem in faults)
    return PydanticCustomError("fields", "{words}", {"words": words, "faults": faults})
