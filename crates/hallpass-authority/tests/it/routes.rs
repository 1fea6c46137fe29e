//! A policy with a route for everything a mint can be about.

use serde_json::{Value, json};

use crate::fixture::{Home, with};

/// The public half of a key nobody needs to have.
pub const HOLDER: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
pub const OTHER_HOLDER: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

pub const POLICY: &str = r#"
[clients.demo-orchestrator]
summary = "The orchestrator of the tests"
actors = "agent:*"

[clients.one-agent]
summary = "May name one agent only"
actors = "agent:solo"

[clients.elsewhere]
summary = "Has a route of its own"
actors = "agent:*"

[tools."kb.search"]
audience = "knowledge"
impact = "read"
summary = "Search the knowledge base"

[tools."tickets.get"]
audience = "tickets"
impact = "read"
summary = "Read one ticket"

[tools."ticket.update"]
audience = "tickets"
impact = "write"
summary = "Change a ticket"

[tools."ticket.close"]
audience = "tickets"
impact = "destructive"
summary = "Close a ticket"

[routes."/wide"]
summary = "Everything, some of it with an approval"
clients = ["demo-orchestrator", "one-agent"]
tenants = ["acme", "globex"]
actors = "agent:*"
allow = ["kb.search", "tickets.get", "ticket.update"]
require_approval = ["ticket.close"]
ttl_seconds = 600
run_max_seconds = 3600
proof = "waived"
waiver = "The tests call without proofs of possession."
caveats = ["for ticket.update: /priority one of low, normal"]

[routes."/wide".without_approval]
"ticket.update" = "The tests update without approvals."

[routes."/wide".budgets]
calls = 100

[routes."/narrow"]
summary = "Reading"
clients = ["demo-orchestrator", "one-agent"]
tenants = ["acme", "globex"]
actors = "agent:*"
allow = ["tickets.get"]
ttl_seconds = 300
run_max_seconds = 1200
proof = "waived"

[routes."/proofs"]
summary = "Every call with a proof"
clients = ["demo-orchestrator"]
tenants = ["acme"]
actors = "agent:*"
allow = ["tickets.get"]
ttl_seconds = 300
proof = "always"

[routes."/verified"]
summary = "For people who proved who they are"
clients = ["demo-orchestrator"]
tenants = ["acme"]
actors = "agent:*"
allow = ["tickets.get"]
ttl_seconds = 300
proof = "waived"
verified = true

[routes."/prod"]
summary = "For another environment"
clients = ["demo-orchestrator"]
tenants = ["acme"]
actors = "agent:*"
environments = ["prod"]
allow = ["tickets.get"]
ttl_seconds = 300
proof = "waived"

[routes."/elsewhere"]
summary = "For another client"
clients = ["elsewhere"]
tenants = ["acme"]
actors = "agent:*"
allow = ["tickets.get"]
ttl_seconds = 300
proof = "waived"

[routes."/triage"]
summary = "For agents of one kind"
clients = ["demo-orchestrator"]
tenants = ["acme"]
actors = "agent:triage-*"
allow = ["tickets.get"]
ttl_seconds = 300
proof = "waived"
"#;

/// An authority under [`POLICY`], with more text behind it.
pub fn home_with(more: &str) -> Home {
    let home = Home::new();
    set_policy(&home, &format!("{POLICY}\n{more}"));
    home
}

/// Replaces the policy, for the next start.
pub fn set_policy(home: &Home, text: &str) {
    for entry in std::fs::read_dir(home.path("policy")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    std::fs::write(home.path("policy/all.toml"), text).unwrap();
}

pub fn on(route: &str) -> Value {
    json!({"route": route, "tenant": "acme", "subject": "user:alice", "actor": "agent:bot"})
}

/// With another member, or without it where the value is null.
pub fn but(body: Value, name: &str, value: Value) -> Value {
    let mut body = with(body, name, value);
    if body[name].is_null() {
        body.as_object_mut().unwrap().remove(name);
    }
    body
}
