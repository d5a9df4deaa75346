"""What is measured of exports."""

from benchmarks.measures import BOOK, LIBRARY, Bench
from benchmarks.processes import best, run

FEW = 10_000  # rows that a peak of memory is compared with
CHUNK = 2000  # rows, of `backoffice.exports.rows`, which needs Django's settings


class ExportBench(Bench):
    """Like `Bench`, for exports; `files["pool"]` has FEW libraries."""

    def __init__(self, databases, files, **sizes):
        super().__init__(databases, files, **sizes)
        databases.template("full", files["libraries", self.rows])
        databases.template("shelved", files["pool"], books=files["books", self.compared])
        databases.template("stock", files["pool"], books=files["books", self.stock_rows])
        self.output = databases.folder / "exported"

    def run(self):
        self.against_the_floor()
        self.of_a_server()
        self.books()

    def export(self, environment, name, model=LIBRARY):
        return run(environment, "benchmarks.ours", "export", name, model, "-o", self.output)

    def against_the_floor(self):
        environment = self.databases.fresh("full")
        ways = {
            "raw floor": lambda: run(environment, "benchmarks.export_floor", self.output),
            "ours, CSV": lambda: self.export(environment, "csv"),
            "ours, XLSX": lambda: self.export(environment, "xlsx"),
            "ours, JSON Lines": lambda: self.export(environment, "jsonl"),
        }
        if self.databases.name == "PostgreSQL":
            ways["a plain cursor"] = lambda: run(
                environment, "benchmarks.export_floor", self.output, "cursor"
            )
        runs = {what: [] for what in ways}
        for _turn in range(self.repeat):
            for what, way in ways.items():
                runs[what].append(way())
        for what in ways:
            measured = best(runs[what])
            self.time(
                f"export of libraries: {what} (whole process)", self.rows, measured, whole=True
            )
        floor, ours = best(runs["raw floor"]), best(runs["ours, CSV"])
        self.floor = floor.wall
        self.note(f"{self.rows:,} libraries to CSV ÷ raw", ours.wall / floor.wall, most=2.5)
        few = self.databases.fresh("pool")
        for name, what in (("csv", "ours, CSV"), ("xlsx", "ours, XLSX")):
            ratio = best(runs[what]).peak / self.export(few, name).peak
            self.note(
                f"{name.upper()}: peak RSS at {self.rows:,} ÷ at {FEW:,}", ratio, most=1.2
            )

    def of_a_server(self):
        formats = ("csv", "csv", "xlsx")
        few = run(self.databases.fresh("pool"), "benchmarks.export_server", *formats)
        many = run(self.databases.fresh("full"), "benchmarks.export_server", *formats)
        (_cold, small, small_xlsx), (_, csv, xlsx) = few.said["exports"], many.said["exports"]
        what = f"{self.rows:,} libraries from a server"
        self.note(f"{what} ÷ raw", csv["seconds"] / self.floor, most=2.5)
        self.note(f"{what}: first byte", csv["first"], unit=" s", most=0.5)
        self.note(f"{what}, XLSX: first byte", xlsx["first"], unit=" s", most=0.5)
        self.note(f"{what}: peak RSS ÷ at {FEW:,}", csv["peak"] / small["peak"], most=1.2)
        ratio = xlsx["peak"] / small_xlsx["peak"]
        self.note(f"{what}, XLSX: peak RSS ÷ at {FEW:,}", ratio, most=1.2)

    def books(self):
        environment = self.databases.fresh("shelved")
        ours = best([self.export(environment, "csv", BOOK) for _turn in range(self.repeat)])
        environment = self.databases.fresh("stock")
        stock = run(environment, "benchmarks.stock", "Book", "default", "export", self.output)
        self.compare("books with their libraries, export", ours, stock, 20)
        few = self.export(environment, "csv", BOOK)
        more = -(-self.compared // CHUNK) - -(-self.stock_rows // CHUNK)
        statements = (ours.said["statements"] - few.said["statements"]) / (more or 1)
        self.note(f"books: statements a chunk of {CHUNK:,}", statements, unit="", most=1)
