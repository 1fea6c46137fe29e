//! No silent widening: whatever the new policy answers that the old one did not, the comparison names a widening.

use std::collections::BTreeSet;
use std::fmt::Write;

use hallpass_policy::{Direction, Policy, PolicyFiles, Question, Terms, Verified};
use hallpass_vocabulary::{Role, ToolName};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::strategy::ValueTree as _;

const TOOLS: [&str; 3] = ["a.read", "b.read", "c.write"];
const ROLES: [&str; 3] = ["one", "two", "three"];
const CLIENTS: [&str; 2] = ["desk", "spare"];
const CAVEATS: [&str; 3] = ["/n<=1", "/n<=5", "/s one of x, y"];

/// What gives tools: for each, nothing, a call at once, or one with an approval; and a caveat for some.
#[derive(Debug, Clone)]
struct Grant {
    access: [u8; 3],
    caveats: [Option<usize>; 3],
}

#[derive(Debug, Clone)]
struct Route {
    clients: Vec<&'static str>,
    actors: &'static str,
    tenants: Vec<&'static str>,
    environments: Option<Vec<&'static str>>,
    verified: bool,
    roles: Vec<&'static str>,
    subject_roles: Vec<&'static str>,
    grant: Grant,
    deny: Vec<&'static str>,
    ttl: u64,
    run_max: u64,
    calls: Option<u64>,
    proof: &'static str,
}

#[derive(Debug, Clone)]
struct Small {
    client_actors: [&'static str; 2],
    write_impact: &'static str,
    includes: Vec<&'static str>,
    roles: [Grant; 3],
    routes: Vec<Route>,
}

fn grant() -> impl Strategy<Value = Grant> {
    let caveat = || proptest::option::weighted(0.3, 0..CAVEATS.len());
    ([0..3_u8, 0..3_u8, 0..3_u8], [caveat(), caveat(), caveat()])
        .prop_map(|(access, caveats)| Grant { access, caveats })
}

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(of, 0..=of.len())
}

fn actors() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["agent:*", "agent:x*", "agent:x", "agent:y"])
}

fn route() -> impl Strategy<Value = Route> {
    let who = (
        prop_oneof![Just(vec!["*"]), some(&CLIENTS), Just(vec!["de*"])],
        actors(),
        prop_oneof![Just(vec!["*"]), some(&["acme", "globex"])],
        proptest::option::of(some(&["dev", "prod"])),
        any::<bool>(),
    );
    let gives = (some(&ROLES), some(&ROLES), grant(), some(&TOOLS));
    let bounds = (
        prop::sample::select(vec![60_u64, 600]),
        prop::sample::select(vec![600_u64, 3600]),
        proptest::option::of(1..3_u64),
        prop::sample::select(vec!["always", "writes", "waived"]),
    );
    (who, gives, bounds).prop_map(|(who, gives, bounds)| Route {
        clients: who.0,
        actors: who.1,
        tenants: who.2,
        environments: who.3,
        verified: who.4,
        roles: gives.0,
        subject_roles: gives.1,
        grant: gives.2,
        deny: gives.3,
        ttl: bounds.0,
        run_max: bounds.1,
        calls: bounds.2,
        proof: bounds.3,
    })
}

fn small() -> impl Strategy<Value = Small> {
    (
        [actors(), actors()],
        prop::sample::select(vec!["write", "destructive"]),
        some(&["two", "three"]),
        [grant(), grant(), grant()],
        prop::collection::vec(route(), 0..=2),
    )
        .prop_map(
            |(client_actors, write_impact, includes, roles, routes)| Small {
                client_actors,
                write_impact,
                includes,
                roles,
                routes,
            },
        )
}

/// A policy, and one that differs from it in a few places: two of nothing in common say little.
fn pairs() -> impl Strategy<Value = (Small, Small)> {
    (small(), small(), any::<u16>()).prop_map(|(old, other, which)| {
        let mut new = old.clone();
        let takes = |bit: u16| which >> bit & 1 == 1;
        if takes(0) {
            new.client_actors[0] = other.client_actors[0];
        }
        if takes(1) {
            new.write_impact = other.write_impact;
        }
        if takes(2) {
            new.includes = other.includes;
        }
        for (index, role) in other.roles.into_iter().enumerate() {
            if takes(3 + index as u16) {
                new.roles[index] = role;
            }
        }
        for (index, route) in other.routes.into_iter().enumerate() {
            match new.routes.get_mut(index) {
                None => new.routes.push(route),
                Some(before) if takes(6) => *before = route,
                Some(before) => {
                    if takes(7) {
                        before.clients = route.clients;
                        before.actors = route.actors;
                    }
                    if takes(8) {
                        before.tenants = route.tenants;
                        before.environments = route.environments;
                    }
                    if takes(9) {
                        before.verified = route.verified;
                        before.deny = route.deny;
                    }
                    if takes(10) {
                        before.roles = route.roles;
                        before.subject_roles = route.subject_roles;
                    }
                    if takes(11) {
                        before.grant = route.grant;
                    }
                    if takes(12) {
                        before.ttl = route.ttl;
                        before.run_max = route.run_max;
                    }
                    if takes(13) {
                        before.calls = route.calls;
                        before.proof = route.proof;
                    }
                }
            }
        }
        if takes(14) {
            new.routes.pop();
        }
        (old, new)
    })
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

fn write_grant(text: &mut String, grant: &Grant) {
    let those = |access| {
        let tools = TOOLS.iter().zip(grant.access);
        tools
            .filter(|(_, it)| *it == access)
            .map(|(tool, _)| *tool)
            .collect::<Vec<_>>()
    };
    let (allow, withheld) = (those(1), those(2));
    writeln!(
        text,
        "allow = {}\nrequire_approval = {}",
        list(&allow),
        list(&withheld)
    )
    .unwrap();
    if allow.contains(&"c.write") {
        text.push_str("without_approval = { \"c.write\" = \"It can be changed back.\" }\n");
    }
    let caveats: Vec<String> = (0..TOOLS.len())
        .filter(|index| grant.access[*index] > 0)
        .filter_map(|index| {
            let rule = CAVEATS[grant.caveats[index]?];
            Some(format!("\"for {}: {rule}\"", TOOLS[index]))
        })
        .collect();
    writeln!(text, "caveats = [{}]", caveats.join(", ")).unwrap();
}

/// `None` where the policy is refused, as one is whose roles together have caveats no token can say.
fn parsed(small: &Small) -> Option<Policy> {
    let mut text = String::new();
    for (tool, impact) in TOOLS.iter().zip(["read", "read", small.write_impact]) {
        writeln!(
            text,
            "[tools.{tool:?}]\naudience = \"s\"\nimpact = {impact:?}\nsummary = \"x\""
        )
        .unwrap();
    }
    for (client, actors) in CLIENTS.iter().zip(small.client_actors) {
        writeln!(
            text,
            "[clients.{client}]\nsummary = \"x\"\nactors = {actors:?}"
        )
        .unwrap();
    }
    text.push_str("[issuers.i]\nissuer = \"https://i.example\"\naudience = \"hallpass\"\nalgorithms = [\"ES256\"]\nfor = [\"subjects\"]\n");
    for (role, grant) in ROLES.iter().zip(&small.roles) {
        writeln!(text, "[roles.{role}]\nsummary = \"x\"").unwrap();
        if *role == "one" {
            writeln!(text, "includes = {}", list(&small.includes)).unwrap();
        }
        write_grant(&mut text, grant);
    }
    for (index, route) in small.routes.iter().enumerate() {
        writeln!(text, "[routes.\"/r{index}\"]\nsummary = \"x\"").unwrap();
        writeln!(
            text,
            "clients = {}\nactors = {:?}",
            list(&route.clients),
            route.actors
        )
        .unwrap();
        writeln!(text, "tenants = {}", list(&route.tenants)).unwrap();
        if let Some(environments) = &route.environments {
            writeln!(text, "environments = {}", list(environments)).unwrap();
        }
        writeln!(text, "verified = {}", route.verified).unwrap();
        writeln!(
            text,
            "roles = {}\nsubject_roles = {}",
            list(&route.roles),
            list(&route.subject_roles)
        )
        .unwrap();
        writeln!(text, "deny = {}", list(&route.deny)).unwrap();
        writeln!(
            text,
            "ttl_seconds = {}\nrun_max_seconds = {}",
            route.ttl, route.run_max
        )
        .unwrap();
        writeln!(text, "proof = {:?}", route.proof).unwrap();
        if route.proof == "waived" {
            text.push_str("waiver = \"Nobody can prove yet.\"\n");
        }
        write_grant(&mut text, &route.grant);
        if let Some(calls) = route.calls {
            writeln!(text, "budgets = {{ calls = {calls} }}").unwrap();
        }
    }
    Policy::parse(&PolicyFiles::from([("it.toml", &*text)])).ok()
}

/// Every question that these policies can tell apart.
fn questions() -> Vec<Question> {
    let mut all = Vec::new();
    let mut subjects = vec![None];
    for which in 0..8_u8 {
        let roles = ROLES.iter().enumerate();
        let roles: BTreeSet<Role> = roles
            .filter(|(index, _)| which >> index & 1 == 1)
            .map(|(_, role)| role.parse().unwrap())
            .collect();
        subjects.push(Some(Verified { roles }));
    }
    for route in ["/r0", "/r1"] {
        for client in CLIENTS {
            for actor in ["agent:x", "agent:xy", "agent:y"] {
                for tenant in ["acme", "globex", "initech"] {
                    for environment in ["dev", "prod", "lab"] {
                        for verified in &subjects {
                            all.push(Question {
                                client: client.parse().unwrap(),
                                environment: environment.parse().unwrap(),
                                route: route.parse().unwrap(),
                                tenant: tenant.parse().unwrap(),
                                subject: "user:alice".parse().unwrap(),
                                verified: verified.clone(),
                                actor: actor.parse().unwrap(),
                                tools: None,
                                ttl: None,
                            });
                        }
                    }
                }
            }
        }
    }
    all
}

/// Why the new answer allows what the old one did not.
fn wider(old: &Terms, new: &Terms) -> Option<String> {
    let reach = |terms: &Terms| -> BTreeSet<ToolName> {
        terms
            .tools()
            .union(terms.needs_approval())
            .cloned()
            .collect()
    };
    if !reach(new).is_subset(&reach(old)) {
        return Some("a tool".to_owned());
    }
    if !new.tools().is_subset(old.tools()) {
        return Some("an approval".to_owned());
    }
    let roles = |terms: &Terms| terms.roles().iter().cloned().collect::<BTreeSet<Role>>();
    if !roles(new).is_subset(&roles(old)) {
        return Some("a role".to_owned());
    }
    if new.ttl() > old.ttl() || new.run_max() > old.run_max() {
        return Some("a life".to_owned());
    }
    if new.proof() < old.proof() {
        return Some("a proof".to_owned());
    }
    let over = |(unit, most): (&_, &u64)| new.budgets().get(unit).is_none_or(|now| now > most);
    if old.budgets().iter().any(over) {
        return Some("a budget".to_owned());
    }
    None
}

/// The calls that these caveats can tell apart, and what expectations say of each.
fn answers(policy: &Policy, question: &Question) -> Vec<(String, String)> {
    let mut text = format!(
        "[[expect]]\nname = \"it\"\nclient = \"{}\"\nroute = \"{}\"\ntenant = \"{}\"\nenvironment = \"{}\"\nactor = \"{}\"\n",
        question.client, question.route, question.tenant, question.environment, question.actor
    );
    if let Some(verified) = &question.verified {
        let roles: Vec<&str> = verified.roles.iter().map(Role::as_str).collect();
        writeln!(text, "subject_roles = {}", list(&roles)).unwrap();
    }
    let mut calls = Vec::new();
    for tool in TOOLS {
        for arguments in [
            "{}",
            "{ n = 1, s = \"x\" }",
            "{ n = 5, s = \"y\" }",
            "{ n = 6, s = \"x\" }",
            "{ n = 1, s = \"z\" }",
            "{ n = 5, s = \"z\" }",
        ] {
            writeln!(
                text,
                "[[expect.calls]]\ntool = {tool:?}\narguments = {arguments}\nanswer = \"allow\""
            )
            .unwrap();
            calls.push(format!("{tool} {arguments}"));
        }
    }
    let expectations = policy.expectations(&[("it.toml", &text)]).unwrap();
    let found = policy.calls(&expectations[0]);
    calls
        .into_iter()
        .zip(found.into_iter().map(|answer| answer.as_str().to_owned()))
        .collect()
}

fn rank(answer: &str) -> u8 {
    match answer {
        "allow" => 2,
        "needs_approval" => 1,
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_widening_is_silent((old, new) in pairs()) {
        let (Some(old), Some(new)) = (parsed(&old), parsed(&new)) else {
            return Ok(());
        };
        let changes = old.changes_to(&new);
        let widens = changes.iter().any(|it| it.direction() == Direction::Widening);
        if widens {
            return Ok(());
        }
        let mut looked_at = BTreeSet::new();
        for question in questions() {
            let Ok(now) = new.decide(&question.request()) else { continue };
            let Ok(before) = old.decide(&question.request()) else {
                prop_assert!(false, "granted and not before: {question:?}");
                continue;
            };
            let why = wider(&before, &now);
            prop_assert!(why.is_none(), "{why:?} more: {question:?}\n{changes:#?}");
            // Calls depend on the terms alone.
            let terms = format!("{before:?}{now:?}");
            if looked_at.insert(terms) && (!before.caveats().is_empty() || !now.caveats().is_empty()) {
                let pairs = answers(&old, &question).into_iter().zip(answers(&new, &question));
                for ((call, before), (_, now)) in pairs {
                    prop_assert!(rank(&now) <= rank(&before), "{call}: {now}, before {before}: {question:?}\n{changes:#?}");
                }
            }
        }
    }

    /// And the other way round: where nothing is said, every answer is the same.
    #[test]
    fn what_is_not_said_did_not_change((old, new) in pairs()) {
        let (Some(old), Some(new)) = (parsed(&old), parsed(&new)) else {
            return Ok(());
        };
        let changes = old.changes_to(&new);
        if changes.iter().any(|it| it.direction() != Direction::Neutral) {
            return Ok(());
        }
        for question in questions() {
            let (before, now) = (old.decide(&question.request()), new.decide(&question.request()));
            prop_assert_eq!(before, now);
        }
    }
}

/// The laws would hold of policies that are all refused, or all alike.
#[test]
fn the_policies_under_test_are_many_and_differ() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut sound, mut wider, mut narrower, mut same) = (0, 0, 0, 0);
    for _ in 0..256 {
        let (old, new) = pairs().new_tree(&mut runner).unwrap().current();
        let (Some(old), Some(new)) = (parsed(&old), parsed(&new)) else {
            continue;
        };
        sound += 1;
        let changes = old.changes_to(&new);
        let has = |direction| changes.iter().any(|it| it.direction() == direction);
        match (has(Direction::Widening), has(Direction::Narrowing)) {
            (true, _) => wider += 1,
            (false, true) => narrower += 1,
            (false, false) => same += 1,
        }
    }
    assert!(
        sound > 100 && wider > 20 && narrower > 10 && same > 10,
        "{sound} {wider} {narrower} {same}"
    );
}
