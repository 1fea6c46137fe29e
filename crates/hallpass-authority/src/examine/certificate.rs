//! Until when a certificate is good: its validity (RFC 5280 section 4.1.2.5), read without believing anything else in it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_vocabulary::Timestamp;

use super::{Finding, SHORT_LIFE, Verdict, chain, lasting};
use crate::file;

/// The largest file looked at, in bytes.
const FILE_BYTES_MAX: usize = 256 * 1024;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Tags of DER (X.690) that stand on the way.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const EXPLICIT_0: u8 = 0xa0;

pub(super) fn examine(path: &Path, now: Timestamp) -> Finding {
    let subject = "certificate";
    let text = match file::read(path, FILE_BYTES_MAX) {
        Ok(Some(text)) => text,
        Ok(None) => {
            let detail = format!("there is no `{}`", path.display());
            return Finding::new(subject, Verdict::Bad, detail);
        }
        Err(error) => return Finding::new(subject, Verdict::Bad, chain(&error)),
    };
    match not_after(&text) {
        Some(expires) => lasting(subject, "it", expires, now, SHORT_LIFE)
            .hint_if_short("renew it; SIGHUP makes the authority read it again"),
        None => {
            let detail = format!("`{}` holds no certificate", path.display());
            Finding::new(subject, Verdict::Bad, detail)
        }
    }
}

/// When the first certificate of a PEM text ends.
fn not_after(pem: &str) -> Option<Timestamp> {
    let (_, rest) = pem.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let body: String = body.split_whitespace().collect();
    let der = STANDARD.decode(body).ok()?;
    let (_, certificate, _) = element(&der)?;
    let (_, mut rest, _) = element(certificate)?;
    // version [0] (optional), serial number, signature, issuer, validity
    if rest.first() == Some(&EXPLICIT_0) {
        (_, _, rest) = element(rest)?;
    }
    for expected in [INTEGER, SEQUENCE, SEQUENCE] {
        let (tag, _, after) = element(rest)?;
        rest = (tag == expected).then_some(after)?;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, after) = element(validity)?;
    let (tag, time, _) = element(after)?;
    moment(tag, std::str::from_utf8(time).ok()?)
}

/// Tag, content and what follows of the first element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if octets.len() > 4 {
            return None;
        }
        let length = octets
            .iter()
            .fold(0_usize, |length, octet| (length << 8) | usize::from(*octet));
        (length, rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// `YYMMDDHHMMSSZ`, years from 1950; or `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, text: &str) -> Option<Timestamp> {
    let text = match tag {
        UTC_TIME => {
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    if text.get(14..)? != "Z" {
        return None;
    }
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_what_openssl_says() {
        let directory = tempfile::tempdir().unwrap();
        let certificates = hallpass_testkit::Certificates::new(directory.path());
        let (certificate, _) = certificates.issue("server");
        let said = std::process::Command::new("openssl")
            .args(["x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"])
            .arg(&certificate)
            .output()
            .unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let said = said
            .trim()
            .strip_prefix("notAfter=")
            .unwrap()
            .replace(' ', "T");
        let pem = std::fs::read_to_string(&certificate).unwrap();
        let expires = not_after(&pem).unwrap();
        assert_eq!(expires, said.parse().unwrap());

        let day = Duration::from_secs(24 * 60 * 60);
        let verdict = |now| examine(&certificate, now).verdict;
        let long_before = Timestamp::from_unix_ms(expires.unix_ms() - 15 * 86_400_000);
        assert_eq!(verdict(long_before), Verdict::Good);
        assert_eq!(verdict(long_before.after(2 * day)), Verdict::Caution);
        assert_eq!(verdict(expires), Verdict::Bad);
    }

    #[test]
    fn years_are_of_this_century_until_2050() {
        for (tag, text, expected) in [
            (UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z")),
            (UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z")),
            (
                GENERALIZED_TIME,
                "20501231235959Z",
                Some("2050-12-31T23:59:59Z"),
            ),
            (UTC_TIME, "4912312359Z", None),
            (UTC_TIME, "491331235959Z", None),
            (GENERALIZED_TIME, "20501231235959+0100", None),
            (INTEGER, "491231235959Z", None),
            (UTC_TIME, "ä91231235959Z", None),
        ] {
            let expected = expected.map(|text: &str| text.parse().unwrap());
            assert_eq!(moment(tag, text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_is_no_certificate() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, _) =
            hallpass_testkit::Certificates::new(directory.path()).issue("server");
        let pem = std::fs::read_to_string(certificate).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(body).unwrap();
        let mut found = 0;
        for end in 0..der.len() {
            let cut = format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(&der[..end]));
            found += usize::from(not_after(&cut).is_some());
        }
        // The outermost length says how much there must be.
        assert_eq!(found, 0);
    }
}
