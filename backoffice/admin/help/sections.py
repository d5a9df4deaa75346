"""Which section of the manual the *Help* of a page leads to."""

#: By the name of the URL: the whole one, or the end of it after `<app>_<model>_`. Where one URL
#: shows several kinds of page, the page's template comes first.
SECTIONS: dict[str, str] = {
    # The start page, and the help itself
    "index": "how-to/start#start",
    "app_list": "how-to/start#start",
    "help": "how-to/start#help",
    "help_page": "how-to/start#help",
    "search": "how-to/start#start",
    # Lists
    "changelist": "how-to/filter-a-list",
    "save_filter": "how-to/filter-a-list#save-it",
    "savedfilter_changelist": "how-to/filter-a-list#save-it",
    "savedfilter_change": "how-to/filter-a-list#save-it",
    "savedfilter_delete": "how-to/filter-a-list#save-it",
    "export": "how-to/export#in-the-admin",
    "exportfile_changelist": "how-to/export#many-rows",
    "exportfile_change": "how-to/export#many-rows",
    "exportprofile_changelist": "how-to/export#keep-the-choices",
    "exportprofile_change": "how-to/export#keep-the-choices",
    "exportprofile_delete": "how-to/export#keep-the-choices",
    "edit_fields.html": "how-to/edit-many",
    "edit_preview.html": "how-to/edit-many",
    # Forms
    "add": "how-to/fill-in-a-form",
    "change": "how-to/fill-in-a-form",
    "delete": "how-to/restore-what-was-deleted#before-you-delete",
    "delete_selected_confirmation.html": "how-to/restore-what-was-deleted#before-you-delete",
    "delete_typed.html": "how-to/restore-what-was-deleted#before-you-delete",
    "erase": "how-to/erase-a-person",
    # History
    "history": "how-to/restore-what-was-deleted#one-field-or-one-link",
    "simple_history": "how-to/restore-what-was-deleted#one-field-or-one-link",
    "deleted": "how-to/restore-what-was-deleted",
    "restore": "how-to/restore-what-was-deleted",
    # Imports, edits, undos
    "import": "how-to/import-a-file#in-the-admin",
    "process_import": "how-to/import-a-file#in-the-admin",
    "import_columns": "how-to/import-a-file#in-the-admin",
    "import_job": "how-to/review-an-import",
    "import_map.html": "how-to/import-a-file#in-the-admin",
    "import_running.html": "how-to/import-a-file#in-the-admin",
    "import_ended.html": "how-to/undo",
    "import_replace": "how-to/review-an-import",
    "import_profile": "how-to/import-profiles",
    "import_undo": "how-to/undo",
    "import_undo_records": "how-to/undo#leave-some-records-alone",
    "backoffice_change_changelist": "how-to/import-a-file",
    "backoffice_bulkedit_changelist": "how-to/undo",
    "backoffice_profile_changelist": "how-to/import-profiles",
    "backoffice_profile_change": "how-to/import-profiles",
    "backoffice_profile_delete": "how-to/import-profiles",
    # Who did what
    "backoffice_entry_changelist": "how-to/see-who-did-what",
    "backoffice_entry_change": "how-to/see-who-did-what",
    # Accounts, and signing in
    "auth_group_changelist": "how-to/give-a-role",
    "auth_group_add": "how-to/give-a-role#make-a-role",
    "auth_group_change": "how-to/give-a-role#make-a-role",
    "user_changelist": "how-to/give-a-role",
    "user_add": "how-to/give-a-role",
    "user_change": "how-to/give-a-role",
    "sessions": "how-to/sign-in#where-you-are-signed-in",
    "password_change": "how-to/sign-in#passwords",
    "password_change_done": "how-to/sign-in#passwords",
    "second_factor": "how-to/sign-in#a-second-factor",
    "second_factor_code": "how-to/sign-in#a-second-factor",
    "sign_in_link": "how-to/sign-in",
    "sign_in_by_link": "how-to/sign-in",
    "login": "how-to/sign-in",
    "logout": "how-to/sign-in",
}


def section(url_name: str, template: str = "") -> str | None:
    """`page#anchor` for a page of the site; None if the table has none for it."""
    shown = template.rpartition("/")[2]
    if shown in SECTIONS:
        return SECTIONS[shown]
    parts = url_name.split("_")
    ends = ("_".join(parts[start:]) for start in range(len(parts)))
    return next((SECTIONS[end] for end in ends if end in SECTIONS), None)
