//! Every endpoint there is: method, path, and who may call it. The router is made of this table and of nothing else.

use std::fmt;

use axum::http::Method;

use crate::operator::Permission;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever reaches the port: what it answers is signed, or says nothing about anybody.
    Anyone,
    /// A client.
    Client,
    /// A client about what is its own; an operator with this permission about everything.
    ClientOr(Permission),
    /// An operator with this permission.
    Operator(Permission),
    /// A verifier, or who is to become one: with its own key.
    Verifier,
}

macro_rules! endpoints {
    ($($name:ident $method:ident $path:literal $access:expr;)+) => {
        /// The endpoints by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Endpoint {
            $(#[doc = concat!("`", stringify!($method), " ", $path, "`")] $name,)+
        }

        impl Endpoint {
            /// Every endpoint, alphabetically.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its method.
            pub(crate) fn method(self) -> Method {
                match self { $(Self::$name => Method::$method),+ }
            }

            /// Its path, with `{names}` where anything may stand.
            pub(crate) fn path(self) -> &'static str {
                match self { $(Self::$name => $path),+ }
            }

            /// Who may call it.
            pub(crate) fn access(self) -> Access {
                match self { $(Self::$name => $access),+ }
            }
        }
    };
}

endpoints! {
    BundleEvents GET "/v1/bundle/events" Access::Anyone;
    BundleGet GET "/v1/bundle" Access::Anyone;
    ClientDisable POST "/v1/clients/{client}/disable" Access::Operator(Permission::ManageClients);
    ClientEnable POST "/v1/clients/{client}/enable" Access::Operator(Permission::ManageClients);
    ClientSecretAdd POST "/v1/clients/{client}/secrets" Access::Operator(Permission::ManageClients);
    ClientSecretRetire DELETE "/v1/clients/{client}/secrets/{secret}" Access::Operator(Permission::ManageClients);
    ClientsList GET "/v1/clients" Access::Operator(Permission::Read);
    ClockRead POST "/v1/clock" Access::Anyone;
    DecisionGet GET "/v1/decisions/{decision}" Access::Operator(Permission::Read);
    DecisionsList GET "/v1/decisions" Access::Operator(Permission::Read);
    HeartbeatGet GET "/v1/heartbeat" Access::Anyone;
    KeyRetire POST "/v1/keys/{key}/retire" Access::Operator(Permission::ManageKeys);
    KeyTaint POST "/v1/keys/{key}/taint" Access::Operator(Permission::ManageKeys);
    KeysList GET "/v1/keys" Access::Operator(Permission::Read);
    KeysRotate POST "/v1/keys/rotate" Access::Operator(Permission::ManageKeys);
    Livez GET "/livez" Access::Anyone;
    Metrics GET "/metrics" Access::Anyone;
    OauthToken POST "/oauth/token" Access::Client;
    OpenApi GET "/openapi.json" Access::Anyone;
    OperatorsList GET "/v1/operators" Access::Operator(Permission::Read);
    PolicyGet GET "/v1/policy" Access::Operator(Permission::Read);
    PolicyReload POST "/v1/policy/reload" Access::Operator(Permission::ReloadPolicy);
    Readyz GET "/readyz" Access::Anyone;
    RevocationAdd POST "/v1/revocations" Access::Operator(Permission::Stop);
    RootInstall POST "/v1/roots" Access::Operator(Permission::ManageKeys);
    RunEnd POST "/v1/runs/{run}/end" Access::ClientOr(Permission::EndRuns);
    RunGet GET "/v1/runs/{run}" Access::Operator(Permission::Read);
    RunsList GET "/v1/runs" Access::Operator(Permission::Read);
    StopGet GET "/v1/stops/{stop}" Access::Operator(Permission::Read);
    StopLift POST "/v1/stops/{stop}/lift" Access::Operator(Permission::Stop);
    StopPlace POST "/v1/stops" Access::Operator(Permission::Stop);
    StopsList GET "/v1/stops" Access::Operator(Permission::Read);
    TokenGet GET "/v1/tokens/{token}" Access::Operator(Permission::Read);
    TokenMint POST "/v1/tokens" Access::Client;
    TokensList GET "/v1/tokens" Access::Operator(Permission::Read);
    VerifierEnrol POST "/v1/verifiers" Access::Verifier;
    VerifierGet GET "/v1/verifiers/{origin}" Access::Operator(Permission::Read);
    VerifierInvite POST "/v1/verifiers/codes" Access::Operator(Permission::ManageVerifiers);
    VerifierReport POST "/v1/verifiers/{origin}/report" Access::Verifier;
    VerifierRetire POST "/v1/verifiers/{origin}/retire" Access::Operator(Permission::ManageVerifiers);
    VerifierShip POST "/v1/verifiers/{origin}/records" Access::Verifier;
    VerifiersList GET "/v1/verifiers" Access::Operator(Permission::Read);
    WellKnown GET "/.well-known/hallpass" Access::Anyone;
}

/// An endpoint as its documentation has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointEntry {
    /// The path, with `{names}` where anything may stand.
    pub path: &'static str,
    /// The method.
    pub method: String,
    /// Who may call it, in words.
    pub access: String,
}

/// Every endpoint there is, by path.
pub fn endpoints() -> Vec<EndpointEntry> {
    let entry = |endpoint: &Endpoint| EndpointEntry {
        path: endpoint.path(),
        method: endpoint.method().to_string(),
        access: endpoint.access().to_string(),
    };
    let mut entries: Vec<EndpointEntry> = Endpoint::ALL.iter().map(entry).collect();
    entries.sort();
    entries
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Client => f.write_str("client"),
            Self::ClientOr(permission) => write!(f, "client; {permission}"),
            Self::Operator(permission) => write!(f, "{permission}"),
            Self::Verifier => f.write_str("verifier"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_endpoint_stands_twice_and_none_out_of_order() {
        let key = |endpoint: &Endpoint| (endpoint.path(), endpoint.method().to_string());
        let mut keys: Vec<_> = Endpoint::ALL.iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Endpoint::ALL.len());
        let names: Vec<String> = Endpoint::ALL.iter().map(|it| format!("{it:?}")).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    /// What changes anything is never open, and what only looks is never called with another method.
    #[test]
    fn what_anyone_may_call_only_looks() {
        for endpoint in Endpoint::ALL {
            // Who asks for the time sends a nonce, and nothing changes by it.
            if endpoint.access() == Access::Anyone && *endpoint != Endpoint::ClockRead {
                assert_eq!(endpoint.method(), Method::GET, "{endpoint:?}");
            }
            if endpoint.access() == Access::Operator(Permission::Read) {
                assert_eq!(endpoint.method(), Method::GET, "{endpoint:?}");
            }
        }
    }
}
