use std::collections::BTreeSet;

use hallpass_keys::{Digest, KeyId, VerifyingKey};
use hallpass_vocabulary as words;
use serde_json::Value;

use super::formats::EXAMPLES;
use super::*;
use crate::http::endpoints::Access;

fn json() -> Value {
    serde_json::from_str(&TEXT).unwrap()
}

/// Every value of a member of this name, anywhere.
fn members<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            for (member, value) in object {
                if member == name {
                    found.push(value);
                }
                members(value, name, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| members(value, name, found)),
        _ => {}
    }
}

#[test]
fn every_endpoint_is_in_it_with_who_may_call_it() {
    let document = json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut operations = 0;
    for path in document["paths"].as_object().unwrap().values() {
        operations += path.as_object().unwrap().len();
    }
    assert_eq!(operations, Endpoint::ALL.len());
    let mut ids = BTreeSet::new();
    for endpoint in Endpoint::ALL {
        let method = endpoint.method().as_str().to_ascii_lowercase();
        let operation = &document["paths"][endpoint.path()][&method];
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{endpoint:?}"
        );
        let open = endpoint.access() == Access::Anyone;
        assert_eq!(operation["security"].is_null(), open, "{endpoint:?}");
        assert!(operation["responses"]["4XX"].is_object(), "{endpoint:?}");
        // Every name in the path is a parameter.
        let named = endpoint.path().matches('{').count();
        let parameters = operation["parameters"].as_array().map_or(0, |parameters| {
            parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .count()
        });
        assert_eq!(parameters, named, "{endpoint:?}");
    }
}

#[test]
fn what_it_refers_to_is_there() {
    let document = json();
    let mut references = Vec::new();
    members(&document, "$ref", &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn every_example_is_one_to_the_type_that_reads_it() {
    for (name, example) in EXAMPLES {
        let read = match *name {
            "Actor" => example.parse::<words::Actor>().is_ok(),
            "Audience" => example.parse::<words::Audience>().is_ok(),
            "AuthorityName" => example.parse::<words::AuthorityId>().is_ok(),
            "ClientName" => example.parse::<words::ClientId>().is_ok(),
            "DecisionIdText" => example.parse::<words::DecisionId>().is_ok(),
            "DigestText" => example.parse::<Digest>().is_ok(),
            "EnvironmentName" => example.parse::<words::Environment>().is_ok(),
            "GroupText" => example.parse::<words::GroupName>().is_ok(),
            "HexKey" => example.parse::<VerifyingKey>().is_ok(),
            "KeyIdText" => example.parse::<KeyId>().is_ok(),
            "OperatorName" => example.parse::<words::OperatorId>().is_ok(),
            "OriginText" => crate::fleet::is_origin(example),
            "PersonName" => example.parse::<words::PersonId>().is_ok(),
            "RequestIdText" => example.parse::<words::RequestId>().is_ok(),
            "RoleName" => example.parse::<words::Role>().is_ok(),
            "RouteName" => example.parse::<words::Route>().is_ok(),
            "RunIdText" => example.parse::<words::RunId>().is_ok(),
            "SelectorText" => example.parse::<hallpass_bundle::Selector>().is_ok(),
            "StopIdText" => example.parse::<words::StopId>().is_ok(),
            "SubjectName" => example.parse::<words::Subject>().is_ok(),
            "TenantName" => example.parse::<words::Tenant>().is_ok(),
            "TokenIdText" => example.parse::<words::TokenId>().is_ok(),
            "ToolText" => example.parse::<words::ToolName>().is_ok(),
            other => panic!("{other} is read by nothing"),
        };
        assert!(read, "{name}: {example}");
    }
}
