"""What writes. A line that writes says so: `# write: COLLECTION OPERATION WHERE`."""

_METHODS = [
    "insert_one",
    "insert_many",
    "update_one",
    "update_many",
    "replace_one",
    "delete_one",
    "delete_many",
    "bulk_write",
    "find_one_and_update",
    "find_one_and_replace",
    "find_one_and_delete",
    "find_and_modify",
    "initialize_ordered_bulk_op",
    "initialize_unordered_bulk_op",
    "insert",
    "update",
    "save",
    "remove",
    "drop",
    "rename",
]
_READS = [
    "find",
    "find_one",
    "aggregate",
    "count_documents",
    "estimated_document_count",
    "distinct",
    "watch",
    "list_indexes",
    "index_information",
    "options",
    "count",
    "create_index",
    "drop_index",
    "find_raw_batches",
]

CASES = {
    **{
        f"method {name}": f"""
            async def work(db):
                await db.wallets.{name}({{}}, {{}})  # write: wallets {name} work
                await db.audit.{name}({{}}, {{}})
        """
        for name in _METHODS
    },
    **{
        f"reading by {name}": f"""
            async def work(db):
                async for each in db.wallets.{name}({{}}):
                    each.update(seen=True)
        """
        for name in _READS
    },
    "$out as text": """
        def work(db):
            db.orders.aggregate([{"$match": {}}, {"$out": "wallets"}])  # write: wallets aggregate work
            db.wallets.aggregate([{"$match": {}}, {"$out": "report"}])
    """,
    "$out with a database": """
        def work(db):
            db.orders.aggregate([{"$out": {"db": "exchange", "coll": "wallets"}}])  # write: wallets aggregate work
    """,
    "$merge": """
        def work(self, db):
            self.anything.aggregate([{"$merge": "wallets"}])  # write: wallets aggregate work
            db.x.aggregate([{"$merge": {"into": "trader_balances", "on": "_id"}}])  # write: trader_balances aggregate work
            db.x.aggregate([{"$merge": {"into": {"db": "a", "coll": "wallets"}}}])  # write: wallets aggregate work
            db.wallets.aggregate([{"$merge": {"into": "report"}}])
            db.wallets.aggregate([{"$lookup": {"from": "wallets"}}])
    """,
    "pipeline in a variable": """
        def work(db, whole):
            pipeline = [{"$match": {}}]
            if whole:
                pipeline.append({"$merge": {"into": "wallets"}})
            db.orders.aggregate(pipeline)  # write: wallets aggregate work
            reading = [{"$match": {}}]
            db.wallets.aggregate(reading)
    """,
    "pipeline put together": """
        BASE = [{"$match": {}}]
        OUT = {"$out": "crypto_balances"}
        def work(db):
            db.a.aggregate(BASE + [OUT])  # write: crypto_balances aggregate work
            db.a.aggregate([*BASE, OUT])  # write: crypto_balances aggregate work
            more = list(BASE)
            more += [OUT]
            db.a.aggregate(pipeline=more)  # write: crypto_balances aggregate work
            other = []
            other.extend([OUT])
            db.a.aggregate(other)  # write: crypto_balances aggregate work
            db.a.aggregate(BASE)
    """,
    "pipeline of a function": """
        def stages(name):
            return [{"$match": {}}, {"$merge": {"into": name}}]
        def work(db):
            db.a.aggregate(stages("wallets"))  # write: wallets aggregate work
            db.a.aggregate(stages("report"))
    """,
    "writes of a client": """
        from pymongo import InsertOne, UpdateOne, DeleteOne
        def work(client, user_id):
            client.bulk_write([  # write: wallets bulk_write work
                UpdateOne({"user_id": user_id}, {"$set": {}}, namespace="exchange.wallets"),
                InsertOne({}, namespace="exchange.logs"),
            ])
            client.bulk_write([DeleteOne({}, namespace="exchange.logs")])
            models = []
            for each in range(3):
                models.append(InsertOne(namespace="exchange.trader_balances", document={}))
            client.bulk_write(models=models)  # write: trader_balances bulk_write work
    """,
    "bulk of a collection": """
        from pymongo import UpdateOne
        def work(db, users):
            ops = [
                UpdateOne({"user_id": user}, {"$set": {}})
                for user in users
            ]
            db.wallets.bulk_write(  # write: wallets bulk_write work
                ops,
                ordered=False,
            )
            db.logs.bulk_write(ops)
    """,
    "commands by name": """
        def work(db, admin):
            db.command("update", "wallets", updates=[])  # write: wallets update work
            db.command("delete", "logs", deletes=[])
            db.command("find", "wallets")
            db.command("ping")
            admin.command("renameCollection", "x.wallets", to="x.old")  # write: wallets renameCollection work
            admin.command("renameCollection", "x.new", to="x.trader_balances")  # write: trader_balances renameCollection work
            db.command("aggregate", "a", pipeline=[{"$out": "wallets"}], cursor={})  # write: wallets aggregate work
            db.command("drop", "wallets")  # write: wallets drop work
    """,
    "command documents": """
        from bson.son import SON
        from collections import OrderedDict
        def work(db):
            db.command({"findAndModify": "wallets", "query": {}, "update": {}})  # write: wallets findAndModify work
            db.command(SON([("delete", "wallets"), ("deletes", [])]))  # write: wallets delete work
            db.command(OrderedDict([("insert", "crypto_balances")]))  # write: crypto_balances insert work
            db.command({"find": "wallets", "filter": {"update": "wallets"}})
            db.command({"explain": {"update": "wallets", "updates": []}})
            db.command({"collStats": "wallets"})
            doc = {"update": "wallets"}
            doc["updates"] = []
            db.command(doc)  # write: wallets update work
            db.command({**doc, "ordered": False})  # write: wallets update work
            db.command(dict(insert="wallets", documents=[]))  # write: wallets insert work
    """,
    "dropping and renaming": """
        def work(db):
            db.drop_collection("wallets")  # write: wallets drop_collection work
            db.drop_collection("logs")
            db.drop_collection(db.trader_balances)  # write: trader_balances drop_collection work
            db.wallets_new.rename("wallets", dropTarget=True)  # write: wallets rename work
            db.wallets.rename("wallets_old")  # write: wallets rename work
            db.create_collection("wallets")
    """,
    "map_reduce": """
        def work(db):
            db.orders.map_reduce("m", "r", "wallets")  # write: wallets map_reduce work
            db.wallets.map_reduce("m", "r", "report")
    """,
    "method kept aside": """
        async def work(db):
            write = db.wallets.update_one  # write: wallets update_one work
            await write({}, {})
            read = db.wallets.find_one
            await read({})
    """,
    "method handed to a thread": """
        import asyncio
        async def work(db, loop, pool, coll):
            await asyncio.to_thread(db.wallets.update_one, {}, {})  # write: wallets update_one work
            await loop.run_in_executor(None, db.wallets.insert_one, {})  # write: wallets insert_one work
            pool.submit(db.wallets.delete_one, {})  # write: wallets delete_one work
            await asyncio.to_thread(db.wallets.find_one, {})
    """,
    "function handed to a thread": """
        import asyncio, threading
        from functools import partial
        def bump(coll, by):
            coll.update_one({}, by)  # write: wallets update_one bump
        def drop(coll):
            coll.drop()  # write: crypto_balances drop drop
        def wipe(coll):
            coll.delete_many({})  # write: trader_balances delete_many wipe
        async def work(db):
            await asyncio.to_thread(bump, db.wallets, 1)
            threading.Thread(target=drop, args=(db.crypto_balances,)).start()
            partial(wipe, db.trader_balances)()
    """,
    "partial of a method": """
        from functools import partial
        def work(db):
            credit = partial(db.wallets.update_one, {"user_id": 1})  # write: wallets update_one work
            credit({})
            command = partial(db.command, "update")
            command("wallets", updates=[])  # write: wallets update work
    """,
    "lambda": """
        def work(db):
            run = lambda u: db.wallets.delete_one({"user_id": u})  # write: wallets delete_one work
            put = lambda coll: coll.insert_one({})  # write: trader_balances insert_one work
            put(db.trader_balances)
            return run
    """,
    "decorator that gives the collection": """
        def with_collection(name):
            def decorate(function):
                def wrapper(*args):
                    return function(db[name], *args)
                return wrapper
            return decorate
        @with_collection("wallets")
        def credit(coll, user_id):
            coll.update_one({}, {})  # write: wallets update_one credit
    """,
    "retries around it": """
        @retry(times=3)
        async def work(db):
            try:
                await db.wallets.insert_one({})  # write: wallets insert_one work
            except DuplicateKeyError:
                await db.wallets.replace_one({}, {})  # write: wallets replace_one work
            finally:
                await db.logs.insert_one({})
            assert db.wallets.find_one({})
            return await db.wallets.find_one_and_update({}, {})  # write: wallets find_one_and_update work
    """,
    "several at once": """
        import asyncio
        async def work(db):
            await asyncio.gather(
                db.wallets.insert_one({}),  # write: wallets insert_one work
                db.logs.insert_one({}),
                *[db[n].insert_one({}) for n in ["crypto_balances"]],  # write: crypto_balances insert_one work
            )
    """,
    "Beanie": """
        from beanie import Document
        class Wallet(Document):
            user_id: str
            tags: dict = {}
            class Settings:
                name = "wallets"
            async def add(self, by):
                self.tags.update(seen=True)
                await self.save()  # write: wallets save Wallet.add
            @classmethod
            async def mine(cls, user):
                return await cls.find_one(cls.user_id == user)
        class Note(Document):
            class Settings:
                name = "notes"
        async def work(user):
            await Wallet.find_one(Wallet.user_id == user).update({"$inc": {}})  # write: wallets update work
            await Wallet.find(Wallet.user_id == user).set({})  # write: wallets set work
            await Wallet.find_all().inc({})  # write: wallets inc work
            wallet = await Wallet.find_one(Wallet.user_id == user)
            await wallet.save()  # write: wallets save work
            await wallet.save_changes()  # write: wallets save_changes work
            wallet.tags.update(a=1)
            wallet.model_dump().update(a=1)
            await wallet.delete()  # write: wallets delete work
            await Wallet(user_id=user).insert()  # write: wallets insert work
            await Wallet.insert_many([])  # write: wallets insert_many work
            await Wallet.get_motor_collection().update_one({}, {})  # write: wallets update_one work
            await Wallet.get_pymongo_collection().delete_one({})  # write: wallets delete_one work
            for each in await Wallet.find().sort("a").to_list():
                await each.replace()  # write: wallets replace work
            mine = await Wallet.mine(user)
            await mine.set({})  # write: wallets set work
            await Note.find_one().update({})
            await Note().insert()
            await Wallet.find().count()
            await Wallet.aggregate([{"$match": {}}]).to_list()
    """,
    "annotated document": """
        from beanie import Document
        class Base(Document):
            pass
        class Wallet(Base):
            class Settings:
                name = "wallets"
        async def work(wallet: Wallet, others: list[Wallet]):
            await wallet.save()  # write: wallets save work
            for each in others:
                await each.delete()  # write: wallets delete work
    """,
    "MongoEngine": """
        from mongoengine import Document, StringField
        class Wallet(Document):
            meta = {"collection": "wallets"}
            user_id = StringField()
        class CryptoBalances(Document):
            pass
        class Log(Document):
            pass
        def work(user):
            Wallet.objects(user_id=user).update_one(inc__available=1)  # write: wallets update_one work
            Wallet.objects.filter(user_id=user).update(set__a=1)  # write: wallets update work
            Wallet(user_id=user).save()  # write: wallets save work
            wallet = Wallet.objects.get(user_id=user)
            wallet.modify(a=1)  # write: wallets modify work
            Wallet.drop_collection()  # write: wallets drop_collection work
            CryptoBalances.objects.delete()  # write: crypto_balances delete work
            Log().save()
            Wallet.objects(user_id=user).count()
            Wallet._get_collection().insert_one({})  # write: wallets insert_one work
    """,
    "document of an unknown base": """
        from app.base import BaseDocument
        class Wallet(BaseDocument):
            class Settings:
                name = "wallets"
        async def work():
            await Wallet.find_one({}).update({})  # write: wallets update work
    """,
    "engine of ODMantic": """
        from odmantic import AIOEngine, Model
        class Wallet(Model):
            model_config = {"collection": "wallets"}
        class Order(Model):
            model_config = {"collection": "orders"}
        engine = AIOEngine()
        async def credit(user_id, engine2: AIOEngine, wallet: Wallet):
            await engine.save(Wallet(user_id=user_id))  # write: wallets save credit
            await engine2.save_all([wallet])  # write: wallets save_all credit
            await engine2.remove(Wallet, Wallet.user_id == user_id)  # write: wallets remove credit
            await engine.save(Order())
            await engine.find_one(Wallet)
    """,
}
