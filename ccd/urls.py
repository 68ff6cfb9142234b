"""Every address: the admin is the product."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from ccd.health import healthz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", healthz),
    path("admin/", admin.site.urls),
]

handler400 = "admin_ext.middleware.bad_request"
handler403 = "admin_ext.middleware.forbidden"
handler404 = "admin_ext.middleware.not_found"
handler500 = "admin_ext.middleware.broken"
