//! The clients: which agents each may name, and how its workload proves itself.

use std::collections::BTreeMap;

use hallpass_vocabulary::{ClientId, IssuerName};

use super::entries::Entry;
use super::names;
use super::reader::Reader;
use crate::CLAIMS_PER_CLIENT_MAX;
use crate::client::{ClientRule, Workload};
use crate::document::ClientSection;
use crate::fault::Fault;
use crate::issuer::{IssuerRule, Vouches};

type Issuers = BTreeMap<IssuerName, IssuerRule>;
type Clients = BTreeMap<ClientId, ClientRule>;

/// The rules of all clients.
pub(super) fn rules(
    readers: &mut [Reader<'_>],
    entries: Vec<Entry<ClientId, ClientSection>>,
    issuers: &Issuers,
) -> Clients {
    let mut clients = Clients::new();
    // By subject: whom a token of one subject could fit as well.
    let mut workloads: BTreeMap<(IssuerName, String), Vec<(ClientId, Workload)>> = BTreeMap::new();
    for Entry {
        file,
        name,
        section,
    } in entries
    {
        let Some(reader) = readers.get_mut(file) else {
            continue;
        };
        let workload = workload(reader, &section, issuers);
        if let Some(workload) = &workload {
            let subject = (workload.issuer.clone(), workload.subject.clone());
            let others = workloads.entry(subject).or_default();
            let other = others.iter().find(|(_, other)| other.overlaps(workload));
            if let Some((other, _)) = other {
                reader.fault(name.span(), Fault::WorkloadTwice(other.clone()));
            }
            others.push((name.get_ref().clone(), workload.clone()));
        }
        let rule = ClientRule {
            place: reader.place(name.span()),
            summary: reader.prose("summary", 1, &section.summary),
            actors: names::actors(reader, &section.actors),
            mints_per_minute: section
                .mints_per_minute
                .as_ref()
                .map(|rate| reader.per_minute("mints_per_minute", rate)),
            workload,
        };
        clients.insert(name.into_inner(), rule);
    }
    clients
}

fn workload(
    reader: &mut Reader<'_>,
    section: &ClientSection,
    issuers: &Issuers,
) -> Option<Workload> {
    let (issuer, subject) = match (&section.issuer, &section.subject) {
        (Some(issuer), Some(subject)) => (issuer, subject),
        (None, None) => {
            for claim in section.claims.keys() {
                reader.fault(claim.span(), Fault::WorkloadHalf);
            }
            return None;
        }
        (Some(issuer), None) => {
            reader.fault(issuer.span(), Fault::WorkloadHalf);
            return None;
        }
        (None, Some(subject)) => {
            reader.fault(subject.span(), Fault::WorkloadHalf);
            return None;
        }
    };
    let name = issuer.get_ref();
    match issuers.get(name) {
        None => {
            let known = issuers.keys().map(IssuerName::as_str);
            reader.unknown(issuer.span(), "issuer", name.as_str(), known);
        }
        Some(rule) if !rule.vouches_for(Vouches::Clients) => {
            reader.fault(issuer.span(), Fault::IssuerNotForClients(name.clone()));
        }
        Some(_) => {}
    }
    let mut claims = BTreeMap::new();
    for (claim, text) in &section.claims {
        if claims.len() == CLAIMS_PER_CLIENT_MAX {
            let fault = Fault::TooMany {
                what: "claims of one client",
                max: CLAIMS_PER_CLIENT_MAX,
            };
            reader.fault(claim.span(), fault);
            break;
        }
        let name = reader.outside("claims", claim);
        claims.insert(name, reader.outside("claims", text));
    }
    Some(Workload {
        issuer: name.clone(),
        subject: reader.outside("subject", subject),
        claims,
    })
}
