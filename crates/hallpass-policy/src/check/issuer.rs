//! The issuers: what each signs, where its keys come from, and how a subject's token is read.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hallpass_args::UrlParts;
use hallpass_vocabulary::{IssuerName, Role, Subject};
use toml::Spanned;

use super::entries::Entry;
use super::reader::Reader;
use crate::ROLES_PER_ISSUER_MAX;
use crate::document::IssuerSection;
use crate::effective::Roles;
use crate::fault::Fault;
use crate::issuer::{IssuerRule, KeySource, SubjectClaims, Vouches};

/// The claim that names the subject, where the policy does not say.
const SUBJECT_CLAIM_DEFAULT: &str = "sub";

/// The kind of subject it is, likewise.
const SUBJECT_PREFIX_DEFAULT: &str = "user:";

/// The rules of all issuers.
pub(super) fn rules(
    readers: &mut [Reader<'_>],
    entries: Vec<Entry<IssuerName, IssuerSection>>,
    roles: &Roles,
) -> BTreeMap<IssuerName, IssuerRule> {
    let mut issuers: BTreeMap<IssuerName, IssuerRule> = BTreeMap::new();
    for Entry {
        file,
        name,
        section,
    } in entries
    {
        let Some(reader) = readers.get_mut(file) else {
            continue;
        };
        let rule = rule(reader, &name, &section, roles);
        let same = issuers
            .iter()
            .find(|(_, other)| other.issuer == rule.issuer);
        if let Some((other, _)) = same {
            reader.fault(section.issuer.span(), Fault::IssuerTwice(other.clone()));
        }
        issuers.insert(name.into_inner(), rule);
    }
    issuers
}

fn rule(
    reader: &mut Reader<'_>,
    name: &Spanned<IssuerName>,
    section: &IssuerSection,
    roles: &Roles,
) -> IssuerRule {
    let vouches = reader.some_each_once("for", &section.vouches);
    let subjects = subjects(reader, section, roles);
    if !vouches.contains(&Vouches::Subjects) {
        for at in keys_on_subjects(section) {
            reader.fault(at, Fault::IssuerNotForSubjects);
        }
    }
    let algorithms = reader.some_each_once("algorithms", &section.algorithms);
    IssuerRule {
        place: reader.place(name.span()),
        issuer: reader.outside("issuer", &section.issuer),
        audience: reader.outside("audience", &section.audience),
        keys: keys(reader, section),
        ca_file: section
            .ca_file
            .as_ref()
            .map(|path| reader.outside("ca_file", path)),
        algorithms: algorithms.into_iter().collect(),
        vouches: vouches.into_iter().collect(),
        subjects,
    }
}

fn keys(reader: &mut Reader<'_>, section: &IssuerSection) -> KeySource {
    match (&section.jwks_file, &section.jwks_url) {
        (Some(file), Some(_)) => {
            reader.fault(file.span(), Fault::KeysTwice);
            KeySource::Discovery
        }
        (Some(file), None) => {
            if let Some(ca) = &section.ca_file {
                reader.fault(ca.span(), Fault::CaWithoutFetch);
            }
            KeySource::File(reader.outside("jwks_file", file))
        }
        (None, Some(url)) => {
            fetched(reader, "jwks_url", url);
            KeySource::Url(reader.outside("jwks_url", url))
        }
        (None, None) => {
            fetched(reader, "issuer", &section.issuer);
            KeySource::Discovery
        }
    }
}

/// Keys come over TLS, or from this very machine.
fn fetched(reader: &mut Reader<'_>, key: &'static str, written: &Spanned<String>) {
    let is_safe = UrlParts::parse(written.get_ref()).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => is_loopback(url.host()),
        _ => false,
    });
    if !is_safe || written.get_ref().contains(['?', '#']) {
        reader.fault(written.span(), Fault::Url(key));
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn keys_on_subjects(section: &IssuerSection) -> Vec<std::ops::Range<usize>> {
    let single = [
        &section.subject_claim,
        &section.subject_prefix,
        &section.roles_claim,
        &section.tenant_claim,
    ];
    single
        .into_iter()
        .flatten()
        .map(Spanned::span)
        .chain(section.roles.keys().map(Spanned::span))
        .collect()
}

fn subjects(reader: &mut Reader<'_>, section: &IssuerSection, known: &Roles) -> SubjectClaims {
    let mut named = |key, written: &Option<Spanned<String>>| {
        written.as_ref().map(|claim| reader.outside(key, claim))
    };
    let subject = named("subject_claim", &section.subject_claim);
    let roles_claim = named("roles_claim", &section.roles_claim);
    let tenant = named("tenant_claim", &section.tenant_claim);
    let prefix = match &section.subject_prefix {
        Some(written) => {
            if Subject::new(&format!("{}x", written.get_ref())).is_err() {
                reader.fault(written.span(), Fault::SubjectPrefix);
            }
            written.get_ref().clone()
        }
        None => SUBJECT_PREFIX_DEFAULT.to_owned(),
    };
    match &section.roles_claim {
        Some(claim) if section.roles.is_empty() => {
            reader.fault(claim.span(), Fault::RolesClaimAlone);
        }
        None => {
            for value in section.roles.keys() {
                reader.fault(value.span(), Fault::RolesClaimMissing);
            }
        }
        Some(_) => {}
    }
    SubjectClaims {
        subject: subject.unwrap_or_else(|| SUBJECT_CLAIM_DEFAULT.to_owned()),
        prefix,
        roles_claim,
        roles: roles(reader, &section.roles, known),
        tenant,
    }
}

fn roles(
    reader: &mut Reader<'_>,
    written: &BTreeMap<Spanned<String>, Spanned<Role>>,
    known: &Roles,
) -> BTreeMap<String, Role> {
    let mut roles = BTreeMap::new();
    for (value, role) in written {
        if roles.len() == ROLES_PER_ISSUER_MAX {
            let fault = Fault::TooMany {
                what: "claim values of one issuer",
                max: ROLES_PER_ISSUER_MAX,
            };
            reader.fault(value.span(), fault);
            break;
        }
        let name = role.get_ref();
        if !known.contains_key(name) {
            let names = known.keys().map(Role::as_str);
            reader.unknown(role.span(), "role", name.as_str(), names);
        }
        roles.insert(reader.outside("roles", value), name.clone());
    }
    roles
}
