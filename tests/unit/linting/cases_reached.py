"""How code reaches a collection. A line that writes says so: `# write: COLLECTION OPERATION WHERE`."""

CASES = {
    "attribute of a database": """
        from pymongo import MongoClient
        db = MongoClient("mongodb://db1").exchange
        def credit(user_id, amount):
            db.wallets.update_one({"user_id": user_id}, {"$inc": {"available_balance": amount}})  # write: wallets update_one credit
            return db.wallets.find_one({"user_id": user_id})
    """,
    "item of a database": """
        def credit(db, user_id):
            db["crypto_balances"].insert_one({"user_id": user_id})  # write: crypto_balances insert_one credit
            db["orders"].insert_one({"user_id": user_id})
    """,
    "item of a client": """
        from motor.motor_asyncio import AsyncIOMotorClient
        client = AsyncIOMotorClient()
        async def wipe():
            await client["exchange"]["wallets"].delete_many({})  # write: wallets delete_many wipe
            await client["wallets"]["users"].delete_many({})
    """,
    "two attributes of a client": """
        def wipe(client):
            client.exchange.wallets.delete_one({})  # write: wallets delete_one wipe
            client.exchange.users.delete_one({})
    """,
    "get_collection": """
        def wipe(db):
            db.get_collection("trader_balances").delete_many({})  # write: trader_balances delete_many wipe
            db.get_collection("traders").delete_many({})
    """,
    "with_options": """
        def wipe(db, concern):
            (
                db.wallets
                .with_options(write_concern=concern)
                .replace_one({}, {})  # write: wallets replace_one wipe
            )
            db.with_options(write_concern=concern).wallets.delete_one({})  # write: wallets delete_one wipe
    """,
    "getattr": """
        def wipe(db, name):
            getattr(db, "wallets").delete_one({})  # write: wallets delete_one wipe
            getattr(db.wallets, "delete_one")({})  # write: wallets delete_one wipe
            getattr(db.wallets, "find_one")({})
            getattr(db.wallets, name)({})
    """,
    "request of a web framework": """
        async def credit(request, user_id):
            await request.app.mongodb.wallets.update_one({"user_id": user_id}, {})  # write: wallets update_one credit
            await request.app.state.db["wallets"].update_one({"user_id": user_id}, {})  # write: wallets update_one credit
            await request.app.state.db["sessions"].update_one({"user_id": user_id}, {})
    """,
    "a function that gives the database": """
        async def credit():
            await get_db().wallets.insert_one({})  # write: wallets insert_one credit
            db = await get_database()
            await db.wallets.insert_one({})  # write: wallets insert_one credit
    """,
    "constant": """
        WALLETS = "wallets"
        AUDIT = "audit"
        def credit(db):
            db[WALLETS].update_many({}, {})  # write: wallets update_many credit
            db[AUDIT].update_many({}, {})
    """,
    "constants of a class": """
        class Collections:
            WALLETS = "wallets"
            LOGS = "logs"
        def credit(db):
            db[Collections.WALLETS].update_one({}, {})  # write: wallets update_one credit
            db[Collections.LOGS].update_one({}, {})
    """,
    "enumeration": """
        from enum import Enum
        class Name(str, Enum):
            WALLETS = "wallets"
            LOGS = "logs"
        def credit(db):
            db[Name.WALLETS.value].update_one({}, {})  # write: wallets update_one credit
            db[Name.WALLETS].update_one({}, {})  # write: wallets update_one credit
            db[Name.LOGS.value].update_one({}, {})
            for name in Name:
                db[name.value].delete_many({})  # write: wallets delete_many credit
    """,
    "dict of names": """
        COLLECTIONS = {"wallet": "wallets", "log": "logs"}
        def credit(db):
            db[COLLECTIONS["wallet"]].update_one({}, {})  # write: wallets update_one credit
            db[COLLECTIONS.get("wallet")].update_one({}, {})  # write: wallets update_one credit
            db[COLLECTIONS["log"]].update_one({}, {})
    """,
    "final and concatenated": """
        from typing import Final
        KIND: Final = "crypto"
        NAME: Final[str] = KIND + "_balances"
        def credit(db):
            db[NAME].update_one({}, {})  # write: crypto_balances update_one credit
            db[f"{KIND}_balances"].update_one({}, {})  # write: crypto_balances update_one credit
            db["trader" "_balances"].update_one({}, {})  # write: trader_balances update_one credit
            db["%s_balances" % "internal"].update_one({}, {})  # write: internal_balances update_one credit
            db["_".join(("crypto", "balances"))].update_one({}, {})  # write: crypto_balances update_one credit
            db["{}_balances".format(KIND)].update_one({}, {})  # write: crypto_balances update_one credit
            db[f"{KIND}_orders"].update_one({}, {})
            db[f"wallets"].update_one({}, {})  # write: wallets update_one credit
    """,
    "default of a setting": """
        import os
        NAME = os.environ.get("WALLETS_COLLECTION", "wallets")
        OTHER = os.getenv("LOG_COLLECTION", "logs")
        def credit(db):
            db[NAME].update_one({}, {})  # write: wallets update_one credit
            db[OTHER].update_one({}, {})
    """,
    "alias, bound again": """
        def credit(db):
            w = db.wallets
            w.update_one({}, {})  # write: wallets update_one credit
            w = db.logs
            w.update_one({}, {})
    """,
    "aliases of a tuple": """
        def credit(db):
            w, logs = db.wallets, db.logs
            w.update_one({}, {})  # write: wallets update_one credit
            logs.update_one({}, {})
            first, *rest = [db.logs, db.wallets]
            first.update_one({}, {})
    """,
    "walrus": """
        def credit(db):
            if (w := db.wallets) is not None:
                w.update_one({}, {})  # write: wallets update_one credit
    """,
    "loops over names": """
        def credit(db):
            for name in ("wallets", "crypto_balances"):
                db[name].update_one({}, {})  # write: wallets update_one credit; crypto_balances update_one credit
            for name in ["orders", "trades"]:
                db[name].update_one({}, {})
            for coll in (db.wallets, db.logs):
                coll.delete_one({})  # write: wallets delete_one credit
            [db[n].delete_many({}) for n in ("logs", "internal_balances")]  # write: internal_balances delete_many credit
    """,
    "dict of collections": """
        NAMES = ("wallets", "logs")
        class Store:
            def __init__(self, db):
                self.all = {name: db[name] for name in NAMES}
            def put(self):
                self.all["wallets"].insert_one({})  # write: wallets insert_one Store.put
                self.all["logs"].insert_one({})
    """,
    "items of a dict": """
        MAP = {"a": "wallets", "b": "logs"}
        def credit(db):
            for key, name in MAP.items():
                db[name].update_one({}, {})  # write: wallets update_one credit
            for i, name in enumerate(MAP.values()):
                db[name].delete_one({})  # write: wallets delete_one credit
            for a, b in zip(["logs"], ["wallets"]):
                db[a].insert_one({})
                db[b].insert_one({})  # write: wallets insert_one credit
    """,
    "either or": """
        def credit(db, live, given=None):
            coll = db.wallets if live else db.wallets_test
            coll.update_one({}, {})  # write: wallets update_one credit
            other = given or db.trader_balances
            other.update_one({}, {})  # write: trader_balances update_one credit
            if live:
                third = db.logs
            else:
                third = db.wallets
            third.update_one({}, {})  # write: wallets update_one credit
    """,
    "a branch that leaves": """
        def credit(db, name):
            coll = db.wallets
            if name:
                coll = db.logs
            else:
                return
            coll.update_one({}, {})
    """,
    "attribute of self": """
        class Service:
            def __init__(self, db):
                self.db = db
                self.wallets = db["wallets"]
                self.col = db.logs
            async def credit(self):
                await self.wallets.update_one({}, {})  # write: wallets update_one Service.credit
                await self.db.wallets.update_one({}, {})  # write: wallets update_one Service.credit
                await self.col.update_one({}, {})
    """,
    "attribute set elsewhere": """
        class Service:
            coll = None
            def connect(self, db):
                self.coll = db.trader_balances
            def credit(self):
                self.coll.update_one({}, {})  # write: trader_balances update_one Service.credit
    """,
    "attribute of a class": """
        from app.db import db
        class Service:
            coll = db.wallets
            @classmethod
            def credit(cls):
                cls.coll.update_one({}, {})  # write: wallets update_one Service.credit
            def debit(self):
                self.coll.update_one({}, {})  # write: wallets update_one Service.debit
    """,
    "property": """
        from functools import cached_property
        class Service:
            @property
            def wallets(self):
                return self.db.wallets
            @cached_property
            def log(self):
                return self.db.logs
            def credit(self):
                self.wallets.update_one({}, {})  # write: wallets update_one Service.credit
                self.log.update_one({}, {})
    """,
    "a function that gives a collection": """
        def get_wallets():
            return client.exchange.wallets
        def by_name(name):
            return db[name]
        def credit():
            get_wallets().update_one({}, {})  # write: wallets update_one credit
            by_name("wallets").update_one({}, {})  # write: wallets update_one credit
            by_name("logs").update_one({}, {})
    """,
    "a method that gives a collection": """
        class Base:
            def col(self, name):
                return self.db[name]
        class Service(Base):
            def credit(self):
                self.col("wallets").update_one({}, {})  # write: wallets update_one Service.credit
                self.col("logs").update_one({}, {})
    """,
    "parameter of a function": """
        def bump(coll, by):
            coll.update_one({}, {"$inc": by})  # write: wallets update_one bump
        def note(coll, by):
            coll.update_one({}, {"$inc": by})
        def credit(db):
            bump(db.wallets, 1)
            note(db.logs, 1)
    """,
    "parameter by name": """
        def bump(db, *, name="logs"):
            db[name].update_one({}, {})  # write: crypto_balances update_one bump
        def credit(db):
            bump(db, name="crypto_balances")
    """,
    "default parameter": """
        def bump(by, coll=db.wallets):
            coll.update_one({}, {"$inc": by})  # write: wallets update_one bump
    """,
    "dependency of FastAPI": """
        from typing import Annotated
        from fastapi import Depends
        def wallets():
            return db.wallets
        async def logs():
            yield db.logs
        @router.post("/credit")
        async def credit(coll=Depends(wallets), log=Depends(logs)):
            await coll.update_one({}, {})  # write: wallets update_one credit
            await log.insert_one({})
        async def debit(coll: Annotated[object, Depends(wallets)]):
            await coll.update_one({}, {})  # write: wallets update_one debit
    """,
    "annotated parameters": """
        from motor.motor_asyncio import AsyncIOMotorDatabase, AsyncIOMotorCollection
        def credit(store: AsyncIOMotorDatabase, wallets: AsyncIOMotorCollection):
            store.wallets.update({}, {})  # write: wallets update credit
            wallets.remove({})  # write: wallets remove credit
            store.logs.update({}, {})
    """,
    "nested functions": """
        def outer(db):
            w = db.wallets
            def inner():
                w.update_one({}, {})  # write: wallets update_one outer.inner
            inner()
    """,
    "inherited constructor": """
        class Repo:
            def __init__(self, coll):
                self.coll = coll
            def put(self, doc):
                self.coll.insert_one(doc)  # write: wallets insert_one Repo.put
        class Wallets(Repo):
            def __init__(self, db):
                super().__init__(db["wallets"])
            def set(self):
                self.coll.replace_one({}, {})  # write: wallets replace_one Wallets.set
        class Logs(Repo):
            def __init__(self, db):
                super().__init__(db["logs"])
            def note(self):
                self.coll.replace_one({}, {})
    """,
    "name set by a subclass": """
        class Repo:
            name = None
            def put(self, db, doc):
                db[self.name].insert_one(doc)  # write: trader_balances insert_one Repo.put
        class Traders(Repo):
            name = "trader_balances"
        class Logs(Repo):
            name = "logs"
            def note(self, db):
                db[self.name].insert_one({})
    """,
    "two objects of one class": """
        class Repo:
            def __init__(self, coll):
                self.coll = coll
        wallets = Repo(db.wallets)
        logs = Repo(db.logs)
        wallets.coll.insert_one({})  # write: wallets insert_one <module>
        logs.coll.insert_one({})
    """,
    "names that nobody explains": """
        from app.database import wallets_collection, CRYPTO_BALANCES, db, logs_collection
        async def credit():
            await wallets_collection.update_one({}, {})  # write: wallets update_one credit
            await db[CRYPTO_BALANCES].update_one({}, {})  # write: crypto_balances update_one credit
            await logs_collection.update_one({}, {})
    """,
    "guarded name": """
        def bump(db, name):
            if name == "logs":
                db[name].update_one({}, {})
            elif name in ("wallets", "crypto_balances"):
                db[name].update_one({}, {})  # write: wallets update_one bump; crypto_balances update_one bump
    """,
    "guard that leaves": """
        BALANCES = {"wallets", "logs"}
        def bump(db, name):
            if name not in BALANCES:
                raise ValueError(name)
            db[name].update_one({}, {})  # write: wallets update_one bump
    """,
    "match": """
        def bump(db, name):
            match name:
                case "wallets":
                    db[name].update_one({}, {})  # write: wallets update_one bump
                case "logs":
                    db[name].update_one({}, {})
    """,
    "global": """
        wallets_col = None
        def connect():
            global wallets_col
            wallets_col = MongoClient().exchange.wallets
        def credit():
            wallets_col.update({}, {})  # write: wallets update credit
    """,
    "context manager": """
        from contextlib import contextmanager
        @contextmanager
        def opened():
            client = MongoClient()
            yield client.exchange
        def credit():
            with opened() as store:
                store.wallets.drop()  # write: wallets drop credit
                store.logs.drop()
            with MongoClient() as client, client.start_session() as session:
                with session.start_transaction():
                    client.exchange.wallets.insert_one({}, session=session)  # write: wallets insert_one credit
    """,
    "dataclass": """
        from dataclasses import dataclass
        @dataclass
        class Names:
            wallets: str = "wallets"
            logs: str = "logs"
        @dataclass
        class Job:
            coll: object
            def run(self):
                self.coll.delete_many({})  # write: wallets delete_many Job.run
        names = Names()
        def credit(db):
            db[names.wallets].update_one({}, {})  # write: wallets update_one credit
            db[names.logs].update_one({}, {})
            Job(db.wallets).run()
    """,
    "a function that gives a name": """
        def name():
            return "wallets"
        class Repository:
            def create(self, db):
                db[self.name()].insert_one({})  # write: crypto_balances insert_one Repository.create
                db[self.table].insert_one({})  # write: trader_balances insert_one Repository.create
        class Balances(Repository):
            def name(self):
                return "crypto_balances"
            @property
            def table(self):
                return "trader_balances"
        def credit(db):
            db[name()].insert_one({})  # write: wallets insert_one credit
    """,
    "generic repository": """
        from typing import Generic, TypeVar
        T = TypeVar("T")
        class Repository(Generic[T]):
            collection_name: str
            def __init__(self, database):
                self.collection = database[self.collection_name]
            async def create(self, document: T):
                await self.collection.insert_one(document)  # write: wallets insert_one Repository.create
        class Wallets(Repository[dict]):
            collection_name = "wallets"
            async def credit(self):
                await self.collection.update_one({}, {})  # write: wallets update_one Wallets.credit
        class Orders(Repository[dict]):
            collection_name = "orders"
            async def fill(self):
                await self.collection.update_one({}, {})
        class Trades(Repository[dict]):
            collection_name = "trades"
            def __init__(self, database, clock):
                super().__init__(database)
                self.clock = clock
            async def fill(self):
                await self.collection.update_one({}, {})
    """,
    "imported under another name": """
        from app.db import wallets as w, orders as o
        from app.db import wallets_collection as target
        def credit():
            w.update_one({}, {})  # write: wallets update_one credit
            o.update_one({}, {})
            target.delete_one({})  # write: wallets delete_one credit
    """,
    "fields of settings": """
        from pydantic import Field
        from pydantic_settings import BaseSettings
        class Settings(BaseSettings):
            wallets: str = Field("wallets", alias="WALLETS")
            traders: str = Field(default="trader_balances")
            orders: str = Field(default="orders")
        settings = Settings()
        def credit(db):
            db[settings.wallets].update_one({}, {})  # write: wallets update_one credit
            db[settings.traders].update_one({}, {})  # write: trader_balances update_one credit
            db[settings.orders].update_one({}, {})
    """,
    "database in the settings of Django": """
        from django.conf import settings
        db = settings.MONGO_DB
        def credit():
            db.wallets.update_one({}, {})  # write: wallets update_one credit
            settings.MONGO_DB["wallets"].update_one({}, {})  # write: wallets update_one credit
            settings.MONGO_DB["orders"].update_one({}, {})
    """,
    "unexplained function that opens a collection": """
        from app.db import coll, get_coll
        async def credit(self):
            await coll("wallets").update_one({}, {})  # write: wallets update_one credit
            await get_coll("orders").update_one({}, {})
            await self.collection("wallets").delete_one({})  # write: wallets delete_one credit
            await self.collection("wallets").find_one({})
            self.collection("wallets").update({})
    """,
    "wrapper that takes the collection's name": """
        from app.db import mongo_service
        WALLETS = "wallets"
        async def credit(wallets):
            await mongo_service.update_one("wallets", {}, {})  # write: wallets update_one credit
            await mongo_service.insert_many(WALLETS, [])  # write: wallets insert_many credit
            await mongo_service.insert_one(collection="wallets", document={})  # write: wallets insert_one credit
            await mongo_service.update_one("orders", {}, {})
            await mongo_service.find_one("wallets", {})
            await mongo_service.insert_many(wallets)
    """,
}
