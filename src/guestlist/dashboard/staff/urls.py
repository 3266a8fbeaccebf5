"""Routes: staff, API tokens and the audit log."""

from django.urls import path

from guestlist.dashboard.staff import audit, invite, people, tokens

app_name = "staff"
urlpatterns = [
    path("settings/staff", people.show_list, name="list"),
    path("settings/staff/invite", invite.invite, name="invite"),
    path("settings/staff/invitations/<int:invitation_id>/withdraw", invite.withdraw, name="withdraw"),
    path("settings/staff/<int:user_id>", people.show_person, name="person"),
    path("settings/staff/<int:user_id>/switch", people.switch, name="switch"),
    path("settings/staff/<int:user_id>/remove", people.remove, name="remove"),
    path("settings/staff/<int:user_id>/end-sessions", people.end_sessions, name="end_sessions"),
    path("settings/staff/<int:user_id>/two-factor-off", people.two_factor_off, name="two_factor_off"),
    path("settings/staff/<int:user_id>/reset-link", people.reset_link, name="reset_link"),
    path("settings/tokens", tokens.show, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke", tokens.revoke, name="revoke_token"),
    path("settings/audit", audit.show, name="audit"),
]
