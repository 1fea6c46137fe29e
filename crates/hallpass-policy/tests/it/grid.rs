//! Every route x actor x tenant x client against every tool, as one readable grid.

use std::fmt::Write;

use hallpass_policy::{MintRequest, Policy, PolicyFiles, PolicyRefusal, starter};
use hallpass_vocabulary::ToolName;

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
