"""The validators of the balance collections: how the server itself refuses what is unsound."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from bson import json_util
from pymongo import ReadPreference

from reconciler.errors import CannotLook, ReadInterrupted
from reconciler.model.guarding import (
    ACTION_ERROR,
    ValidationLevel,
    ValidatorReport,
    ValidatorState,
)
from reconciler.model.identity import NAME_CHARACTERS_MAX
from reconciler.model.mapping import CollectionMapping, Mappings, TotalMeaning
from reconciler.storage.calls import Calls, Database
from reconciler.storage.shape import TOO_LARGE, ZERO, Stage, exact_sum

Validator = dict[str, Any]

# What is longer is cut where it is shown; the database has the whole.
SHOWN_CHARACTERS_MAX = 2_000
_TITLE = "balance-reconciler"
# A control character is below the space, or from DEL to U+009F. `\z` is the very end: `$` would let
# a line break pass before it.
_NAME = rf"\A[^\x00-\x1F\x7F-\x9F]{{1,{NAME_CHARACTERS_MAX}}}\z"
# With 34 digits and one of them before the point: what the library can write.
_PLACES_MAX = 33


def validator_of(mapping: CollectionMapping) -> Validator:
    """Make the validator of a mapped collection; its title names its content.

    Documents may have fields beside the mapped ones. The expression looks at types by itself: the
    server does not say in which order it takes the two parts, and an error is no refusal.
    """
    content = {"$jsonSchema": _shape(mapping), "$expr": _sound(mapping)}
    return {**content, "$jsonSchema": {"title": _title(content), **content["$jsonSchema"]}}


def _shape(mapping: CollectionMapping) -> Validator:
    name = {"bsonType": "string", "pattern": _NAME}
    amount = {"bsonType": "decimal", "minimum": ZERO}
    amounts = _amounts(mapping)
    return {
        "bsonType": "object",
        "required": [mapping.account, mapping.currency, *amounts],
        "properties": {
            mapping.account: {"anyOf": [name, {"bsonType": "objectId"}]},
            mapping.currency: name,
            **dict.fromkeys(amounts, amount),
        },
    }


def _sound(mapping: CollectionMapping) -> Stage:
    amounts = [f"${field}" for field in _amounts(mapping)]
    are_decimals = [{"$eq": [{"$type": amount}, "decimal"]} for amount in amounts]
    conditions = [condition for amount in amounts for condition in _usable(amount)]
    conditions += _total_holds(mapping)
    return {"$cond": [{"$and": are_decimals}, {"$and": conditions}, False]}


def _amounts(mapping: CollectionMapping) -> list[str]:
    total = [mapping.total] if mapping.total is not None else []
    return [mapping.available, mapping.locked, *total]


def _usable(amount: str) -> list[Stage]:
    """Make the conditions that a decimal is one which a posting could have written."""
    return [
        # NaN is below all numbers.
        {"$gte": [amount, ZERO]},
        {"$lt": [amount, TOO_LARGE]},
        # -0 equals 0 in every comparison, and is told by its sign alone.
        {"$ne": [{"$substrCP": [{"$toString": amount}, 0, 1]}, "-"]},
        {"$eq": [{"$trunc": [amount, _PLACES_MAX]}, amount]},
    ]


def _total_holds(mapping: CollectionMapping) -> list[Stage]:
    if mapping.total is None:
        return []
    total, available, locked = f"${mapping.total}", f"${mapping.available}", f"${mapping.locked}"
    if mapping.total_means is TotalMeaning.AVAILABLE:
        return [{"$eq": [total, available]}]
    return exact_sum(total, available, locked)


def _title(content: Validator) -> str:
    text = json_util.dumps(content, sort_keys=True, json_options=json_util.CANONICAL_JSON_OPTIONS)
    return f"{_TITLE} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


class Validators:
    """The validators of one database's balance collections, as they are."""

    def __init__(self, database: Database, mappings: Mappings) -> None:
        self._database = database
        self._mappings = mappings

    async def look(self, *, seconds_max: float) -> tuple[ValidatorReport, ...]:
        """Say what is there, and count what does not conform; the counts take no longer than that.

        Raises:
            ReadInterrupted, CannotLook: the list of collections could not be read.
        """
        calls = Calls(deadline_seconds=seconds_max, call_seconds_max=seconds_max)
        options = await self._options(calls)
        return tuple(
            [
                await self._report(calls, mapping, options.get(mapping.name))
                for mapping in self._mappings
            ]
        )

    async def look_at(self, mapping: CollectionMapping, *, seconds_max: float) -> ValidatorReport:
        """Do the same for one collection."""
        calls = Calls(deadline_seconds=seconds_max, call_seconds_max=seconds_max)
        options = await self._options(calls)
        return await self._report(calls, mapping, options.get(mapping.name))

    async def _options(self, calls: Calls) -> Mapping[str, Mapping[str, Any]]:
        wanted = {"name": {"$in": list(self._mappings.names)}}
        async with calls.bounded("the list of collections"):
            listed = await self._database.list_collections(filter=wanted)
            return {each["name"]: each.get("options", {}) for each in await listed.to_list()}

    async def _report(
        self, calls: Calls, mapping: CollectionMapping, options: Mapping[str, Any] | None
    ) -> ValidatorReport:
        if options is None:
            return ValidatorReport(mapping.name, exists=False)
        wanted = validator_of(mapping)
        found = options.get("validator") or {}
        state = _state(found, wanted)
        count, why = await self._count(calls, mapping.name, wanted)
        level = options.get("validationLevel", "strict") if found else "off"
        shown = state in {ValidatorState.ALTERED, ValidatorState.FOREIGN}
        return ValidatorReport(
            mapping.name,
            exists=True,
            state=state,
            level=ValidationLevel(level),
            action=str(options.get("validationAction", ACTION_ERROR)),
            nonconforming=count,
            uncounted=why,
            found=json_util.dumps(found)[:SHOWN_CHARACTERS_MAX] if shown else "",
        )

    async def _count(self, calls: Calls, name: str, wanted: Validator) -> tuple[int | None, str]:
        pipeline: Sequence[Stage] = [{"$match": {"$nor": [wanted]}}, {"$count": "n"}]
        try:
            async with calls.bounded(name):
                # Of the primary, whatever the connection string says: a secondary may lag.
                collection = self._database[name].with_options(
                    read_preference=ReadPreference.PRIMARY
                )
                cursor = await collection.aggregate(pipeline, maxTimeMS=calls.milliseconds_max)
                found = await cursor.to_list()
        except (ReadInterrupted, CannotLook) as error:
            return None, str(error)
        return (found[0]["n"] if found else 0), ""


def _state(found: Mapping[str, Any], wanted: Validator) -> ValidatorState:
    if not found:
        return ValidatorState.ABSENT
    if found == wanted:
        return ValidatorState.OURS
    shape = found.get("$jsonSchema")
    title = shape.get("title") if isinstance(shape, Mapping) else None
    if not isinstance(title, str) or not title.startswith(f"{_TITLE} "):
        return ValidatorState.FOREIGN
    untitled = {key: value for key, value in (shape or {}).items() if key != "title"}
    is_as_made = title == _title({**found, "$jsonSchema": untitled})
    return ValidatorState.OUTDATED if is_as_made else ValidatorState.ALTERED
