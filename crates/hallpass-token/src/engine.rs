//! The Biscuit engine as the definition: the same token and call, decided by the library every other Biscuit tool uses.
//!
//! Never on the call path. It is what the typed decision is compared with, in tests and for a person who asks. It sees
//! expiry, environment, audience, tools, approvals and caveats; it does not see when a token was issued, nor admission,
//! nor revocation, nor whether a tool that needs an approval was allowed or withheld.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use biscuit_auth::builder::{
    Algorithm, AuthorizerBuilder, Expression, Fact, Op, Policy, PolicyKind, Predicate, Rule, Term,
};
use biscuit_auth::{AuthorizerLimits, Biscuit, PublicKey, error};

use crate::decide::CallFacts;
use crate::token::VerifiedToken;

/// How long the engine may take. A backstop only: what is admitted takes well under a millisecond, and at 100 ms no
/// valid call failed on a busy machine.
const ENGINE_TIME_MAX: Duration = Duration::from_millis(250);

/// Facts the engine may hold: those of the largest token and call, several times over.
const ENGINE_FACTS_MAX: u64 = 500;

/// Rounds of rules the engine may run. Admitted tokens have no rules.
const ENGINE_ITERATIONS_MAX: u64 = 10;

/// What the engine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineVerdict {
    /// Every check passed.
    Allow,
    /// It did not get that far: the token is not admitted, a limit was hit, or it failed. Denies, but is no verdict.
    CouldNotEvaluate,
    /// A check failed.
    Deny,
}

/// The engine could not load a token: it is not admitted, or the engine refuses or fails to read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine could not load the token")]
pub struct CouldNotLoad;

/// The engine with a token loaded.
pub struct Engine {
    token: Biscuit,
    blocks: usize,
}

impl Engine {
    /// Loads a token; the engine verifies its signatures again, in its own way.
    ///
    /// # Errors
    /// [`CouldNotLoad`]. A token that is not admitted is never shown to the engine: its cost has no bound of its own,
    /// admission is the bound.
    pub fn load(token: &VerifiedToken) -> Result<Self, CouldNotLoad> {
        token.admit().map_err(|_| CouldNotLoad)?;
        let bytes = token.token.envelope.to_bytes();
        let root = PublicKey::from_bytes(token.root.as_bytes(), Algorithm::Ed25519)
            .map_err(|_| CouldNotLoad)?;
        let blocks = token.token.blocks();
        match guarded(|| Biscuit::from(&bytes, root)) {
            Some(Ok(token)) => Ok(Self { token, blocks }),
            _ => Err(CouldNotLoad),
        }
    }

    /// Decides a call.
    pub fn decide(&self, call: &CallFacts<'_>) -> EngineVerdict {
        match guarded(|| self.authorize(call)) {
            Some(Ok(_)) => EngineVerdict::Allow,
            Some(Err(error::Token::FailedLogic(error::Logic::Unauthorized { .. }))) => {
                EngineVerdict::Deny
            }
            Some(Err(_)) | None => EngineVerdict::CouldNotEvaluate,
        }
    }

    fn authorize(&self, call: &CallFacts<'_>) -> Result<usize, error::Token> {
        let mut builder = AuthorizerBuilder::new().policy(allow_all())?;
        for fact in call_facts(self.blocks, call).ok_or(error::Token::InternalError)? {
            builder = builder.fact(fact)?;
        }
        // On the builder, before anything is derived: limits passed to `authorize` come too late.
        builder.set_limits(limits()).build(&self.token)?.authorize()
    }
}

/// The engine panics in places; what it leaves behind is dropped with the closure.
fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}

fn limits() -> AuthorizerLimits {
    AuthorizerLimits {
        max_facts: ENGINE_FACTS_MAX,
        max_iterations: ENGINE_ITERATIONS_MAX,
        max_time: ENGINE_TIME_MAX,
    }
}

/// `allow if true`: the checks of the token decide.
fn allow_all() -> Policy {
    let head = Predicate {
        name: "query".to_owned(),
        terms: Vec::new(),
    };
    let truth = Expression {
        ops: vec![Op::Value(Term::Bool(true))],
    };
    Policy {
        queries: vec![Rule::new(head, Vec::new(), vec![truth], Vec::new())],
        kind: PolicyKind::Allow,
    }
}

/// The facts of a call; `None` when its time is before 1970, which Datalog cannot say.
fn call_facts(blocks: usize, call: &CallFacts<'_>) -> Option<Vec<Fact>> {
    let text = |text: &str| Term::Str(text.to_owned());
    let now = u64::try_from(call.now.unix_seconds()).ok()?;
    Some(vec![
        Fact::new("time".to_owned(), vec![Term::Date(now)]),
        Fact::new(
            "call:audience".to_owned(),
            vec![text(call.audience.as_str())],
        ),
        Fact::new("call:env".to_owned(), vec![text(call.environment.as_str())]),
        Fact::new("call:tool".to_owned(), vec![text(call.tool.as_str())]),
        Fact::new(
            "call:args".to_owned(),
            vec![Term::Str(call.arguments.to_string())],
        ),
        Fact::new(
            "call:blocks".to_owned(),
            vec![Term::Integer(i64::try_from(blocks).ok()?)],
        ),
    ])
}
