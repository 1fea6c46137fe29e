//! The story: one run with its pass, and everybody else who tries the door.

use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_client::{BearerToken, TokenResponse, ToolRequest};
use hallpass_keys::random_bytes;
use hallpass_token::{Caveat, NameSet, NextSecret, PREFIX, UnverifiedToken};
use hallpass_vocabulary::{Clock as _, DenialCode, SystemClock, ToolName};

use super::narrator::{Expected, Narrator};
use super::world::{ToolService, World};
use Expected::{Allowed, Denied};

const SEARCH: (&str, &str) = ("kb.search", r#"{"query":"refund"}"#);
const OWN_TICKET: (&str, &str) = ("tickets.get", r#"{"id":"T-1001"}"#);
const GLOBEX_TICKET: (&str, &str) = ("tickets.get", r#"{"id":"T-2001"}"#);
const CLOSE: (&str, &str) = ("ticket.close", r#"{"id":"T-1001","reason":"done"}"#);
const UPDATE: (&str, &str) = ("ticket.update", r#"{"id":"T-1001","status":"pending"}"#);

/// How much shorter the narrowed token lives.
const NARROWED_LIFE: Duration = Duration::from_secs(60);

pub(crate) async fn tell(world: &World, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    // Minted first, so that it has expired when its turn comes.
    let brief = world.mint("/support/draft", "acme", Some(1)).await?;
    let pass = a_run_gets_a_pass(world, narrator).await?;
    world.keep_token(&pass)?;
    let teller = &mut Teller { world, narrator };
    teller.within_the_grant(&pass).await?;
    teller.narrowed(&pass).await?;
    teller.across_tenants(&pass).await?;
    teller.strangers(&pass, &brief).await
}

async fn a_run_gets_a_pass(
    world: &World,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<TokenResponse> {
    narrator.step(
        "A run gets a pass",
        "The orchestrator starts a run under the route /support/draft, for user:alice of the tenant acme.\n\
         The authority's policy says which tools that route has; neither the agent nor the orchestrator chooses.",
    )?;
    let pass = world.mint("/support/draft", "acme", None).await?;
    let tools: Vec<_> = pass.tools.iter().map(ToolName::as_str).collect();
    narrator.detail(&format!("{} for {}", pass.token_id, pass.run_id))?;
    narrator.detail(&format!(
        "tools {}; tenant {}; until {}",
        tools.join(", "),
        pass.tenant,
        pass.expires_at
    ))?;
    narrator.expect(
        tools == ["kb.search", "tickets.get"],
        "the route grants other tools",
    )?;
    Ok(pass)
}

struct Teller<'t, 'o> {
    world: &'t World,
    narrator: &'t mut Narrator<'o>,
}

impl Teller<'_, '_> {
    async fn within_the_grant(&mut self, pass: &TokenResponse) -> anyhow::Result<()> {
        let shared = &self.world.shared;
        self.narrator.step(
            "A granted tool is allowed",
            "The service checks the pass by itself and writes the decision down before the tool runs.",
        )?;
        self.call(shared, SEARCH, &pass.token, Allowed).await?;

        self.narrator.step(
            "A tool that was not granted is refused",
            "The same pass, another tool of the same service.",
        )?;
        self.call(
            shared,
            CLOSE,
            &pass.token,
            Denied(DenialCode::ToolNotGranted),
        )
        .await?;

        self.narrator.step(
            "A write that wants a person's approval waits for it",
            "A run under /support/send may update tickets, each update only with an approval of exactly that call.",
        )?;
        let send = self.world.mint("/support/send", "acme", None).await?;
        self.call(
            shared,
            UPDATE,
            &send.token,
            Denied(DenialCode::ApprovalRequired),
        )
        .await
    }

    async fn narrowed(&mut self, pass: &TokenResponse) -> anyhow::Result<()> {
        let shared = &self.world.shared;
        self.narrator.step(
            "Anyone can make a pass narrower, offline",
            "The run hands a helper a copy that only searches, for 60 seconds. The authority is not asked.",
        )?;
        let narrow = narrowed(&pass.token)?;
        self.call(shared, SEARCH, &narrow, Allowed).await?;
        self.call(
            shared,
            OWN_TICKET,
            &narrow,
            Denied(DenialCode::CaveatFailed),
        )
        .await?;
        self.narrator.detail(
            "Nothing can be taken off again: each restriction is signed onto the one before.",
        )
    }

    async fn across_tenants(&mut self, pass: &TokenResponse) -> anyhow::Result<()> {
        self.narrator.step(
            "Another tenant's service",
            "The pass of acme at the service that is pinned to globex.",
        )?;
        let globex_only = &self.world.globex_only;
        self.call(
            globex_only,
            SEARCH,
            &pass.token,
            Denied(DenialCode::WrongTenant),
        )
        .await?;

        self.narrator.step(
            "Another tenant's row",
            "The pass of acme asks the shared service for T-2001, which is globex's. The tenant comes from the pass,\n\
             never from the request; somebody else's row reads as absent. The journal knows better: see below.",
        )?;
        let shared = &self.world.shared;
        self.call(shared, OWN_TICKET, &pass.token, Allowed).await?;
        self.call(
            shared,
            GLOBEX_TICKET,
            &pass.token,
            Denied(DenialCode::NotFound),
        )
        .await
    }

    async fn strangers(
        &mut self,
        pass: &TokenResponse,
        brief: &TokenResponse,
    ) -> anyhow::Result<()> {
        let shared = &self.world.shared;
        self.narrator.step(
            "A pass of another environment",
            "The authority of `staging` mints a token for the same route. It is genuine, and not for here.",
        )?;
        let staging = self.world.mint_in_staging("/support/draft", "acme").await?;
        self.call(
            shared,
            SEARCH,
            &staging.token,
            Denied(DenialCode::WrongEnvironment),
        )
        .await?;

        self.narrator.step(
            "An expired pass",
            "Minted at the start of this demo, for one second.",
        )?;
        while SystemClock.now() < brief.expires_at {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.call(
            shared,
            SEARCH,
            &brief.token,
            Denied(DenialCode::TokenExpired),
        )
        .await?;

        self.narrator.step(
            "A forged pass",
            "The pass of step 1 with the tenant in it changed from acme to evil.",
        )?;
        self.call(
            shared,
            SEARCH,
            &forged(&pass.token)?,
            Denied(DenialCode::SignatureInvalid),
        )
        .await?;

        self.narrator.step(
            "A stolen pass works until it expires",
            "These passes are bearer tokens, so a replayed copy is as good as the original. That stays true until proofs\n\
             of possession are part of Hallpass; until then short lives limit it, and the journal shows every use.",
        )?;
        self.call(shared, SEARCH, &pass.token, Allowed).await
    }

    async fn call(
        &mut self,
        service: &ToolService,
        (tool, arguments): (&str, &str),
        token: &BearerToken,
        expected: Expected,
    ) -> anyhow::Result<()> {
        let request = ToolRequest {
            tool: &ToolName::new(tool)?,
            arguments_json: arguments,
            token: Some(token),
            idempotency_key: None,
        };
        let answer = self.world.tools.call(&service.url, request).await?;
        self.narrator
            .decision(&format!("{tool} {arguments}"), &answer, expected)
    }
}

fn narrowed(token: &BearerToken) -> anyhow::Result<BearerToken> {
    let caveats = [
        Caveat::OnlyTools(NameSet::new([ToolName::new("kb.search")?])?),
        Caveat::ExpiresBefore(SystemClock.now().after(NARROWED_LIFE)),
    ];
    let next = NextSecret::from_random(random_bytes()?);
    let narrow = UnverifiedToken::parse(token.expose())?.attenuate(&caveats, next)?;
    Ok(BearerToken::new(narrow.expose())?)
}

/// The token with its tenant rewritten, as somebody would who can edit bytes and not sign.
fn forged(token: &BearerToken) -> anyhow::Result<BearerToken> {
    let encoded = token.expose().strip_prefix(PREFIX).context("no token")?;
    let mut bytes = URL_SAFE_NO_PAD.decode(encoded)?;
    let Some(place) = bytes.windows(4).position(|window| window == b"acme") else {
        bail!("the tenant is not in the token");
    };
    for (byte, forged) in bytes.iter_mut().skip(place).zip(b"evil") {
        *byte = *forged;
    }
    Ok(BearerToken::new(&format!(
        "{PREFIX}{}",
        URL_SAFE_NO_PAD.encode(bytes)
    ))?)
}
