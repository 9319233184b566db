"""One long module in many styles; `# W` stands on each line that writes."""

MIXED = """import asyncio, random
from pymongo import UpdateOne
from pymongo.collection import Collection
from bson.son import SON
WALLET_NS = "exchange.wallets"
async def a(self, db, session, user):
    async with await db.client.start_session() as s:
        async with s.start_transaction():
            await db.wallets.update_one({}, {}, session=s)  # W
    await (db.wallets if user else db.logs).delete_one({})  # W
    [await db.wallets.insert_one(x) for x in user]  # W
    await db.client["exchange"].wallets.delete_one({})  # W
    await db.get_collection(name="wallets").update_one({}, {})  # W
    await self._db["wallets"].update_one({}, {})  # W
    await self.mongo.db.wallets.update_one({}, {})  # W
    await current_app.db.wallets.update_one({}, {})  # W
    await mongo.db["wallets"].update_one({}, {})  # W
    g.db.wallets.save({})  # W
    await db.command("findAndModify", "wallets", query={}, update={})  # W
    await db.command(SON({"update": "wallets", "updates": []}))  # W
    return await db.wallets.find_one_and_update(  # W
        {}, {})
class Repo:
    COLLECTION = "wallets"
    def __init__(self, db): self._col = db[self.COLLECTION]
    def up(self): return self._col.update_one({}, {})  # W
    @staticmethod
    def c(): return get_db()["crypto_balances"]
    def up2(self): self.c().insert_one({})  # W
    def up3(self): Repo.c().insert_one({})  # W
    @property
    def coll(self) -> Collection: return self.db.get_collection("trader_balances")
    def up4(self):
        with self.lock:
            self.coll.update_many({}, {})  # W
class Coll2:
    def __init__(self, name): self.name = name
    def handle(self): return db[self.name]
def helper(name="wallets"):
    return Coll2(name).handle()
helper().delete_one({})  # W
Coll2("logs").handle().delete_one({})
OPS = {"credit": db.wallets.update_one, "log": db.logs.insert_one}  # W
OPS["credit"]({}, {})
for c in map(db.get_collection, ["wallets"]):
    c.insert_one({})  # W
for c in [db.wallets, db.crypto_balances]: c.drop()  # W
def multi(*colls):
    for c in colls: c.delete_many({})  # W
multi(db.logs, db.internal_balances)
async def gen():
    for n in ("wallets",):
        yield db[n]
async def use():
    async for c in gen():
        await c.insert_one({})  # W
def kw(**collections):
    collections["w"].insert_one({})  # W
kw(w=db.wallets)
client.bulk_write([UpdateOne(filter={}, update={}, namespace=WALLET_NS)])  # W
class S(Base):
    def work(self):
        coll = self.get_collection("wallets")
        coll.update_one({}, {})  # W
        coll = getattr(self.db, "wallets"); coll.insert_one({})  # W
        self.repo.wallets.insert_one({})  # W
        self.wallets_coll.bulk_write([])  # W
        name = "wallets" if self.x else None
        self.db[name].insert_one({})  # W
        (w := self.db["wallets"]).insert_one({})  # W
        fn = self.db.wallets.find_one if 1 else self.db.wallets.delete_one  # W
        t = asyncio.create_task(self.db.wallets.delete_one({}))  # W
        return lambda: self.db.wallets.delete_one({})  # W
def late():
    coll = None
    try:
        coll = db.wallets
    except Exception:
        pass
    coll.insert_one({})  # W
    while True:
        try:
            coll.insert_one({})  # W
            break
        except Exception: continue
    del coll
def agg(db):
    p = [{"$match": {}}]
    p2 = p + ([{"$merge": {"into": "wallets", "whenMatched": "merge"}}] if db else [])
    db.x.aggregate(p2, allowDiskUse=True)  # W
    stage = {"$merge": {}}
    stage["$merge"]["into"] = "wallets"
    db.x.aggregate([stage])  # W
    st = {}
    st["$out"] = "wallets"
    db.x.aggregate([st])  # W
    db.x.aggregate([dict([("$out", "wallets")])])  # W
    db.x.aggregate([{"$out": db.wallets.name}])  # W
    db.x.aggregate([{"$out": f"{'wallets'}"}])  # W
    db.x.aggregate([{"$out": "wallets_" + "x"}])
NAMES = ["wallets", "logs"]
def bykey(db, kind):
    c = {"w": db.wallets, "l": db.logs}[kind]
    c.insert_one({})  # W
    {"w": db.wallets, "l": db.logs}["l"].insert_one({})
    db[NAMES[0]].insert_one({})  # W
    db[NAMES[1]].insert_one({})
    db[NAMES[-1]].insert_one({})
def redo(wallets_cursor, wallets_cache, wallets_list, balances):
    wallets_cache.update({})
    wallets_list.remove(1)
    balances.insert_one({})
async def motor(app):
    app.wallets = app.db["wallets"]
    await app.wallets.insert_one({})  # W
    app["db"].wallets.insert_one({})  # W
    await app["mongo"]["wallets"].insert_one({})  # W
"""
