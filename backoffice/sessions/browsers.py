"""The name of a browser, as somebody would call it, from what it sends."""

import re

#: The first that is found: most also name those that they derive from.
BROWSERS = (
    ("Edge", r"Edge?(?:A|iOS)?/(\d+)"),
    ("Opera", r"(?:OPR|Opera)/(\d+)"),
    ("Samsung Internet", r"SamsungBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Headless)?(?:Chrome|CriOS|Chromium)/(\d+)"),
    ("Safari", r"Version/(\d+)\S* (?:Mobile/\S+ )?Safari/"),
)
SYSTEMS = (
    ("Windows", r"Windows"),
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


def browser_name(user_agent: str) -> str:
    """Such as "Firefox 140, Windows"; the beginning of what it calls itself if unknown."""
    found = ((name, re.search(pattern, user_agent)) for name, pattern in BROWSERS)
    browser = next((f"{name} {match[1][:5]}" for name, match in found if match), "")
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, user_agent)), "")
    own = "".join(c for c in user_agent if c.isprintable()).strip()[:40]
    return ", ".join(filter(None, (browser or own, system if browser else "")))
