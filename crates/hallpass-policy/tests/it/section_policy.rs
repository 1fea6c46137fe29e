//! A policy with one of everything, to change a word of.

use hallpass_keys::{Purpose, SigningKey};
use hallpass_policy::{Policy, PolicyFiles};

const BASE: &str = r#"[tools."kb.search"]
audience = "kb"
impact = "read"
summary = "Search"
[tools."ticket.update"]
audience = "kb"
impact = "write"
summary = "Update"
[clients.desk]
summary = "The desk"
actors = "agent:*"
mints_per_minute = 60
issuer = "cluster"
subject = "sa:desk"
claims = { ns = "agents" }
[issuers.cluster]
issuer = "https://cluster.example"
audience = "hallpass"
algorithms = ["ES256", "RS256"]
for = ["clients"]
[issuers.staff]
issuer = "https://staff.example"
audience = "hallpass"
algorithms = ["EdDSA"]
for = ["subjects"]
roles_claim = "groups"
roles = { "support-team" = "support" }
[roles.reader]
summary = "Reads"
allow = ["kb.search"]
[roles.support]
summary = "Answers"
includes = ["reader"]
require_approval = ["ticket.update"]
caveats = ["for ticket.update: /n<=1"]
[operators."op:dana"]
person = "dana"
keys = ["KEY1"]
roles = ["admin"]
[operators."op:li"]
person = "li"
keys = ["KEY2"]
roles = ["auditor", "approver"]
[groups.leads]
summary = "Leads"
members = ["op:dana", "op:li"]
[limits]
client_mints_per_minute = 100
[routes."/r"]
summary = "A route"
clients = ["desk"]
tenants = ["acme"]
actors = "agent:*"
subject_roles = ["support"]
ttl_seconds = 60
run_max_seconds = 3600
proof = "always"
budgets = { calls = 5, usd_micros = 10 }
"#;

/// The key of an operator.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(Purpose::Operator, "dev".parse().unwrap(), [number; 32])
}

/// The policy with these replaced, and with these files beside it.
pub fn files(replace: &[(&str, &str)], beside: &[(&str, &str)]) -> PolicyFiles {
    let mut text = BASE.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "`{from}` is not in the policy");
        text = text.replacen(from, to, 1);
    }
    for number in [1, 2] {
        let hex = key(number).verifying_key().to_string();
        text = text.replace(&format!("KEY{number}"), &hex);
    }
    PolicyFiles::new(beside.iter().copied().chain([("p.toml", &*text)]))
}

/// What is said of it.
pub fn said(replace: &[(&str, &str)], beside: &[(&str, &str)]) -> String {
    match Policy::parse(&files(replace, beside)) {
        Ok(_) => "accepted".to_owned(),
        Err(errors) => errors.to_string(),
    }
}
