//! A record becomes a token. The same record and key give the same bytes: what was handed out once can be handed out again
//! without having been kept.

use hallpass_journal::Minted as MintedRecord;
use hallpass_keys::{SigningKey, VerifyingKey};
use hallpass_token::{
    Caveat, Grant, GrantError, GrantSpec, InvalidCaveat, MintError, NextSecret, TokenText,
};

use super::draft::budgets;

/// What the secret that a token carries for its next block is derived for, from the run key and the token's id. Part of the
/// format of the store: with another label, no token minted before could be handed out again.
const NEXT_SECRET_LABEL: &str = "hallpass.next-secret.v1";

/// A record no token can be made of.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    /// Its caveats are words this release does not know.
    #[error("a caveat of the token cannot be read")]
    Caveat(#[from] InvalidCaveat),
    #[error(transparent)]
    Grant(#[from] GrantError),
    #[error(transparent)]
    Sign(#[from] MintError),
}

/// The token of a record.
pub(super) fn sign(
    record: &MintedRecord,
    key: &SigningKey,
    approval_keys: &[VerifyingKey],
) -> Result<TokenText, Unsigned> {
    let caveats: Vec<Caveat> = record
        .caveats
        .iter()
        .map(|words| words.parse())
        .collect::<Result<_, _>>()?;
    let grant = Grant::new(GrantSpec {
        token: record.token,
        run: record.run,
        tenant: record.tenant.clone(),
        environment: record.env.clone(),
        subject: record.subject.clone(),
        assurance: record.assurance,
        actor: record.actor.clone(),
        client: record.client.clone(),
        route: record.route.clone(),
        roles: record.roles.iter().cloned().collect(),
        audiences: record.audiences.iter().cloned().collect(),
        tools: record.tools.iter().cloned().collect(),
        needs_approval: record.needs_approval.iter().cloned().collect(),
        budgets: budgets(record.budgets),
        holder: record.holder,
        proof: record.proof,
        policy: record.policy,
        issued: record.issued,
        expires: record.expires,
        break_glass: None,
    })?;
    let secret = key.derive(NEXT_SECRET_LABEL, record.token.to_string().as_bytes());
    let next = NextSecret::from_random(*secret);
    Ok(hallpass_token::mint(
        &grant,
        &caveats,
        key,
        approval_keys,
        next,
    )?)
}

#[cfg(test)]
mod tests {
    use hallpass_journal::Spent;
    use hallpass_keys::{Digest, Purpose};
    use hallpass_token::UnverifiedToken;
    use hallpass_vocabulary::{ProofRule, RunId, SubjectAssurance, Timestamp, TokenId};

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [seed; 32])
    }

    fn record() -> MintedRecord {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        MintedRecord {
            token: TokenId::new(now, [1; 10]),
            run: RunId::new(now, [2; 10]),
            client: "one".parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            env: "dev".parse().unwrap(),
            subject: "user:alice".parse().unwrap(),
            assurance: SubjectAssurance::Verified,
            actor: "agent:bot".parse().unwrap(),
            route: "/r".parse().unwrap(),
            audiences: vec!["tickets".parse().unwrap()],
            tools: vec!["kb.search".parse().unwrap()],
            needs_approval: vec!["ticket.close".parse().unwrap()],
            roles: vec!["support".parse().unwrap()],
            proof: ProofRule::Writes,
            issued: now,
            expires: Timestamp::from_unix_seconds(1_800_000_300),
            policy: Digest::of(b"policy"),
            key: key(7).id(),
            idempotency_key: None,
            request_digest: None,
            token_digest: None,
            credential: None,
            caveats: vec![
                "/limit<=100".to_owned(),
                "for kb.search: /query starts with \"a b\"".to_owned(),
            ],
            budgets: Some(Spent {
                calls: Some(25),
                usd_micros: None,
            }),
            holder: Some(key(9).verifying_key()),
            parent: None,
            run_ends: None,
            subject_until: None,
            labels: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn everything_in_the_record_is_in_the_token_and_the_same_bytes_come_again() {
        let (record, key) = (record(), key(7));
        let text = sign(&record, &key, &[]).unwrap();
        let json = serde_json::to_string(&record).unwrap();
        let read: MintedRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(sign(&read, &key, &[]).unwrap().expose(), text.expose());

        let token = UnverifiedToken::parse(text.expose()).unwrap();
        let token = token.verify(&key.verifying_key()).unwrap().admit().unwrap();
        let grant = token.grant();
        assert_eq!(grant.token, record.token);
        assert_eq!(grant.assurance, SubjectAssurance::Verified);
        assert_eq!(grant.holder, record.holder);
        assert_eq!(budgets(record.budgets), grant.budgets);
        assert_eq!(grant.roles.len(), 1);
        assert_eq!(grant.needs_approval.len(), 1);
    }

    #[test]
    fn every_token_has_a_next_secret_of_its_own() {
        let (one, key) = (record(), key(7));
        let mut two = one.clone();
        two.token = TokenId::new(one.issued, [3; 10]);
        let next = |record: &MintedRecord, key: &SigningKey| {
            let secret = key.derive(NEXT_SECRET_LABEL, record.token.to_string().as_bytes());
            *secret
        };
        assert_ne!(next(&one, &key), next(&two, &key));
        assert_ne!(next(&one, &key), next(&one, &self::key(8)));
    }

    #[test]
    fn words_of_a_later_release_are_no_token() {
        let mut record = record();
        record.caveats = vec!["on tuesdays".to_owned()];
        assert!(matches!(
            sign(&record, &key(7), &[]),
            Err(Unsigned::Caveat(_))
        ));
    }
}
