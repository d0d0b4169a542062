"""Asks `deskferry serve` what psycopg 3, SQLAlchemy, DBeaver and Metabase would, and tries to write.

Arguments: host, port, password, a folder that must stay empty. Prints what it did; a difference from
what is expected ends it with an error.
"""

import datetime
import pathlib
import sys

import psycopg
import sqlalchemy

HOST, PORT, PASSWORD, FOLDER = sys.argv[1:5]
USER = DATABASE = "deskferry"

WRITES = [
    "copy (select 1) to '{folder}/a.csv'",
    "copy tickets to '{folder}/b.parquet'",
    "copy tickets from '/etc/hostname'",
    "copy tickets to stdout",
    "create table x as select 1 as one",
    "create view x as select 1 as one",
    "create schema x",
    "create external table x stored as parquet location '{folder}'",
    "create or replace function x() returns int return 1",
    "drop table tickets",
    "drop schema staged cascade",
    "alter table tickets add column x int",
    "insert into tickets select * from tickets",
    "update tickets set subject = ''",
    "delete from tickets",
    "truncate tickets",
    "merge into tickets using messages on true when matched then delete",
    "set datafusion.execution.batch_size = 1",
    "set datafusion.runtime.memory_limit = '1K'",
    "set datafusion.runtime.temp_directory = '{folder}'",
    "set datafusion.catalog.create_default_catalog_and_schema = false",
    "set role postgres",
    "prepare p as drop table tickets",
    "execute p",
    "select 1; drop table tickets",
    "with x as (delete from tickets returning *) select * from x",
    "with x as (insert into tickets values (1) returning *) select * from x",
    "select 1 as one into x",
    "select * from tickets for update",
    "explain analyze copy (select 1) to '{folder}/c.csv'",
    "explain analyze insert into tickets select * from tickets",
    "declare c cursor for with x as (delete from tickets returning *) select * from x",
    "select * from '/etc/hostname'",
    "select * from 'http://127.0.0.1:1/x.parquet'",
    "select * from '{folder}/x.parquet'",
    "select * from read_parquet('{folder}/x.parquet')",
    "select * from read_csv('/etc/hostname')",
    "select set_config('search_path', 'plan', false)",
    "select pg_read_file('/etc/hostname')",
    "call x()",
    "vacuum",
    "lock table tickets",
    "grant select on tickets to public",
]


def connect(**options):
    return psycopg.connect(
        host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE, **options
    )


def is_refused(connection, statement, **options):
    try:
        connection.execute(statement, **options)
    except psycopg.Error:
        connection.rollback()
        return True
    return False


def check_door():
    for user, password in [(USER, "wrong"), (USER, ""), ("postgres", PASSWORD)]:
        try:
            psycopg.connect(
                host=HOST, port=PORT, user=user, password=password, dbname=DATABASE
            ).close()
        except psycopg.OperationalError as error:
            assert PASSWORD not in str(error)
            continue
        raise AssertionError(f"{user} came in with {password!r}")
    print("door: closed to wrong passwords and other users")


def check_writes():
    with connect(autocommit=True) as connection:
        before = connection.execute("select count(*) from tickets").fetchone()
        for statement in WRITES:
            statement = statement.format(folder=FOLDER)
            assert is_refused(connection, statement), statement
            assert is_refused(connection, statement, prepare=True), statement
        assert connection.execute("select count(*) from tickets").fetchone() == before
        assert connection.execute("show search_path").fetchone() == ("staged",)
        size = "show datafusion.execution.batch_size"
        assert connection.execute(size).fetchone()[1] == "1024"
    left = list(pathlib.Path(FOLDER).iterdir())
    assert left == [], left
    print(f"writes: {len(WRITES)} refused, each twice")


def check_psycopg():
    with connect() as connection:
        assert connection.info.server_version == 160000
        sql = "select ticket_id, messages, created_at from tickets where messages > %s limit 5"
        rows = connection.execute(sql, (0,)).fetchall()
        assert len(rows) == 5, rows
        assert rows[0][2].utcoffset() == datetime.timedelta(0)
        one = connection.execute(
            "select count(*) from tickets where ticket_id = %s", (rows[0][0],)
        ).fetchone()
        assert one == (1,), one
        binary = connection.cursor(binary=True)
        assert binary.execute(sql, (0,)).fetchall() == rows
        (total,) = connection.execute("select count(*) from messages").fetchone()
        with connection.cursor(name="some") as cursor:
            cursor.execute("select message_id from messages order by message_id")
            assert len(cursor.fetchmany(10)) == 10
            assert len(cursor.fetchall()) == total - 10
        try:
            connection.execute("select nothing from tickets")
        except psycopg.Error:
            pass
        try:
            connection.execute("select 1")
            raise AssertionError("a failed transaction went on")
        except psycopg.Error:
            connection.rollback()
        connection.execute("set search_path = plan, public")
        assert connection.execute("select current_schema()").fetchone() == ("plan",)
        connection.execute("select seq from tickets")
    with connect() as other:
        assert other.execute("select current_schema()").fetchone() == ("staged",)
    print("psycopg: parameters, binary rows, a cursor, a failed transaction, search_path")


def check_sqlalchemy():
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "postgresql+psycopg", USER, PASSWORD, HOST, int(PORT), DATABASE
        )
    )
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        assert inspector.default_schema_name == "staged"
        schemas = inspector.get_schema_names()
        for schema in ["landing", "staged", "plan", "ledger", "readback", "losses", "quarantine"]:
            assert schema in schemas, schemas
        assert "messages" in inspector.get_table_names()
        assert "messages" in inspector.get_table_names("plan")
        assert inspector.get_pk_constraint("tickets")["constrained_columns"] == []
        assert inspector.get_foreign_keys("tickets") == []
        assert inspector.get_indexes("tickets") == []
        columns = {column["name"]: column for column in inspector.get_columns("tickets")}
        assert isinstance(columns["ticket_id"]["type"], sqlalchemy.types.TEXT)
        assert isinstance(columns["messages"]["type"], sqlalchemy.types.BIGINT)
        assert columns["created_at"]["type"].timezone
        assert inspector.get_table_comment("tickets")["text"].startswith("one row per ")
        metadata = sqlalchemy.MetaData()
        tickets = sqlalchemy.Table("tickets", metadata, autoload_with=connection)
        messages = sqlalchemy.Table("messages", metadata, autoload_with=connection)
        joined = tickets.join(messages, messages.c.ticket_id == tickets.c.ticket_id)
        count = sqlalchemy.func.count()
        rows = connection.execute(
            sqlalchemy.select(tickets.c.ticket_id, count)
            .select_from(joined)
            .where(tickets.c.messages > 0)
            .group_by(tickets.c.ticket_id)
            .limit(3)
        ).all()
        assert len(rows) == 3, rows
    print("sqlalchemy: connects, inspects, reflects, joins")


def client_queries():
    path = pathlib.Path(__file__).with_name("client_queries.txt")
    client = ""
    for block in path.read_text().split("\n\n"):
        lines = block.splitlines()
        names = [line for line in lines if line.startswith("-- client: ")]
        client = names[0].removeprefix("-- client: ") if names else client
        statement = "\n".join(line for line in lines if not line.startswith("--")).strip()
        if statement:
            yield client, statement


def check_client_queries():
    least = {
        "pgjdbc, getSchemas": 10,
        "pgjdbc, getTables": 15,
        "pgjdbc, getColumns": 20,
        "DBeaver, tables of a schema": 15,
        "DBeaver, columns of a table": 20,
        "Metabase, tables": 15,
        "Metabase, fields": 100,
        "Metabase, a first look": 1,
    }
    failed = []
    asked = 0
    with connect(autocommit=True) as connection:
        sql = (
            "select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n "
            "on n.oid = c.relnamespace where n.nspname = 'staged' and c.relname = 'tickets'"
        )
        (oid,) = connection.execute(sql).fetchone()
        rows = {}
        for client, statement in client_queries():
            statement = statement.replace("{oid}", str(oid))
            asked += 1
            for options in [{}, {"prepare": True}]:
                try:
                    cursor = connection.execute(statement, **options)
                    if cursor.description:
                        found = len(cursor.fetchall())
                        rows[client] = max(rows.get(client, 0), found)
                except psycopg.Error as error:
                    failed.append(f"{client} {options}: {statement[:200]}\n    {str(error)[:600]}")
    assert not failed, "\n".join(failed)
    for client, number in least.items():
        assert rows[client] >= number, (client, rows[client])
    print(f"clients: {asked} statements of pgjdbc, DBeaver and Metabase")


for check in [
    check_door,
    check_writes,
    check_psycopg,
    check_sqlalchemy,
    check_client_queries,
]:
    check()
