//! Names: short, printable, validated once. Each is its own type, so a tenant cannot be passed where an audience goes.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name of any kind, in bytes. Keeps 64 tools, 16 roles and the rest of a token under 8 KiB.
pub const NAME_BYTES_MAX: usize = 128;

/// A name that breaks the rule of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct InvalidName {
    kind: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Parses a name; it must be ", $rule, ".")]
            ///
            /// # Errors
            /// [`InvalidName`], which says the rule and never repeats the input.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if text.len() <= NAME_BYTES_MAX && valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { kind: $kind, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The customer whose data a call touches.
    Tenant, "tenant", "1 to 64 of `A-Z a-z 0-9 . _ -`, starting with a letter or digit",
    |t| t.len() <= 64 && starts_alphanumeric(t) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
);
name!(
    /// The deployment an authority and its verifiers belong to (`dev`, `staging`, `prod`).
    Environment, "environment", "1 to 32 of `a-z 0-9 -`, starting with a letter",
    |t| t.len() <= 32 && is_label(t)
);
name!(
    /// The tool service a call is for.
    Audience, "audience", "1 to 64 of `a-z 0-9 -`, starting with a letter",
    |t| t.len() <= 64 && is_label(t)
);
name!(
    /// One authority; the same for all its keys and for as long as it lives.
    AuthorityId, "authority", "1 to 64 of `a-z 0-9 . -`, starting with a letter",
    |t| t.len() <= 64
        && t.starts_with(|c: char| c.is_ascii_lowercase())
        && t.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
);
name!(
    /// The orchestrator that asked for the token, authenticated by the authority.
    ClientId, "client", "1 to 64 of `a-z 0-9 -`, starting with a letter",
    |t| t.len() <= 64 && is_label(t)
);
name!(
    /// On whose behalf a run acts: `kind:id`, such as `user:alice`. Never the agent.
    Subject, "subject", "`kind:id` in printable ASCII without spaces, quotes or backslashes, with a kind other than `agent`",
    |t| is_principal(t) && !t.starts_with("agent:")
);
name!(
    /// The agent that acts: `agent:name`, such as `agent:support-bot`. Never the subject.
    Actor, "actor", "`agent:name` in printable ASCII without spaces, quotes or backslashes",
    |t| is_principal(t) && t.starts_with("agent:")
);
name!(
    /// The named policy a run is started under: `/support/draft`. Not an HTTP path.
    Route, "route", "`/segment` one to four times, in `a-z 0-9 - _`",
    |t| t.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').count() <= 4
            && rest.split('/').all(|s| {
                !s.is_empty() && s.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
            })
    })
);
name!(
    /// A role of the subject.
    Role, "role", "1 to 64 of `a-z 0-9 _ -`, starting with a letter",
    |t| t.len() <= 64
        && t.starts_with(|c: char| c.is_ascii_lowercase())
        && t.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
);
name!(
    /// A tool: `noun.verb`, such as `ticket.close`.
    ToolName, "tool", "`noun.verb` in `a-z 0-9 _`, two to four parts, at most 64 bytes",
    |t| t.len() <= 64
        && (2..=4).contains(&t.split('.').count())
        && t.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        })
);

name!(
    /// A group of people who may approve.
    GroupName, "group", "1 to 64 of `a-z 0-9 -`, starting with a letter",
    |t| t.len() <= 64 && is_label(t)
);
name!(
    /// The authority's own name of an identity provider, whose `iss` may be any text.
    IssuerName, "issuer", "1 to 64 of `a-z 0-9 -`, starting with a letter",
    |t| t.len() <= 64 && is_label(t)
);
name!(
    /// A human being. Operators are compared by it where two different people are asked for.
    PersonId, "person", "1 to 64 of `A-Z a-z 0-9 . _ @ -`, starting with a letter or digit",
    |t| t.len() <= 64 && starts_alphanumeric(t) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@-".contains(&b))
);
name!(
    /// What a break-glass token was asked for: the id of an incident, such as `INC-42`.
    IncidentId, "incident", "1 to 64 of `A-Z a-z 0-9 . _ -`, starting with a letter or digit",
    |t| t.len() <= 64 && starts_alphanumeric(t) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
);
name!(
    /// A human who operates the authority: `op:name`, such as `op:dana`.
    OperatorId, "operator", "`op:name` in printable ASCII without spaces, quotes or backslashes",
    |t| is_principal(t) && t.starts_with("op:")
);

fn starts_alphanumeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_label(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_principal(text: &str) -> bool {
    text.split_once(':').is_some_and(|(kind, id)| {
        !kind.is_empty()
            && kind.bytes().all(|b| b.is_ascii_lowercase())
            && !id.is_empty()
            && id
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"\"'\\`".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_names_of_the_design() {
        assert!(Tenant::new("acme").is_ok());
        assert!(Environment::new("prod").is_ok());
        assert!(Audience::new("tickets").is_ok());
        assert!(AuthorityId::new("dev.hallpass.example").is_ok());
        assert!(Subject::new("user:alice@example.com").is_ok());
        assert!(Actor::new("agent:support-bot").is_ok());
        assert!(Route::new("/support/draft").is_ok());
        assert!(ToolName::new("kb.search").is_ok());
        assert!(Role::new("support_agent").is_ok());
        assert!(IncidentId::new("INC-42").is_ok());
        assert!(OperatorId::new("op:dana").is_ok());
        for bad in ["", "dana", "user:dana", "op:", "op:da na"] {
            assert!(OperatorId::new(bad).is_err(), "{bad}");
        }
        assert!(IncidentId::new("INC 42").is_err());
        assert!(GroupName::new("support-leads").is_ok() && GroupName::new("Support").is_err());
        assert!(IssuerName::new("cluster").is_ok() && IssuerName::new("https://a").is_err());
        assert!(PersonId::new("dana@example.com").is_ok());
        for bad in ["", "dana li", "@dana", "op:dana"] {
            assert!(PersonId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_each_kinds_edge() {
        for bad in [
            "",
            "-acme",
            "ac me",
            "acme\n",
            "acme\u{e9}",
            &"a".repeat(65),
        ] {
            assert!(Tenant::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "Prod", "1prod", "prod.eu", &"a".repeat(33)] {
            assert!(Environment::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "Acme", "1.example", "a b", "a/b", &"a".repeat(65)] {
            assert!(AuthorityId::new(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "alice",
            "user:",
            ":alice",
            "agent:alice",
            "User:alice",
            "user:a\"b",
            "user:a b",
            "user:a\\b",
        ] {
            assert!(Subject::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["user:alice", "agent:", "agent"] {
            assert!(Actor::new(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "",
            "/",
            "support",
            "/support/",
            "//x",
            "/a/b/c/d/e",
            "/Support",
            "/a/../b",
        ] {
            assert!(Route::new(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "search",
            "kb.",
            ".search",
            "kb..search",
            "Kb.search",
            "kb.search.a.b.c",
            "kb.1",
            "kb/search",
        ] {
            assert!(ToolName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_error_never_repeats_the_input() {
        let error = Tenant::new("secret value").map(|_| ()).unwrap_err();
        assert!(!error.to_string().contains("secret value"));
    }
}
