"""The measures: each runs what it compares in turns, and adds rows to the report."""

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.databases import ROOT
from benchmarks.files import LINKS
from benchmarks.processes import best, run

LIBRARY, PATRON, BOOK = "library.Library", "library.Patron", "library.Book"


@dataclass(frozen=True)
class Measure:
    """A measured value and its bound: at most `most`, or at least `least`."""

    database: str
    what: str
    value: float
    unit: str = "×"
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def holds(self):
        if self.most is not None:
            return self.value <= self.most
        return self.least is None or self.value >= self.least


@dataclass(frozen=True)
class Timing:
    """A run as the report lists it; `rows` is the size of its file."""

    database: str
    what: str
    rows: int
    seconds: float
    peak: float
    statements: int | None = None


class Bench:
    """All measures of one database; they are added to `measures` and `timings`."""

    def __init__(self, databases, files, *, rows, compared, stock_rows, repeat):
        self.databases, self.files, self.repeat = databases, files, repeat
        self.rows, self.compared, self.stock_rows = rows, compared, stock_rows
        self.measures, self.timings = [], []
        databases.template("empty")
        databases.template("pool", files["pool"])

    def run(self):
        self.databases.template("stocked", self.files["libraries", self.stock_rows])
        self.against_the_floor()
        if self.databases.name == "SQLite":
            self.saves_of_others()
        self.against_default("libraries", LIBRARY, least=40, template="empty")
        self.against_default("patrons", PATRON, least=40, template="pool")
        self.against_default("books", BOOK, least=50, template="pool")
        self.against_bulk()

    def note(self, what, value, **bound):
        self.measures.append(Measure(self.databases.name, what, value, **bound))
        print(self.measures[-1], flush=True)

    def time(self, what, rows, measured, *, whole=False):
        self.timings.append(
            Timing(
                self.databases.name,
                what,
                rows,
                measured.wall if whole else measured.seconds,
                measured.peak,
                measured.said.get("statements"),
            )
        )

    def ours(self, environment, *arguments):
        return run(environment, "benchmarks.ours", *arguments, "--json")

    # A million rows -----------------------------------------------------------------

    def import_new(self, template, name):
        """Import a file of new libraries: `(environment, run)`."""
        environment = self.databases.fresh(template)
        measured = self.ours(environment, "import", LIBRARY, self.files[name])
        if measured.said["new"] != measured.said["rows"]:
            raise RuntimeError(measured)
        return environment, measured

    def against_the_floor(self):
        orders = {"in key order": ("libraries", self.rows), "shuffled": "shuffled"}
        self.databases.template("others", self.files["others"])
        runs = defaultdict(list)
        for _turn in range(self.repeat):
            for order, name in orders.items():
                floor = run(self.databases.fresh(), "benchmarks.floor", self.files[name])
                runs["raw floor", order].append(floor)
                _others, measured = self.import_new("others", name)
                runs["ours, into as many others", order].append(measured)
                environment, measured = self.import_new("empty", name)
                runs["ours, new", order].append(measured)
            again = self.ours(environment, "import", LIBRARY, self.files["shuffled"])
            if again.said["unchanged"] != self.rows:
                raise RuntimeError(again)
            runs["ours, the same file again", "shuffled"].append(again)
            undo = self.ours(environment, "undo_import", measured.said["job"])
            runs["ours, undo", "shuffled"].append(undo)
        for (what, order), several in runs.items():
            fastest = runs[what, order] = best(several)
            self.time(
                f"libraries, {order}: {what} (whole process)", self.rows, fastest, whole=True
            )
        for order, most in (("in key order", 1.3), ("shuffled", 1.4)):
            first = runs["ours, new", order]
            ratio = first.wall / runs["raw floor", order].wall
            self.note(f"{self.rows:,} new libraries, {order} ÷ raw", ratio, most=most)
            ratio = runs["ours, into as many others", order].wall / first.wall
            self.note(f"{order}: into {self.rows:,} others ÷ into none", ratio, most=1.3)
        again, undo = (
            runs[what, "shuffled"] for what in ("ours, the same file again", "ours, undo")
        )
        self.note("the same file again ÷ first", again.wall / first.wall, most=1.0)
        self.note("undo ÷ import", undo.wall / first.wall, most=1.5)
        _few, of_few = self.import_new("empty", ("libraries", self.compared))
        self.note(
            f"peak RSS at {self.rows:,} ÷ at {self.compared:,}",
            runs["ours, new", "in key order"].peak / of_few.peak,
            most=1.2,
        )
        peak = max(run.peak for (what, _order), run in runs.items() if "ours" in what)
        self.note(f"peak RSS at {self.rows:,}", peak, unit=" MB", most=200)
        if "ten" in self.files:
            _many, ten = self.import_new("empty", "ten")
            once = runs["ours, new", "in key order"]
            self.time("libraries: ours, new (whole process)", 10 * self.rows, ten, whole=True)
            self.note("ten times the rows ÷ once, time", ten.wall / once.wall, most=11)
            self.note("ten times the rows ÷ once, peak RSS", ten.peak / once.peak, most=1.1)

    def saves_of_others(self):
        environment = self.databases.fresh()
        command = [sys.executable, "-m", "benchmarks.saves"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as other:
            other.stdout.readline()
            file = self.files["libraries", self.rows]
            imported = self.ours(environment, "import", LIBRARY, file)
            said = json.loads(other.communicate()[0])
        what = f"saves of another user during an import of {self.rows:,}"
        note = f"of {said['saves']}"
        self.note(f"{what}: failed", said["failed"], unit="", most=0, note=note)
        writing = imported.said["writing"]
        self.note(f"{what}: the longest", said["longest"], unit=" s", most=writing)

    # Beside stock -------------------------------------------------------------------

    def stock(self, template, name, kind, phase, file):
        model = name.rpartition(".")[2]
        return run(self.databases.fresh(template), "benchmarks.stock", model, kind, phase, file)

    def compare(self, what, ours, stock, least):
        """Both for each row: stock is measured with `stock_rows`, and is linear in them."""
        self.time(f"{what}: ours", self.compared, ours)
        self.time(f"{what}: stock", self.stock_rows, stock)
        ratio = (stock.seconds / self.stock_rows) / (ours.seconds / self.compared)
        self.note(f"{what}: stock ÷ ours", ratio, least=least)

    def against_default(self, what, model, *, least, template):
        few, many = self.files[what, self.stock_rows], self.files[what, self.compared]
        for phase, options in (("preview", ["--dry-run"]), ("confirm", [])):
            runs = []
            for _turn in range(self.repeat):
                environment = self.databases.fresh(template)
                runs.append(self.ours(environment, "import", model, many, *options))
            ours = best(runs)
            if ours.said["new"] != self.compared:
                raise RuntimeError(ours)
            if (what, phase) == ("books", "confirm"):
                self.links_are_complete(environment)
            stock = self.stock(template, model, "default", phase, few)
            self.compare(f"{what}, {phase}, stock's defaults", ours, stock, least)

    def links_are_complete(self, environment):
        counted = run(environment, "benchmarks.stock", "links")
        links = counted.said["links"]
        self.note("books: links written ÷ listed", links / (LINKS * self.compared), least=1.0)

    def against_bulk(self):
        few = self.files["libraries", self.stock_rows]
        many = self.files["libraries", self.compared]
        news, agains = [], []
        for _turn in range(self.repeat):
            environment = self.databases.fresh()
            news.append(self.ours(environment, "import", LIBRARY, many))
            agains.append(self.ours(environment, "import", LIBRARY, many))
        stock = self.stock("empty", LIBRARY, "bulk", "confirm", few)
        self.compare("libraries new, stock's bulk", best(news), stock, 20)
        stock = self.stock("stocked", LIBRARY, "bulk", "confirm", few)
        self.compare("libraries again, stock's bulk", best(agains), stock, 50)
        stock = self.stock("stocked", LIBRARY, "bulk-skip", "confirm", few)
        self.compare(
            "libraries again, stock's bulk and skip_unchanged", best(agains), stock, None
        )
