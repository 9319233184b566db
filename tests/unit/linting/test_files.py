"""Searching files: what is read, what cannot be, imports between them, and how fast it is."""

import os
import time
from pathlib import Path

import pytest

from reconciler.control.linting import LintReport, NothingToSearch, lint
from reconciler.control.linting.reading import FILE_BYTES_MAX

BALANCES = ("wallets", "crypto_balances", "trader_balances", "internal_balances")
WRITE = "def f(db):\n    db.wallets.update_one({}, {})\n"


def searched(*paths: Path, excluded: tuple[str, ...] = ()) -> LintReport:
    return lint(paths, BALANCES, excluded=excluded)


def lines(report: LintReport) -> list[tuple[str, int]]:
    return [(Path(each.file).name, each.line) for each in report.findings]


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_constants_of_another_file_are_known(tmp_path: Path) -> None:
    """A name, a collection, a function and a whole module are followed from file to file."""
    root = written(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/names.py": "WALLETS = 'wallets'\nLOGS = 'logs'\n",
            "app/store.py": (
                "from .names import *\ndef col(name):\n    return db[name]\nbooks = db[WALLETS]\n"
            ),
            "app/service.py": (
                "from app import names\n"
                "from app.store import col, books\n"
                "import app.store as s\n"
                "books.insert_one({})\n"
                "col(names.WALLETS).insert_one({})\n"
                "col(names.LOGS).insert_one({})\n"
                "s.books.insert_one({})\n"
            ),
        },
    )

    assert lines(searched(root)) == [("service.py", 4), ("service.py", 5), ("service.py", 7)]


def test_a_name_that_turns_out_to_be_another_is_no_write(tmp_path: Path) -> None:
    """What is only called like a balance counts as one only as long as nobody says better."""
    root = written(
        tmp_path,
        {
            "a.py": "from z import wallets_collection\nw = wallets_collection\nw.insert_one({})\n",
            "z.py": "wallets_collection = db.wallets_archive\n",
        },
    )

    assert lines(searched(root / "a.py")) == [("a.py", 3)]
    assert lines(searched(root)) == []


def test_a_helper_that_is_called_elsewhere_is_found_where_it_writes(tmp_path: Path) -> None:
    """The finding is at the writing method, whoever calls the function."""
    root = written(
        tmp_path,
        {
            "low.py": "def put(coll):\n    coll.insert_one({})\n",
            "high.py": "from low import put\nput(db.trader_balances)\n",
        },
    )

    assert lines(searched(root)) == [("low.py", 2)]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Broken syntax, a wrong encoding, NUL and huge files are named, and the rest is searched."""
    root = written(tmp_path, {"good.py": WRITE, "syntax.py": "def f(:\n", "nul.py": "a = 1\0\n"})
    (root / "latin.py").write_bytes(b"a = '\xff'\n")
    (root / "huge.py").write_text("#" * (FILE_BYTES_MAX + 1))
    (root / "deep.py").write_text("a = " + "(" * 3000 + ")" * 3000 + "\n")
    (root / "long.py").write_text("a = b" + ".c()" * 20_000 + "\n")
    (root / "gone.py").symlink_to(root / "nowhere")

    report = searched(root)

    assert {Path(each.file).name for each in report.unsearched} == {
        "syntax.py",
        "nul.py",
        "latin.py",
        "huge.py",
        "deep.py",
        "long.py",
        "gone.py",
    }
    assert lines(report) == [("good.py", 2)]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """A directory that holds itself is searched once, and no file is counted twice."""
    root = written(tmp_path, {"a/good.py": WRITE})
    (root / "a" / "again").symlink_to(root, target_is_directory=True)
    (root / "copy.py").symlink_to(root / "a" / "good.py")

    report = searched(root, root / "a")

    assert (report.files_scanned, len(report.findings)) == (1, 1)


def test_what_is_excluded_is_not_read(tmp_path: Path) -> None:
    """A glob fits a name, the end of a path or all of it; virtual environments are left out."""
    root = written(
        tmp_path,
        {
            "a.py": WRITE,
            "tests/t.py": WRITE,
            "lib/reconciler/sync/x.py": WRITE,
            "env/lib/y.py": WRITE,
            "env/pyvenv.cfg": "",
            ".hidden/z.py": WRITE,
            "notes.txt": WRITE,
        },
    )

    assert len(searched(root).findings) == 3
    assert lines(searched(root, excluded=("tests", "reconciler/sync"))) == [("a.py", 2)]
    assert lines(searched(root, excluded=(f"{root}/[tl]*",))) == [("a.py", 2)]


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A typing error must not look like clean code."""
    with pytest.raises(NothingToSearch, match="nowhere"):
        searched(tmp_path / "nowhere")


def test_undecided_writes_are_counted(tmp_path: Path) -> None:
    """A writing method of a collection that nobody names is no finding, and is not forgotten."""
    root = written(
        tmp_path, {"a.py": "def f(coll, x):\n    coll.insert_one({})\n    x.update({})\n"}
    )

    report = searched(root)

    assert report.findings == ()
    assert [(each.line, each.operation) for each in report.undecided] == [(2, "insert_one")]


def test_configured_names_are_searched(tmp_path: Path) -> None:
    """The collections are those of the mapping."""
    root = written(tmp_path, {"a.py": "def f(db):\n    db.purses.update_one({}, {})\n" + WRITE})

    report = lint([root], ("purses", "books"))

    assert [each.collection for each in report.findings] == ["purses"]


def test_code_that_calls_itself_ends(tmp_path: Path) -> None:
    """Recursion that builds ever larger values is cut."""
    text = (
        "def f(x, n):\n    y = [x, f([x, {'a': x}], n), f({'b': [x]}, n)]\n    return y + f(y, n)\n"
        "class A(A):\n    def g(self):\n        self.x = [self.x, self.g()]\n"
        "        return self.x\n"
        "f(['wallets'], 1)\nA().g()\n"
    )

    assert searched(written(tmp_path, {"a.py": text})).files_scanned == 1


SERVER_PART = '''
@router.post("/orders/{{order_id}}/{n}")
async def handle_{n}(order_id: str, body: dict, user=Depends(current_user), db=Depends(get_db)):
    """Handle {n}."""
    order = await db.orders.find_one({{"_id": order_id, "user_id": user["id"]}})
    if order is None:
        raise HTTPException(404, "no such order")
    amount = Decimal(body.get("amount", "0"))
    fee = amount * Decimal("0.001")
    for name in ("orders", "trades", "events"):
        await db[name].update_one({{"_id": order_id}}, {{"$set": {{"seen": True, "n": {n}}}}})
    wallet = await db.wallets.find_one({{"user_id": user["id"], "currency": "BTC"}})
    total = sum(Decimal(str(wallet.get(key, 0))) for key in ("available_balance", "locked_balance"))
    if total < amount + fee:
        return {{"status": "refused", "total": str(total)}}
    pipeline = [{{"$match": {{"user_id": user["id"]}}}}, {{"$group": {{"_id": "$currency"}}}}]
    rows = [row async for row in db.trades.aggregate(pipeline)]
    try:
        await db.events.insert_one({{"kind": "order", "rows": len(rows), "fee": str(fee)}})
    except DuplicateKeyError as error:
        logger.warning("twice %s", error)
    await service.settle_{n}(order, amount=amount)
    {write}
    return {{"status": "ok", "order": order_id, "rows": rows, "fee": str(fee)}}
'''


def test_a_server_file_of_3000_lines_takes_less_than_two_seconds(tmp_path: Path) -> None:
    """Of a hundred and more handlers, the forty-two that write are found."""
    write = 'await db["wallets"].update_one({"user_id": user["id"]}, {"$inc": {"a": 1}})'
    parts = [SERVER_PART.format(n=n, write=write if n % 3 == 0 else "pass") for n in range(125)]
    text = "from fastapi import APIRouter, Depends\nrouter = APIRouter()\n" + "".join(parts)
    root = written(tmp_path, {"server.py": text})

    started = time.process_time()
    report = searched(root)
    elapsed = time.process_time() - started

    assert len(text.splitlines()) >= 3000
    assert len(report.findings) == 42
    assert elapsed < 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    """It is not taken for searched."""
    root = written(tmp_path, {"a.py": WRITE})
    (root / "a.py").chmod(0)

    assert len(searched(root).unsearched) == 1
