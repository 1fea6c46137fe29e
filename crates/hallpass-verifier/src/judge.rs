//! The verdict on one call, in the order of `docs/denials.md`; the first failure wins. Pure: no clock, no I/O.

use std::sync::Arc;

use hallpass_args::ToolCall;
use hallpass_bundle::{LocalStops, Snapshot, Staleness, TokenKey, TokenPurpose};
use hallpass_token::{AdmittedToken, CallFacts, Clearance, UnverifiedToken};
use hallpass_vocabulary::{Audience, DenialCode, Environment, Impact, Timestamp, Tool};

use crate::cache::{Known, TokenCache};
use crate::journalled::{JournalledArguments, Plan};
use crate::policy::ServicePolicy;
use crate::refusal::Denial;
use crate::restriction::restriction;
use crate::setup::{Profile, Tenancy};

/// What a verifier is pinned to.
pub(crate) struct Judge {
    pub(crate) audience: Audience,
    pub(crate) environment: Environment,
    pub(crate) tenancy: Tenancy,
    pub(crate) profile: Profile,
    pub(crate) policy: ServicePolicy,
    pub(crate) journalled: JournalledArguments,
    pub(crate) staleness: Staleness,
    pub(crate) cache: TokenCache,
}

/// Where the engine may run, if the extended profile needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineHere {
    /// Not on this thread: the verdict is put off.
    Defer,
    Run,
}

/// Why there is no permission yet.
enum Not {
    Allowed(Denial),
    /// The engine has to run.
    Decided,
}

impl From<Denial> for Not {
    fn from(denial: Denial) -> Self {
        Self::Allowed(denial)
    }
}

/// The verdict, and what was known when it was reached.
pub(crate) struct Judged {
    /// The token, once its signatures verified and it was admitted.
    pub(crate) token: Option<Arc<AdmittedToken>>,
    /// What the tool does, where the catalogue has it.
    pub(crate) impact: Option<Impact>,
    /// Which arguments a record of the call shows: those of a known tool, called with a genuine token.
    pub(crate) shown: Option<Box<Plan>>,
    pub(crate) verdict: Result<Impact, Denial>,
    /// Whether the verdict is put off until the engine has run; until then it denies.
    pub(crate) deferred: bool,
}

impl Judge {
    pub(crate) fn judge(
        &self,
        token: Option<&str>,
        call: &ToolCall,
        snapshot: Option<&Snapshot>,
        local: Option<&LocalStops>,
        now: Timestamp,
        engine: EngineHere,
    ) -> Judged {
        let unidentified = |denial: Denial| Judged {
            token: None,
            impact: None,
            shown: None,
            verdict: Err(denial),
            deferred: false,
        };
        let Some(text) = token else {
            return unidentified(DenialCode::TokenMissing.into());
        };
        let Some(snapshot) = snapshot else {
            return unidentified(unknowing(text, DenialCode::BundleMissing.into()));
        };
        // A bundle may list keys of other environments, to refuse them by name. Only the bundle of this environment has a
        // say in which keys are its own; with another's, a key of `dev` could be called one of `prod`.
        if *snapshot.environment() != self.environment {
            let detail = format!(
                "the bundle is of `{}`, this service is in `{}`",
                snapshot.environment(),
                self.environment
            );
            let denial = Denial::new(DenialCode::BundleMissing, detail);
            return unidentified(unknowing(text, denial));
        }
        match self.identify(text, snapshot) {
            Err(denial) => unidentified(denial),
            Ok(token) => {
                let tool = self.tool(call, snapshot);
                let impact = tool.map(|tool| tool.impact);
                let known = (snapshot, local);
                let weighed = self.weigh(&token, call, impact, known, now, engine);
                let (verdict, deferred) = match weighed {
                    Ok(impact) => (Ok(impact), false),
                    Err(Not::Allowed(denial)) => (Err(denial), false),
                    Err(Not::Decided) => (Err(DenialCode::Overloaded.into()), true),
                };
                Judged {
                    token: Some(token),
                    impact,
                    shown: tool.and_then(|tool| self.journalled.plan(tool)),
                    verdict,
                    deferred,
                }
            }
        }
    }

    /// From text to a token that says who it is: form, key, signature, admission.
    fn identify(&self, text: &str, snapshot: &Snapshot) -> Result<Arc<AdmittedToken>, Denial> {
        if let Some(known) = self.cache.find(text) {
            // The signature is not checked again; everything about the key that made it is.
            let key = self.believed_key(known.hint, snapshot)?;
            if key.key == known.key {
                return Ok(known.token);
            }
        }
        let parsed = UnverifiedToken::parse(text)
            .map_err(|error| Denial::new(error.code(), error.to_string()))?;
        let hint = parsed.key_hint();
        let key = self.believed_key(hint, snapshot)?.key;
        let token = parsed
            .verify(&key)
            .map_err(|error| Denial::new(error.code(), error.to_string()))?
            .admit_as(match self.profile {
                Profile::Extended(_) => hallpass_token::Profile::Extended,
                Profile::Standard => hallpass_token::Profile::Standard,
            })
            .map_err(|error| Denial::new(error.code(), error.to_string()))?;
        let token = Arc::new(token);
        self.cache.insert(
            text,
            Known {
                hint,
                key,
                token: Arc::clone(&token),
            },
        );
        Ok(token)
    }

    /// The key a token names, if tokens it signed are believed here.
    fn believed_key<'s>(&self, hint: u32, snapshot: &'s Snapshot) -> Result<&'s TokenKey, Denial> {
        let Some(key) = snapshot.key(hint) else {
            let detail = format!("no key {hint:08x} in bundle {}", snapshot.version());
            return Err(Denial::new(DenialCode::UnknownKey, detail));
        };
        if key.environment != self.environment {
            let detail = format!(
                "signed by a key of `{}`, this service is in `{}`",
                key.environment, self.environment
            );
            return Err(Denial::new(DenialCode::WrongEnvironment, detail));
        }
        if key.purpose != TokenPurpose::Run {
            return Err(DenialCode::WrongPurpose.into());
        }
        if !key.state.is_believed() {
            return Err(DenialCode::KeyTainted.into());
        }
        Ok(key)
    }

    /// Whether a token that is genuine allows this call, here, now.
    fn weigh(
        &self,
        token: &AdmittedToken,
        call: &ToolCall,
        impact: Option<Impact>,
        (snapshot, local): (&Snapshot, Option<&LocalStops>),
        now: Timestamp,
        engine: EngineHere,
    ) -> Result<Impact, Not> {
        let grant = token.grant();
        let facts = CallFacts {
            now,
            audience: &call.audience,
            environment: &self.environment,
            tool: &call.tool,
            arguments: &call.args,
        };
        let by_token = |denial: hallpass_token::Denial| {
            Denial::new(denial.code, token.explain(&denial, &facts))
        };

        token.check_environment(&facts).map_err(by_token)?;
        // A key for runs signs no break-glass token, whoever holds it.
        if grant.break_glass.is_some() {
            let detail = "a break-glass token, signed by a key for runs";
            return Err(not_allowed(DenialCode::WrongPurpose, detail));
        }
        match restriction(Some(snapshot), local, grant, call, now) {
            Some(denial) => return Err(denial.into()),
            None => token.check_time(&facts).map_err(by_token)?,
        }
        if let Tenancy::Only(served) = &self.tenancy
            && grant.tenant != *served
        {
            let detail = format!("token of `{}`, service of `{served}`", grant.tenant);
            return Err(not_allowed(DenialCode::WrongTenant, detail));
        }
        if call.audience != self.audience {
            let detail = format!(
                "call for `{}`, service is `{}`",
                call.audience, self.audience
            );
            return Err(not_allowed(DenialCode::WrongAudience, detail));
        }
        token.check_audience(&facts).map_err(by_token)?;
        // A tool whose impact is not known counts as the most harmful.
        if grant.proof.demands(impact.unwrap_or(Impact::Destructive)) {
            let detail = format!("the token demands a proof (`{}`)", grant.proof);
            return Err(not_allowed(DenialCode::ProofRequired, detail));
        }
        let Some(impact) = impact else {
            let detail = format!("`{}` is not a tool of `{}`", call.tool, self.audience);
            return Err(not_allowed(DenialCode::ToolUnknown, detail));
        };
        let clearance = token.check_tool(&facts).map_err(by_token)?;
        token.check_caveats(&facts).map_err(by_token)?;
        if let Profile::Extended(policy) = &self.profile
            && (policy.is_some() || !token.is_standard())
        {
            if engine == EngineHere::Defer {
                return Err(Not::Decided);
            }
            token
                .check_in_engine(&facts, policy.as_ref())
                .map_err(by_token)?;
        }
        self.policy
            .check(grant, &facts)
            .map_err(|breach| not_allowed(DenialCode::PolicyDenied, breach.to_string()))?;
        if snapshot.is_stale(impact, &self.staleness, now) {
            let detail = format!(
                "last heartbeat {} s ago, at most {} s for a {impact} call",
                snapshot.age(now).as_secs(),
                self.staleness.bound(impact).as_secs()
            );
            return Err(not_allowed(DenialCode::BundleStale, detail));
        }
        match clearance {
            Clearance::Allow => Ok(impact),
            Clearance::NeedsApproval => Err(Not::Allowed(DenialCode::ApprovalRequired.into())),
        }
    }

    /// The called tool, if the catalogue has it at this service.
    fn tool<'s>(&self, call: &ToolCall, snapshot: &'s Snapshot) -> Option<&'s Tool> {
        let tool = snapshot.catalogue().tool(&call.tool)?;
        (tool.audience == self.audience).then_some(tool)
    }
}

/// The denial of a token where no keys are known. A text that is no token is told so all the same: no bundle that may
/// still come makes it one, so asking to try again would be wrong.
fn unknowing(text: &str, denial: Denial) -> Denial {
    match UnverifiedToken::parse(text) {
        Err(error) => Denial::new(error.code(), error.to_string()),
        Ok(_) => denial,
    }
}

fn not_allowed(code: DenialCode, detail: impl Into<String>) -> Not {
    Not::Allowed(Denial::new(code, detail))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hallpass_bundle::{
        Bundle, BundleDraft, Heartbeat, KeyState, Published, Role, Root, RootDraft, accept,
    };
    use hallpass_keys::{Digest, Purpose, SigningKey};
    use hallpass_vocabulary::Catalogue;

    use super::*;
    use crate::cache::tests::{NOW, key, known, minted};

    /// What is known of an authority with one run key.
    fn snapshot() -> Snapshot {
        let signer = |purpose, seed| {
            SigningKey::from_seed(purpose, Environment::new("dev").unwrap(), [seed; 32])
        };
        let root_key = signer(Purpose::Root, 90);
        let bundle_key = signer(Purpose::Bundle, 91);
        let heartbeat_key = signer(Purpose::Heartbeat, 92);
        let expires = NOW.after(Duration::from_secs(86_400));
        let draft = RootDraft {
            authority: "hallpass.example".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            root: Role::single(root_key.verifying_key()),
            bundle: Role::single(bundle_key.verifying_key()),
            heartbeat: Role::single(heartbeat_key.verifying_key()),
            expires,
        };
        let root = Root::first(draft, NOW).unwrap();
        let draft = BundleDraft {
            token_keys: vec![TokenKey {
                key: key().verifying_key(),
                environment: "dev".parse().unwrap(),
                purpose: TokenPurpose::Run,
                state: KeyState::Active,
            }],
            approval_keys: Vec::new(),
            catalogue: Catalogue::default(),
            policy: Digest::of(b"policy"),
            expires,
            restrictions: hallpass_bundle::Restrictions::default(),
            operators: Vec::new(),
            verifiers: Vec::new(),
        };
        let bundle = Bundle::new(&root, draft, None, NOW).unwrap();
        let bundle = bundle.sign(&root, &[&bundle_key]).unwrap();
        let heartbeat = Heartbeat::new(&bundle, NOW);
        let published = Published::new(
            vec![root.sign(None, &[&root_key]).unwrap()],
            &bundle,
            heartbeat.sign(&root, &[&heartbeat_key]).unwrap(),
        );
        let json = published.to_json().unwrap();
        accept(&json, &root.trust_root(), None, NOW).unwrap()
    }

    #[test]
    fn a_token_is_remembered_under_the_key_that_verified_it_and_not_its_hint() {
        let judge = Judge {
            audience: "tickets".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            tenancy: Tenancy::Many,
            profile: Profile::Standard,
            policy: ServicePolicy::none(),
            journalled: JournalledArguments::none(),
            staleness: Staleness::STANDARD,
            cache: TokenCache::default(),
        };
        let known = known(minted().expose());
        // Found under its text alone, this one would be let in; it is no token.
        judge.cache.insert("remembered", known.clone());
        assert!(judge.identify("remembered", &snapshot()).is_ok());
        // Another key of the same four bytes of id, which is what a key id in a token can be made to say.
        let stranger = SigningKey::from_seed(Purpose::Run, judge.environment.clone(), [5; 32]);
        let key = stranger.verifying_key();
        judge.cache.insert("remembered", Known { key, ..known });
        let denial = judge.identify("remembered", &snapshot()).unwrap_err();
        assert_eq!(denial.code, DenialCode::TokenMalformed);
    }
}
