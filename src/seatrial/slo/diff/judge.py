"""Which fields differ between two realms, which may, and what is noise; and how sure that is.

Room slo, diff. Three sides are asked in random order: the primary, the candidate, the primary again. If the candidate
is no other than the primary, the last two may be swapped in any comparison without anybody seeing it. So:

- A field is reported when it differs more often than by itself, by Diffy's thresholds (RAW over NOISE, below).
- It is a **difference** when the swap test is sure. Of a field's comparisons in which only one of the two differed
  from the primary, the candidate was that one as often as a fair coin says (McNemar's exact test); and because very
  many fields are looked at, the smallest such p of all fields is compared with those that come of swapping the two in
  each comparison anew (Westfall and Young's min-p), which also knows that fields of one answer move together.
- It is **suspected** when it is not sure and the field was never seen to differ by itself: too few comparisons to
  tell an unseen noise from a difference.
- Anything else is noise.

Sources: Diffy, https://github.com/opendiffy/diffy (DifferenceCounter, relative and absolute thresholds); Q. McNemar,
Psychometrika 12 (1947); P. Westfall and S. Young, Resampling-Based Multiple Testing (1993), ch. 2; R. Tarone,
Biometrics 46 (1990).
"""

from __future__ import annotations

import bisect
import enum
import functools
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from seatrial.quantity import counted
from seatrial.slo.diff.compare import Kind
from seatrial.slo.diff.tally import Counted, Example, Spot, Tally
from seatrial.verdict import Grade

RELATIVE_PERCENT = 20
"""The least share of (raw - noise) in (raw + noise), of a hundred."""

ABSOLUTE_MYRIAD = 3
"""The least share of (raw - noise) in the comparisons, of ten thousand."""

ALPHA = 0.01
"""How often a run over equal realms may call any field a difference at all."""

UNSEEN = 0.05
"""How often a field that differs by itself in `unseen_ratio` of the comparisons is never seen to do so."""

ENUMERATED = 11
SWAPS = 2047
"""With at most ENUMERATED comparisons that tell, every way to swap is tried; else this many, at random."""

MAX_NAMED = 3
"""Journeys a reason names."""

_Pair = tuple[int, int]
"""The comparisons, as bits, in which only the candidate differed from the primary, and only the primary again."""


class Standing(enum.StrEnum):
    """What a field that differed is taken for."""

    DIFFERENCE = "difference"
    SUSPECTED = "suspected"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Field:
    """One field that differed: in `raw` of `n` comparisons between the realms, in `noise` by itself. `only_raw` are
    those in which nothing but the candidate differed. `p` is the adjusted probability of this among equal realms."""

    spot: Spot
    path: str
    kind: Kind
    raw: int
    noise: int
    only_raw: int
    n: int
    p: float
    standing: Standing
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the comparison came to. `compared` tells for each step in how many comparisons; `fields` are all that
    differed, the surest first. `unseen_ratio`: a field that differs by itself in a smaller share of the comparisons
    may, at 95 %, have been taken for one that never does. `beyond`: how often a field was seen that was not kept.
    """

    grade: Grade
    reason: str
    comparisons: int
    compared: Mapping[Spot, int]
    fields: tuple[Field, ...]
    unseen_ratio: float
    beyond: int = 0

    def of(self, standing: Standing) -> tuple[Field, ...]:
        """The fields of that standing."""
        return tuple(field for field in self.fields if field.standing is standing)


def judge(tally: Tally, *, seed: int) -> Judged:
    """The judgement; the same tally and seed give the same one."""
    chances = _chances(list(tally.fields.values()), random.Random(seed))
    fields = sorted(
        (_field(key, counted, tally, chances) for key, counted in tally.fields.items()),
        key=lambda field: (list(Standing).index(field.standing), field.p, -field.raw, field.spot, field.path),
    )
    grade, reason = _whole(tally, fields)
    return Judged(
        grade=grade,
        reason=reason,
        comparisons=tally.comparisons,
        compared={spot: mask.bit_count() for spot, mask in tally.compared.items()},
        fields=tuple(fields),
        unseen_ratio=1.0 - UNSEEN ** (1.0 / tally.comparisons) if tally.comparisons else 1.0,
        beyond=tally.beyond,
    )


def cut_short(judged: Judged) -> Judged:
    """The judgement of a comparison that was stopped before its end: what was found stays, but nothing is MET."""
    if judged.grade is not Grade.MET:
        return judged
    reason = f"{judged.reason} in what was compared, but the comparison was stopped before its end"
    return replace(judged, grade=Grade.UNDECIDED, reason=reason)


def above_noise(raw: int, noise: int, n: int) -> bool:
    """Diffy's rule: more often than noise, by a fifth of all that was seen, and in more than three of 10,000."""
    over = raw - noise
    return over > 0 and 100 * over > RELATIVE_PERCENT * (raw + noise) and 10_000 * over > ABSOLUTE_MYRIAD * n


def sign_p(only_raw: int, only_noise: int) -> float:
    """The chance that a fair coin shows `only_raw` heads or more in as many throws as there are of both."""
    return _tails(only_raw + only_noise)[only_raw]


@functools.lru_cache(maxsize=256)
def _tails(n: int) -> tuple[float, ...]:
    """P(X >= k) for X ~ Binomial(n, 1/2), k from 0 to n."""
    whole, found = 0, []
    for k in range(n, -1, -1):
        whole += math.comb(n, k)
        found.append(whole / (1 << n))
    return tuple(reversed(found))


def _chances(counted: Iterable[Counted], rng: random.Random) -> dict[_Pair, float]:
    """The adjusted p of every field, by what it was seen in: the share of ways to swap the candidate and the primary
    again after which some field looks at least as much like a difference. The way it was is one of them.

    A field seen too seldom to look like one in any way (Tarone, 1990) takes no part, and keeps its own p where that
    is larger.
    """
    pairs = {(each.raw & ~each.noise, each.noise & ~each.raw) for each in counted}
    able = [pair for pair in pairs if _swapped_p(pair, pair[1]) <= ALPHA]
    telling = functools.reduce(lambda whole, pair: whole | pair[0] | pair[1], able, 0)
    smallest = sorted(min((_swapped_p(pair, swap) for pair in able), default=1.0) for swap in _swaps(telling, rng))
    own = {pair: _swapped_p(pair, 0) for pair in pairs}
    return {pair: max(p, _share_at_most(smallest, p)) for pair, p in own.items()}


def _swapped_p(pair: _Pair, swap: int) -> float:
    """The p of a field, were the sides swapped in those comparisons."""
    only_raw = (pair[0] & ~swap | pair[1] & swap).bit_count()
    return sign_p(only_raw, pair[0].bit_count() + pair[1].bit_count() - only_raw)


def _swaps(telling: int, rng: random.Random) -> Iterator[int]:
    if telling.bit_count() <= ENUMERATED:
        yield from _subsets(telling)
        return
    yield 0
    for _ in range(SWAPS):
        yield rng.getrandbits(telling.bit_length()) & telling


def _subsets(mask: int) -> Iterator[int]:
    subset = mask
    while subset:
        yield subset
        subset = (subset - 1) & mask
    yield 0


def _share_at_most(ordered: list[float], limit: float) -> float:
    return bisect.bisect_right(ordered, limit) / len(ordered)


def _field(key: tuple[Spot, str, Kind], counted: Counted, tally: Tally, chances: Mapping[_Pair, float]) -> Field:
    spot, path, kind = key
    only_raw, only_noise = counted.raw & ~counted.noise, counted.noise & ~counted.raw
    raw, noise, n = counted.raw.bit_count(), counted.noise.bit_count(), tally.compared[spot].bit_count()
    p = chances[only_raw, only_noise]
    return Field(
        spot=spot,
        path=path,
        kind=kind,
        raw=raw,
        noise=noise,
        only_raw=only_raw.bit_count(),
        n=n,
        p=p,
        standing=_standing(raw, noise, n, p=p),
        examples=tuple(counted.examples),
    )


def _standing(raw: int, noise: int, n: int, *, p: float) -> Standing:
    if not above_noise(raw, noise, n):
        return Standing.NOISE
    if p <= ALPHA:
        return Standing.DIFFERENCE
    return Standing.NOISE if noise else Standing.SUSPECTED


def _whole(tally: Tally, fields: Iterable[Field]) -> tuple[Grade, str]:
    standings = [field.standing for field in fields]
    sure, suspected = standings.count(Standing.DIFFERENCE), standings.count(Standing.SUSPECTED)
    if sure:
        return Grade.MISSED, f"{counted(sure, 'field')} differ{'s' if sure == 1 else ''} above noise"
    if not tally.compared:
        return Grade.UNDECIDED, "no step was answered by all three sides, so nothing was compared"
    if not tally.passed:
        return Grade.UNDECIDED, "no step passed on the primary, so equal answers prove nothing"
    if never := [name for name, passed in tally.journeys.items() if not passed]:
        return Grade.UNDECIDED, _never_passed(never)
    if suspected:
        return Grade.UNDECIDED, _too_few(suspected)
    return Grade.MET, "no field differs above noise"


def _never_passed(journeys: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in journeys[:MAX_NAMED])
    more = f" and {len(journeys) - MAX_NAMED} more" if len(journeys) > MAX_NAMED else ""
    return f"{shown}{more} never passed in both realms at once, so equal answers prove nothing there"


def _too_few(suspected: int) -> str:
    least = math.ceil(-math.log2(ALPHA))
    differs = "differs" if suspected == 1 else "differ"
    return (
        f"{counted(suspected, 'field')} {differs} only between the realms, but too seldom to tell from noise that is "
        f"rare: that takes {least} comparisons at least; more --rounds decide it"
    )
