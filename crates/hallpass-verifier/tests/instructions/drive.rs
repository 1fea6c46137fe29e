//! What is counted: decisions on a token that the verifier has seen, and nothing of what prepares them.

use std::hint::black_box;
use std::time::Duration;

use hallpass_args::ToolCall;
use hallpass_verifier::{Checked, Permit, Rule, ServicePolicy, Verifier};

use crate::world::{self, NOW, World};

/// Decisions that are counted; one comes before them, to see the token for the first time.
pub const DECISIONS: u32 = 200;

/// Makes the decisions of one case.
pub fn run(function: &str) {
    let world = World::ruled_by(match function {
        "instructions::drive::check_ruled" => ten_rules(),
        _ => ServicePolicy::none(),
    });
    let tools = [
        "kb.search",
        "tickets.get",
        "ticket.update",
        "ticket.find",
        "kb.get",
    ];
    let token = world::token(|grant| {
        grant.expires = NOW.after(Duration::from_secs(900));
        grant.needs_approval.clear();
        grant.tools = tools.map(world::tool).into();
    });
    let (verifier, token) = (&world.verifier, token.expose());
    drop(verifier.check(Some(token), world::call("kb.search"), NOW));
    for _ in 0..DECISIONS {
        let call = world::call("kb.search");
        match function {
            "instructions::drive::check" => {
                let checked = check(verifier, token, call);
                assert_eq!(checked.denial(), None);
            }
            "instructions::drive::check_ruled" => {
                let checked = check_ruled(verifier, token, call);
                assert_eq!(checked.denial(), None);
            }
            "instructions::drive::authorize" => {
                // Unfinished, the permit is recorded as abandoned, outside what is counted.
                drop(authorize(verifier, token, call));
            }
            other => panic!("no function `{other}`"),
        }
    }
}

#[inline(never)]
fn check(verifier: &Verifier, token: &str, call: ToolCall) -> Checked {
    black_box(verifier.check(Some(black_box(token)), call, NOW))
}

#[inline(never)]
fn check_ruled(verifier: &Verifier, token: &str, call: ToolCall) -> Checked {
    black_box(verifier.check(Some(black_box(token)), call, NOW))
}

/// Rules of every kind that all concern the call and all hold, and one of another tool.
fn ten_rules() -> ServicePolicy {
    let mut policy = ServicePolicy::none()
        .with(Rule::deny("another-tool").tools(["ticket.close"]))
        .and_then(|policy| policy.with(Rule::deny("interns").roles(["intern"])))
        .and_then(|policy| policy.with(Rule::require_holder("globex").tenants(["globex"])))
        .expect("a policy");
    for number in 0..7 {
        let tickets = "/id starts with T-".parse().expect("a caveat");
        let rule = Rule::require(&format!("tickets-{number}"), [tickets]).tools(["kb.search"]);
        policy = policy.with(rule).expect("a rule");
    }
    policy
}

#[inline(never)]
fn authorize(verifier: &Verifier, token: &str, call: ToolCall) -> Permit {
    let commit = verifier.authorize(Some(black_box(token)), call);
    black_box(commit.wait().expect("an allowed call"))
}
