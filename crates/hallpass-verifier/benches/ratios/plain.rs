//! The peer: the same question answered by biscuit-auth alone, as its documentation has it.

use std::time::{Duration, UNIX_EPOCH};

use biscuit_auth::builder::Algorithm;
use biscuit_auth::macros::{authorizer, biscuit, block};
use biscuit_auth::{AuthorizerLimits, Biscuit, KeyPair, PrivateKey, PublicKey};
use hallpass_vocabulary::Timestamp;

use crate::world::NOW;

/// A token of biscuit-auth, and who reads it.
pub struct Peer {
    root: PublicKey,
    text: String,
}

impl Peer {
    /// A token with the claims of ours and nothing else: tenant, environment, run, subject, route, five tools, expiry.
    /// Each block after the first narrows it to one tool.
    pub fn new(blocks: usize) -> Self {
        let private = PrivateKey::from_bytes(&[1; 32], Algorithm::Ed25519);
        let keys = KeyPair::from(&private.unwrap());
        let mut token = biscuit!(
            r#"
            tenant("acme"); env("prod"); run({run}); subject("user:alice"); route("/support/draft");
            right("kb.search"); right("tickets.get"); right("ticket.update"); right("tickets.list"); right("kb.get");
            check if time($now), $now < {expires};
            "#,
            run = crate::world::grant().run.to_string(),
            expires = date(NOW.after(Duration::from_secs(600))),
        )
        .build(&keys)
        .unwrap();
        for _ in 1..blocks {
            token = token
                .append(block!(
                    r#"check if call($tool), ["kb.search"].contains($tool);"#
                ))
                .unwrap();
        }
        Self {
            root: keys.public(),
            text: token.to_base64().unwrap(),
        }
    }

    /// From text to answer: decode, verify every signature, decide.
    pub fn authorize(&self) {
        let token = Biscuit::from_base64(&self.text, self.root).unwrap();
        authorizer!(
            r#"
            time({now}); call("kb.search");
            check if env("prod");
            allow if call($tool), right($tool);
            "#,
            now = date(NOW),
        )
        .set_limits(limits())
        .build(&token)
        .unwrap()
        .authorize()
        .unwrap();
    }
}

/// The same, of a token as Hallpass mints it: heavier for the engine than a token made for it.
pub struct OnOurs {
    root: PublicKey,
    text: String,
}

impl OnOurs {
    pub fn new(text: &str, root: &[u8; 32]) -> Self {
        let root = PublicKey::from_bytes(root, Algorithm::Ed25519);
        Self {
            root: root.unwrap(),
            text: text.strip_prefix("hp1.").unwrap().to_owned(),
        }
    }

    pub fn authorize(&self) {
        let token = Biscuit::from_base64(&self.text, self.root).unwrap();
        authorizer!(
            r#"
            time({now}); call:audience("tickets"); call:env("prod"); call:tool("kb.search");
            call:args("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"); call:blocks(1);
            allow if true;
            "#,
            now = date(NOW),
        )
        .set_limits(limits())
        .build(&token)
        .unwrap()
        .authorize()
        .unwrap();
    }
}

fn date(time: Timestamp) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.unix_seconds()).unwrap())
}

/// The default of 1 ms fails on a busy machine.
fn limits() -> AuthorizerLimits {
    AuthorizerLimits {
        max_time: Duration::from_secs(1),
        ..AuthorizerLimits::default()
    }
}
