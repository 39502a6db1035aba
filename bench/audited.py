"""What `bench/audits.py` audits: the demo bank and the shop of tests/systems, and every defect that each can have.

Pure data: where a system's workspace is, and for each case what is switched on and where the finding is to be.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEALTHY = "healthy"
REPLICAS = "replicas"  # the realm of the bank that has two ledgers


@dataclass(frozen=True)
class Case:
    """One system to be audited: what is switched on, whose number that is, and the edge, or the service and so any
    edge that leaves it, where that is to be found."""

    name: str
    number: int | None = None
    place: str = ""
    realm: str = "demo"

    @property
    def service(self) -> str:
        """The service that has the defect."""
        return self.place.partition("->")[0]

    def covers(self, edge: str) -> bool:
        """Whether an edge is where the defect is."""
        return edge == self.place or edge.startswith(f"{self.place}->")


@dataclass(frozen=True)
class System:
    """A workspace to be copied for each audit, its parts by name, the cases, and what the environment must hold;
    `matrix` is what its matrix in docs/audit.md is called."""

    name: str
    matrix: str
    workspace: Path
    parts: tuple[str, ...]
    cases: tuple[Case, ...]
    environment: Mapping[str, str]

    @property
    def marks(self) -> tuple[str, str]:
        """Between these stands its matrix in docs/audit.md."""
        return f"<!-- {self.matrix}: begin -->\n", f"<!-- {self.matrix}: end -->\n"


def _healthy(realm: str) -> tuple[Case, ...]:
    return tuple(Case(f"{HEALTHY} {turn}", realm=realm) for turn in (1, 2, 3))


def _at(place: str, *numbers: int, realm: str = "demo") -> tuple[Case, ...]:
    return tuple(Case(f"{number}:{place}", number, place, realm) for number in numbers)


def _in_shop(place: str, *numbers: int) -> tuple[Case, ...]:
    return _at(place, *numbers, realm="shop")


BANK = System(
    name="bank",
    matrix="confusion",
    workspace=ROOT,
    parts=("scenarios", "slo", "chaos", "realms.yaml"),
    cases=(
        *_healthy("demo"),
        *_at("cards", *range(1, 13)),
        *_at("gateway", 13),
        *_at("cards", *range(14, 22)),
        *_at("gateway", 22),  # cards has no requests that need its other dependency alone
        *_at("cards", 23),
        *_at("gateway", 24),
        Case("wrong-fallback:gateway", 24, "gateway"),
        Case("sticky-fallback:gateway", 24, "gateway"),
        *_at("gateway", 25),
        *_at("cards", 26, 27),
        *_at("gateway", 28),
        Case("health-too-deep:gateway", 28, "gateway"),
        *_at("cards", 29, 30, 31),
        Case("32:cards", 32, "cards", realm=REPLICAS),
        *_at("cards", 33),
    ),
    environment={},
)
"""Each number once at least, at the service of docs/demo-bank.md that has it; 24 and 28 in every form."""

SHOP = System(
    name="shop",
    matrix="confusion of the shop",
    workspace=ROOT / "tests" / "systems" / "shop",
    parts=("src", "scenarios", "slo", "chaos", "realms.yaml"),
    cases=(
        *_healthy("shop"),
        *_in_shop("storefront->catalog", 1, 2, 3),
        *_in_shop("orders->stock", 4),
        *_in_shop("storefront->catalog", 5),
        *_in_shop("storefront->orders", 6),
        *_in_shop("storefront->catalog", 7, 8),
        *_in_shop("storefront->orders", 9, 10, 11, 12),
        *_in_shop("storefront", 13),
        *_in_shop("storefront->catalog", 14, 15),
        *_in_shop("storefront->orders", 16, 17, 18),
        *_in_shop("orders->payments", 19),
        *_in_shop("storefront->catalog", 20),
        *_in_shop("storefront->orders", 21),
        *_in_shop("storefront", 22),
        *_in_shop("storefront->pricing", 24, 25),
        *_in_shop("storefront", 28, 29),
        *_in_shop("storefront->orders", 30),
        *_in_shop("storefront->catalog", 31, 32),
        *_in_shop("storefront", 33),
    ),
    environment={"NODE_PATH": os.environ.get("OPOSSUM_NODE_MODULES", "")},
)
"""Each of its thirty switches (tests/systems/README.md) at one edge or service; opossum must be there."""

SYSTEMS = {system.name: system for system in (BANK, SHOP)}
