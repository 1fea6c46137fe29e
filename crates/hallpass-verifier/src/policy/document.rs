//! The policy as it is written in a file: TOML, or whatever else serde reads. Each error arises where its cause stands, so
//! that a format with places in its text can tell the line.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use hallpass_vocabulary::{Role, Tenant, ToolName};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::builder::{consistent, listed, requirements};
use super::clause::{Clause, Effect, Filter, Reason, Requirement, RuleName};
use super::{InvalidRule, RuleFault, ServicePolicy};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rule: Rules,
}

/// `[[rule]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    name: Parsed<RuleName>,
    reason: Option<Parsed<Reason>>,
    tools: Option<Names<ToolName>>,
    roles: Option<Names<Role>>,
    except_roles: Option<Names<Role>>,
    tenants: Option<Names<Tenant>>,
    except_tenants: Option<Names<Tenant>>,
    deny: Option<True>,
    require: Option<Requirements>,
    require_holder: Option<True>,
    require_verified_subject: Option<True>,
}

impl<'de> Deserialize<'de> for ServicePolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Document::deserialize(deserializer).map(|document| document.rule.0)
    }
}

/// The rules in order, each looked at beside those before it.
struct Rules(ServicePolicy);

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RulesVisitor).map(Self)
    }
}

struct RulesVisitor;

impl<'de> Visitor<'de> for RulesVisitor {
    type Value = ServicePolicy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rules, each under `[[rule]]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rules: A) -> Result<ServicePolicy, A::Error> {
        let mut policy = ServicePolicy::none();
        while rules.next_element_seed(Next(&mut policy))?.is_some() {}
        if policy.clauses.is_empty() {
            return Err(Error::custom(RuleFault::ListEmpty));
        }
        Ok(policy)
    }
}

/// One more rule of a policy.
struct Next<'p>(&'p mut ServicePolicy);

impl<'de> DeserializeSeed<'de> for Next<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Next<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rule")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let section = Section::deserialize(MapAccessDeserializer::new(map))?;
        let clause = section.into_clause()?;
        let name = clause.name.as_str().to_owned();
        let pushed = consistent(clause).and_then(|clause| self.0.push(clause));
        pushed.map_err(|fault| Error::custom(InvalidRule { rule: name, fault }))
    }
}

impl Section {
    fn into_clause<E: Error>(self) -> Result<Clause, E> {
        let effects = [
            self.deny.map(|True| Effect::Deny),
            self.require
                .map(|Requirements(required)| Effect::Require(required)),
            self.require_holder.map(|True| Effect::RequireHolder),
            self.require_verified_subject
                .map(|True| Effect::RequireVerifiedSubject),
        ];
        let mut effects = effects.into_iter().flatten();
        let (Some(effect), None) = (effects.next(), effects.next()) else {
            return Err(Error::custom(format_args!(
                "rule `{}` must have exactly one of `deny`, `require`, `require_holder` and `require_verified_subject`",
                self.name.0.as_str()
            )));
        };
        Ok(Clause {
            name: self.name.0,
            reason: self.reason.map(|Parsed(reason)| reason),
            tools: self.tools.map(|Names(tools)| tools),
            roles: Filter {
                only: self.roles.map(|Names(roles)| roles),
                except: self.except_roles.map(|Names(roles)| roles),
            },
            tenants: Filter {
                only: self.tenants.map(|Names(tenants)| tenants),
                except: self.except_tenants.map(|Names(tenants)| tenants),
            },
            effect,
        })
    }
}

/// A list of names.
struct Names<T>(BTreeSet<T>);

impl<'de, T: FromStr<Err: fmt::Display> + Ord + fmt::Display> Deserialize<'de> for Names<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<Parsed<T>>::deserialize(deserializer)?;
        let names = names.into_iter().map(|Parsed(name)| name).collect();
        listed(names).map(Self).map_err(Error::custom)
    }
}

/// Caveats in words.
struct Requirements(Vec<Requirement>);

impl<'de> Deserialize<'de> for Requirements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let required = Vec::<Parsed<Requirement>>::deserialize(deserializer)?;
        let required = required.into_iter().map(|Parsed(one)| one).collect();
        requirements(required).map(Self).map_err(Error::custom)
    }
}

/// What is written as a text. Parsed inside the visitor, where an error is given the place of the text itself.
struct Parsed<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(ParsedVisitor(PhantomData))
            .map(Self)
    }
}

struct ParsedVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for ParsedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// The word `true`: what a rule does not say is left out.
struct True;

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self),
            false => Err(Error::invalid_value(
                Unexpected::Bool(false),
                &"`true`, or no such key",
            )),
        }
    }
}
