"""What is assumed of a tenant and a directory where their vendors are silent: the sandbox's switches, and a few facts.

The sandbox has its own list (sandbox/switches.py), since neither imports the other; a test holds them together.
"""

from qlik_provider.probing.assumption import Way, fact, switch
from qlik_provider.probing.unasked import UNASKED

_LICENSES = (
    switch("add-same-type", Way.WRITE, "created201,conflict409,ok200", "the subject is added twice with one type"),
    switch(
        "add-other-type",
        Way.WRITE,
        "conflict409,secondRow201",
        "the subject, holding one type, is added with another that has a free seat",
    ),
    switch(
        "update-without-seat",
        Way.WRITE,
        "keep,lose",
        "the subject, holding one type, is updated to another that is full",
    ),
    switch("bad-item", Way.WRITE, "item400,request400", "the subject is added with a type that no license has"),
    switch("item-order", Way.WRITE, "request,reversed", "several rows the subject does not hold are deleted at once"),
    switch(
        "batch-limit",
        Way.WRITE,
        "unlimited,over100is400,over100is413",
        "100, 101 and 1000 deletes of one row the subject does not hold are sent",
    ),
    switch(
        "subject-match",
        Way.WRITE,
        "caseless,exact",
        "the subject's row is deleted under the subject in the other case",
    ),
    switch("units-used", Way.WRITE, "immediate,delayed", "the overview is read before and after the subject is added"),
    switch("seat-quarantine", Way.WRITE, "none,sevenDays", "the overview is read after the subject's row is deleted"),
    switch(
        "subject-case",
        Way.READ,
        "asGiven,upperDomain",
        "the domains of rows are compared with those of the same users; with --write, the subject's own row",
    ),
    switch(
        "settings-omitted",
        Way.SETTINGS,
        "keep,false",
        "the license settings are put without one field, read, and put back",
    ),
    switch(
        "assignments-sort",
        Way.READ,
        "responseFields,ignored,refused400",
        "the rows are asked for sorted by subject, both ways",
    ),
    switch(
        "assignments-filter",
        Way.READ,
        "responseFields,deprecatedOnly",
        "the rows are asked for filtered by a subject that has one",
    ),
    switch(
        "assignments-filter-operators",
        Way.READ,
        "eq,eqAndCo",
        "the rows are asked for whose subject, and whose name, contains that of one who has one",
    ),
    switch(
        "capacity-allotments",
        Way.READ,
        "listed,fullUserOnly",
        "the types of the overview are looked at, on a capacity license",
    ),
    switch(
        "bot-seats",
        Way.READ,
        "none,autoAssigned",
        "it is looked whether the users of OAuth clients hold rows, where seats are given by themselves",
    ),
    switch("next-link-host", Way.READ, "tenant,internal", "the next link of a page of one row is looked at"),
    switch("next-link-last", Way.READ, "absent,nullHref", "the next link of the last page of rows and of users"),
)

_TENANT = (
    switch("users-default-status", Way.READ, "active,all", "the unfiltered users are counted, and those of a status"),
    switch(
        "filter-default-status",
        Way.READ,
        "all,active",
        "a user who is not active is asked for with a filter by id",
    ),
    switch("deleted-user", Way.READ, "shown,notFound404", "a deleted user is asked for by id"),
    switch("new-user-status", Way.USER, "active,invited,provisioned", "the subject is created without a status"),
    switch(
        "status-transitions",
        Way.USER,
        "toDisabled,activeAndDisabledOnly,any",
        "the subject, invited, is made active, and disabled",
    ),
    switch("user-role-operations", Way.USER, "all,replaceOnly", "a role the subject has not is removed from it"),
    switch("unknown-role", Way.USER, "partial207,request400", "the subject's roles are replaced by one there is not"),
    switch("license-webhooks", Way.READ, "auditsOnly,offered", "the event types that webhooks offer are read"),
    switch("spaces-max-limit", Way.READ, "100,1000", "101 and 1001 spaces are asked for"),
    switch("space-events", Way.READ, "core,legacy,both", "the audits of created spaces and assignments are read"),
    switch(
        "admin-personal-items",
        Way.READ,
        "visible,hidden",
        "the items of others are read, and it is looked whether any is in no space",
        unprovable="hidden",
    ),
)

_DIRECTORY = (
    switch("batch-order", Way.DIRECTORY, "request,reversed", "a $batch of reads is compared with its responses"),
    switch(
        "provisioning-log-job-filter",
        Way.DIRECTORY,
        "accepted,refused400",
        "the provisioning log is asked for by a job",
    ),
)

_FACTS = (
    switch("unauthorized-body", Way.READ, "errors,empty", "users/me is asked for without a token"),
    fact("me-redirect", Way.READ, "301 to the caller's own user", "users/me is asked for"),
    fact("date-header", Way.READ, "present", "the headers of an answer are looked at"),
    fact("rate-limit-headers", Way.READ, "none", "the headers of an answer are looked at"),
    fact("licenses-error", Way.READ, "400 error errors message", "license rows are asked for with a limit of 0"),
    fact("users-error", Way.READ, "404 USERS-7 errors traceId", "a user nobody is is asked for"),
    fact("groups-error", Way.READ, "404 GROUPS-7 errors traceId", "a group that is none is asked for"),
    fact("roles-error", Way.READ, "404 IDENTITIES-10402 errors traceId", "a role that is none is asked for"),
    fact("licenses-page-limit", Way.READ, "100, 101 is refused with 400", "101 license rows are asked for"),
    fact("users-page-limit", Way.READ, "100, 101 is refused with 400", "101 users are asked for"),
    fact("licenses-settings", Way.READ, "both fields", "the license settings are read"),
    fact("missing-row", Way.WRITE, "404 LICENSES-016", "rows the subject does not hold are deleted"),
    fact("add-without-seat", Way.WRITE, "403 LICENSES-011", "the subject is added with a type that is full"),
    fact("rows-listed", Way.WRITE, "immediate", "the rows are listed after the subject is added"),
    switch(
        "json-patch",
        Way.USER,
        "accepted,refused415",
        "the subject's name is replaced as application/json-patch+json",
    ),
)

ASSUMPTIONS = {assumption.name: assumption for assumption in (*_LICENSES, *_TENANT, *_DIRECTORY, *_FACTS, *UNASKED)}
