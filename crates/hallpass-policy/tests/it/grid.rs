//! Everybody x everything, as readable grids: what is not in them as allowed is refused.

use std::collections::BTreeSet;
use std::fmt::Write;

use hallpass_policy::{MintRequest, Policy, PolicyFiles, PolicyRefusal, Terms, Verified, starter};
use hallpass_vocabulary::{Role, ToolName};

/// Whose token is asked for, by which roles a subject's own token has; the client's word alone when `None`.
const SUBJECTS: [(&str, Option<&[&str]>); 7] = [
    ("asserted", None),
    ("verified", Some(&[])),
    ("reader", Some(&["reader"])),
    ("support", Some(&["support"])),
    ("lead", Some(&["lead"])),
    ("reader+lead", Some(&["reader", "lead"])),
    ("stranger", Some(&["stranger"])),
];
const TENANTS: [&str; 3] = ["acme", "globex", "initech"];
const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];

/// What a request for one tool comes to: `allow` or `approval`, with the letter of each caveat that binds it.
fn cell(
    decided: Result<Terms, PolicyRefusal>,
    tool: &ToolName,
    legend: &mut Vec<String>,
) -> String {
    let terms = match decided {
        Err(PolicyRefusal::ToolNotInRoute) => return "-".to_owned(),
        Err(refused) => return format!("no: {}", refused.code()),
        Ok(terms) => terms,
    };
    let sides = (
        terms.tools().contains(tool),
        terms.needs_approval().contains(tool),
    );
    let mut cell = match sides {
        (true, false) => "allow",
        (false, true) => "approval",
        _ => panic!("{tool} is on no side, or on both"),
    }
    .to_owned();
    for caveat in terms.caveats() {
        let words = caveat.to_string();
        let place = legend.iter().position(|known| *known == words);
        let place = place.unwrap_or_else(|| {
            legend.push(words);
            legend.len() - 1
        });
        write!(cell, " {}", (b'a' + u8::try_from(place).unwrap()) as char).unwrap();
    }
    cell
}

#[test]
fn role_by_route_by_tool_by_tenant_by_environment() {
    let policy = PolicyFiles::from([("grid.toml", include_str!("grid.toml"))]);
    let policy = Policy::parse(&policy).unwrap();
    let tools: Vec<&ToolName> = policy.catalogue().iter().map(|tool| &tool.name).collect();
    let mut legend = Vec::new();
    let mut grid = format!(
        "{:<11}{:<13}{:<6}{:<9}",
        "route", "subject", "env", "tenant"
    );
    for tool in &tools {
        write!(grid, "{:<15}", tool.as_str()).unwrap();
    }
    grid.push('\n');
    let mut rows = 0;
    for (route, _) in policy.routes() {
        for (subject, roles) in SUBJECTS {
            let verified = roles.map(|roles| Verified {
                roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
            });
            for environment in ENVIRONMENTS {
                for tenant in TENANTS {
                    write!(
                        grid,
                        "{:<11}{subject:<13}{environment:<6}{tenant:<9}",
                        route.as_str()
                    )
                    .unwrap();
                    let mut cells: Vec<String> = Vec::new();
                    for tool in &tools {
                        let asked = MintRequest {
                            client: &"desk".parse().unwrap(),
                            environment: &environment.parse().unwrap(),
                            route,
                            tenant: &tenant.parse().unwrap(),
                            subject: &"user:alice".parse().unwrap(),
                            verified: verified.as_ref(),
                            actor: &"agent:bot".parse().unwrap(),
                            tools: Some(&[(*tool).clone()]),
                            ttl: None,
                        };
                        let alone = policy.decide(&asked);
                        let whole = policy.decide(&MintRequest {
                            tools: None,
                            ..asked
                        });
                        agree(tool, &alone, &whole);
                        cells.push(cell(alone, tool, &mut legend));
                    }
                    // Who may not ask at all may not ask for anything: said once.
                    let refused_whole = cells[0].starts_with("no: ");
                    assert!(!refused_whole || cells.iter().all(|cell| *cell == cells[0]));
                    for cell in cells
                        .iter()
                        .take(if refused_whole { 1 } else { usize::MAX })
                    {
                        write!(grid, "{cell:<15}").unwrap();
                    }
                    grid.truncate(grid.trim_end().len());
                    grid.push('\n');
                    rows += 1;
                }
            }
        }
    }
    grid.push('\n');
    for (letter, words) in (b'a'..).zip(&legend) {
        writeln!(grid, "{}  {words}", letter as char).unwrap();
    }
    assert_eq!(
        rows,
        policy.routes().count() * SUBJECTS.len() * ENVIRONMENTS.len() * TENANTS.len()
    );
    insta::assert_snapshot!(grid);
}

/// What is asked for alone is what the whole has of it.
fn agree(
    tool: &ToolName,
    alone: &Result<Terms, PolicyRefusal>,
    whole: &Result<Terms, PolicyRefusal>,
) {
    let whole = match whole {
        Ok(whole) => whole,
        // A route that gives this subject nothing.
        Err(PolicyRefusal::ToolsEmpty) => {
            return assert_eq!(*alone, Err(PolicyRefusal::ToolNotInRoute));
        }
        Err(refused) => return assert_eq!(*alone, Err(*refused)),
    };
    let Ok(alone) = alone else {
        assert!(!whole.tools().contains(tool) && !whole.needs_approval().contains(tool));
        return;
    };
    assert_eq!(alone.tools().contains(tool), whole.tools().contains(tool));
    assert_eq!(
        alone.needs_approval().contains(tool),
        whole.needs_approval().contains(tool)
    );
    let roles = |terms: &Terms| terms.roles().iter().cloned().collect::<BTreeSet<Role>>();
    assert_eq!(roles(alone), roles(whole));
}

#[test]
fn the_decisions_of_the_starter_policy() {
    let policy = Policy::parse(&PolicyFiles::from([("starter.toml", starter())])).unwrap();
    let tools: Vec<&ToolName> = policy.catalogue().iter().map(|tool| &tool.name).collect();
    let mut grid = format!(
        "{:<16}{:<19}{:<20}{:<10}",
        "route", "client", "actor", "tenant"
    );
    for tool in &tools {
        write!(grid, "{:<15}", tool.as_str()).unwrap();
    }
    grid.push('\n');
    let routes: Vec<_> = policy.routes().map(|(route, _)| route.clone()).collect();
    for route in &routes {
        for (client, actor) in [
            ("demo-orchestrator", "agent:support-bot"),
            ("demo-orchestrator", "agent:triage-bot"),
            ("other", "agent:triage-bot"),
        ] {
            for tenant in ["acme", "globex", "initech"] {
                write!(
                    grid,
                    "{:<16}{client:<19}{actor:<20}{tenant:<10}",
                    route.as_str()
                )
                .unwrap();
                for tool in &tools {
                    let asked = MintRequest {
                        client: &client.parse().unwrap(),
                        route,
                        tenant: &tenant.parse().unwrap(),
                        subject: &"user:alice".parse().unwrap(),
                        verified: None,
                        environment: &hallpass_vocabulary::Environment::new("dev").unwrap(),
                        actor: &actor.parse().unwrap(),
                        tools: Some(&[(*tool).clone()]),
                        ttl: None,
                    };
                    let cell = match policy.decide(&asked) {
                        Ok(terms) if terms.tools().contains(*tool) => "allow",
                        Ok(terms) if terms.needs_approval().contains(*tool) => "with approval",
                        Ok(_) => panic!("granted something else"),
                        Err(PolicyRefusal::ToolNotInRoute) => "-",
                        Err(PolicyRefusal::TenantNotAllowed) => "no: tenant",
                        Err(PolicyRefusal::ActorNotAllowed) => "no: actor",
                        Err(PolicyRefusal::ClientNotAllowed) => "no: client",
                        Err(other) => panic!("{other}"),
                    };
                    write!(grid, "{cell:<15}").unwrap();
                }
                grid.truncate(grid.trim_end().len());
                grid.push('\n');
            }
        }
    }
    insta::assert_snapshot!(grid);
}
