"""What looks like a write and is none; a line that writes says so all the same."""

CASES = {
    "containers": """
        def work(db, hashlib):
            wallets = {}
            wallets.update(a=1)
            wallets.pop("a")
            rows = []
            rows.insert(0, wallets)
            seen = set()
            seen.update({1})
            seen.remove(1)
            balances = dict(a=1)
            balances.update(b=2)
            hashlib.sha256().update(b"wallets")
            wallets = [1]
            wallets.insert(0, 2)
            wallets.remove(2)
    """,
    "parameters of no known kind": """
        def work(wallets, session, item):
            wallets.update(a=1)
            wallets.insert(0, item)
            session.wallets.update(a=1)
            session.wallets.remove(item)
            item.wallets.save()
    """,
    "SQLAlchemy": """
        from flask_sqlalchemy import SQLAlchemy
        from sqlalchemy import update
        db = SQLAlchemy()
        class Wallet(db.Model):
            __tablename__ = "wallets"
        def work(session, user):
            session.query(Wallet).update({"a": 1})
            db.session.query(Wallet).filter_by(a=1).delete()
            session.execute(update(Wallet))
            wallet = session.get(Wallet, 1)
            wallet.update(a=1)
            db.wallets.update({})
            user.wallets.remove(wallet)
    """,
    "Django": """
        from django.db import models
        class Wallet(models.Model):
            class Meta:
                db_table = "wallets"
                collection = "wallets"
        def work():
            Wallet.objects.filter(a=1).update(b=2)
            Wallet(a=1).save()
            Wallet.objects.all().delete()
    """,
    "Pydantic": """
        from pydantic import BaseModel
        class Wallet(BaseModel):
            class Config:
                collection = "wallets"
        def work(wallet: Wallet):
            wallet.copy().update(a=1)
            Wallet.update({})
    """,
    "Redis": """
        import redis
        r = redis.Redis()
        def work():
            r.delete("wallets")
            r.rename("wallets", "old")
            r.set("wallets", 1)
    """,
    "texts and comments": '''
        def work(db):
            """Once: db.wallets.update_one({}, {})."""
            # db.wallets.delete_many({})
            print("db.wallets.insert_one({})")
            return "db.wallets.drop()"
    ''',
    "other collections": """
        def work(db):
            db.wallets_archive.insert_one({})
            db["wallets.archive"].insert_one({})
            db.wallets.archive.insert_one({})
            db.audit.insert_one({"collection": "wallets"})
            db.audit.insert_one(db.wallets.find_one({}))
            db["old_wallets"].drop()
            db.wallets_by_user.update({}, {})
    """,
    "below a known collection": """
        from pymongo import MongoClient
        db = MongoClient().exchange
        def work():
            db.archive.wallets.insert_one({})
            db["archive"]["wallets"].insert_one({})
    """,
    "documents that were read": """
        def work(db):
            wallet = db.wallets.find_one({})
            wallet.update(seen=True)
            wallet["a"].insert(0, 1)
            for each in db.wallets.find({}):
                each.update(seen=True)
            rows = list(db.wallets.find({}))
            rows.remove(wallet)
    """,
    "mocks": """
        def test_credit(db):
            db.wallets.update_one.assert_called_once()
            db.wallets.update_one.return_value = None
            db.wallets.update_one = AsyncMock()
            assert db.wallets.insert_one.call_count == 0
    """,
    "class of its own": """
        class Repository:
            def __init__(self, db):
                self.db = db
            def update_one(self, query):
                self.db.logs.update_one(query, {})
        class Service:
            def __init__(self, db):
                self.wallets = Repository(db)
            def work(self):
                self.wallets.update_one({})
    """,
    "parameter that nobody gives": """
        def work(coll):
            coll.update_one({}, {})
    """,
    "name that nobody knows": """
        def work(db, name):
            db[name].update_one({}, {})
    """,
    "files and data frames": """
        import os
        import pandas as pd
        def work(path, df):
            os.rename("old", "wallets")
            path.rename("wallets")
            df.rename("wallets")
            df.drop("wallets")
            df.update(df)
            pd.DataFrame().insert(0, "wallets", [])
    """,
    "shadowed": """
        db_wallets = db.wallets
        def work(db_wallets):
            db_wallets = {}
            db_wallets.update(a=1)
        def other():
            wallets = db.logs
            wallets.insert_one({})
    """,
    "only handed on": """
        def work(db):
            show(db.wallets)
            return db.wallets
        def name(db):
            return db.wallets.name
    """,
    "the library": """
        from reconciler.sync import sync_credit_balance
        async def work(user, amount):
            await sync_credit_balance(user, "BTC", amount, "deposit")
    """,
    "comprehension keeps items apart": """
        def work(db):
            cols = {}
            for name in ("wallets", "logs"):
                cols[name] = db[name]
            cols["logs"].insert_one({})
            cols["wallets"].insert_one({})  # write: wallets insert_one work
    """,
    "SDK of a wallet service": """
        def work(client, api):
            client.v1.wallets.update(1)
            api.wallets.remove(1)
            api.client.wallets.save()
    """,
}
