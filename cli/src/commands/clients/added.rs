//! A secret, shown once.

use hallpass_client::AddedSecret;
use hallpass_vocabulary::Timestamp;

use crate::output::{Output, Style};
use crate::words::time;

/// A secret that was retired beside.
#[derive(serde::Serialize)]
pub(super) struct Retired {
    pub(super) secret_id: String,
    pub(super) until: Timestamp,
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    client: &'a str,
    secret_id: &'a str,
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    retired: &'a [Retired],
}

/// Writes the secret, and nothing else, to standard output.
pub(super) fn show(
    added: &AddedSecret,
    retired: &[Retired],
    json: bool,
    output: &mut Output,
) -> anyhow::Result<()> {
    let until = added
        .until
        .map_or("until it is retired".to_owned(), |until| {
            format!("until {}", time(until))
        });
    output.note(&format!(
        "added secret {} to client {}, good {until}",
        added.secret_id, added.client
    ));
    for Retired { secret_id, until } in retired {
        output.note(&format!("secret {secret_id} ends {}", time(*until)));
    }
    let once = output.err_style(
        Style::Caution,
        "The secret is shown this once; only its hash is kept.",
    );
    output.note(&once);
    if json {
        output.json(&Shown {
            client: added.client.as_str(),
            secret_id: &added.secret_id,
            secret: added.secret.expose(),
            until: added.until,
            retired,
        })
    } else {
        Ok(output.line(added.secret.expose())?)
    }
}
