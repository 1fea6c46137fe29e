//! The policy that comparisons begin with.

/// A policy with something of everything.
pub const POLICY: &str = r#"
[tools."kb.search"]
audience = "tickets"
impact = "read"
summary = "Search"
limits = { calls_per_minute = 60 }

[tools."ticket.update"]
audience = "tickets"
impact = "write"
summary = "Change a ticket"
recorded = ["/id"]
sensitive = ["/note"]
undo = "Change it back"

[tools."ticket.close"]
audience = "tickets"
impact = "destructive"
summary = "Close a ticket"

[clients.desk]
summary = "The desk"
actors = "agent:*"
mints_per_minute = 60
issuer = "cluster"
subject = "system:desk"
claims = { zone = "a" }

[clients.spare]
summary = "Another desk"
actors = "agent:spare-*"

[issuers.cluster]
issuer = "https://cluster.example"
audience = "hallpass"
jwks_url = "https://cluster.example/keys"
algorithms = ["ES256"]
for = ["clients", "subjects"]
roles_claim = "groups"
roles = { team = "support" }
tenant_claim = "org"

[roles.reader]
summary = "Reads"
allow = ["kb.search"]

[roles.support]
summary = "Answers"
includes = ["reader"]
require_approval = ["ticket.update"]
caveats = ["for ticket.update: /status one of open, pending"]

[routes."/desk"]
summary = "Work at the desk"
clients = ["desk"]
tenants = ["acme", "globex"]
environments = ["dev", "prod"]
actors = "agent:*"
verified = true
subject_roles = ["support"]
allow = ["kb.search"]
require_approval = ["ticket.close"]
deny = []
ttl_seconds = 600
run_max_seconds = 3600
proof = "writes"
budgets = { calls = 100 }

[operators."op:dana"]
person = "dana"
keys = ["3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"]
roles = ["auditor"]

[groups.leads]
summary = "Who may approve"
members = ["op:dana"]

[limits]
client_mints_per_minute = 600
tenant_mints_per_minute = 6000
"#;
