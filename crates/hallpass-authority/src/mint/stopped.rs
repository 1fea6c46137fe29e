//! Whether what a token is to be part of is stopped.

use hallpass_journal::Minted as MintedRecord;
use hallpass_policy::Policy;
use hallpass_vocabulary::{StopId, Timestamp, ToolName};

use super::Minter;
use super::draft::Draft;
use super::lineage::RUN_DEPTH_MAX;
use super::unminted::Unminted;
use crate::request::TokenRequest;
use crate::store::Found;

/// What stands in the way of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// What is stopped: `kind:name`, or `everything`.
    pub(crate) selector: String,
    /// By which stop; none where tokens of this time are cut off.
    pub(crate) stop: Option<StopId>,
    /// From when on tokens are minted again, where that is known.
    pub(crate) again: Option<Timestamp>,
    /// Whether there is a record of the token, which was not handed out.
    pub(crate) recorded: bool,
}

impl Minter {
    /// Whether a token may be handed out. It may not where any run above it is stopped, or anything of what it says.
    pub(super) async fn is_stopped(
        &self,
        minted: &MintedRecord,
        recorded: bool,
        now: Timestamp,
    ) -> Result<(), Unminted> {
        let restraints = self.store.restraints();
        if restraints.is_empty() {
            return Ok(());
        }
        let of_token = selectors(minted);
        let issued = Some(minted.issued);
        let mut found = of_token
            .into_iter()
            .find_map(|it| Some((restraints.found(&it, issued, now)?, it)));
        let mut above = minted.parent;
        for _ in 0..RUN_DEPTH_MAX {
            let (Some(run), None) = (above, &found) else {
                break;
            };
            let row = self.store.run(run).await?;
            let mut of_run = vec![format!("run:{run}")];
            if let Some(row) = &row {
                of_run.push(format!("actor:{}", row.actor));
                of_run.push(format!("route:{}", row.route));
            }
            // Tokens that were cut off came from others above; this one is issued now.
            found = of_run
                .into_iter()
                .find_map(|it| Some((restraints.found(&it, None, now)?, it)));
            above = row.and_then(|row| row.parent);
        }
        match found {
            None => Ok(()),
            Some((found, selector)) => Err(stopped(found, selector, recorded)),
        }
    }

    /// Leaves the tools out of a draft that are stopped, by themselves or with their service: refuses it where they are asked for
    /// by name, or nothing is left.
    pub(super) fn without_stopped(
        &self,
        draft: &mut Draft,
        request: &TokenRequest,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<(), Unminted> {
        let restraints = self.store.restraints();
        if restraints.is_empty() {
            return Ok(());
        }
        let of_tool = |tool: &ToolName| {
            let audience = policy.catalogue().tool(tool).map(|it| &it.audience);
            let audience = audience.map(|audience| format!("audience:{audience}"));
            std::iter::once(format!("tool:{tool}"))
                .chain(audience)
                .find_map(|it| Some((restraints.found(&it, None, now)?, it)))
        };
        let named = request.tools.iter().flatten();
        let mut first = named.filter_map(of_tool).next();
        if first.is_none() {
            let in_the_way: Vec<ToolName> = draft
                .all_tools()
                .filter(|tool| of_tool(tool).is_some())
                .cloned()
                .collect();
            draft.keep(|tool| !in_the_way.contains(tool));
            first = in_the_way
                .first()
                .filter(|_| draft.is_empty())
                .and_then(of_tool);
        }
        match first {
            None => Ok(()),
            Some((found, selector)) => Err(stopped(found, selector, false)),
        }
    }
}

fn stopped(found: Found, selector: String, recorded: bool) -> Unminted {
    let (stop, again) = match found {
        Found::CutOff(before) => (None, Some(before)),
        Found::Stop(stop) => (Some(stop), None),
    };
    Unminted::Stopped(Box::new(Stopped {
        selector,
        stop,
        again,
        recorded,
    }))
}

/// Everything a token is part of, as stops name it.
fn selectors(minted: &MintedRecord) -> Vec<String> {
    let mut selectors = vec![
        "everything".to_owned(),
        format!("environment:{}", minted.env),
        format!("tenant:{}", minted.tenant),
        format!("subject:{}", minted.subject),
        format!("actor:{}", minted.actor),
        format!("client:{}", minted.client),
        format!("route:{}", minted.route),
        format!("run:{}", minted.run),
        format!("token:{}", minted.token),
    ];
    selectors.extend(minted.audiences.iter().map(|it| format!("audience:{it}")));
    let tools = minted.tools.iter().chain(&minted.needs_approval);
    selectors.extend(tools.map(|it| format!("tool:{it}")));
    selectors
}
