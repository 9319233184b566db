"""One run through a body of code: its names as they are now, and what it says and finds."""

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.control.linting.facts import Facts, Key
from reconciler.control.linting.naming import BalanceNames
from reconciler.control.linting.program import Code, Program
from reconciler.control.linting.settling import Settling
from reconciler.control.linting.targets import Targets
from reconciler.control.linting.values import NOTHING, Function, Imported, Values
from reconciler.control.linting.vocabulary import BUILTINS

DEPTH_MAX = 5
CALLS_MAX = 300
# So often the innermost of nested loops is gone through in all; past that once for everything.
TURNS_IN_ALL_MAX = 256
# What lists names of the code itself is said in full.
_NAMES_ONLY = frozenset({"members", "bases"})


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a call with certain arguments gave, and the facts that it rests on."""

    given: Values
    keys: set[Key]
    stamp: int


@dataclass(eq=False)
class Context:
    """What all runs share."""

    program: Program
    facts: Facts
    names: BalanceNames
    targets: Targets
    settling: Settling
    evaluate: Callable[["Run", ast.expr], Values]
    execute: Callable[["Run", Sequence[ast.stmt]], bool]
    call: Callable[["Run", Function, tuple[Values, ...]], Values]
    assign: Callable[["Run", ast.expr, Values], None]
    remembered: dict[object, Remembered] = field(default_factory=dict)

    def code(self, function: Function) -> Code:
        """Give the code of a function."""
        return self.program.codes[function.code]


@dataclass(eq=False)
class Unit:
    """A body that is run on its own account, with everything that it says and finds."""

    code: Code
    said: dict[Key, Values] = field(default_factory=dict)
    findings: set[tuple[int, str, str, str]] = field(default_factory=set)
    undecided: set[tuple[int, str, str]] = field(default_factory=set)
    calls: int = 0


class Run:
    """One body being run.

    A quiet run follows a call with its own arguments, to learn what it gives: it finds nothing and
    says nothing, but for the attributes of the object that it makes (`site`).
    """

    def __init__(
        self,
        context: Context,
        unit: Unit,
        code: Code,
        *,
        function: str | None = None,
        around: "Run | None" = None,
        called_by: "Run | None" = None,
        site: int | None = None,
        is_class: bool = False,
    ) -> None:
        self.context = context
        self.unit = unit
        self.code = code
        self.function = function or code.qualname
        self.around = around
        self.is_quiet: bool = called_by is not None or (around is not None and around.is_quiet)
        self.site: int | None = site if around is None else around.site
        self.stack: tuple[int, ...] = (*(called_by.stack if called_by else ()), code.index)
        if around is not None:
            self.stack = around.stack
        self.env: dict[str, Values] = {}
        self.given: Values = NOTHING
        self.keys: set[Key] = set()
        self.has_made = False
        self.is_class = is_class
        self.caller = called_by
        self.turns = 1

    @contextmanager
    def turning(self, count: int) -> Iterator[None]:
        """Count the turns of a loop while its body is run."""
        self.turns *= count
        try:
            yield
        finally:
            self.turns //= count

    def can_turn(self, count: int) -> bool:
        """Whether a loop may be gone through so often, with all loops around it."""
        return self.turns * count <= TURNS_IN_ALL_MAX

    def evaluate(self, node: ast.expr | None) -> Values:
        """Say what an expression may be, and find what it writes."""
        return NOTHING if node is None else self.context.evaluate(self, node)

    def read(self, key: Key) -> Values | None:
        """Look a fact up."""
        run: Run | None = self
        while run is not None and run.is_quiet:
            run.keys.add(key)
            run = run.around or run.caller
        return self.context.facts.read(key, self.unit.code.index)

    def say(self, key: Key, values: Values) -> None:
        """State a fact, beside what this run said of it already."""
        if self.is_quiet and not (key[0] == "attribute" and key[1] == self.site):
            return
        self.insist(key, values)

    def insist(self, key: Key, values: Values) -> None:
        """State a fact even in a quiet run: it is about what was made there and nowhere else."""
        said = self.unit.said
        if key[0] in _NAMES_ONLY:
            said[key] = values
        elif key not in said:
            said[key] = self.context.settling.settled(values)
        elif not values <= said[key]:
            said[key] = self.context.settling.settled(said[key] | values)
        run: Run | None = self
        while run is not None:
            run.has_made = True
            run = run.around or run.caller

    def find(self, line: int, collection: str, operation: str) -> None:
        """Note a write of a balance collection."""
        if not self.is_quiet:
            self.unit.findings.add((line, self.function, collection, operation))

    def undecide(self, line: int, operation: str) -> None:
        """Note a write of a collection that cannot be told."""
        if not self.is_quiet:
            self.unit.undecided.add((line, self.function, operation))

    def bind(self, name: str, values: Values) -> None:
        """Give a name in this body its values from here on."""
        self.env[name] = values
        if self.is_class or isinstance(self.code.node, ast.Module):
            return
        if self.around is None and name not in self.code.names:
            self.say(("global", self.code.module.index, name), values)
            self._say_outside(name, values)
        else:
            self.say(("local", self.code.index, name), values)

    def _say_outside(self, name: str, values: Values) -> None:
        """Bind a name of a function around this one (`nonlocal`)."""
        code = self.code.parent
        while code is not None:
            if name in code.names:
                self.say(("local", code.index, name), values)
                return
            code = code.parent

    def look_up(self, name: str) -> Values | None:
        """Give the values of a name; None where it is nobody's."""
        if name in self.env:
            return self.env[name]
        if self.around is not None:
            return self.around.look_up(name)
        if name in self.code.names:
            return NOTHING
        code = self.code.parent
        while code is not None:
            if name in code.names:
                return self.read(("local", code.index, name)) or NOTHING
            code = code.parent
        if not isinstance(self.code.node, ast.Module):
            known = self.read(("global", self.code.module.index, name))
            if known is not None:
                return known
        if name in BUILTINS:
            return frozenset({Imported(f"builtins.{name}")})
        return None
