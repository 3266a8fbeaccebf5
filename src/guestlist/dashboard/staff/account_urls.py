"""Routes: signing in, and the signed-in person's own account. All but ours are django-allauth's views."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.urls import path, re_path
from django.views.generic import RedirectView

from guestlist.dashboard.staff.account import AskForReset, SignIn, profile, welcome
from guestlist.dashboard.staff.browsers import Sessions

urlpatterns = [
    path("welcome/<str:token>", welcome, name="account_welcome"),
    path("profile", profile, name="account_profile"),
    path("login", SignIn.as_view(), name="account_login"),
    path("logout", account.logout, name="account_logout"),
    path("inactive", account.account_inactive, name="account_inactive"),
    path("reauthenticate", account.reauthenticate, name="account_reauthenticate"),
    path("password/change", account.password_change, name="account_change_password"),
    path("password/set", account.password_set, name="account_set_password"),
    path("password/reset", AskForReset.as_view(), name="account_reset_password"),
    path("password/reset/done", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/key/done", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("2fa", mfa.index, name="mfa_index"),
    path("2fa/authenticate", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/totp/activate", totp.activate_totp, name="mfa_activate_totp"),
    path("2fa/totp/deactivate", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("2fa/recovery-codes", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("2fa/recovery-codes/download", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("sessions", Sessions.as_view(), name="usersessions_list"),
    # Names that django-allauth links to: nobody signs up here, and the address is changed on the profile.
    path("signup", RedirectView.as_view(pattern_name="account_login"), name="account_signup"),
    path("email", RedirectView.as_view(pattern_name="account_profile"), name="account_email"),
]
