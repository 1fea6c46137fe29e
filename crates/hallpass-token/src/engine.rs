//! The Biscuit engine as the definition: the same token and call, decided by the library every other Biscuit tool uses.
//!
//! Never on the call path. It is what the typed decision is compared with, in tests and for a person who asks. It sees
//! expiry, environment, audience, tools, approvals and caveats; it does not see when a token was issued, nor admission,
//! nor revocation, nor whether a tool that needs an approval was allowed or withheld.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use biscuit_auth::builder::{
    Algorithm, AuthorizerBuilder, Fact, Policy, PolicyKind, Predicate, Rule, Term,
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

/// Decides a call with the engine.
pub fn decide(token: &VerifiedToken, call: &CallFacts<'_>) -> EngineVerdict {
    // The engine's cost has no bound of its own; admission is the bound.
    if token.admit().is_err() {
        return EngineVerdict::CouldNotEvaluate;
    }
    let bytes = token.token.envelope.to_bytes();
    // The engine panics in places; what it leaves behind is dropped with the closure.
    catch_unwind(AssertUnwindSafe(|| {
        run(&bytes, token.root.as_bytes(), token.token.blocks(), call)
    }))
    .unwrap_or(EngineVerdict::CouldNotEvaluate)
}

fn run(bytes: &[u8], root: &[u8; 32], blocks: usize, call: &CallFacts<'_>) -> EngineVerdict {
    match authorize(bytes, root, blocks, call) {
        Ok(_) => EngineVerdict::Allow,
        Err(error::Token::FailedLogic(error::Logic::Unauthorized { .. })) => EngineVerdict::Deny,
        Err(_) => EngineVerdict::CouldNotEvaluate,
    }
}

fn authorize(
    bytes: &[u8],
    root: &[u8; 32],
    blocks: usize,
    call: &CallFacts<'_>,
) -> Result<usize, error::Token> {
    let root = PublicKey::from_bytes(root, Algorithm::Ed25519)?;
    let token = Biscuit::from(bytes, root)?;
    let mut builder = AuthorizerBuilder::new().policy(allow_all())?;
    for fact in call_facts(blocks, call).ok_or(error::Token::InternalError)? {
        builder = builder.fact(fact)?;
    }
    let limits = AuthorizerLimits {
        max_facts: ENGINE_FACTS_MAX,
        max_iterations: ENGINE_ITERATIONS_MAX,
        max_time: ENGINE_TIME_MAX,
    };
    // On the builder, before anything is derived: limits passed to `authorize` come too late.
    builder.set_limits(limits).build(&token)?.authorize()
}

/// `allow if true`: the checks of the token decide.
fn allow_all() -> Policy {
    let head = Predicate {
        name: "query".to_owned(),
        terms: Vec::new(),
    };
    let truth = biscuit_auth::builder::Expression {
        ops: vec![biscuit_auth::builder::Op::Value(Term::Bool(true))],
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
