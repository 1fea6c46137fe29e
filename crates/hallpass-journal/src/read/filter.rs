//! Which records a query wants.

use std::borrow::Cow;

use hallpass_vocabulary::{DecisionId, RunId, Subject, Tenant, Timestamp, TokenId, ToolName};

use super::Record;
use crate::Verdict;

/// A record matches when it has everything that is asked for here; nothing asked matches every record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Written at this time or later.
    pub since: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this decision.
    pub decision: Option<DecisionId>,
    /// About this run.
    pub run: Option<RunId>,
    /// About this token.
    pub token: Option<TokenId>,
    /// About this tenant.
    pub tenant: Option<Tenant>,
    /// On behalf of this subject.
    pub subject: Option<Subject>,
    /// About this tool: called, or among those granted.
    pub tool: Option<ToolName>,
    /// With this code.
    pub code: Option<String>,
    /// With this verdict.
    pub verdict: Option<Verdict>,
}

/// The members a filter looks at, whatever the kind.
#[derive(serde::Deserialize)]
struct Members<'a> {
    decision: Option<DecisionId>,
    run: Option<RunId>,
    token: Option<TokenId>,
    tenant: Option<Tenant>,
    subject: Option<Subject>,
    tool: Option<ToolName>,
    #[serde(default)]
    tools: Vec<ToolName>,
    #[serde(default)]
    needs_approval: Vec<ToolName>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    verdict: Option<Verdict>,
}

impl Filter {
    /// Whether the record has everything asked for.
    pub fn matches(&self, record: &Record) -> bool {
        let in_time = self.since.is_none_or(|since| record.time() >= since)
            && self.until.is_none_or(|until| record.time() < until);
        let of_kind = self
            .kind
            .as_deref()
            .is_none_or(|kind| kind == record.kind());
        in_time && of_kind && (!self.asks_for_members() || self.members_match(record))
    }

    fn asks_for_members(&self) -> bool {
        let Self {
            since: _,
            until: _,
            kind: _,
            decision,
            run,
            token,
            tenant,
            subject,
            tool,
            code,
            verdict,
        } = self;
        decision.is_some()
            || run.is_some()
            || token.is_some()
            || tenant.is_some()
            || subject.is_some()
            || tool.is_some()
            || code.is_some()
            || verdict.is_some()
    }

    fn members_match(&self, record: &Record) -> bool {
        // A record whose members mean something else is of a kind nothing here can ask about.
        let Ok(members) = serde_json::from_str::<Members<'_>>(record.line()) else {
            return false;
        };
        let tool_matches = self.tool.as_ref().is_none_or(|tool| {
            let mut named = members
                .tool
                .iter()
                .chain(&members.tools)
                .chain(&members.needs_approval);
            named.any(|named| named == tool)
        });
        tool_matches
            && has(&self.decision, &members.decision)
            && has(&self.run, &members.run)
            && has(&self.token, &members.token)
            && has(&self.tenant, &members.tenant)
            && has(&self.subject, &members.subject)
            && has(&self.verdict, &members.verdict)
            && (self.code.is_none() || self.code.as_deref() == members.code.as_deref())
    }
}

fn has<T: PartialEq>(wanted: &Option<T>, found: &Option<T>) -> bool {
    wanted.is_none() || wanted == found
}
