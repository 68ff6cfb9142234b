"""Theme and sidebar."""

from typing import Any

from django.templatetags.static import static


def _file(name: str) -> Any:
    return lambda request: static(f"admin_ext/{name}")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Central Client Database",
    "SITE_HEADER": "Central Client Database",
    "SITE_URL": None,
    "SITE_ICON": _file("logo.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("logo.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "STYLES": [_file("ccd.css")],
    "DASHBOARD_CALLBACK": "admin_ext.dashboard.today",
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": "admin_ext.sidebar.navigation"},
    # A deep teal on slightly warm greys.
    "COLORS": {
        "base": {
            "50": "oklch(98.6% .003 90)",
            "100": "oklch(96.8% .004 95)",
            "200": "oklch(92.6% .006 95)",
            "300": "oklch(87% .008 100)",
            "400": "oklch(71% .012 150)",
            "500": "oklch(55% .015 180)",
            "600": "oklch(44.5% .017 190)",
            "700": "oklch(37% .018 195)",
            "800": "oklch(27.6% .018 200)",
            "900": "oklch(21.2% .017 205)",
            "950": "oklch(14% .014 210)",
        },
        "primary": {
            "50": "oklch(97.8% .014 185)",
            "100": "oklch(94.5% .035 184)",
            "200": "oklch(89.5% .066 183)",
            "300": "oklch(82.5% .094 184)",
            "400": "oklch(72.5% .105 186)",
            "500": "oklch(61% .098 189)",
            "600": "oklch(49.5% .083 192)",
            "700": "oklch(43% .071 194)",
            "800": "oklch(37.5% .06 196)",
            "900": "oklch(32.5% .05 198)",
            "950": "oklch(23% .038 200)",
        },
    },
}
