"""The code that is read: its modules, functions and classes, and which module an import means."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import PurePosixPath

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Kind(Enum):
    """How a function is reached."""

    PLAIN = auto()
    METHOD = auto()
    CLASS_METHOD = auto()
    PROPERTY = auto()


@dataclass(eq=False, slots=True)
class Code:
    """The body of a module or of a function; `parent` is the function around it, if any."""

    index: int
    module: "Module"
    node: ast.Module | FunctionNode
    qualname: str
    parent: "Code | None" = None
    kind: Kind = Kind.PLAIN
    owner: int | None = None
    names: frozenset[str] = frozenset()
    gives: bool = False

    @property
    def name(self) -> str:
        """Its own name."""
        return self.qualname.rpartition(".")[2]

    @property
    def arguments(self) -> ast.arguments | None:
        """Its parameters; None for a module."""
        return None if isinstance(self.node, ast.Module) else self.node.args

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters by position."""
        arguments = self.arguments
        if arguments is None:
            return []
        return [each.arg for each in (*arguments.posonlyargs, *arguments.args)]


@dataclass(eq=False, slots=True)
class ClassCode:
    """A class; what one call of a class makes is like a class of its own, with that as `base`."""

    index: int
    module: "Module"
    qualname: str
    base: int | None = None


@dataclass(eq=False, slots=True)
class Module:
    """One file."""

    index: int
    file: str
    parts: tuple[str, ...]
    tree: ast.Module
    is_package: bool
    code: "Code" = field(init=False)

    @property
    def folder(self) -> tuple[str, ...]:
        """The package that it is in."""
        return self.parts if self.is_package else self.parts[:-1]


class Program:
    """All modules that are read together."""

    def __init__(self, trees: Mapping[str, ast.Module], paths: Mapping[str, PurePosixPath]) -> None:
        self.codes: list[Code] = []
        self.classes: list[ClassCode] = []
        self.code_of: dict[ast.AST, Code] = {}
        self.class_of: dict[ast.AST, ClassCode] = {}
        self.modules = [self._module(file, tree, paths[file]) for file, tree in trees.items()]
        self._by_name: dict[str, list[Module]] = defaultdict(list)
        self._by_parts = {module.parts: module for module in self.modules}
        for module in self.modules:
            if module.parts:
                self._by_name[module.parts[-1]].append(module)
        self._sites: dict[tuple[ast.AST, int], ClassCode] = {}

    def site(self, node: ast.AST, owner: int) -> ClassCode:
        """Give the class of what this call of a class makes."""
        if (node, owner) not in self._sites:
            made = self.classes[owner]
            self._sites[node, owner] = self._class(made.module, made.qualname, owner)
        return self._sites[node, owner]

    def find_module(self, dotted: str, importer: Module, level: int = 0) -> Module | None:
        """Give the module that is read and that an import in `importer` means, if there is one."""
        wanted = tuple(dotted.split(".")) if dotted else ()
        if level:
            folder = importer.folder
            base = folder[: len(folder) - level + 1]
            return self._by_parts.get((*base, *wanted))
        if not wanted:
            return None
        best: tuple[int, Module] | None = None
        for module in self._by_name.get(wanted[-1], ()):
            root = module.parts[: len(module.parts) - len(wanted)]
            if module.parts[len(root) :] != wanted:
                continue
            near = _common_length(root, importer.folder)
            # A module of one name must be where the importer could have found it.
            if len(wanted) == 1 and near < len(root):
                continue
            if best is None or near > best[0]:
                best = (near, module)
        return best[1] if best else None

    def _module(self, file: str, tree: ast.Module, path: PurePosixPath) -> Module:
        is_package = path.name == "__init__.py"
        parts = path.parent.parts if is_package else (*path.parent.parts, path.stem)
        module = Module(len(self.codes), file, parts, tree, is_package)
        module.code = self._code(module, tree, "<module>")
        module.index = module.code.index
        self._collect(module, tree, "", None, None)
        return module

    def _code(self, module: Module, node: ast.Module | FunctionNode, qualname: str) -> Code:
        code = Code(len(self.codes), module, node, qualname)
        self.codes.append(code)
        self.code_of[node] = code
        return code

    def _class(self, module: Module, qualname: str, base: int | None = None) -> ClassCode:
        made = ClassCode(len(self.classes), module, qualname, base)
        self.classes.append(made)
        return made

    def _collect(
        self, module: Module, node: ast.AST, prefix: str, parent: Code | None, owner: int | None
    ) -> None:
        """Number the functions and classes below a node."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                made = self._class(module, prefix + child.name)
                self.class_of[child] = made
                self._collect(module, child, f"{prefix}{child.name}.", parent, made.index)
            elif isinstance(child, FunctionNode):
                code = self._function(module, child, prefix, parent, owner)
                below = prefix if isinstance(child, ast.Lambda) else f"{code.qualname}."
                self._collect(module, child, below, code, None)
            else:
                self._collect(module, child, prefix, parent, owner)

    def _function(
        self,
        module: Module,
        node: FunctionNode,
        prefix: str,
        parent: Code | None,
        owner: int | None,
    ) -> Code:
        name = prefix.rstrip(".") if isinstance(node, ast.Lambda) else prefix + node.name
        code = self._code(module, node, name or "<module>")
        code.parent = parent
        code.owner = owner
        code.kind = _kind(node, owner)
        code.names, code.gives = _bound_names(node)
        return code


def _common_length(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


def _kind(node: FunctionNode, owner: int | None) -> Kind:
    if owner is None or isinstance(node, ast.Lambda):
        return Kind.PLAIN
    decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
    if "staticmethod" in decorators:
        return Kind.PLAIN
    if "classmethod" in decorators or node.name in {"__init_subclass__", "__class_getitem__"}:
        return Kind.CLASS_METHOD
    is_property = any("property" in each for each in decorators)
    return Kind.PROPERTY if is_property else Kind.METHOD


def _bound_names(node: FunctionNode) -> tuple[frozenset[str], bool]:
    """Give the names that are local to a function, and whether it gives anything to its caller."""
    args = node.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    names = {each.arg for each in every}
    names |= {each.arg for each in (args.vararg, args.kwarg) if each}
    if isinstance(node, ast.Lambda):
        return frozenset(names), True
    elsewhere: set[str] = set()
    gives = False
    for each in _own_nodes(node.body):
        names |= set(_names_of(each))
        if isinstance(each, ast.Global | ast.Nonlocal):
            elsewhere |= set(each.names)
        elif isinstance(each, ast.Yield | ast.YieldFrom) or (
            isinstance(each, ast.Return) and _can_name(each.value)
        ):
            gives = True
    return frozenset(names - elsewhere), gives


def _can_name(given: ast.expr | None) -> bool:
    """Whether what is returned may name or be a collection: a text may, other constants do not."""
    if isinstance(given, ast.Constant):
        return isinstance(given.value, str)
    return given is not None


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Walk a body without what is inside of other functions and classes."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _names_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.alias(name=name, asname=asname):
            yield asname or name.partition(".")[0]
        case ast.ExceptHandler(name=str() as name):
            yield name
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
            yield name
        case ast.MatchMapping(rest=str() as name):
            yield name
