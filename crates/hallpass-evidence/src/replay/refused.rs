//! One request for a token that was refused, asked again. The record has who asked for whom, not for which agent, tools or life.

use hallpass_journal::MintRefused;
use hallpass_policy::{Policy, PolicyRefusal, Tenants};
use hallpass_vocabulary::Environment;

use super::Answer;
use super::call::Again;

pub(super) fn again(policy: &Policy, environment: &Environment, refused: &MintRefused) -> Again {
    let code = refused.code.as_str();
    // What the policy does not refuse, such as a rate or the end of a run, it does not allow either.
    let Some(before) = PolicyRefusal::ALL.iter().find(|it| it.code() == code) else {
        return Again::OtherReason;
    };
    let refuse = |refusal: PolicyRefusal| Again::Is(Answer::Deny, format!("`{}`", refusal.code()));
    let (Some(client), Some(route), Some(tenant)) =
        (&refused.client, &refused.route, &refused.tenant)
    else {
        return Again::NotTold("who asked for what is not recorded whole".to_owned());
    };
    let Some(rule) = policy.route(route) else {
        return refuse(PolicyRefusal::RouteUnknown);
    };
    let known = policy.client(client).is_some();
    if !known || !rule.clients().iter().any(|it| it.matches(client.as_str())) {
        return refuse(PolicyRefusal::ClientNotAllowed);
    }
    if rule
        .environments()
        .is_some_and(|it| !it.contains(environment))
    {
        return refuse(PolicyRefusal::EnvironmentNotAllowed);
    }
    if matches!(rule.tenants(), Tenants::Only(tenants) if !tenants.contains(tenant)) {
        return refuse(PolicyRefusal::TenantNotAllowed);
    }
    if *before == PolicyRefusal::SubjectUnverified && rule.verified() {
        return refuse(PolicyRefusal::SubjectUnverified);
    }
    Again::NotTold("which agent, tools and life were asked for is not recorded".to_owned())
}
