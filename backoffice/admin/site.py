"""The admin site: its name, and what every page of it shares."""

from django.contrib import admin


class AdminSite(admin.AdminSite):
    site_title = "Library back office"
    site_header = "Library back office"
    index_title = "Branches, patrons, librarians and titles"
