//! `GET /v1/operators`: who may act on this authority, as the policy in force has it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hallpass_keys::KeyId;
use hallpass_vocabulary::{GroupName, OperatorId, OperatorRole, PersonId};

use crate::service::Service;

#[derive(serde::Serialize)]
struct Listed {
    operators: Vec<ListedOperator>,
    groups: Vec<ListedGroup>,
}

#[derive(serde::Serialize)]
struct ListedOperator {
    operator: OperatorId,
    person: PersonId,
    roles: Vec<OperatorRole>,
    /// The ids of its keys.
    keys: Vec<KeyId>,
}

#[derive(serde::Serialize)]
struct ListedGroup {
    group: GroupName,
    summary: String,
    members: Vec<OperatorId>,
}

pub(super) async fn list(State(service): State<Arc<Service>>) -> Response {
    let in_force = service.policy();
    let policy = &in_force.policy;
    let operators = policy.operators().map(|(operator, rule)| ListedOperator {
        operator: operator.clone(),
        person: rule.person().clone(),
        roles: rule.roles().iter().copied().collect(),
        keys: rule
            .keys()
            .iter()
            .map(hallpass_keys::VerifyingKey::id)
            .collect(),
    });
    let groups = policy.groups().map(|(group, rule)| ListedGroup {
        group: group.clone(),
        summary: rule.summary().to_owned(),
        members: rule.members().iter().cloned().collect(),
    });
    let listed = Listed {
        operators: operators.collect(),
        groups: groups.collect(),
    };
    let mut response = Json(listed).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
