"""The words of the driver, of object mappers and of the server's commands that matter here."""

# Nothing but a collection of the driver has these.
PLAIN_WRITES = frozenset(
    [
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
    ]
)
# These write too, but lists, dicts and others have methods of that name: who it is must be known.
SHARED_WRITES = frozenset({"insert", "update", "save", "remove", "drop", "rename"})

AGGREGATES = frozenset({"aggregate", "aggregate_raw_batches"})
COMMANDS = frozenset({"command", "cursor_command"})
# Methods that say at the call what they write.
TOLD_BY_ARGUMENTS = (
    AGGREGATES | COMMANDS | {"bulk_write", "drop_collection", "map_reduce", "rename"}
)
OPENERS = frozenset({"get_collection", "get_database", "get_default_database", "with_options"})

COLLECTION_READS = frozenset(
    [
        "find",
        "find_one",
        "find_raw_batches",
        "count",
        "count_documents",
        "estimated_document_count",
        "distinct",
        "watch",
        "list_indexes",
        "index_information",
        "options",
        "create_index",
        "create_indexes",
        "ensure_index",
        "drop_index",
        "drop_indexes",
        "reindex",
        "list_search_indexes",
        "create_search_index",
        "group",
        "inline_map_reduce",
        "parallel_scan",
        "get_io_loop",
        "wrap",
    ]
)
DATABASE_METHODS = frozenset(
    [
        "create_collection",
        "dereference",
        "list_collection_names",
        "list_collections",
        "collection_names",
        "validate_collection",
        "watch",
        "get_io_loop",
    ]
)
CLIENT_METHODS = frozenset(
    [
        "start_session",
        "list_database_names",
        "list_databases",
        "database_names",
        "server_info",
        "close",
        "watch",
        "drop_database",
        "append_metadata",
        "aconnect",
        "get_io_loop",
    ]
)

CLIENT_TYPES = frozenset(
    [
        "MongoClient",
        "AsyncMongoClient",
        "AsyncIOMotorClient",
        "MotorClient",
        "AgnosticClient",
        "MotorReplicaSetClient",
        "AsyncMongoMockClient",
        "MongoReplicaSetClient",
        "Connection",
    ]
)
DATABASE_TYPES = frozenset(
    ["Database", "AsyncDatabase", "AsyncIOMotorDatabase", "MotorDatabase", "AgnosticDatabase"]
)
COLLECTION_TYPES = frozenset(
    [
        "Collection",
        "AsyncCollection",
        "AsyncIOMotorCollection",
        "MotorCollection",
        "AgnosticCollection",
    ]
)
DRIVER_TYPES = CLIENT_TYPES | DATABASE_TYPES | COLLECTION_TYPES
WRITE_MODELS = frozenset(
    ["InsertOne", "UpdateOne", "UpdateMany", "ReplaceOne", "DeleteOne", "DeleteMany"]
)
DRIVER_PACKAGES = frozenset(
    [
        "pymongo",
        "motor",
        "mongomock",
        "mongomock_motor",
        "pymongo_inmemory",
        "flask_pymongo",
        "aiomongo",
    ]
)
MAPPER_PACKAGES = frozenset(
    [
        "beanie",
        "bunnet",
        "mongoengine",
        "flask_mongoengine",
        "odmantic",
        "pymodm",
        "umongo",
        "mongokit",
    ]
)

# Methods of a document, of a query or of a class of an object mapper that write.
DOCUMENT_WRITES = PLAIN_WRITES | frozenset(
    [
        "insert",
        "update",
        "save",
        "delete",
        "replace",
        "save_changes",
        "set",
        "inc",
        "unset",
        "push",
        "pull",
        "add_to_set",
        "current_date",
        "upsert",
        "modify",
        "create",
        "delete_all",
        "update_all",
        "replace_many",
        "upsert_one",
        "drop_collection",
        "bulk_create",
        "save_all",
        "remove",
    ]
)
# Methods of an engine to which documents are handed.
ENGINE_WRITES = frozenset({"save", "save_all", "delete", "remove"})
# Methods that give a query or documents again.
DOCUMENT_CHAIN = frozenset(
    [
        "find",
        "find_one",
        "find_many",
        "find_all",
        "get",
        "all",
        "first",
        "first_or_none",
        "sort",
        "limit",
        "skip",
        "project",
        "filter",
        "to_list",
        "exclude",
        "only",
        "order_by",
        "select_related",
        "no_cache",
        "using",
        "raw",
        "get_or_none",
        "with_id",
        "in_bulk",
        "objects",
        "inspect",
        "clone",
        "batch_size",
        "hint",
        "max_time_ms",
        "no_dereference",
        "by_id",
        "filter_by",
    ]
)
DOCUMENT_COLLECTIONS = frozenset(
    [
        "get_motor_collection",
        "get_pymongo_collection",
        "get_collection",
        "_get_collection",
        "collection",
    ]
)

# Commands whose value is the collection that they write.
WRITE_COMMANDS = frozenset(
    ["insert", "update", "delete", "findAndModify", "findandmodify", "drop", "convertToCapped"]
)

# Of these packages nothing is a collection of MongoDB.
FOREIGN_PACKAGES = frozenset(
    [
        "redis",
        "aioredis",
        "sqlalchemy",
        "flask_sqlalchemy",
        "sqlmodel",
        "django",
        "tortoise",
        "peewee",
        "psycopg",
        "psycopg2",
        "asyncpg",
        "sqlite3",
        "aiosqlite",
        "databases",
        "hashlib",
        "hmac",
        "boto3",
        "botocore",
        "aioboto3",
        "requests",
        "httpx",
        "aiohttp",
        "elasticsearch",
        "opensearchpy",
        "prisma",
        "json",
        "logging",
        "pathlib",
        "web3",
        "kafka",
        "aiokafka",
        "celery",
        "pandas",
        "polars",
        "numpy",
        "cachetools",
        "prometheus_client",
        "firebase_admin",
        "cassandra",
    ]
)
CONTAINER_TYPES = frozenset(
    [
        "dict",
        "list",
        "set",
        "tuple",
        "frozenset",
        "deque",
        "Counter",
        "defaultdict",
        "ChainMap",
        "Dict",
        "List",
        "Set",
        "Tuple",
        "MutableMapping",
        "MutableSequence",
        "MutableSet",
        "str",
        "int",
        "float",
        "bool",
        "bytes",
        "Decimal",
    ]
)
BUILTINS = frozenset(
    [
        "dict",
        "list",
        "set",
        "tuple",
        "frozenset",
        "str",
        "getattr",
        "enumerate",
        "zip",
        "reversed",
        "sorted",
        "iter",
        "next",
        "map",
        "filter",
        "super",
        "type",
        "setattr",
    ]
)
