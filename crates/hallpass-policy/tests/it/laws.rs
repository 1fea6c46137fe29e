//! What holds of every policy, against a second reading of the rules that knows nothing of how they are computed.

use std::collections::BTreeSet;
use std::fmt::Write;

use hallpass_args::Arguments;
use hallpass_policy::{
    Direction, MintRequest, Policy, PolicyFiles, PolicyRefusal, Terms, Verified,
};
use hallpass_token::{CallFacts, Caveat};
use hallpass_vocabulary::{Role, Route, Timestamp, ToolName};
use proptest::prelude::*;

const TOOLS: usize = 6;
const ROLES: usize = 4;
/// Of which a grant may demand any.
const RULES: [&str; 4] = ["/n<=1", "/n<=3", "/n>=2", "/m==1"];

/// Bits are tools, or roles.
type Mask = u8;

#[derive(Debug, Clone)]
struct Grant {
    allow: Mask,
    approve: Mask,
    /// Tools, and the rule they are bound by.
    caveats: Vec<(Mask, usize)>,
}

#[derive(Debug, Clone)]
struct Spec {
    own: Grant,
    /// Each with the roles it includes, of those before it.
    roles: Vec<(Grant, Mask)>,
    given: Mask,
    admitted: Mask,
    deny: Mask,
}

fn bits(mask: Mask, of: usize) -> impl Iterator<Item = usize> {
    (0..of).filter(move |bit| mask >> bit & 1 == 1)
}

fn tool(number: usize) -> ToolName {
    format!("thing.v{number}").parse().unwrap()
}

fn role(number: usize) -> Role {
    format!("r{number}").parse().unwrap()
}

fn listed<T: ToString>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<String> = names
        .map(|name| format!("{:?}", name.to_string()))
        .collect();
    names.join(", ")
}

impl Grant {
    fn has(&self, tool: usize) -> bool {
        (self.allow | self.approve) >> tool & 1 == 1
    }

    /// Whether its caveats let a call pass.
    fn lets(&self, tool: usize, n: i64, m: i64) -> bool {
        self.caveats.iter().all(|(tools, rule)| {
            tools >> tool & 1 == 0
                || match rule {
                    0 => n <= 1,
                    1 => n <= 3,
                    2 => n >= 2,
                    _ => m == 1,
                }
        })
    }

    fn write(&self, section: &str, text: &mut String) {
        writeln!(
            text,
            "allow = [{}]",
            listed(bits(self.allow, TOOLS).map(tool))
        )
        .unwrap();
        let approve = listed(bits(self.approve, TOOLS).map(tool));
        writeln!(text, "require_approval = [{approve}]").unwrap();
        let caveats: BTreeSet<String> = self
            .caveats
            .iter()
            .map(|(tools, rule)| {
                let tools: Vec<String> = bits(*tools, TOOLS).map(|n| tool(n).to_string()).collect();
                format!("\"for {}: {}\"", tools.join(", "), RULES[*rule])
            })
            .collect();
        let caveats: Vec<String> = caveats.into_iter().collect();
        writeln!(text, "caveats = [{}]", caveats.join(", ")).unwrap();
        writeln!(text, "[{section}.without_approval]").unwrap();
        // The first two tools read.
        for number in bits(self.allow, TOOLS).filter(|number| *number >= 2) {
            writeln!(text, "\"{}\" = \"Tried by a test of laws.\"", tool(number)).unwrap();
        }
    }
}

impl Spec {
    fn text(&self) -> String {
        let mut text = "[clients.c]\nsummary = \"c\"\nactors = \"agent:*\"\n".to_owned();
        for number in 0..TOOLS {
            let impact = if number < 2 { "read" } else { "write" };
            let name = tool(number);
            writeln!(
                text,
                "[tools.\"{name}\"]\naudience = \"a\"\nimpact = \"{impact}\"\nsummary = \"s\""
            )
            .unwrap();
        }
        for (number, (grant, includes)) in self.roles.iter().enumerate() {
            let section = format!("roles.{}", role(number));
            let includes = listed(bits(*includes, number).map(role));
            writeln!(
                text,
                "[{section}]\nsummary = \"s\"\nincludes = [{includes}]"
            )
            .unwrap();
            grant.write(&section, &mut text);
        }
        let section = "routes.\"/r\"";
        let of_roles = |mask| listed(bits(mask, ROLES).map(role));
        writeln!(
            text,
            "[{section}]\nsummary = \"s\"\nclients = [\"c\"]\ntenants = [\"t\"]\nactors = \"agent:a\"\n\
             ttl_seconds = 60\nproof = \"always\"\nroles = [{}]\nsubject_roles = [{}]\ndeny = [{}]",
            of_roles(self.given),
            of_roles(self.admitted & !self.given),
            listed(bits(self.deny, TOOLS).map(tool)),
        )
        .unwrap();
        self.own.write(section, &mut text);
        text
    }

    fn policy(&self) -> Policy {
        let text = self.text();
        Policy::parse(&PolicyFiles::from([("p.toml", &text)]))
            .unwrap_or_else(|errors| panic!("{errors}\n{text}"))
    }

    /// The roles of a subject whose token has these: by looking again and again until nothing is new.
    fn held(&self, proven: Mask) -> Mask {
        let mut held = self.given | (proven & self.admitted);
        loop {
            let included = bits(held, ROLES)
                .map(|number| self.roles[number].1 & ((1 << number) - 1))
                .fold(0, |all, mask| all | mask);
            if held | included == held {
                return held;
            }
            held |= included;
        }
    }

    fn grants(&self, proven: Mask) -> Vec<&Grant> {
        let of_roles = bits(self.held(proven), ROLES).map(|number| &self.roles[number].0);
        std::iter::once(&self.own).chain(of_roles).collect()
    }
}

fn decide(policy: &Policy, proven: Mask, tools: Option<&[ToolName]>) -> Option<Terms> {
    let verified = Verified {
        roles: bits(proven, ROLES).map(role).collect(),
    };
    let decided = policy.decide(&MintRequest {
        client: &"c".parse().unwrap(),
        environment: &"dev".parse().unwrap(),
        route: &"/r".parse::<Route>().unwrap(),
        tenant: &"t".parse().unwrap(),
        subject: &"user:u".parse().unwrap(),
        verified: Some(&verified),
        actor: &"agent:a".parse().unwrap(),
        tools,
        ttl: None,
    });
    match decided {
        Ok(terms) => Some(terms),
        Err(PolicyRefusal::ToolsEmpty | PolicyRefusal::ToolNotInRoute) => None,
        Err(other) => panic!("{other}"),
    }
}

/// Every call: a tool, and its two arguments.
fn calls() -> impl Iterator<Item = (usize, i64, i64)> {
    (0..TOOLS).flat_map(|tool| (0..5).flat_map(move |n| (0..2).map(move |m| (tool, n, m))))
}

/// The calls that a token with these terms lets pass, with an approval or without.
fn passing(terms: Option<&Terms>) -> BTreeSet<(usize, i64, i64)> {
    let Some(terms) = terms else {
        return BTreeSet::new();
    };
    calls()
        .filter(|(number, n, m)| {
            let name = tool(*number);
            let call = CallFacts {
                now: Timestamp::from_unix_seconds(1_800_000_000),
                audience: &"a".parse().unwrap(),
                environment: &"dev".parse().unwrap(),
                tool: &name,
                arguments: &Arguments::parse(format!("{{\"n\":{n},\"m\":{m}}}").as_bytes())
                    .unwrap(),
            };
            (terms.tools().contains(&name) || terms.needs_approval().contains(&name))
                && terms.caveats().iter().all(|caveat| match caveat {
                    Caveat::Argument(caveat) => caveat.unmet(&call).is_none(),
                    other => panic!("{other}"),
                })
        })
        .collect()
}

fn names(terms: Option<&Terms>, of: impl Fn(&Terms) -> &BTreeSet<ToolName>) -> BTreeSet<ToolName> {
    terms.map(|terms| of(terms).clone()).unwrap_or_default()
}

fn grant() -> impl Strategy<Value = Grant> {
    let masks = (0..1_u8 << TOOLS, 0..1_u8 << TOOLS);
    let caveats = prop::collection::vec((1..1_u8 << TOOLS, 0..RULES.len()), 0..4);
    (masks, caveats).prop_map(|((allow, approve), caveats)| {
        let (allow, approve) = (allow & !approve, approve);
        Grant {
            allow,
            approve,
            caveats: caveats
                .into_iter()
                .map(|(tools, rule)| (tools & (allow | approve), rule))
                .filter(|(tools, _)| *tools != 0)
                .collect(),
        }
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    let roles = prop::collection::vec((grant(), 0..1_u8 << ROLES), ROLES);
    let masks = (0..1_u8 << ROLES, 0..1_u8 << ROLES, 0..1_u8 << TOOLS);
    (grant(), roles, masks).prop_map(|(own, roles, (given, admitted, deny))| Spec {
        own,
        roles,
        given: given & admitted & 0b0101,
        admitted,
        deny: deny & deny.rotate_left(3) & 0b11_1111,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_subject_gets_the_union_of_its_grants_each_with_its_own_caveats(
        spec in spec(),
        proven in 0..1_u8 << ROLES,
    ) {
        let terms = decide(&spec.policy(), proven, None);
        let grants = spec.grants(proven);
        let denied = |number: usize| spec.deny >> number & 1 == 1;
        let expected: BTreeSet<_> = calls()
            .filter(|(number, n, m)| {
                !denied(*number) && grants.iter().any(|g| g.has(*number) && g.lets(*number, *n, *m))
            })
            .collect();
        prop_assert_eq!(passing(terms.as_ref()), expected);
        let approved = |number: &usize| grants.iter().any(|g| g.approve >> number & 1 == 1);
        let withheld: BTreeSet<ToolName> = (0..TOOLS).filter(|n| !denied(*n)).filter(approved).map(tool).collect();
        prop_assert_eq!(names(terms.as_ref(), Terms::needs_approval), withheld);
        let free = names(terms.as_ref(), Terms::tools);
        prop_assert!(free.is_disjoint(&names(terms.as_ref(), Terms::needs_approval)));
        let roles: Vec<Role> = bits(spec.held(proven), ROLES).map(role).collect();
        prop_assert_eq!(terms.map_or(roles.clone(), |terms| terms.roles().to_vec()), roles);
    }

    #[test]
    fn a_further_role_never_takes_anything_but_an_approval(
        spec in spec(),
        fewer in 0..1_u8 << ROLES,
        further in 0..1_u8 << ROLES,
    ) {
        let policy = spec.policy();
        let (less, more) = (decide(&policy, fewer, None), decide(&policy, fewer | further, None));
        prop_assert!(passing(less.as_ref()).is_subset(&passing(more.as_ref())));
        let withheld = |terms: Option<&Terms>| names(terms, Terms::needs_approval);
        prop_assert!(withheld(less.as_ref()).is_subset(&withheld(more.as_ref())));
    }

    #[test]
    fn what_is_denied_is_never_given_and_the_rest_stays(
        spec in spec(),
        proven in 0..1_u8 << ROLES,
        denied in 0..TOOLS,
    ) {
        let strict = Spec { deny: spec.deny | 1 << denied, ..spec.clone() };
        let (before, after) = (decide(&spec.policy(), proven, None), decide(&strict.policy(), proven, None));
        let rest = passing(before.as_ref()).into_iter().filter(|(tool, _, _)| *tool != denied);
        prop_assert_eq!(passing(after.as_ref()), rest.collect::<BTreeSet<_>>());
    }

    #[test]
    fn a_narrowed_policy_widens_nothing_and_takes_exactly_what_it_was_told_to(
        spec in spec(),
        proven in 0..1_u8 << ROLES,
        unneeded in 1..1_u8 << TOOLS,
    ) {
        let files = PolicyFiles::from([("p.toml", spec.text())]);
        let tools: BTreeSet<ToolName> = bits(unneeded, TOOLS).map(tool).collect();
        let unneeded_of = [("/r".parse().unwrap(), tools)].into();
        let narrowed = Policy::narrowed(&files, &unneeded_of).unwrap();
        let changes = spec.policy().changes_to(&narrowed.policy);
        prop_assert!(changes.iter().all(|it| it.direction() != Direction::Widening), "{:?}", changes);
        let before = passing(decide(&spec.policy(), proven, None).as_ref());
        let kept = before.into_iter().filter(|(number, _, _)| unneeded >> number & 1 == 0);
        let after = decide(&narrowed.policy, proven, None);
        prop_assert_eq!(passing(after.as_ref()), kept.collect::<BTreeSet<_>>());
    }

    #[test]
    fn a_narrower_request_gets_what_the_whole_has_of_it(
        spec in spec(),
        proven in 0..1_u8 << ROLES,
        wanted in 0..1_u8 << TOOLS,
    ) {
        let policy = spec.policy();
        let wanted: Vec<ToolName> = bits(wanted, TOOLS).map(tool).collect();
        let Some(narrow) = decide(&policy, proven, Some(&wanted)) else {
            return Ok(());
        };
        let whole = decide(&policy, proven, None);
        let asked = |number: usize| wanted.contains(&tool(number));
        let kept = passing(whole.as_ref()).into_iter().filter(|(tool, _, _)| asked(*tool));
        prop_assert_eq!(passing(Some(&narrow)), kept.collect::<BTreeSet<_>>());
        for side in [Terms::tools, Terms::needs_approval] {
            let kept = names(whole.as_ref(), side).into_iter().filter(|tool| wanted.contains(tool));
            prop_assert_eq!(side(&narrow).clone(), kept.collect::<BTreeSet<_>>());
        }
        prop_assert!(narrow.caveats().len() <= whole.map_or(0, |whole| whole.caveats().len()));
    }

    #[test]
    fn roles_that_include_each_other_are_refused_and_no_others(
        includes in prop::collection::vec(0..1_u8 << ROLES, ROLES),
    ) {
        let mut text = String::new();
        for (number, includes) in includes.iter().enumerate() {
            let listed = listed(bits(*includes, ROLES).map(role));
            writeln!(text, "[roles.{}]\nsummary = \"s\"\nincludes = [{listed}]", role(number)).unwrap();
        }
        let mut reach = includes;
        for _ in 0..ROLES {
            for number in 0..ROLES {
                reach[number] = bits(reach[number], ROLES).fold(reach[number], |all, next| all | reach[next]);
            }
        }
        let circular = (0..ROLES).any(|number| reach[number] >> number & 1 == 1);
        match Policy::parse(&PolicyFiles::from([("p.toml", text)])) {
            Err(errors) => {
                prop_assert!(circular, "{}", errors);
                prop_assert!(errors.to_string().contains("includes itself"));
            }
            Ok(policy) => {
                prop_assert!(!circular);
                for (number, reached) in reach.iter().enumerate() {
                    let all: BTreeSet<Role> = bits(reached | 1 << number, ROLES).map(role).collect();
                    prop_assert_eq!(policy.role(&role(number)).unwrap().all(), &all);
                }
            }
        }
    }
}
