"""What we work around in other packages is still not fixed there.

A test that fails says which of our patches can go.
"""

import inspect
from pathlib import Path

import import_export
import pytest
import simple_history
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.forms.models import inlineformset_factory
from django.template.loader import get_template
from django.test import RequestFactory
from django.utils.functional import Promise
from import_export import admin as import_export_admin
from localflavor.us import us_states
from simple_history.admin import SimpleHistoryAdmin
from simple_history.manager import HistoryDescriptor
from simple_history.models import HistoricalRecords

from library.models import Library, Patron
from tests.factories import make_library


def stock_template(app, name):
    """The text of a package's own template, whatever we put before it."""
    return (Path(inspect.getfile(app)).parent / "templates" / name).read_text()


def static(path):
    return (Path(inspect.getfile(admin)).parent / "static" / "admin" / path).read_text()


def test_tabular_inlines_leave_inputs_without_a_name():
    """backoffice.admin.forms.accessibility.NamedRowsMixin"""
    form = inlineformset_factory(Library, Patron, fields=["name"])().forms[0]
    assert "aria-label" not in str(form["name"])
    assert "aria-label" not in str(form["DELETE"])
    row = stock_template(admin, "admin/edit_inline/tabular.html")
    assert "aria-label" not in row.partition("<tbody>")[2].partition("field.field")[0]


@pytest.mark.django_db
def test_a_row_deleted_meanwhile_blocks_a_stock_formset():
    """backoffice.admin.forms.inlines.PagedRows"""
    library = make_library()
    formset_class = inlineformset_factory(Library, Patron, fields=["name"])
    data = {
        "patron_set-TOTAL_FORMS": "1",
        "patron_set-INITIAL_FORMS": "1",
        "patron_set-0-id": "1",
        "patron_set-0-name": "Ann",
    }
    assert not formset_class(data, instance=library).is_valid()


def test_split_date_and_time_have_no_names():
    """backoffice.admin.forms.accessibility.NamedInputsMixin"""
    assert "aria-label" not in AdminSplitDateTime().render("x", None)


def test_filter_links_are_small_and_breadcrumbs_told_apart_by_colour():
    """theme.css: targets, links"""
    assert "min-height: 24px" not in static("css/changelists.css")
    breadcrumbs = static("css/base.css").partition("div.breadcrumbs a")[2].partition("}")[0]
    assert "underline" not in breadcrumbs


def test_the_pickers_icon_is_a_span_with_a_label_and_no_role():
    """accessibility.js: nameIcons"""
    script = static("js/SelectFilter2.js")
    assert "search-label-icon" in script
    assert "'role'" not in script.partition("search-label-icon")[2][:200]


def test_select2_names_its_combobox_by_an_empty_element():
    """accessibility.js: nameSelect2"""
    script = static("js/vendor/select2/select2.full.js")
    assert "this.$selection.attr('aria-labelledby', id);" in script
    assert 'search__field" type="search" tabindex="-1"' in script
    assert 'aria-label="Search"' not in script


def test_historys_list_has_an_inline_style():
    """templates/admin/backoffice/history_list.html"""
    assert 'style="' in stock_template(
        simple_history, "simple_history/object_history_list.html"
    )


def test_exports_page_has_inline_style_and_script_and_a_label_for_nothing():
    """templates/admin/backoffice/export.html"""
    page = stock_template(import_export, "admin/import_export/export.html")
    assert 'style="' in page
    assert "onchange=" in page
    assert 'for="select-all-toggle"' in page
    assert 'id="select-all-toggle"' not in page


def test_anyone_signed_in_may_import_and_export():
    """has_import_permission and has_export_permission"""

    class Stock(import_export_admin.ImportExportModelAdmin):
        pass

    request = RequestFactory().get("/")
    stock = Stock(Library, admin.site)
    assert stock.has_import_permission(request)
    assert stock.has_export_permission(request)


def test_history_can_be_reverted_and_seen_past_the_queryset():
    """backoffice.admin.history.history.HistoryMixin"""
    view = inspect.getsource(SimpleHistoryAdmin.history_form_view)
    assert "get_queryset" not in view
    assert "has_change_history_permission" not in view.partition('request.method == "POST"')[0]
    assert "paginator" in inspect.getsource(SimpleHistoryAdmin.history_view)
    assert "next" not in inspect.getsource(SimpleHistoryAdmin.set_history_delta_changes)


def test_a_link_from_the_other_side_is_no_change_and_fixtures_are_not_told_apart():
    """backoffice.history.historical_records.HistoricalRecords"""
    source = inspect.getsource(HistoricalRecords.m2m_changed)
    assert "if reverse" not in source
    assert "raw" not in source
    assert not hasattr(HistoricalRecords, "pre_save")


def test_states_are_sorted_at_every_look():
    """library.fields.USStateField"""
    assert isinstance(us_states.STATE_CHOICES, Promise)


def test_our_templates_are_found_before_theirs():
    assert "backoffice" in get_template("admin/base_site.html").origin.name
    assert "backoffice" in get_template("admin/change_list.html").origin.name


def test_a_class_of_managers_is_made_whenever_history_is_read():
    """backoffice.history.historical_records.HistoryManager"""
    stock = HistoryDescriptor(Library.history.model)
    assert type(stock.__get__(None, Library)) is not type(stock.__get__(None, Library))
    assert type(Library.history) is type(Library.history)
