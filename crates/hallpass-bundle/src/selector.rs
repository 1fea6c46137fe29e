//! What a stop or a cut-off is about.

use std::fmt;
use std::str::FromStr;

use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, Route, RunId, Subject, Tenant, TokenId, ToolName,
};

/// Text that selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `everything` or KIND:NAME, where KIND is {}",
    Selector::KINDS.join(", ")
)]
pub struct InvalidSelector;

macro_rules! selector {
    ($($(#[$doc:meta])* $variant:ident($type:ty) $word:literal;)+) => {
        /// What a stop or a cut-off is about: one thing by name, or everything. As text, `tenant:acme` or `everything`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Selector {
            /// Every call.
            Everything,
            $($(#[$doc])* $variant($type),)+
        }

        impl Selector {
            /// The kinds that have a name, alphabetically.
            pub const KINDS: &'static [&'static str] = &[$($word),+];

            /// The kind as a word.
            pub fn kind(&self) -> &'static str {
                match self {
                    Self::Everything => EVERYTHING,
                    $(Self::$variant(_) => $word,)+
                }
            }

            /// The name, of all kinds but everything.
            pub fn value(&self) -> Option<String> {
                match self {
                    Self::Everything => None,
                    $(Self::$variant(value) => Some(value.to_string()),)+
                }
            }

            /// From its two members; nothing where they are not of their form.
            pub fn of(kind: &str, value: Option<&str>) -> Option<Self> {
                match (kind, value) {
                    (EVERYTHING, None) => Some(Self::Everything),
                    $(($word, Some(value)) => value.parse().ok().map(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

const EVERYTHING: &str = "everything";

selector! {
    /// Every call through an agent.
    Actor(Actor) "actor";
    /// Every call to a service.
    Audience(Audience) "audience";
    /// Every token an orchestrator asked for.
    Client(ClientId) "client";
    /// Everything in an environment.
    Environment(Environment) "environment";
    /// Every run under a route.
    Route(Route) "route";
    /// One run.
    Run(RunId) "run";
    /// Everything on behalf of somebody.
    Subject(Subject) "subject";
    /// Everything that touches a customer's data.
    Tenant(Tenant) "tenant";
    /// One token.
    Token(TokenId) "token";
    /// Every call of a tool.
    Tool(ToolName) "tool";
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.value() {
            None => Ok(()),
            Some(value) => write!(f, ":{value}"),
        }
    }
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let (kind, value) = match text.split_once(':') {
            None => (text, None),
            Some((kind, value)) => (kind, Some(value)),
        };
        Self::of(kind, value).ok_or(InvalidSelector)
    }
}

impl serde::Serialize for Selector {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Selector {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_read_back_and_nothing_else_is() {
        for text in [
            "everything",
            "actor:agent:support-bot",
            "audience:tickets",
            "client:orchestrator",
            "environment:prod",
            "route:/support/draft",
            "run:run_019aa62da2c072028202020202020202",
            "subject:user:alice",
            "tenant:acme",
            "token:tok_019aa62da2c073038303030303030303",
            "tool:kb.search",
        ] {
            let selector: Selector = text.parse().unwrap();
            assert_eq!(selector.to_string(), text);
            let json = serde_json::to_string(&selector).unwrap();
            assert_eq!(serde_json::from_str::<Selector>(&json).unwrap(), selector);
        }
        for bad in [
            "",
            "everything:",
            "everything:x",
            "tenant",
            "tenant:",
            "tenants:acme",
            "Tenant:acme",
            "tool:*",
        ] {
            assert_eq!(bad.parse::<Selector>(), Err(InvalidSelector), "{bad}");
        }
        assert!(Selector::KINDS.is_sorted());
    }
}
