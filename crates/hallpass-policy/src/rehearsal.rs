//! Calls rehearsed: a token is minted from the terms, with keys that exist nowhere else, and asked as a verifier asks it.

use hallpass_args::Arguments;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_token::{
    AdmittedToken, CallFacts, Clearance, Grant, GrantSpec, NextSecret, UnverifiedToken, mint,
};
use hallpass_vocabulary::{DenialCode, RunId, SubjectAssurance, Timestamp, TokenId, ToolName};

use crate::decide::Terms;
use crate::policy::Policy;
use crate::question::Question;

/// When rehearsed tokens are issued. No caveat of a policy looks at the time.
const ISSUED: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// What a token says to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallAnswer {
    /// It allows it.
    Allow,
    /// It does not.
    Deny {
        /// The code a verifier would deny it with.
        code: DenialCode,
        /// Why, in words.
        why: String,
    },
    /// It allows it with an approval.
    NeedsApproval,
}

impl CallAnswer {
    /// The word in expectations.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny { .. } => "deny",
            Self::NeedsApproval => "needs_approval",
        }
    }
}

/// A token that could be minted, to rehearse calls with.
pub(crate) struct Rehearsal<'p> {
    policy: &'p Policy,
    question: &'p Question,
    token: AdmittedToken,
}

impl<'p> Rehearsal<'p> {
    /// The token of these terms; why not, where no token can say them.
    pub(crate) fn new(
        policy: &'p Policy,
        question: &'p Question,
        terms: &Terms,
    ) -> Result<Self, String> {
        Ok(Self {
            policy,
            question,
            token: token(policy, question, terms).map_err(|error| error.to_string())?,
        })
    }

    pub(crate) fn call(&self, tool: &ToolName, arguments: &Arguments) -> CallAnswer {
        let Some(known) = self.policy.catalogue().tool(tool) else {
            return CallAnswer::Deny {
                code: DenialCode::ToolUnknown,
                why: DenialCode::ToolUnknown.meaning().to_owned(),
            };
        };
        let call = CallFacts {
            now: ISSUED,
            audience: &known.audience,
            environment: &self.question.environment,
            tool,
            arguments,
        };
        // The tool first: that a service is not among the token's is only a consequence of it.
        let grant = self.token.grant();
        if !grant.tools.contains(tool) && !grant.needs_approval.contains(tool) {
            return CallAnswer::Deny {
                code: DenialCode::ToolNotGranted,
                why: format!("`{tool}` is not among the token's tools"),
            };
        }
        match self.token.decide(&call) {
            Ok(Clearance::Allow) => CallAnswer::Allow,
            Ok(Clearance::NeedsApproval) => CallAnswer::NeedsApproval,
            Err(denial) => CallAnswer::Deny {
                code: denial.code,
                why: self.token.explain(&denial, &call),
            },
        }
    }
}

fn token(
    policy: &Policy,
    question: &Question,
    terms: &Terms,
) -> Result<AdmittedToken, Box<dyn std::error::Error>> {
    let key =
        |purpose, seed| SigningKey::from_seed(purpose, question.environment.clone(), [seed; 32]);
    let run = key(Purpose::Run, 1);
    let approval = key(Purpose::Approval, 2).verifying_key();
    let digest: Digest = policy.digest().parse()?;
    let grant = Grant::new(GrantSpec {
        token: TokenId::new(ISSUED, [1; 10]),
        run: RunId::new(ISSUED, [2; 10]),
        tenant: question.tenant.clone(),
        environment: question.environment.clone(),
        subject: question.subject.clone(),
        assurance: match question.verified {
            Some(_) => SubjectAssurance::Verified,
            None => SubjectAssurance::Asserted,
        },
        actor: question.actor.clone(),
        client: question.client.clone(),
        route: question.route.clone(),
        roles: terms.roles().iter().cloned().collect(),
        audiences: terms.audiences().clone(),
        tools: terms.tools().clone(),
        needs_approval: terms.needs_approval().clone(),
        budgets: terms.budgets().clone(),
        holder: None,
        proof: terms.proof(),
        policy: digest,
        issued: ISSUED,
        expires: ISSUED.after(terms.ttl()),
        break_glass: None,
    })?;
    let next = NextSecret::from_random([3; 32]);
    let text = mint(&grant, terms.caveats(), &run, &[approval], next)?;
    let verified = UnverifiedToken::parse(text.expose())?.verify(&run.verifying_key())?;
    Ok(verified.admit()?)
}
