//! What each endpoint is for, takes and answers.

use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, ContentBuilder, HeaderBuilder, Ref, RefOr, Required, Schema};

use super::documents as answer;
use super::fleet;
use super::formats::RequestIdText;
use super::{CLIENT_BASIC, CLIENT_BEARER, OPERATOR, VERIFIER, key_documents, parameters, requests};
use crate::http::endpoints::{Access, Endpoint};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// What is said of one endpoint.
struct Told {
    id: &'static str,
    summary: &'static str,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: Vec<(&'static str, Response)>,
}

impl Told {
    fn new(id: &'static str, summary: &'static str, status: &'static str, good: Response) -> Self {
        Self {
            id,
            summary,
            parameters: Vec::new(),
            body: None,
            answers: vec![(status, good)],
        }
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn taking(mut self, parameters: Vec<Parameter>) -> Self {
        self.parameters = parameters;
        self
    }

    fn body(mut self, body: RequestBody) -> Self {
        self.body = Some(body);
        self
    }

    fn also(mut self, status: &'static str, response: Response) -> Self {
        self.answers.push((status, response));
        self
    }
}

/// The operation of an endpoint.
pub(super) fn of(endpoint: Endpoint) -> Operation {
    let told = told(endpoint);
    let mut operation = OperationBuilder::new()
        .operation_id(Some(told.id))
        .summary(Some(told.summary))
        .request_body(told.body);
    for parameter in told.parameters {
        operation = operation.parameter(parameter);
    }
    for (status, response) in told.answers {
        operation = operation.response(status, response);
    }
    if endpoint != Endpoint::OauthToken {
        operation = operation.response("4XX", problem());
    }
    operation = operation.response("503", problem());
    for requirement in security(endpoint.access()) {
        operation = operation.security(requirement);
    }
    operation.build()
}

fn told(endpoint: Endpoint) -> Told {
    let client = || parameters::in_path("client", "The client.");
    let origin = || parameters::in_path("origin", "The last part of the name of its journal.");
    match endpoint {
        Endpoint::BundleEvents => Told::new(
            "listenToBundle",
            "Every heartbeat and every new bundle, as server-sent events",
            "200",
            events(),
        ),
        Endpoint::BundleGet => Told::new(
            "getBundle",
            "The roots, the signed bundle and a heartbeat",
            "200",
            json::<answer::BundleDocument>("All three, with an `ETag`."),
        )
        .also("304", bare("The heartbeat is still the newest.")),
        Endpoint::ClientDisable => Told::new(
            "disableClient",
            "A client may no longer ask for anything",
            "200",
            json::<answer::ClientStanding>("It is disabled."),
        )
        .with(client()),
        Endpoint::ClientEnable => Told::new(
            "enableClient",
            "A client may ask again",
            "200",
            json::<answer::ClientStanding>("It is enabled."),
        )
        .with(client()),
        Endpoint::ClientSecretAdd => Told::new(
            "addClientSecret",
            "A new secret of a client, shown this once",
            "201",
            json::<answer::AddedSecret>("The secret."),
        )
        .with(client())
        .body(sent::<requests::NewSecret>(JSON, Required::False)),
        Endpoint::ClientSecretRetire => Told::new(
            "retireClientSecret",
            "A secret of a client opens nothing any more, now or after a while",
            "200",
            json::<answer::RetiredSecret>("From when on."),
        )
        .with(client())
        .with(parameters::in_path("secret", "The secret's public id."))
        .with(parameters::after_seconds()),
        Endpoint::ClientsList => Told::new(
            "listClients",
            "Who may ask for tokens, and with what",
            "200",
            json::<answer::ClientList>("Every client."),
        ),
        Endpoint::ClockRead => Told::new(
            "readClock",
            "What time it is at the authority, signed for who asks",
            "200",
            json::<answer::SignedDocument>("The time."),
        )
        .body(sent::<requests::ClockQuestion>(JSON, Required::True)),
        Endpoint::DecisionGet => Told::new(
            "getDecision",
            "What is on record of a decision of a service, from the journals that verifiers shipped",
            "200",
            json::<fleet::FoundDecision>("Its records."),
        )
        .with(parameters::in_path("decision", "The decision.")),
        Endpoint::DecisionsList => Told::new(
            "listDecisions",
            "What was decided and done, from the authority's own journal, newest first",
            "200",
            json::<answer::DecisionList>("A page."),
        )
        .taking(parameters::of_decisions()),
        Endpoint::HeartbeatGet => Told::new(
            "getHeartbeat",
            "The newest heartbeat, which names the bundle in force",
            "200",
            json::<answer::SignedDocument>("The heartbeat."),
        ),
        Endpoint::KeyRetire => Told::new(
            "retireKey",
            "A key is published no more, before its time",
            "200",
            json::<key_documents::RetiredKey>("It is not."),
        )
        .with(parameters::in_path("key", "The id of the key."))
        .body(sent::<key_documents::RetireKey>(JSON, Required::False)),
        Endpoint::KeyTaint => Told::new(
            "taintKey",
            "A key is not believed any more, and another one signs",
            "200",
            json::<key_documents::TaintedKey>("It is not."),
        )
        .with(parameters::in_path("key", "The id of the key."))
        .body(sent::<key_documents::TaintKey>(JSON, Required::True)),
        Endpoint::KeysList => Told::new(
            "listKeys",
            "Where the authority's keys stand",
            "200",
            json::<key_documents::KeyList>("Every key."),
        ),
        Endpoint::KeysRotate => Told::new(
            "rotateKey",
            "The next step of a rotation, once its time has come",
            "200",
            json::<key_documents::KeyRotation>("What it is at."),
        )
        .body(sent::<key_documents::RotateKey>(JSON, Required::True)),
        Endpoint::Livez => Told::new(
            "getLiveness",
            "Whether the process answers",
            "200",
            json::<answer::Health>("It does."),
        ),
        Endpoint::Metrics => Told::new("getMetrics", "Measurements", "200", openmetrics()),
        Endpoint::OauthToken => Told::new(
            "exchangeToken",
            "A token by token exchange (RFC 8693)",
            "200",
            json::<answer::OauthToken>("The token."),
        )
        .with(parameters::idempotency_key())
        .body(sent::<requests::TokenExchange>(
            "application/x-www-form-urlencoded",
            Required::True,
        ))
        .also("4XX", oauth_refusal()),
        Endpoint::OpenApi => Told::new(
            "getOpenApi",
            "This document",
            "200",
            described(
                "It.",
                ContentBuilder::new().schema(Some(any_object())).build(),
            ),
        ),
        Endpoint::OperatorsList => Told::new(
            "listOperators",
            "Who may act on this authority",
            "200",
            json::<answer::OperatorList>("Operators and groups."),
        ),
        Endpoint::PolicyGet => Told::new(
            "getPolicy",
            "The policy in force",
            "200",
            json::<answer::PolicyInForce>("The policy."),
        ),
        Endpoint::PolicyReload => Told::new(
            "reloadPolicy",
            "The policy on disk is put in force, or refused whole",
            "200",
            json::<answer::ReloadedPolicy>("It is in force."),
        ),
        Endpoint::Readyz => Told::new(
            "getReadiness",
            "Whether it can mint",
            "200",
            json::<answer::Health>("It can."),
        ),
        Endpoint::RevocationAdd => Told::new(
            "addRevocation",
            "A token, or a secret of a client, is not good any more",
            "200",
            json::<answer::RevokedToken>("It is not."),
        )
        .body(sent::<requests::RevokeToken>(JSON, Required::True)),
        Endpoint::RootInstall => Told::new(
            "installRoot",
            "The root after the one in force, signed by the keys of both",
            "200",
            json::<key_documents::InstalledRoot>("It is in force."),
        )
        .body(sent::<key_documents::RootEnvelope>(JSON, Required::True)),
        Endpoint::RunEnd => Told::new(
            "endRun",
            "A run, and those it started, get no further token",
            "200",
            json::<answer::RunEnded>("It is ended."),
        )
        .with(parameters::in_path("run", "The run."))
        .body(sent::<requests::EndRun>(JSON, Required::False)),
        Endpoint::RunGet => Told::new(
            "getRun",
            "A run",
            "200",
            json::<answer::RunDocument>("The run."),
        )
        .with(parameters::in_path("run", "The run.")),
        Endpoint::RunsList => Told::new(
            "listRuns",
            "Runs, newest first",
            "200",
            json::<answer::RunList>("A page."),
        )
        .taking(parameters::of_runs()),
        Endpoint::StopGet => Told::new(
            "getStop",
            "A stop",
            "200",
            json::<answer::StopDocument>("The stop."),
        )
        .with(parameters::in_path("stop", "The stop.")),
        Endpoint::StopLift => Told::new(
            "liftStop",
            "A stop is lifted; a wide one once two people have asked",
            "200",
            json::<answer::LiftedStop>("It is over."),
        )
        .with(parameters::in_path("stop", "The stop."))
        .also(
            "202",
            json::<answer::LiftedStop>("Another person has to ask."),
        ),
        Endpoint::StopPlace => Told::new(
            "placeStop",
            "Nothing of what is named is minted, renewed or carried out any more",
            "201",
            json::<answer::PlacedStop>("It is in force."),
        )
        .body(sent::<requests::NewStop>(JSON, Required::True))
        .also("200", json::<answer::PlacedStop>("It was in force before.")),
        Endpoint::StopsList => Told::new(
            "listStops",
            "Stops, newest first",
            "200",
            json::<answer::StopList>("A page."),
        )
        .taking(parameters::of_stops()),
        Endpoint::TokenGet => Told::new(
            "getToken",
            "The record of a token",
            "200",
            json::<answer::TokenDocument>("The record."),
        )
        .with(parameters::in_path("token", "The token's id.")),
        Endpoint::TokenMint => Told::new(
            "mintToken",
            "A token for a run",
            "201",
            json::<answer::MintedToken>("The token."),
        )
        .with(parameters::idempotency_key())
        .body(sent::<requests::TokenRequest>(JSON, Required::True)),
        Endpoint::TokensList => Told::new(
            "listTokens",
            "Records of tokens, newest first",
            "200",
            json::<answer::TokenList>("A page."),
        )
        .taking(parameters::of_tokens()),
        Endpoint::VerifierEnrol => Told::new(
            "enrolVerifier",
            "A verifier becomes known",
            "200",
            json::<fleet::EnrolledVerifier>("It is known."),
        )
        .body(sent::<fleet::EnrolVerifier>(JSON, Required::True)),
        Endpoint::VerifierGet => Told::new(
            "getVerifier",
            "A verifier, and what it last said",
            "200",
            json::<fleet::ShownVerifier>("The verifier."),
        )
        .with(origin()),
        Endpoint::VerifierInvite => Told::new(
            "inviteVerifier",
            "A code with which one verifier may enrol, shown this once",
            "201",
            json::<fleet::EnrolmentCode>("The code."),
        )
        .body(sent::<fleet::InviteVerifier>(JSON, Required::True)),
        Endpoint::VerifierReport => Told::new(
            "reportVerifier",
            "What a verifier says of itself",
            "200",
            json::<fleet::ReportAnswer>("It is heard."),
        )
        .with(origin())
        .body(sent::<fleet::VerifierReport>(JSON, Required::True)),
        Endpoint::VerifierRetire => Told::new(
            "retireVerifier",
            "Nothing a verifier signs is believed any more",
            "200",
            json::<fleet::ShownVerifier>("It is retired."),
        )
        .with(origin())
        .body(sent::<fleet::RetireVerifier>(JSON, Required::False)),
        Endpoint::VerifierShip => Told::new(
            "shipRecords",
            "Lines of a verifier's journal, packed",
            "200",
            json::<fleet::ShipmentAnswer>("They have arrived."),
        )
        .with(origin())
        .with(parameters::from())
        .with(parameters::frontier())
        .body(packed()),
        Endpoint::VerifiersList => Told::new(
            "listVerifiers",
            "Which verifiers are known, and how each is",
            "200",
            json::<fleet::VerifierList>("Every verifier."),
        )
        .with(parameters::version()),
        Endpoint::WellKnown => Told::new(
            "getWellKnown",
            "Who this is, and where things are",
            "200",
            json::<answer::WellKnown>("That."),
        ),
    }
}

/// Any one of these is enough.
fn security(access: Access) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let one = |name: &str| SecurityRequirement::new(name, none);
    match access {
        Access::Anyone => Vec::new(),
        Access::Client => vec![one(CLIENT_BASIC), one(CLIENT_BEARER)],
        Access::ClientOr(_) => vec![one(CLIENT_BASIC), one(CLIENT_BEARER), one(OPERATOR)],
        Access::Operator(_) => vec![one(OPERATOR)],
        Access::Verifier => vec![one(VERIFIER)],
    }
}

fn schema_of<T: ToSchema>() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(T::name())))
        .build()
}

fn sent<T: ToSchema>(media_type: &str, required: Required) -> RequestBody {
    RequestBodyBuilder::new()
        .content(media_type, schema_of::<T>())
        .required(Some(required))
        .build()
}

/// Lines in gzip.
fn packed() -> RequestBody {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let content = ContentBuilder::new().schema(Some(text)).build();
    RequestBodyBuilder::new()
        .content("application/gzip", content)
        .required(Some(Required::True))
        .build()
}

fn json<T: ToSchema>(description: &str) -> Response {
    described(description, schema_of::<T>())
}

fn described(description: &str, content: Content) -> Response {
    with_id(ResponseBuilder::new().description(description))
        .content(JSON, content)
        .build()
}

fn bare(description: &str) -> Response {
    with_id(ResponseBuilder::new().description(description)).build()
}

fn events() -> Response {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let event = ObjectBuilder::new()
        .property("event", text().enum_values(Some(["bundle", "heartbeat"])))
        .required("event")
        .property("data", text())
        .required("data");
    let content = ContentBuilder::new().schema(Some(event)).build();
    with_id(
        ResponseBuilder::new()
            .description("Events `heartbeat` and `bundle`, until the stream ends."),
    )
    .content("text/event-stream", content)
    .build()
}

fn openmetrics() -> Response {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let content = ContentBuilder::new().schema(Some(text)).build();
    with_id(ResponseBuilder::new().description("OpenMetrics."))
        .content("application/openmetrics-text", content)
        .build()
}

fn problem() -> Response {
    with_id(ResponseBuilder::new().description("Why not."))
        .content(PROBLEM, schema_of::<answer::Problem>())
        .build()
}

fn oauth_refusal() -> Response {
    with_id(ResponseBuilder::new().description("Why not."))
        .content(JSON, schema_of::<answer::OauthRefusal>())
        .content(PROBLEM, schema_of::<answer::Problem>())
        .build()
}

/// The id of the request, which every answer has.
fn with_id(response: ResponseBuilder) -> ResponseBuilder {
    let schema = <RequestIdText as utoipa::PartialSchema>::schema();
    response.header(
        "Hallpass-Request",
        HeaderBuilder::new().schema(Some(schema)).build(),
    )
}

fn any_object() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Object).into()
}
