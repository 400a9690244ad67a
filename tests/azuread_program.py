"""A program with every azuread type and data source that the sandbox answers; PHASE says how far it has come."""

import os

import pulumi
import pulumi_azuread as azuread

CUSTOM = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
USER_ROLE = "18d14569-c3bd-439b-9a66-3a2aee01d14f"
RULE = "03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8"
UNIT = "88888888-0000-4000-8000-000000000001"
DEVICE = "88888888-0000-4000-8000-000000000002"
CONTACT = "88888888-0000-4000-8000-000000000003"
IS_CHANGED = os.environ.get("PHASE") == "changed"


def either(first, then):
    """Return what stands at first, or after the change."""
    return then if IS_CHANGED else first


client = azuread.get_client_config()

boss = azuread.User(
    "boss",
    user_principal_name="vera@contoso.test",
    display_name=either("Vera Costa", "Vera Costa Lima"),
    password="P@ssw0rd!x",
    mail="vera@contoso.test",
    department="Finance",
)
clerk = azuread.User(
    "clerk",
    user_principal_name="rui@contoso.test",
    display_name="Rui Melo",
    password="P@ssw0rd!x",
    job_title=either("Clerk", "Senior Clerk"),
    manager_id=either(boss.object_id, ""),
    show_in_address_list=not IS_CHANGED,
    cost_center=either("100", "200"),
    other_mails=["rui@fabrikam.test"],
    usage_location="PT",
)

pro = azuread.Group(
    "pro",
    display_name=either("qlik-pro", "qlik-professional"),
    description=either("Seats of type professional", "Professional seats"),
    security_enabled=True,
    prevent_duplicate_names=True,
    owners=[client.object_id, boss.object_id],
    members=either([boss.object_id, clerk.object_id, DEVICE, CONTACT], [clerk.object_id, DEVICE]),
    administrative_unit_ids=either([UNIT], []),
)
static = azuread.Group(
    "static",
    display_name="qlik-static",
    security_enabled=True,
    prevent_duplicate_names=True,
    members=[boss.object_id],
)
dynamic = azuread.Group(
    "dynamic",
    display_name="qlik-dynamic",
    security_enabled=True,
    types=["DynamicMembership"],
    dynamic_membership={
        "enabled": True,
        "rule": either('user.department -eq "Finance"', 'user.department -eq "Sales"'),
    },
)
team = azuread.Group(
    "team",
    display_name="Qlik Team",
    mail_enabled=True,
    mail_nickname="qlik-team",
    security_enabled=True,
    types=["Unified"],
    visibility="Private",
    owners=[client.object_id],
    description=either("The team", "The whole team"),
)
roles = azuread.Group("roles", display_name="qlik-roles", security_enabled=True, assignable_to_role=True)
nested = azuread.GroupWithoutMembers(
    "nested",
    display_name=either("qlik-nested", "qlik-nested-groups"),
    security_enabled=True,
    opts=pulumi.ResourceOptions(depends_on=[pro]),
)
member = azuread.GroupMember("member", group_object_id=nested.object_id, member_object_id=pro.object_id)

application = azuread.Application(
    "application",
    display_name=either("Qlik SSO", "Qlik Single Sign-On"),
    prevent_duplicate_names=True,
    owners=[client.object_id],
    sign_in_audience="AzureADMyOrg",
    identifier_uris=["https://qlik.contoso.test"],
    tags=either(["qlik"], ["qlik", "sso"]),
    notes="Made by a test",
    app_roles=either(
        [
            {
                "allowed_member_types": ["User"],
                "description": "User",
                "display_name": "User",
                "id": USER_ROLE,
                "enabled": True,
                "value": "User",
            },
            {
                "allowed_member_types": ["User"],
                "description": "Guest",
                "display_name": "Guest",
                "id": "18d14569-c3bd-439b-9a66-3a2aee01d150",
                "enabled": True,
                "value": "Guest",
            },
        ],
        [
            {
                "allowed_member_types": ["User"],
                "description": "User",
                "display_name": "User",
                "id": USER_ROLE,
                "enabled": True,
                "value": "User",
            },
        ],
    ),
    api={
        "requested_access_token_version": 2,
        "oauth2_permission_scopes": [
            {
                "admin_consent_description": "Read",
                "admin_consent_display_name": "Read",
                "enabled": True,
                "id": "18d14569-c3bd-439b-9a66-3a2aee01d151",
                "type": "User",
                "value": "read",
            },
        ],
    },
    web={"redirect_uris": [either("https://qlik.contoso.test/a", "https://qlik.contoso.test/b")]},
)
plain = azuread.Application("plain", display_name="Plain")  # no owner is named: the caller does not stay one
# What the template brings has to be declared, or it is a difference.
from_gallery = azuread.Application(
    "from-gallery",
    display_name="Qlik Gallery",
    template_id=CUSTOM,
    app_roles=[
        {"allowed_member_types": ["User"], "description": name, "display_name": name, "id": id_, "enabled": True}
        for name, id_ in (("User", USER_ROLE), ("msiam_access", "b9632174-c057-4f7e-951b-be3adc52bfe6"))
    ],
    api={
        "oauth2_permission_scopes": [
            {
                "admin_consent_description": "Use Qlik on behalf of the signed-in user.",
                "admin_consent_display_name": "Use Qlik",
                "enabled": True,
                "id": "18d14569-c3bd-439b-9a66-3a2aee01d152",
                "type": "User",
                "user_consent_description": "Use Qlik on your behalf.",
                "user_consent_display_name": "Use Qlik",
                "value": "user_impersonation",
            },
        ],
    },
)
principal = azuread.ServicePrincipal(
    "principal",
    client_id=application.client_id,
    owners=[client.object_id],
    app_role_assignment_required=True,
    description=either("Single sign-on", "Sign-on"),
    preferred_single_sign_on_mode="saml",
    login_url="https://qlik.contoso.test/login",
    notification_email_addresses=["ana@contoso.test"],
    feature_tags=[{"enterprise": True}],
)
plain_principal = azuread.ServicePrincipal("plain-principal", client_id=plain.client_id)

scim = azuread.ApplicationFromTemplate("scim", display_name=either("Qlik", "Qlik SCIM"), template_id=CUSTOM)
assignment = azuread.AppRoleAssignment(
    "assignment",
    app_role_id=USER_ROLE,
    principal_object_id=pro.object_id,
    resource_object_id=scim.service_principal_object_id,
)
secret = azuread.SynchronizationSecret(
    "secret",
    service_principal_id=scim.service_principal_id,
    credentials=[
        {"key": "BaseAddress", "value": "https://contoso.eu.qlikcloud.com/api/v1/scim"},
        {"key": "SecretToken", "value": either("first-token", "second-token")},
        *either([], [{"key": "SyncAll", "value": "false"}]),
    ],
)
job = azuread.SynchronizationJob(
    "job",
    service_principal_id=scim.service_principal_id,
    template_id="scim",
    enabled=not IS_CHANGED,
    opts=pulumi.ResourceOptions(depends_on=[secret]),
)
on_demand = azuread.SynchronizationJobProvisionOnDemand(
    "on-demand",
    service_principal_id=scim.service_principal_id,
    synchronization_job_id=job.id,
    parameters=[{"rule_id": RULE, "subjects": [{"object_id": clerk.object_id, "object_type_name": "User"}]}],
    opts=pulumi.ResourceOptions(depends_on=[assignment]),
)

after = pulumi.InvokeOutputOptions(depends_on=[member, static, dynamic, team, principal, scim, clerk])
pulumi.export("caller", client.object_id)
pulumi.export("domains", len(azuread.get_domains().domains))
pulumi.export("template", azuread.get_application_template(display_name="Custom").template_id)
pulumi.export(
    "transitive",
    azuread.get_group_output(object_id=nested.object_id, include_transitive_members=True, opts=after).members.apply(
        len
    ),
)
pulumi.export(
    "by-name", azuread.get_group_output(display_name=dynamic.display_name, security_enabled=True, opts=after).object_id
)
pulumi.export(
    "prefixed",
    azuread.get_groups_output(display_name_prefix="qlik-", security_enabled=True, opts=after).object_ids.apply(len),
)
pulumi.export("everything", azuread.get_groups_output(return_all=True, opts=after).object_ids.apply(len))
pulumi.export("manager", azuread.get_user_output(object_id=clerk.object_id, opts=after).manager_id)
pulumi.export(
    "by-name-of-user", azuread.get_user_output(user_principal_name=clerk.user_principal_name, opts=after).mail
)
pulumi.export("by-mail", azuread.get_user_output(mail=boss.mail, opts=after).object_id)
pulumi.export(
    "users",
    azuread.get_users_output(user_principal_names=["vera@contoso.test", "rui@contoso.test"], opts=after).users.apply(
        len
    ),
)
pulumi.export(
    "users-by-id", azuread.get_users_output(object_ids=[boss.object_id, clerk.object_id], opts=after).users.apply(len)
)
pulumi.export("all-users", azuread.get_users_output(return_all=True, opts=after).users.apply(len))
pulumi.export(
    "principal-id",
    azuread.get_service_principal_output(object_id=scim.service_principal_object_id, opts=after).client_id,
)
pulumi.export(
    "principal-name",
    azuread.get_service_principal_output(client_id=principal.client_id, opts=after).display_name,
)
