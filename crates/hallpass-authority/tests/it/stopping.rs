//! Stopping as the tests do it: an operator's requests, and what a verifier makes of a token under the bundle of now.

use hallpass_bundle::{Restricted, Restrictions, Snapshot, Standing, accept};
use hallpass_vocabulary::{Clock as _, Timestamp, ToolName};
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running};
use crate::signing::Call;

impl Running {
    /// Stops something, as the operator of this role.
    pub async fn stop_as(&self, home: &Home, role: &str, selector: &str) -> Answer {
        let body = json!({"selector": selector, "reason": "a test"}).to_string();
        let call = Call::new("POST", "/v1/stops").body(&body);
        self.as_operator(home, role, &call).await
    }

    /// Stops something; the id of the stop.
    pub async fn stopped(&self, home: &Home, selector: &str) -> String {
        let answer = self.stop_as(home, "operator", selector).await;
        assert_eq!(answer.status, 201, "{selector}: {answer:?}");
        assert!(answer.json["bundle_version"].is_u64(), "{answer:?}");
        answer.json["stop"]["stop_id"].as_str().unwrap().to_owned()
    }

    pub async fn lift_as(&self, home: &Home, role: &str, stop: &str) -> Answer {
        let call = Call::new("POST", &format!("/v1/stops/{stop}/lift"));
        self.as_operator(home, role, &call).await
    }

    /// Lifts a stop, with the two people it may take.
    pub async fn resumed(&self, home: &Home, stop: &str) {
        let mut lifted = self.lift_as(home, "operator", stop).await;
        if lifted.status == 202 {
            lifted = self.lift_as(home, "admin", stop).await;
        }
        assert_eq!(lifted.status, 200, "{lifted:?}");
        assert_eq!(lifted.json["stop"]["state"], "lifted");
    }

    pub async fn revoke(&self, home: &Home, body: &Value) -> Answer {
        let call = Call::new("POST", "/v1/revocations").body(&body.to_string());
        self.as_operator(home, "operator", &call).await
    }

    /// The bundle of now, as a verifier believes it.
    pub async fn snapshot(&self, home: &Home) -> Snapshot {
        let response = self.http.get(self.url("/v1/bundle?format=2")).send().await;
        let body = response.unwrap().bytes().await.unwrap();
        accept(&body, &home.report.trust_root, None, home.clock.now()).unwrap()
    }

    /// What the bundle of now denies.
    pub async fn told(&self, home: &Home) -> Restrictions {
        let snapshot = self.snapshot(home).await;
        Restrictions {
            stops: snapshot.stops().to_vec(),
            revocations: snapshot.revocations().to_vec(),
            cutoffs: snapshot.cutoffs().to_vec(),
        }
    }
}

/// Why a verifier with this bundle denies a call of a tool with a minted token.
pub fn restricted(
    snapshot: &Snapshot,
    minted: &Value,
    tool: &str,
    now: Timestamp,
) -> Option<&'static str> {
    let text = |name: &str| minted[name].as_str().unwrap();
    let tool: ToolName = tool.parse().unwrap();
    let audience = &snapshot.catalogue().tool(&tool).unwrap().audience;
    let standing = Standing {
        token: text("token_id").parse().unwrap(),
        run: text("run_id").parse().unwrap(),
        issued: text("issued_at").parse().unwrap(),
        tenant: &text("tenant").parse().unwrap(),
        subject: &text("subject").parse().unwrap(),
        actors: &[text("actor").parse().unwrap()],
        client: &"demo-orchestrator".parse().unwrap(),
        route: &text("route").parse().unwrap(),
        environment: &"dev".parse().unwrap(),
        audience,
        tool: &tool,
    };
    snapshot.restriction(&standing, now).map(|why| match why {
        Restricted::CutOff { .. } => "cut off",
        Restricted::Revoked => "revoked",
        Restricted::Stopped { .. } => "stopped",
    })
}
