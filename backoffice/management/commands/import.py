"""`manage.py import`: django-import-export's command, on the staged engine."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.changes.counts import Counts
from backoffice.changes.models import Change
from backoffice.changes.profiles import Profile
from backoffice.changes.undo import plural
from backoffice.history.records import Signature
from backoffice.imports.engine import DatabaseMoved, DatabaseRefused, Import
from backoffice.imports.mapping import MappingError
from backoffice.imports.mirror import Missing
from backoffice.imports.options import Options
from backoffice.imports.rejects import group_rejects, write_rejects
from backoffice.imports.review.findings import remembered
from backoffice.imports.rows import Only
from backoffice.imports.twins import Alike
from backoffice.jobs.steps import file_read, record_job
from backoffice.management.arguments import row_number
from backoffice.management.asking import agreed
from backoffice.management.files import check_place, replacing
from backoffice.readers.source import ReaderError, Source
from backoffice.resources.registry import resource_class_named
from backoffice.resources.resource import Resource
from backoffice.tables.waits import was_cut

UNUSABLE = (DatabaseMoved, DatabaseRefused, ReaderError, MappingError, LookupError, OSError)
SHOWN = 20  # rejects on the terminal; `--rejects` writes all of them


class Command(BaseCommand):
    help = "Import a CSV or spreadsheet file into a model, all of it or nothing."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Options may stand between MODEL and FILE, though MODEL may be left out."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign] # argparse's own remedy
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add(
            "resource",
            nargs="?",
            help="The model (library.Library) or a Resource by its dotted path; may be left out"
            " with --profile.",
        )
        add("import_file_name", metavar="FILE", help="The file to import; - reads stdin.")
        add(
            "--format",
            help="csv, tsv, xlsx, xls, xlsb, ods, json, jsonl or yaml; detected by default.",
        )
        add("--encoding", help="utf-8, cp1252 …; detected by default.")
        add("--delimiter", help="The character between cells; detected by default.")
        add("--sheet", help="The sheet of a workbook; by default the first one with data.")
        add(
            "--header-row",
            type=row_number,
            metavar="N",
            help="The row of the header, as a spreadsheet counts; detected by default.",
        )
        add(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=HEADER",
            help="Read a field from this column: --map name=LIBNAME. Can be repeated.",
        )
        add(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="Give a field this value in every row: --set state=VT. Can be repeated.",
        )
        add("--match", help="The match key: fields, separated by commas: name,zip_code.")
        add(
            "--blank",
            choices=("keep", "clear"),
            help="A blank cell keeps the stored value (the default), or clears it.",
        )
        add(
            "--keep-blank",
            action="store_const",
            const="keep",
            dest="blank",
            help="The same as --blank keep.",
        )
        add(
            "--nothing",
            action="append",
            default=[],
            metavar="VALUE",
            help="Read cells with this value as blank: --nothing=-4. Can be repeated.",
        )
        add(
            "--only",
            choices=[Only.NEW.value, Only.UPDATES.value],
            help="Write new records alone, or updates alone; both by default.",
        )
        add(
            "--protect",
            action="append",
            default=[],
            metavar="FIELD",
            help="Leave this field of existing records as it is. Can be repeated.",
        )
        add(
            "--mirror",
            action="append",
            default=[],
            metavar="FILTER",
            help="Delete the records inside this filter that the file lacks: --mirror state=NY."
            " Can be repeated, to narrow it down.",
        )
        add(
            "--alike",
            choices=list(Alike),
            help="A row that looks like a record: reject it (the default), it is the same, or"
            " it is new.",
        )
        add(
            "--repair",
            action="append",
            default=[],
            metavar="NAME",
            help="Repair cells before they are checked: --repair zip_zeros.",
        )
        add(
            "--profile",
            metavar="NAME",
            help="Import as this profile says; options that are given go before its own.",
        )
        add(
            "--on-error",
            choices=("abort", "skip"),
            default="abort",
            help="If rows are rejected, write nothing (abort, the default) or the other rows.",
        )
        add("--rejects", metavar="FILE", help="Write the rejected rows to this file.")
        add("-n", "--dry-run", action="store_true", help="Check only; write nothing.")
        add(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="Don't ask before writing. With --json or stdin, it never asks.",
        )
        add("--json", action="store_true", help="Print one JSON object on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.started = time.monotonic()
        self.job: Change | None = None
        try:
            profile = self.profile(options["profile"], options["resource"])
            if options["resource"]:
                resource_class = resource_class_named(options["resource"])
            elif profile:
                resource_class = profile.resource_class
            else:
                raise LookupError(_("Name the model and the file: library.Library FILE."))
            with tempfile.TemporaryDirectory() as folder:
                path = self.local_file(options["import_file_name"], Path(folder))
                chosen = self.chosen(options, profile)
                rejected = self.import_file(resource_class, path, chosen, options)
        except UNUSABLE as error:
            raise CommandError(str(error), returncode=2) from error
        except OperationalError as error:  # locked for too long, or not reachable
            message = _("The database can't be used now; nothing was written: %s") % error
            if self.job and was_cut(error):
                message = _(
                    "The connection to the database was lost: %(error)s. It was written if"
                    " there is an import %(job)d."
                ) % {"error": str(error).strip(), "job": self.job.pk}
            raise CommandError(message, returncode=2) from error
        if rejected and options["on_error"] == "abort":
            sys.exit(1)

    @staticmethod
    def local_file(name: str, folder: Path) -> Path:
        """The file's path; stdin is stored in a file, because it is read twice."""
        if name != "-":
            return Path(name)
        path = folder / "stdin"
        with path.open("wb") as file:
            while block := sys.stdin.buffer.read(1 << 20):
                file.write(block)
        return path

    def import_file(
        self,
        resource_class: type[Resource],
        path: Path,
        chosen: Options,
        options: dict[str, Any],
    ) -> int:
        """Import the file, and return how many rows were rejected."""
        if options["rejects"]:
            self.check_rejects_file(Path(options["rejects"]), path)
        source = chosen.open(resource_class, path)
        imported = chosen.start(resource_class, source)
        name = options["import_file_name"]
        file = file_read(resource_class, path, chosen, file_name=name)

        def begin(counts: Counts) -> Signature | None:
            """Create the import's change, in the transaction that writes its rows."""
            if not self.is_allowed(imported, counts, options):
                return None
            self.job = record_job(imported.model, file, counts, timezone.now())
            return self.job.signature

        with imported:
            asks = options["interactive"] and not options["json"]
            asks = asks and options["import_file_name"] != "-"
            if options["dry_run"] or asks:
                counts = imported.check(progress=self.progress(source))
                if not options["dry_run"] and self.is_allowed(imported, counts, options):
                    with remembered(imported) as shown:
                        self.ask(counts, imported.missing)
                        imported.apply(
                            expected=counts,
                            missing=imported.missing,
                            moved=shown,
                            begin=begin,
                        )
            else:
                counts = imported.apply(progress=self.progress(source), begin=begin)
            rejects, failure = None, None
            try:
                rejects = self.write_rejects(imported, counts, options["rejects"])
            except OSError as error:  # still report what was written
                failure = error
            self.report(imported, counts, rejects, options["json"])
        if failure:
            raise failure
        return counts.rejected

    @staticmethod
    def check_rejects_file(rejects: Path, path: Path) -> None:
        """Check the place of the rejects before anything is imported."""
        check_place(rejects)
        if rejects.exists() and rejects.samefile(path):
            raise CommandError(
                _("--rejects names the file that is imported. Name another."), returncode=2
            )

    def progress(self, source: Source) -> Callable[[int], None] | None:
        """A function that shows the rows read so far; None without a terminal."""
        if not self.stderr.isatty():
            return None
        total = source.approximate_rows

        def show(rows: int) -> None:
            done = f" ({min(rows / total, 1):.0%})" if total else ""
            self.stderr.write(
                _("\r%(rows)d rows read%(done)s") % {"rows": rows, "done": done}, ending=""
            )
            self.stderr.flush()

        return show

    @staticmethod
    def profile(name: str | None, resource: str | None) -> Profile | None:
        """The profile of that name; of the model, where one is named. Raises LookupError."""
        if not name:
            return None
        profiles = Profile.objects.order_by("model", "name")
        if resource:
            profiles = profiles.for_model(resource_class_named(resource)._meta.model)
        found = profiles.filter(name=name)
        if len(found) == 1:
            return found[0]
        if found:
            models = ", ".join(profile.model for profile in found)
            raise LookupError(
                _("Name the model, too: %(models)s have a profile “%(name)s”.")
                % {"models": models, "name": name}
            )
        known = ", ".join(f"“{profile}”" for profile in profiles) or "–"
        raise LookupError(
            _("There is no profile “%(name)s”. Profiles: %(known)s.")
            % {"name": name, "known": known}
        )

    def chosen(self, options: dict[str, Any], profile: Profile | None = None) -> Options:
        """The command's options by the engine's names, completed by those of the profile."""
        kept = profile.options if profile else {}
        overrides = self.pairs("--map", options["map"])
        constants = self.pairs("--set", options["set"])
        given = {
            **options,
            "match": [n.strip() for n in (options["match"] or "").split(",") if n.strip()],
            "repairs": options["repair"],
            "protected": options["protect"],
        }
        given = {name: value for name, value in given.items() if value}
        if options["blank"]:
            given["clear_blank"] = options["blank"] == "clear"
        of_profile = {n: v for n, v in kept.get("constants", {}).items() if n not in overrides}
        given["overrides"] = {**kept.get("overrides", {}), **overrides}
        given["constants"] = {**of_profile, **constants}
        return Options.of({**kept, **given})

    @staticmethod
    def pairs(option: str, pairs: list[str]) -> dict[str, str]:
        """Split arguments such as `name=LIBNAME` into a dict."""
        given = {}
        for pair in pairs:
            field, equals, value = pair.partition("=")
            if not equals:
                raise MappingError(
                    _("%(option)s wants FIELD=…, not “%(pair)s”.")
                    % {"option": option, "pair": pair}
                )
            given[field.strip()] = value
        return given

    @staticmethod
    def is_allowed(imported: Import, counts: Counts, options: dict[str, Any]) -> bool:
        """Whether there is something to write, and no reject forbids it.

        Raises CommandError where a mirror can't be had: nothing is written then either.
        """
        if counts.rejected and options["on_error"] != "skip":
            return False
        if imported.missing.refusal:
            raise CommandError(imported.missing.refusal, returncode=2)
        return bool(counts.new or counts.updated or imported.missing.count)

    def ask(self, counts: Counts, missing: Missing) -> None:
        self.stderr.write(f"{counts}.")
        self.report_missing(missing)
        if not agreed(_("Write this to the database? [yes/no]: ")):
            raise CommandError(_("Import cancelled; nothing was written."), returncode=2)

    def write_rejects(self, imported: Import, counts: Counts, name: str | None) -> str | None:
        if not name or not counts.rejected:
            return None
        with replacing(Path(name)) as file:
            write_rejects(imported, file)
        return name

    def report(
        self, imported: Import, counts: Counts, rejects: str | None, as_json: bool
    ) -> None:
        source = imported.source
        for warning in imported.warnings:
            self.stderr.write(self.style.WARNING(warning))
        if imported.mapping.unused:
            unused = ", ".join(imported.mapping.unused)
            self.stderr.write(_("Columns that are not used: %s.") % unused)
        if as_json:
            outcome = {
                "job": self.job and self.job.pk,
                **counts.as_dict(),
                **({"removed": imported.missing.total} if imported.mirror else {}),
                "written": self.job is not None,
                "rejects": rejects,
                "encoding": source.encoding,
                "delimiter": source.delimiter,
                "mapping": imported.mapping.as_dict(),
                "seconds": round(time.monotonic() - self.started, 3),
            }
            self.stdout.write(json.dumps(outcome, ensure_ascii=False))
            return
        self.report_rejects(imported, counts)
        self.report_missing(imported.missing)
        done = _("Nothing was written.")
        if self.job:
            done = _("Written, as import %d.") % self.job.pk
        self.stdout.write(f"{counts}. {done}")

    def report_missing(self, missing: Missing) -> None:
        for label, number in {**missing.removed, **missing.lost}.items():
            said = _("Not in the file, and deleted with it: %(number)d %(names)s.")
            self.stderr.write(said % {"number": number, "names": plural(label, number)})

    def report_rejects(self, imported: Import, counts: Counts) -> None:
        if not counts.rejected:
            return
        for reject in imported.rejects(limit=SHOWN):
            self.stderr.write(self.style.ERROR(str(reject)))
        for rows, field, message, line in group_rejects(imported.checks):
            cause = f"{field}: {message}" if field else message
            self.stderr.write(
                _("%(rows)d rows (the first is %(line)d): %(cause)s")
                % {"rows": rows, "line": line, "cause": cause}
            )
