"""Where each page lives."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from avatar_project import account_page, keys_page
from avatar_project.health import health, live, ready
from avatar_project.sign_in import AdminSignInForm, SignInForm

admin.site.login_form = AdminSignInForm
urlpatterns = [
    path("health", health, name="health"),
    path("livez", live, name="live"),
    path("readyz", ready, name="ready"),
    path("admin/live/", include("conversations.live_watch.urls")),
    path("admin/", admin.site.urls),
    path("accounts/login/", auth.LoginView.as_view(authentication_form=SignInForm), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("account/", account_page.account, name="account"),
    path("account/erase", account_page.erase, name="erase_account"),
    path("account/erased", account_page.erased, name="account_erased"),
    path("account/keys", keys_page.keys, name="keys"),
    path("account/keys/<uuid:key_id>/revoke", keys_page.revoke, name="revoke_key"),
    path("api/", include("avatar_project.api.urls")),
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
    path("", include("voices.pages.urls")),
    path("", include("conversations.urls")),
]
