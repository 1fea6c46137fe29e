//! Caveats as the tests state them: plain data with their words, and an evaluator written from docs/caveats.md alone,
//! which can be told to make a mistake.

use hallpass_args::{Cidr, Decimal, EmailAddress, NormalPath, UrlParts};
use hallpass_vocabulary::Timestamp;
use serde_json::Value;

use crate::fixtures::Call;

/// What is allowed of an argument, or of each element of one.
#[derive(Debug, Clone)]
pub enum Allowed {
    Contains(&'static str),
    Count(Option<i64>, Option<i64>),
    Decimals(Option<&'static str>, Option<&'static str>),
    EmailDomain(Vec<&'static str>),
    EndsWith(&'static str),
    /// As JSON.
    Equals(&'static str),
    Integers(Option<i64>, Option<i64>),
    Length(Option<i64>, Option<i64>),
    /// As JSON.
    NotOneOf(Vec<&'static str>),
    /// As JSON.
    OneOf(Vec<&'static str>),
    StartsWith(&'static str),
    Under(&'static str),
    UrlDomain(&'static str),
    UrlHost(Vec<&'static str>),
    UrlPort(Vec<i64>),
    UrlScheme(Vec<&'static str>),
    Within(&'static str),
}

#[derive(Debug, Clone)]
pub enum Stated {
    Argument {
        tools: Vec<&'static str>,
        each: bool,
        pointer: &'static str,
        allowed: Allowed,
    },
    AtMostBlocks(usize),
    Either {
        tools: Vec<&'static str>,
        /// Rules, which are for no tools by themselves.
        alternatives: Vec<Vec<Stated>>,
    },
    ExpiresBefore(Timestamp),
    OnlyArguments {
        tools: Vec<&'static str>,
        names: Vec<&'static str>,
    },
    OnlyServices(Vec<&'static str>),
    OnlyTools(Vec<&'static str>),
}

/// A mistake somebody could make in an evaluator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    ApprovalIgnored,
    AudienceCaveatIgnored,
    BlocksWithoutTheFirst,
    BoundsExclusive,
    CaseFolded,
    DomainWithoutItsDot,
    EachIsAny,
    EachOfNoneHolds,
    EachSkipsOtherTypes,
    EitherIsAll,
    EitherMixesAlternatives,
    EitherOnlyFirst,
    EmailDomainBySuffix,
    EnvironmentIgnored,
    ExpiryInclusive,
    FirstExpiryWins,
    FloatsRounded,
    LastBlockIgnored,
    LengthInBytes,
    MissingHolds,
    NetworkByText,
    NotOneOfAnyType,
    NumbersInStrings,
    OnlyArgumentsIsAllArguments,
    OnlyFirstCaveatOfABlock,
    PathsNotNormalised,
    PathWithoutItsSlash,
    PortIgnoredWhenDefault,
    ToolScopeIgnored,
    ToolSetsUnited,
    ToolsIgnored,
    UrlByPrefix,
}

impl Flaw {
    pub const ALL: [Self; 32] = [
        Self::ApprovalIgnored,
        Self::AudienceCaveatIgnored,
        Self::BlocksWithoutTheFirst,
        Self::BoundsExclusive,
        Self::CaseFolded,
        Self::DomainWithoutItsDot,
        Self::EachIsAny,
        Self::EachOfNoneHolds,
        Self::EachSkipsOtherTypes,
        Self::EitherIsAll,
        Self::EitherMixesAlternatives,
        Self::EitherOnlyFirst,
        Self::EmailDomainBySuffix,
        Self::EnvironmentIgnored,
        Self::ExpiryInclusive,
        Self::FirstExpiryWins,
        Self::FloatsRounded,
        Self::LastBlockIgnored,
        Self::LengthInBytes,
        Self::MissingHolds,
        Self::NetworkByText,
        Self::NotOneOfAnyType,
        Self::NumbersInStrings,
        Self::OnlyArgumentsIsAllArguments,
        Self::OnlyFirstCaveatOfABlock,
        Self::PathsNotNormalised,
        Self::PathWithoutItsSlash,
        Self::PortIgnoredWhenDefault,
        Self::ToolScopeIgnored,
        Self::ToolSetsUnited,
        Self::ToolsIgnored,
        Self::UrlByPrefix,
    ];
}

fn range<T: std::fmt::Display>(low: Option<T>, high: Option<T>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!(" in {low}..{high}"),
        (Some(low), None) => format!(">={low}"),
        (None, Some(high)) => format!("<={high}"),
        (None, None) => panic!("no bounds"),
    }
}

impl Allowed {
    /// The name of the caveat in the report of what was generated.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Contains(_) => "contains",
            Self::Count(..) => "count",
            Self::Decimals(..) => "decimal bounds",
            Self::EmailDomain(_) => "email domain",
            Self::EndsWith(_) => "ends with",
            Self::Equals(_) => "equals",
            Self::Integers(..) => "integer bounds",
            Self::Length(..) => "length",
            Self::NotOneOf(_) => "not one of",
            Self::OneOf(_) => "one of",
            Self::StartsWith(_) => "starts with",
            Self::Under(_) => "under",
            Self::UrlDomain(_) => "url domain",
            Self::UrlHost(_) => "url host",
            Self::UrlPort(_) => "url port",
            Self::UrlScheme(_) => "url scheme",
            Self::Within(_) => "within",
        }
    }

    fn words(&self) -> String {
        let numbers = |list: &[i64]| {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            list.join(", ")
        };
        match self {
            Self::Contains(part) => format!(" contains {}", Value::from(*part)),
            Self::Count(low, high) => format!(" count{}", range(*low, *high)),
            Self::Decimals(low, high) => range(*low, *high),
            Self::EmailDomain(domains) => format!(" email domain {}", domains.join(", ")),
            Self::EndsWith(end) => format!(" ends with {}", Value::from(*end)),
            Self::Equals(value) => format!("=={value}"),
            Self::Integers(low, high) => range(*low, *high),
            Self::Length(low, high) => format!(" length{}", range(*low, *high)),
            Self::NotOneOf(values) => format!(" not one of {}", values.join(", ")),
            Self::OneOf(values) => format!(" one of {}", values.join(", ")),
            Self::StartsWith(start) => format!(" starts with {}", Value::from(*start)),
            Self::Under(root) => format!(" under {root}"),
            Self::UrlDomain(domain) => format!(" url domain {domain}"),
            Self::UrlHost(hosts) => format!(" url host {}", hosts.join(", ")),
            Self::UrlPort(ports) => format!(" url port {}", numbers(ports)),
            Self::UrlScheme(schemes) => format!(" url scheme {}", schemes.join(", ")),
            Self::Within(network) => format!(" within {network}"),
        }
    }

    fn holds(&self, value: &Value, flaw: Option<Flaw>) -> bool {
        let flawed = |this| flaw == Some(this);
        let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let within = |value: i64, low: Option<i64>, high: Option<i64>| {
            let edge = i64::from(flawed(Flaw::BoundsExclusive));
            low.is_none_or(|low| value >= low + edge)
                && high.is_none_or(|high| value <= high - edge)
        };
        let integer = |value: &Value| match value {
            Value::String(text) if flawed(Flaw::NumbersInStrings) => text.parse().ok(),
            value => value.as_i64(),
        };
        let folded = |text: &str| {
            if flawed(Flaw::CaseFolded) {
                text.to_lowercase()
            } else {
                text.to_owned()
            }
        };
        let text = value.as_str();
        let url = text.and_then(|text| UrlParts::parse(text).ok());
        match self {
            Self::Contains(part) => text.is_some_and(|text| folded(text).contains(*part)),
            Self::EndsWith(end) => text.is_some_and(|text| folded(text).ends_with(end)),
            Self::StartsWith(start) => text.is_some_and(|text| folded(text).starts_with(start)),
            Self::Count(low, high) => value
                .as_array()
                .is_some_and(|array| within(array.len() as i64, *low, *high)),
            Self::Length(low, high) => text.is_some_and(|text| {
                let length = if flawed(Flaw::LengthInBytes) {
                    text.len()
                } else {
                    text.chars().count()
                };
                within(length as i64, *low, *high)
            }),
            Self::Integers(low, high) => {
                integer(value).is_some_and(|value| within(value, *low, *high))
            }
            Self::Decimals(low, high) => value.as_number().is_some_and(|number| {
                let bound = |text: &str| text.parse::<Decimal>().unwrap().millionths();
                let seen = match Decimal::from_number(number) {
                    None if flawed(Flaw::FloatsRounded) => {
                        Some((number.as_f64().unwrap() * 1e6).round() as i64)
                    }
                    seen => seen.map(Decimal::millionths),
                };
                seen.is_some_and(|seen| within(seen, low.map(bound), high.map(bound)))
            }),
            Self::Equals(wanted) => match (json(wanted), value) {
                (Value::String(wanted), Value::String(text)) => folded(text) == wanted,
                (Value::Number(wanted), Value::String(text)) if flawed(Flaw::NumbersInStrings) => {
                    wanted.to_string() == *text
                }
                (Value::Number(wanted), Value::Number(number)) => {
                    Decimal::from_number(&wanted) == Decimal::from_number(number)
                }
                (wanted, value) => wanted == *value,
            },
            Self::OneOf(values) => values.iter().any(|wanted| match json(wanted) {
                Value::String(wanted) => text.is_some_and(|text| folded(text) == wanted),
                wanted => integer(value) == wanted.as_i64(),
            }),
            Self::NotOneOf(values) => {
                let strings = json(values[0]).is_string();
                let of_the_type = if strings {
                    value.is_string()
                } else {
                    integer(value).is_some()
                };
                let listed = values.iter().any(|wanted| json(wanted) == *value);
                (of_the_type || flawed(Flaw::NotOneOfAnyType)) && !listed
            }
            Self::Under(root) => text.is_some_and(|text| {
                let root = root.trim_end_matches('/');
                if flawed(Flaw::PathsNotNormalised) {
                    return text == root || text.starts_with(&format!("{root}/"));
                }
                NormalPath::normalise(text).is_ok_and(|path| {
                    if flawed(Flaw::PathWithoutItsSlash) {
                        path.as_str().starts_with(root)
                    } else {
                        path.as_str().starts_with(&format!("{root}/"))
                    }
                })
            }),
            Self::UrlScheme(schemes) => url.is_some_and(|url| schemes.contains(&url.scheme())),
            Self::UrlHost(hosts) if flawed(Flaw::UrlByPrefix) => hosts
                .iter()
                .any(|host| text.is_some_and(|text| text.starts_with(&format!("https://{host}")))),
            Self::UrlHost(hosts) => url.is_some_and(|url| hosts.contains(&url.host())),
            Self::UrlDomain(domain) => url.is_some_and(|url| {
                url.domain().is_some_and(|host| {
                    if flawed(Flaw::DomainWithoutItsDot) {
                        host.ends_with(domain)
                    } else {
                        host.ends_with(&format!(".{domain}"))
                    }
                })
            }),
            Self::UrlPort(ports) => url.is_some_and(|url| {
                let port = url.port().map(i64::from);
                let default = matches!(port, Some(80 | 443));
                (flawed(Flaw::PortIgnoredWhenDefault) && default)
                    || port.is_some_and(|port| ports.contains(&port))
            }),
            Self::Within(network) => text.is_some_and(|text| {
                if flawed(Flaw::NetworkByText) {
                    let octets = network.split(".0").next().unwrap();
                    return text.starts_with(octets);
                }
                text.parse()
                    .is_ok_and(|address| network.parse::<Cidr>().unwrap().contains(&address))
            }),
            Self::EmailDomain(domains) => text.is_some_and(|text| {
                if flawed(Flaw::EmailDomainBySuffix) {
                    return domains.iter().any(|domain| text.ends_with(domain));
                }
                EmailAddress::parse(text).is_ok_and(|address| domains.contains(&address.domain()))
            }),
        }
    }
}

impl Stated {
    pub fn name(&self) -> String {
        match self {
            Self::Argument {
                each: true,
                allowed,
                ..
            } => format!("each {}", allowed.name()),
            Self::Argument { allowed, .. } => allowed.name().to_owned(),
            Self::AtMostBlocks(_) => "at most blocks".to_owned(),
            Self::Either { .. } => "either".to_owned(),
            Self::ExpiresBefore(_) => "expires before".to_owned(),
            Self::OnlyArguments { .. } => "only arguments".to_owned(),
            Self::OnlyServices(_) => "only services".to_owned(),
            Self::OnlyTools(_) => "only tools".to_owned(),
        }
    }

    pub fn words(&self) -> String {
        let scope = |tools: &[&str]| match tools {
            [] => String::new(),
            tools => format!("for {}: ", tools.join(", ")),
        };
        match self {
            Self::Argument {
                tools,
                each,
                pointer,
                allowed,
            } => {
                let each = if *each { "each " } else { "" };
                format!("{}{each}{pointer}{}", scope(tools), allowed.words())
            }
            Self::AtMostBlocks(count) => format!("at most {count} blocks"),
            Self::Either {
                tools,
                alternatives,
            } => {
                let rules = |rules: &Vec<Self>| -> String {
                    let words: Vec<String> = rules.iter().map(Self::words).collect();
                    words.join(" and ")
                };
                let words: Vec<String> = alternatives.iter().map(rules).collect();
                format!("{}either {}", scope(tools), words.join(" or "))
            }
            Self::ExpiresBefore(end) => {
                format!("expires before {}", end.to_string().replace(".000", ""))
            }
            Self::OnlyArguments { tools, names } if names.is_empty() => {
                format!("{}no arguments", scope(tools))
            }
            Self::OnlyArguments { tools, names } => {
                format!("{}only arguments {}", scope(tools), names.join(", "))
            }
            Self::OnlyServices(names) => format!("only services {}", names.join(", ")),
            Self::OnlyTools(names) => format!("only tools {}", names.join(", ")),
        }
    }

    /// Whether it holds; time, which several caveats share, is looked at by the caller.
    pub fn holds(&self, call: &Call, blocks: usize, flaw: Option<Flaw>) -> bool {
        let flawed = |this| flaw == Some(this);
        let other_tool = |tools: &[&str]| {
            !tools.is_empty()
                && !tools.contains(&call.tool.as_str())
                && !flawed(Flaw::ToolScopeIgnored)
        };
        let members = call.arguments.members();
        match self {
            Self::AtMostBlocks(count) => {
                blocks - usize::from(flawed(Flaw::BlocksWithoutTheFirst)) <= *count
            }
            Self::Either {
                tools,
                alternatives,
            } => {
                let holds = |rule: &Self| rule.holds(call, blocks, flaw);
                let mut whole = alternatives.iter().map(|rules| rules.iter().all(holds));
                if other_tool(tools) {
                    return true;
                }
                match flaw {
                    Some(Flaw::EitherIsAll) => whole.all(|holds| holds),
                    Some(Flaw::EitherMixesAlternatives) => {
                        // One rule of each place, whichever alternative it is of.
                        let places = alternatives.iter().map(Vec::len).max().unwrap_or(0);
                        (0..places).all(|place| {
                            let mut there = alternatives.iter().filter_map(|a| a.get(place));
                            there.any(holds)
                        })
                    }
                    Some(Flaw::EitherOnlyFirst) => whole.next() == Some(true),
                    _ => whole.any(|holds| holds),
                }
            }
            Self::ExpiresBefore(_) => true,
            Self::OnlyServices(names) => names.contains(&call.audience.as_str()),
            Self::OnlyTools(names) => names.contains(&call.tool.as_str()),
            Self::OnlyArguments { tools, names } => {
                if other_tool(tools) {
                    return true;
                }
                if flawed(Flaw::OnlyArgumentsIsAllArguments) {
                    return names.iter().all(|name| members.contains_key(*name));
                }
                members.keys().all(|name| names.contains(&name.as_str()))
            }
            Self::Argument {
                tools,
                each,
                pointer,
                allowed,
            } => {
                if other_tool(tools) {
                    return true;
                }
                let Some(value) = Value::Object(members.clone()).pointer(pointer).cloned() else {
                    return flawed(Flaw::MissingHolds);
                };
                if !each {
                    return allowed.holds(&value, flaw);
                }
                let Some(elements) = value.as_array() else {
                    return false;
                };
                let mut held = elements.iter().map(|element| allowed.holds(element, flaw));
                if flawed(Flaw::EachIsAny) {
                    return held.any(|held| held);
                }
                if flawed(Flaw::EachSkipsOtherTypes) {
                    let first = elements.first().map(std::mem::discriminant);
                    let mut alike = elements
                        .iter()
                        .filter(|element| Some(std::mem::discriminant(*element)) == first);
                    return !elements.is_empty() && alike.all(|el| allowed.holds(el, flaw));
                }
                (flawed(Flaw::EachOfNoneHolds) || !elements.is_empty()) && held.all(|held| held)
            }
        }
    }
}
