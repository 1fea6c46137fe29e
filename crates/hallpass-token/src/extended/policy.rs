//! A service's own policy as Datalog text: trusted, for its author runs the service.

use std::sync::Arc;

use biscuit_auth::builder::AuthorizerBuilder;
use hallpass_vocabulary::Pointer;

use crate::engine::run;
use crate::limits::{DATALOG_POLICY_BYTES_MAX, DATALOG_POLICY_DEPTH_MAX};

/// A Datalog policy: checks, and `allow if` and `deny if` of which the first that matches decides. A call that none
/// matches is denied.
///
/// ```
/// use hallpass_token::DatalogPolicy;
///
/// let policy = DatalogPolicy::parse(
///     r#"deny if role("intern"), call:tool("ticket.close");
///        allow if call:arg_int("/limit", $n), $n <= 100;
///        allow if call:tool($t), $t != "kb.search";"#,
///     ["/limit".parse()?],
/// )?;
/// assert!(DatalogPolicy::parse("allow iff true;", []).is_err());
/// # let _ = policy;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct DatalogPolicy {
    builder: Arc<AuthorizerBuilder>,
    arguments: Arc<[Pointer]>,
}

/// A text that is no Datalog policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDatalogPolicy {
    /// It has no `allow if`: every call would be denied.
    #[error("the policy has no `allow if`, so it would deny every call")]
    NoAllow,
    /// The engine's parser does not take it.
    #[error("the policy is not Datalog: {reason}")]
    Syntax {
        /// What the parser says.
        reason: String,
    },
    /// Nested deeper than [`DATALOG_POLICY_DEPTH_MAX`].
    #[error("the policy nests deeper than {DATALOG_POLICY_DEPTH_MAX} parentheses")]
    TooDeep,
    /// More than [`DATALOG_POLICY_BYTES_MAX`] bytes.
    #[error("the policy has more than {DATALOG_POLICY_BYTES_MAX} bytes")]
    TooLarge,
}

impl DatalogPolicy {
    /// Reads a policy. `arguments` are the arguments of calls it looks at: only these become facts.
    ///
    /// # Errors
    /// [`InvalidDatalogPolicy`].
    pub fn parse(
        text: &str,
        arguments: impl IntoIterator<Item = Pointer>,
    ) -> Result<Self, InvalidDatalogPolicy> {
        if text.len() > DATALOG_POLICY_BYTES_MAX {
            return Err(InvalidDatalogPolicy::TooLarge);
        }
        if depth(text) > DATALOG_POLICY_DEPTH_MAX {
            return Err(InvalidDatalogPolicy::TooDeep);
        }
        let syntax = |reason: String| InvalidDatalogPolicy::Syntax { reason };
        let parsed = run::guarded(|| AuthorizerBuilder::new().code(text));
        let builder = parsed
            .ok_or_else(|| syntax("its parser failed".to_owned()))?
            .map_err(|error| syntax(error.to_string()))?;
        if !run::guarded(|| builder.dump_code()).is_some_and(|code| code.contains("allow if ")) {
            return Err(InvalidDatalogPolicy::NoAllow);
        }
        Ok(Self {
            builder: Arc::new(builder),
            arguments: arguments.into_iter().collect(),
        })
    }

    pub(crate) fn builder(&self) -> &AuthorizerBuilder {
        &self.builder
    }

    pub(super) fn arguments(&self) -> &[Pointer] {
        &self.arguments
    }
}

/// How deep the library's parser would recurse: into brackets, and into negations until a value ends them.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    // For each open bracket, how many negations stand before it.
    let mut open: Vec<usize> = Vec::new();
    let mut negations = 0_usize;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '!' => {
                negations += 1;
                depth += 1;
            }
            '(' | '[' | '{' => {
                open.push(std::mem::take(&mut negations));
                depth += 1;
            }
            '/' if chars.as_str().starts_with('/') => drop(chars.find(|c| *c == '\n')),
            '/' if chars.as_str().starts_with('*') => {
                let behind = chars.as_str().split_once("*/").map(|(_, behind)| behind);
                chars = behind.unwrap_or_default().chars();
            }
            c if c.is_whitespace() => {}
            other => {
                depth = depth.saturating_sub(std::mem::take(&mut negations));
                match other {
                    ')' | ']' | '}' => {
                        let ended = open.pop().map_or(0, |before| before + 1);
                        depth = depth.saturating_sub(ended);
                    }
                    '"' => skip_text(&mut chars),
                    _ => {}
                }
            }
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn skip_text(chars: &mut std::str::Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '"' => return,
            _ => {}
        }
    }
}
