//! The Biscuit engine as the definition: the same token and call, decided by the library every other Biscuit tool uses.
//!
//! Never on the call path of the standard profile. It is what the typed decision is compared with, in tests and for a
//! person who asks. It sees expiry, environment, audience, tools, approvals and caveats; it does not see when a token was issued, nor admission,
//! nor revocation, nor whether a tool that needs an approval was allowed or withheld.

use std::collections::BTreeSet;

use biscuit_auth::builder::{Algorithm, AuthorizerBuilder};
use biscuit_auth::{AuthorizerLimits, Biscuit, PublicKey, error};

use hallpass_vocabulary::{DenialCode, Pointer};

use crate::admission::{AdmittedToken, Profile};
use crate::call_facts::{self, Budget};
use crate::caveat::Caveat;
use crate::decide::{CallFacts, Clearance, Denial};
use crate::token::VerifiedToken;

pub(crate) mod run;

use run::{allow_all, guarded, limits};

/// What the engine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
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
    admitted: AdmittedToken,
    /// The arguments its checks name: only these become facts.
    pointers: BTreeSet<Pointer>,
}

impl Engine {
    /// Loads a token of either profile; the engine verifies its signatures again, in its own way.
    ///
    /// # Errors
    /// [`CouldNotLoad`]. A token that is not admitted is never shown to the engine: its cost has no bound of its own,
    /// admission is the bound.
    pub fn load(token: &VerifiedToken) -> Result<Self, CouldNotLoad> {
        let admitted = token
            .admit_as(Profile::Extended)
            .map_err(|_| CouldNotLoad)?;
        let pointers = admitted.caveats().iter();
        let pointers = pointers.flat_map(|placed| match &placed.caveat {
            Caveat::Argument(argument) => argument.pointers().into_iter().cloned().collect(),
            _ => Vec::new(),
        });
        let others = admitted.content().others.iter();
        let pointers: BTreeSet<Pointer> = pointers
            .chain(others.flat_map(|other| other.pointers.iter().cloned()))
            .collect();
        let bytes = token.token.envelope.to_bytes();
        let root = PublicKey::from_bytes(token.root.as_bytes(), Algorithm::Ed25519)
            .map_err(|_| CouldNotLoad)?;
        match guarded(|| Biscuit::from(&bytes, root)) {
            Some(Ok(token)) => Ok(Self {
                token,
                admitted,
                pointers,
            }),
            _ => Err(CouldNotLoad),
        }
    }

    /// Decides a call.
    pub fn decide(&self, call: &CallFacts<'_>) -> EngineVerdict {
        self.decide_within(limits(), call)
    }

    fn decide_within(&self, limits: AuthorizerLimits, call: &CallFacts<'_>) -> EngineVerdict {
        if self.admitted.is_too_much_work(call) {
            return EngineVerdict::CouldNotEvaluate;
        }
        match guarded(|| self.authorize(limits, call)) {
            Some(Ok(_)) => EngineVerdict::Allow,
            Some(Err(error::Token::FailedLogic(error::Logic::Unauthorized { .. }))) => {
                EngineVerdict::Deny
            }
            Some(Err(_)) | None => EngineVerdict::CouldNotEvaluate,
        }
    }

    fn authorize(
        &self,
        limits: AuthorizerLimits,
        call: &CallFacts<'_>,
    ) -> Result<usize, error::Token> {
        let mut builder = AuthorizerBuilder::new().policy(allow_all())?;
        let pointers = self.pointers.iter().collect();
        let blocks = self.admitted.blocks();
        let facts = call_facts::of_call(call, blocks, &pointers, &|_| true, Budget::UNBOUNDED);
        for fact in facts.ok_or(error::Token::InternalError)? {
            builder = builder.fact(run::fact(fact))?;
        }
        // On the builder, before anything is derived: limits passed to `authorize` come too late.
        builder.set_limits(limits).build(&self.token)?.authorize()
    }
}

/// The typed decision of what the engine sees: what [`Engine::decide`] is compared with. When the token was issued is
/// left out, and so is every approval, so that a tool that needs one is denied.
///
/// # Errors
/// The [`Denial`].
pub fn seen_by_engine(token: &AdmittedToken, call: &CallFacts<'_>) -> Result<(), Denial> {
    let by_grant = |code| Denial { code, caveat: None };
    token.check_environment(call)?;
    match token.check_time(call) {
        Err(denial) if denial.code == DenialCode::TokenNotYetValid => {
            if call.now.unix_seconds() >= token.not_after().unix_seconds() {
                return Err(by_grant(DenialCode::TokenExpired));
            }
        }
        other => other?,
    }
    token.check_audience(call)?;
    let clearance = token.check_tool(call)?;
    token.check_caveats(call)?;
    token.check_in_engine(call, None)?;
    match clearance {
        Clearance::Allow => Ok(()),
        Clearance::NeedsApproval => Err(by_grant(DenialCode::ApprovalRequired)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use hallpass_args::Arguments;
    use hallpass_keys::{Digest, Purpose, SigningKey};
    use hallpass_vocabulary::{
        Environment, ProofRule, RunId, SubjectAssurance, Timestamp, TokenId,
    };

    use super::*;
    use crate::{Grant, GrantSpec, NextSecret, UnverifiedToken, mint};

    fn engine() -> Engine {
        Engine::load(&engine_token()).unwrap()
    }

    fn engine_token() -> VerifiedToken {
        let issued = Timestamp::from_unix_seconds(1_795_253_400);
        let grant = Grant::new(GrantSpec {
            token: TokenId::new(issued, [1; 10]),
            run: RunId::new(issued, [1; 10]),
            tenant: "acme".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            subject: "user:alice".parse().unwrap(),
            assurance: SubjectAssurance::Verified,
            actor: "agent:bot".parse().unwrap(),
            client: "helpdesk".parse().unwrap(),
            route: "/support".parse().unwrap(),
            roles: BTreeSet::new(),
            audiences: BTreeSet::from(["tickets".parse().unwrap()]),
            tools: BTreeSet::from(["kb.search".parse().unwrap()]),
            needs_approval: BTreeSet::new(),
            budgets: BTreeMap::new(),
            holder: None,
            proof: ProofRule::Waived,
            policy: Digest::of(b"policy"),
            issued,
            expires: issued.after(Duration::from_secs(60)),
            break_glass: None,
        });
        let root = SigningKey::from_seed(Purpose::Run, Environment::new("dev").unwrap(), [1; 32]);
        let text = mint(
            &grant.unwrap(),
            &[],
            &root,
            &[],
            NextSecret::from_random([2; 32]),
        )
        .unwrap();
        let token = UnverifiedToken::parse(text.expose()).unwrap();
        token.verify(&root.verifying_key()).unwrap()
    }

    fn at(unix_seconds: i64, limits: AuthorizerLimits) -> EngineVerdict {
        let call = CallFacts {
            now: Timestamp::from_unix_seconds(unix_seconds),
            audience: &"tickets".parse().unwrap(),
            environment: &"dev".parse().unwrap(),
            tool: &"kb.search".parse().unwrap(),
            arguments: &Arguments::parse(b"{}").unwrap(),
        };
        engine().decide_within(limits, &call)
    }

    #[test]
    fn trap_3_limits_set_on_the_builder_bite_and_are_no_verdict() {
        let now = 1_795_253_410;
        assert_eq!(at(now, limits()), EngineVerdict::Allow);
        let time = AuthorizerLimits {
            max_time: Duration::ZERO,
            ..limits()
        };
        assert_eq!(at(now, time), EngineVerdict::CouldNotEvaluate);
    }

    #[test]
    fn what_the_engine_does_not_see_is_left_out_of_the_comparison() {
        let token = engine_token().admit().unwrap();
        let compared = |now: i64| {
            let (audience, environment) = ("tickets".parse().unwrap(), "dev".parse().unwrap());
            let call = CallFacts {
                now: Timestamp::from_unix_seconds(now),
                audience: &audience,
                environment: &environment,
                tool: &"kb.search".parse().unwrap(),
                arguments: &Arguments::parse(b"{}").unwrap(),
            };
            let seen = seen_by_engine(&token, &call).map_err(|denial| denial.code);
            (token.decide(&call).map_err(|denial| denial.code), seen)
        };
        let early = compared(1_795_253_400 - 3600);
        assert_eq!(early, (Err(DenialCode::TokenNotYetValid), Ok(())));
        assert_eq!(compared(1_795_253_410), (Ok(Clearance::Allow), Ok(())));
        let late = Err(DenialCode::TokenExpired);
        assert_eq!(
            compared(1_795_253_460),
            (late.map(|()| Clearance::Allow), late)
        );
    }

    #[test]
    fn trap_15_a_clock_before_1970_is_no_verdict() {
        assert_eq!(at(-1, limits()), EngineVerdict::CouldNotEvaluate);
    }

    #[test]
    fn trap_6_a_panic_in_the_engine_is_no_verdict() {
        assert_eq!(guarded(|| -> u8 { std::panic::panic_any("engine") }), None);
    }
}
