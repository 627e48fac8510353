#!/usr/bin/env python3
"""Runs a plan of Plumbline's on Spark and writes what it found: python3 plumb_spark.py PLAN ANSWER [--remote sc://host:port]

The plan (spark-plan/1, JSON) names data, columns by place and conditions in SQL over structs c0, c1, ...; what they mean is decided where the plan is made.
The answer is JSON, a line an entry, and ends with {"done": true}. Needs pyspark 4 and nothing else; runs by spark-submit, by Python alone, or by Spark Connect.
"""
import argparse
import bisect
import json
import sys
from array import array

SAFE = 9007199254740991
INFINITY = "CAST('Infinity' AS DOUBLE)"
# numbers that Spark's JSON reads otherwise than a double does: their digits are lost before anybody sees them
ODD_NUMBER = r"[0-9]{39,}|[0-9]{16,}\\.0+([^0-9]|$)"
LINES_AT_ONCE = 10000


class Unlike(Exception):
    """Data whose verdict would not be that of other engines."""


def name_sql(name):
    return "`" + name.replace("`", "``") + "`"


def struct_sql(n="NULL", t="NULL", b="NULL", j="NULL"):
    """What a value is; NULL where it is missing."""
    fields = f"named_struct('n', CAST({n} AS DOUBLE), 't', CAST({t} AS STRING), 'b', CAST({b} AS BOOLEAN), 'j', CAST({j} AS STRING))"
    there = " AND ".join(f"({value}) IS NULL" for value in (n, t, b, j) if value != "NULL") or "true"
    return f"(CASE WHEN {there} THEN NULL ELSE {fields} END)"


def text_sql(value):
    return struct_sql(t=f"nullif({value}, '')")


def json_value_sql(value):
    """Of a VARIANT. Whole numbers beyond 2^53 are the text of their digits, as in our readers."""
    kind = f"schema_of_variant({value})"
    double = f"try_variant_get({value}, '$', 'double')"
    number = f"({kind} IN ('BIGINT', 'DOUBLE', 'FLOAT') OR startswith({kind}, 'DECIMAL'))"
    long = f"(({kind} = 'BIGINT' OR {kind} RLIKE '^DECIMAL[(][0-9]+,0[)]$') AND abs({double}) > {SAFE}D)"
    return struct_sql(
        n=f"CASE WHEN {number} AND NOT {long} THEN {double} END",
        t=f"CASE WHEN {kind} = 'STRING' OR {long} THEN nullif(try_variant_get({value}, '$', 'string'), '') END",
        b=f"CASE WHEN {kind} = 'BOOLEAN' THEN try_variant_get({value}, '$', 'boolean') END",
        j=f"CASE WHEN startswith({kind}, 'ARRAY') OR startswith({kind}, 'OBJECT') THEN to_json({value}) END",
    )


def parquet_sql(name, kind):
    column = name_sql(name)
    if kind in ("tinyint", "smallint", "int"):
        return struct_sql(n=column)
    if kind == "bigint":
        return struct_sql(n=f"CASE WHEN {column} BETWEEN -{SAFE} AND {SAFE} THEN {column} END", t=f"CASE WHEN {column} NOT BETWEEN -{SAFE} AND {SAFE} THEN CAST({column} AS STRING) END")
    if kind in ("float", "double"):
        text = f"CASE WHEN abs({column}) = {INFINITY} THEN if({column} > 0, 'Infinity', '-Infinity') END"
        return struct_sql(n=f"CASE WHEN abs({column}) < {INFINITY} THEN {column} END", t=text)
    if kind == "boolean":
        return struct_sql(b=column)
    if kind == "string":
        return text_sql(column)
    if kind == "date":
        return struct_sql(t=f"concat(CAST({column} AS STRING), 'T00:00:00.000Z')")
    if kind in ("timestamp", "timestamp_ntz"):
        return struct_sql(t=f"date_format({column}, \"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\")")
    raise Unlike(f"column {json.dumps(name)} is of the type {kind}, whose values are not read the same way")


def open_rows(spark, plan):
    """A view `typed` of (mid, f, blk, raw, c0, ...), and names of all columns, of JSONL in no order."""
    names, form = plan["columns"], plan["format"]
    if form == "jsonl":
        lines = text_lines(spark, plan["paths"])
        lines = lines.selectExpr("value", "regexp_replace(value, '^\\\\x{feff}|[ \\\\t\\\\r]+$', '') AS v", "f", "blk").where("trim(v) <> ''")
        schema = ", ".join(f"{name_sql(name)} VARIANT" for name in names or ["plumb"])
        options = "map('mode', 'FAILFAST', 'allowNonNumericNumbers', 'false', 'allowSingleQuotes', 'false')"
        read = f"from_json(v, {sql_text(schema)}, {options})"
        check_json(lines, read)
        read += " AS r"
        rows = lines.selectExpr("monotonically_increasing_id() AS mid", "f", "blk", "v AS raw", read)
        typed = [json_value_sql(f"r.{name_sql(name)}") for name in names]
        columns = [row[0] for row in lines.selectExpr("explode(json_object_keys(v))").distinct().collect()]
    else:
        table = open_csv(spark, plan["paths"]) if form == "csv" else spark.read.parquet(*plan["paths"])
        columns = table.columns
        kinds = dict(table.dtypes)
        # an empty text is as good as missing, but is shown as what it is: of Parquet, the places of those
        empty = ", ".join(f"CASE WHEN {name_sql(name)} = '' THEN {at} END" for at, name in enumerate(names) if kinds.get(name) == "string")
        raw = f"to_json(array_compact(array({empty}))) AS raw" if empty else "'[]' AS raw"
        if form == "csv":
            raw = "to_json(map(" + ", ".join(f"{sql_text(name)}, coalesce({name_sql(name)}, '')" for name in columns) + ")) AS raw"
        rows = table.selectExpr("monotonically_increasing_id() AS mid", "_metadata.file_path AS f", "_metadata.file_block_start AS blk", raw, *[name_sql(name) for name in names if name in kinds])
        of_kind = (lambda name: text_sql(name_sql(name))) if form == "csv" else (lambda name: parquet_sql(name, kinds[name]))
        typed = [of_kind(name) if name in kinds else struct_sql() for name in names]
    view = rows.selectExpr("mid", "f", "blk", "raw", *[f"{value} AS c{at}" for at, value in enumerate(typed)])
    view.createOrReplaceTempView("typed")
    return columns


def text_lines(spark, paths):
    return spark.read.option("lineSep", "\n").text(paths).selectExpr("value", "_metadata.file_path AS f", "_metadata.file_block_start AS blk")


def check_json(lines, read):
    """Spark's readers stop where an object ends: what comes behind it shows inside of a list and inside of an object, of which one may close early."""
    whole = "json_object_keys(v) IS NOT NULL AND json_array_length(concat('[', v, ']')) <=> 1 AND json_object_keys(concat('{\"a\":', v, '}')) IS NOT NULL"
    wrong, odd, bad, _ = lines.selectExpr(f"count_if(NOT ({whole}))", f"count_if(v RLIKE '{ODD_NUMBER}')", "count_if(NOT is_valid_utf8(value))", f"count_if({read} IS NULL)").first()
    marked = f"startswith(value, {sql_text(chr(0xFEFF))})"
    late, marks, files = lines.selectExpr(f"count_if({marked} AND blk > 0)", f"count_if({marked})", f"count(DISTINCT CASE WHEN {marked} THEN f END)").first()
    if late > 0 or marks > files:
        raise Unlike("a byte order mark stands inside of a file")
    if bad > 0:
        raise Unlike(f"{bad} rows are not UTF-8")
    if wrong > 0:
        raise Unlike(f"{wrong} rows are no JSON object: plumb validate without --engine spark says which, and why")
    if odd > 0:
        raise Unlike("a row has a whole number of more than 38 digits, or one beyond 2^53 that ends in .0")


def check_csv(lines):
    """What Spark passes over, and lines whose ends it would make one of. Do lines end in CR LF?"""
    lines.createOrReplaceTempView("lines")
    asked = {
        "bad": "count_if(NOT is_valid_utf8(value))",
        "quotes": "sum(length(value) - length(replace(value, '\"', '')))",
        "crlf": "count_if(endswith(value, char(13)))",
        "lf": "count_if(NOT endswith(value, char(13)))",
        "cr": "count_if(contains(rtrim(char(13), value), char(13)))",
    }
    query = f"SELECT {', '.join(f'{value} AS {name}' for name, value in asked.items())} FROM lines AS r GROUP BY f"
    crlf = False
    for file in lines.sparkSession.sql(query).toLocalIterator():
        crlf = crlf or file.crlf > 0
        if file.bad > 0:
            raise Unlike("it is not UTF-8")
        if file.quotes % 2 == 1:
            raise Unlike("a quote is never closed, or stands where none belongs")
        # behind the last line end there may be one more line
        if file.cr > 0 or (file.crlf > 0 and file.lf > 1):
            raise Unlike("its lines, or those inside of quotes, do not all end in the same way")
    return crlf


def open_csv(spark, paths):
    """Cells as texts; a row with more or fewer of them than the header has ends the run, whatever columns are asked for."""
    settings = dict(multiLine=True, quote='"', escape='"', mode="FAILFAST", emptyValue="", nullValue="", maxCharsPerColumn=-1, maxColumns=20000, columnPruning=False, unescapedQuoteHandling="RAISE_ERROR")
    crlf = check_csv(text_lines(spark, paths))
    table = spark.read.options(header=True, enforceSchema=False, **settings).csv(paths)
    head = spark.read.options(header=False, **settings).csv(paths).first()
    if head is None or list(head) != table.columns:
        raise Unlike("its header names a column twice, or one not at all")
    # inside of quotes Spark writes LF for CR LF
    if crlf and table.where(" OR ".join(f"contains({name_sql(name)}, char(10))" for name in table.columns)).limit(1).count() > 0:
        raise Unlike("a cell has a line end in it, in a file whose lines end in CR LF")
    return table


def sql_text(text):
    return f"decode(X'{text.encode().hex()}', 'UTF-8')" if not text.isascii() or "'" in text or "\\" in text else f"'{text}'"


class Places:
    """Rows by number: files by their names, parts of a file by where they begin, rows of a part as they were read."""

    def __init__(self, spark):
        parts = spark.sql("SELECT f, blk, min(mid) AS low, count(*) AS n FROM typed GROUP BY f, blk").collect()
        self.rows = 0
        starts = []
        for part in sorted(parts, key=lambda part: (part.f, part.blk)):
            starts.append((part.low, self.rows, part.n))
            self.rows += part.n
        starts.sort()
        self.lows = [low for low, _, _ in starts]
        self.before = [before for _, before, _ in starts]
        self.by_number = sorted((before, low) for low, before, _ in starts)

    def number(self, mid):
        at = bisect.bisect_right(self.lows, mid) - 1
        return self.before[at] + mid - self.lows[at] + 1

    def mid(self, number):
        before, low = self.by_number[bisect.bisect_right(self.by_number, (number - 1, float("inf"))) - 1]
        return low + number - 1 - before


def run(spark, plan, write):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    # rows are told by their place in a part: parts must not change while executors come and go
    spark.conf.set("spark.sql.files.minPartitionNum", "200")
    spark.conf.set("spark.sql.caseSensitive", "true")
    columns = open_rows(spark, plan)
    places = Places(spark)
    first = spark.sql(f"SELECT raw FROM typed WHERE mid = {places.mid(1)}").first().raw if plan["format"] == "jsonl" and places.rows > 0 else None
    write({"rows": places.rows, "columns": columns if places.rows > 0 else [], "first": first})
    tests, indexes = plan["tests"], plan["indexes"]
    counted = [test["looked"] for test in tests] + [index["looked"] for index in indexes] + [f"c{place}.j IS NOT NULL" for place in plan["scalar"]]
    # beyond the range of a double: JSON itself has neither
    counted += [f"abs(c{at}.n) = {INFINITY} OR contains(c{at}.j, 'Infinity')" for at in range(len(plan["columns"]))]
    asked = ", ".join(f"count_if({condition}) AS k{at}" for at, condition in enumerate(counted)) or "1 AS k0"
    counts = list(spark.sql(f"SELECT {asked} FROM typed").first())
    if sum(counts[len(counted) - len(plan["columns"]) : len(counted)]) > 0:
        raise Unlike("a number is beyond the range of a double")
    for place, count in zip(plan["scalar"], counts[len(tests) + len(indexes) :]):
        if count > 0:
            raise Unlike(f"column {json.dumps(plan['columns'][place])} holds lists or objects, which are not compared the same way")
    write({"looked": counts[: len(tests)]})
    shown = set()
    broken_rows(spark, plan, places, shown, write)
    for at, index in enumerate(indexes):
        write({"index": at, "size": counts[len(tests) + at]})
        duplicates(spark, at, index, places, plan["shown"], shown, write)
    for at, bag in enumerate(plan["bags"]):
        c = f"c{bag['place']}"
        found = spark.sql(f"SELECT {c}.n, {c}.t, {c}.b, {c}.j, count(*) FROM typed AS r WHERE {bag['looked']} AND {c} IS NOT NULL GROUP BY 1, 2, 3, 4")
        for part in batches(found.toLocalIterator()):
            write({"bag": at, "values": [list(row) for row in part]})
    show(spark, plan, places, shown, write)
    write({"done": True})


def batches(rows):
    part = []
    for row in rows:
        part.append(row)
        if len(part) == LINES_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def broken_rows(spark, plan, places, shown, write):
    tests = plan["tests"]
    if not tests:
        return
    found = ", ".join(f"CASE WHEN {test['broken']} THEN {at} END" for at, test in enumerate(tests))
    lists = [array("Q") for _ in tests]
    for row in spark.sql(f"SELECT mid, found FROM (SELECT mid, array_compact(array({found})) AS found FROM typed) WHERE size(found) > 0").toLocalIterator():
        number = places.number(row.mid)
        for at in row.found:
            lists[at].append(number)
    for at, numbers in enumerate(lists):
        numbers = sorted(numbers)
        shown.update(numbers if plan["shown"] is None else numbers[: plan["shown"]])
        for start in range(0, len(numbers), LINES_AT_ONCE):
            write({"broken": at, "numbers": numbers[start : start + LINES_AT_ONCE]})


def duplicates(spark, at, index, places, limit, shown, write):
    """Rows whose values stand in another row, by value: groups first, then the rows of those groups."""
    keys = [part for place in index["places"] for part in (f"c{place}.n", f"c{place}.t", f"c{place}.b")]
    named = ", ".join(f"{key} AS k{n}" for n, key in enumerate(keys))
    names = ", ".join(f"k{n}" for n in range(len(keys)))
    same = " AND ".join(f"a.k{n} <=> b.k{n}" for n in range(len(keys)))
    # without a name of its own, `typed WHERE (true)` is a table WHERE with a column true
    rows = f"SELECT mid, {named} FROM typed AS r WHERE {index['looked']}"
    twice = f"SELECT {names}, min(mid) AS g FROM ({rows}) GROUP BY {names} HAVING count(*) > 1"
    groups = {}
    for row in spark.sql(f"SELECT a.mid, b.g FROM ({rows}) a JOIN ({twice}) b ON {same}").toLocalIterator():
        groups.setdefault(row.g, []).append(places.number(row.mid))
    members = sorted(sorted(group) for group in groups.values())
    numbers = sorted(number for group in members for number in group)
    shown.update(numbers if limit is None else numbers[:limit])
    for start in range(0, len(members), LINES_AT_ONCE):
        write({"index": at, "groups": members[start : start + LINES_AT_ONCE]})


def show(spark, plan, places, shown, write):
    """The rows that a report shows, with what stands in them."""
    numbers = sorted(shown)
    structs = ", ".join(f"c{at}" for at in range(len(plan["columns"])))
    for start in range(0, len(numbers), 2000):
        mids = ", ".join(str(places.mid(number)) for number in numbers[start : start + 2000])
        for row in spark.sql(f"SELECT mid, raw{', ' + structs if structs else ''} FROM typed WHERE mid IN ({mids})").toLocalIterator():
            text = row.raw if plan["format"] != "parquet" else parquet_text(plan["columns"], row)
            write({"row": places.number(row.mid), "text": text})


def parquet_text(names, row):
    empty = json.loads(row.raw)
    return json.dumps({name: "" if at in empty else plain(row[f"c{at}"]) for at, name in enumerate(names)})


def plain(value):
    if value is None:
        return None
    if value.n is not None:
        return int(value.n) if value.n == int(value.n) and abs(value.n) <= SAFE else value.n
    return value.t if value.t is not None else value.b if value.b is not None else json.loads(value.j)


def main():
    parser = argparse.ArgumentParser(description="Plumbline's rules on Spark")
    parser.add_argument("plan")
    parser.add_argument("answer")
    parser.add_argument("--remote", help="Spark Connect, sc://host:port")
    args = parser.parse_args()
    from pyspark.sql import SparkSession

    with open(args.plan, encoding="utf-8") as file:
        plan = json.load(file)
    builder = SparkSession.builder.appName("plumb validate")
    spark = builder.remote(args.remote).getOrCreate() if args.remote else builder.getOrCreate()
    status = 0
    with open(args.answer, "w", encoding="utf-8") as file:
        write = lambda entry: file.write(json.dumps(entry) + "\n")
        try:
            run(spark, plan, write)
        except Unlike as error:
            write({"unlike": str(error)})
        except Exception as error:  # what Spark says is told, whatever it is
            write({"failed": str(error).split("JVM stacktrace")[0][:4000]})
            status = 1
    spark.stop()
    sys.exit(status)


if __name__ == "__main__":
    main()
