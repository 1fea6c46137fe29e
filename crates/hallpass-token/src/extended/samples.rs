//! What Biscuit's official samples decide: every check of every sample is either admitted by the extended profile, and
//! then it must hold and fail as the sample says, or refused for a listed reason.
//!
//! Their authority blocks are no grants, so the samples are looked at check by check: the facts of the authority block and
//! of the sample's authorizer, our reading of its checks, our bounds, and the engine as [`super::authorize`] runs it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use biscuit_auth::error::{FailedCheck, Logic, Token};
use biscuit_auth::format::schema;
use prost::Message as _;
use serde_json::Value;

use super::{DatalogPolicy, OtherCheck, Unbounded, authorize};
use crate::NotAdmitted;
use crate::admission::{Place, decode_block};
use crate::datalog::{BlockReader, Symbols, Unreadable};
use crate::engine::run;
use crate::envelope::{Envelope, Unopened};

/// What is refused: the sample, its checks as `block.check` or the whole of it, our reason, and what it is about.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    (
        "test007_scoped_rules",
        ALL,
        "block 1: a block has rules",
        "rules",
    ),
    (
        "test008_scoped_checks",
        ALL,
        "block 2: an attenuation block states facts",
        "facts",
    ),
    (
        "test010_authorizer_scope",
        ALL,
        "block 1: an attenuation block states facts",
        "facts",
    ),
    (
        "test013_block_rules",
        ALL,
        "block 1: a block has rules",
        "rules",
    ),
    (
        "test014_regex_constraint",
        "0.0",
        DATALOG,
        "a regular expression",
    ),
    (
        "test016_caveat_head_name",
        ALL,
        "block 1: an attenuation block states facts",
        "facts",
    ),
    (
        "test017_expressions",
        "0.11 0.13 0.15 0.34 0.35 0.36 0.37",
        DATALOG,
        "arithmetic, a regular expression, text that grows, `union` and `intersection`",
    ),
    (
        "test018_unbound_variables_in_rule",
        ALL,
        "block 1: a block has rules",
        "rules",
    ),
    (
        "test019_generating_ambient_from_variables",
        ALL,
        "block 1: a block has rules",
        "rules",
    ),
    (
        "test023_execution_scope",
        ALL,
        "block 1: an attenuation block states facts",
        "facts",
    ),
    (
        "test024_third_party",
        ALL,
        "block 1: a third-party block is not known",
        "third parties",
    ),
    (
        "test026_public_keys_interning",
        ALL,
        "block 1: a third-party block is not known",
        "third parties",
    ),
    (
        "test027_integer_wraparound",
        "0.0 0.1 0.2",
        DATALOG,
        "arithmetic; the sample has no verdict either",
    ),
    (
        "test028_expressions_v4",
        "0.2",
        DATALOG,
        "arithmetic on bits",
    ),
    (
        "test029_reject_if",
        "0.0",
        DATALOG,
        "`reject if` holds when its fact is missing",
    ),
    ("test030_null", "0.0 0.1", DATALOG, "null, and `reject if`"),
    (
        "test032_laziness_closures",
        "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9",
        DATALOG,
        "closures; `&&` and `||` as text are closures too",
    ),
    (
        "test033_typeof",
        ALL,
        "block 0: a fact no grant has",
        "null, arrays and maps in facts",
    ),
    (
        "test034_array_map",
        "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 0.10 0.11 0.12 0.13 0.14 0.15 0.16 0.17 0.18 0.19 0.20 0.21 0.22 0.23 0.24 0.25 0.26",
        DATALOG,
        "arrays and maps",
    ),
    ("test035_ffi", "0.0", DATALOG, "calls of a host's functions"),
    (
        "test036_secp256r1",
        ALL,
        "a key is not an Ed25519 key",
        "P-256",
    ),
    (
        "test037_secp256r1_third_party",
        ALL,
        "a key is not an Ed25519 key",
        "P-256",
    ),
    (
        "test038_try_op",
        "0.0 0.1 0.2",
        DATALOG,
        "`try_or`, which is a closure, and `reject if`",
    ),
];
const ALL: &str = "all";
const DATALOG: &str = "it uses Datalog that is not admitted";

/// What we read of a sample.
struct Sample {
    facts: Vec<biscuit_auth::builder::Fact>,
    admitted: Vec<OtherCheck>,
    /// The checks that are not admitted, and why.
    refused: Vec<(Place, String)>,
}

/// The sample, or why it is refused as a whole.
fn read(bytes: &[u8]) -> Result<Sample, String> {
    let mut token = schema::Biscuit::decode(bytes).map_err(|error| error.to_string())?;
    token.root_key_id = Some(0);
    let envelope = Envelope::open(&token.encode_to_vec()).map_err(|unopened| match unopened {
        Unopened::Malformed(reason) => reason.to_string(),
        Unopened::TooManyBlocks(blocks) => format!("{blocks} blocks"),
    })?;
    let in_block = |block: usize| move |reason: NotAdmitted| format!("block {block}: {reason}");
    let mut blocks = Vec::new();
    for (position, signed) in envelope.blocks().enumerate() {
        let block = decode_block(signed).map_err(in_block(position))?;
        if position > 0 && !block.facts.is_empty() {
            return Err(in_block(position)(NotAdmitted::Facts));
        }
        blocks.push(block);
    }
    let mut symbols = Symbols::default();
    let mut sample = Sample {
        facts: Vec::new(),
        admitted: Vec::new(),
        refused: Vec::new(),
    };
    for (position, block) in blocks.iter().enumerate() {
        symbols.extend(&block.symbols).map_err(in_block(position))?;
        let mut reader = BlockReader::new(&symbols, &[]);
        for fact in &block.facts {
            match reader.fact(fact) {
                Ok(fact) => sample.facts.push(run::fact(fact)),
                Err(Unreadable::Refused(reason)) => return Err(in_block(position)(reason)),
                Err(Unreadable::Unpublished) => {
                    return Err(format!("block {position}: a fact no grant has"));
                }
            }
        }
        for (number, check) in block.checks.iter().enumerate() {
            let place = Place {
                block: position,
                check: number,
            };
            let admitted = match reader.check(check) {
                Ok(check) => OtherCheck::admit(place, &check),
                Err(Unreadable::Refused(reason)) => return Err(in_block(position)(reason)),
                Err(Unreadable::Unpublished) => Err(Unbounded::NotAdmitted),
            };
            match admitted {
                Ok(check) => sample.admitted.push(check),
                Err(reason) => sample.refused.push((place, reason.to_string())),
            }
        }
    }
    Ok(sample)
}

/// Which checks fail, as `block.check`, those of the authorizer as `authorizer.check`; `Err` when there is no verdict.
type Outcome = Result<BTreeSet<String>, &'static str>;

fn ours(sample: &Sample, policy: &DatalogPolicy) -> Outcome {
    let failed = |checks: Vec<FailedCheck>| {
        let names = checks.into_iter().map(|check| match check {
            FailedCheck::Authorizer(failed) => {
                let number = failed.check_id as usize;
                match sample.admitted.get(number) {
                    Some(OtherCheck { place, .. }) => format!("{}.{}", place.block, place.check),
                    None => format!("authorizer.{}", number - sample.admitted.len()),
                }
            }
            FailedCheck::Block(_) => panic!("the engine sees no blocks"),
        });
        Ok(names.collect())
    };
    match authorize(&sample.admitted, sample.facts.clone(), Some(policy)) {
        Some(Ok(_)) => Ok(BTreeSet::new()),
        Some(Err(Token::FailedLogic(Logic::Unauthorized { checks, .. }))) => failed(checks),
        Some(Err(_)) | None => Err("no verdict"),
    }
}

fn theirs(result: &Value) -> Outcome {
    if result.get("Ok").is_some() {
        return Ok(BTreeSet::new());
    }
    if result["Err"].get("Execution").is_some() {
        return Err("no verdict");
    }
    let checks = result["Err"]["FailedLogic"]["Unauthorized"]["checks"].as_array();
    let names = checks.expect("a list of checks").iter().map(|check| {
        let Value::Object(check) = check else {
            panic!("{check}")
        };
        match check.get("Block") {
            Some(place) => format!("{}.{}", place["block_id"], place["check_id"]),
            None => format!("authorizer.{}", check["Authorizer"]["check_id"]),
        }
    });
    Ok(names.collect())
}

fn names<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<String> {
    places
        .map(|place| format!("{}.{}", place.block, place.check))
        .collect()
}

#[derive(Default)]
struct Sums {
    agree: usize,
    checks: usize,
    nothing_to_compare: usize,
    signatures: usize,
}

/// Compares a sample; what is refused of it, and our reason.
fn compare(sample: &Value, bytes: &[u8], sums: &mut Sums) -> Option<(String, String)> {
    let name = sample["filename"].as_str().unwrap();
    let validations = sample["validations"].as_object().unwrap();
    let of_signatures = |validation: &Value| validation["result"]["Err"].get("Format").is_some();
    if validations.values().all(of_signatures) {
        sums.signatures += validations.len();
        return None; // Compared in tests/it/biscuit_samples.rs.
    }
    let read = match read(bytes) {
        Ok(read) => read,
        Err(reason) => {
            sums.nothing_to_compare += validations.len();
            return Some((ALL.to_owned(), reason));
        }
    };
    sums.checks += read.admitted.len();
    let refused = names(read.refused.iter().map(|(place, _)| place));
    for (case, validation) in validations {
        if read.admitted.is_empty() && !refused.is_empty() {
            sums.nothing_to_compare += 1;
            continue;
        }
        let policy = DatalogPolicy::parse(validation["authorizer_code"].as_str().unwrap(), []);
        let ours = ours(&read, &policy.unwrap());
        // Which checks fail, one by one; ours are those that are not refused.
        let theirs = theirs(&validation["result"]).map(|mut failed| {
            failed.retain(|place| !refused.contains(place));
            failed
        });
        assert_eq!(ours, theirs, "{name} {case:?}");
        println!(
            "{name} {case:?}: {} checks agree, failing {ours:?}",
            read.admitted.len()
        );
        sums.agree += 1;
    }
    let reasons: BTreeSet<&str> = read.refused.iter().map(|(_, why)| why.as_str()).collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    (!refused.is_empty()).then(|| (refused.join(" "), reasons.join("; ")))
}

#[test]
fn biscuit_samples_decide_as_they_say() {
    let Some(folder) = std::env::var_os("HALLPASS_VECTORS") else {
        println!("outside vectors not run: HALLPASS_VECTORS is unset (biscuit-samples)");
        return;
    };
    let folder = PathBuf::from(folder).join("biscuit-samples");
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let samples: Value = serde_json::from_slice(&read("samples.json")).unwrap();
    let mut sums = Sums::default();
    let mut refused = Vec::new();
    for sample in samples["testcases"].as_array().unwrap() {
        let name = sample["filename"].as_str().unwrap();
        if let Some((what, why)) = compare(sample, &read(name), &mut sums) {
            refused.push((name.trim_end_matches(".bc").to_owned(), what, why));
        }
    }
    for (name, what, _, about) in REFUSED {
        println!("{name}: refused ({what}): {about}");
    }
    let listed = REFUSED
        .iter()
        .map(|(name, what, why, _)| ((*name).to_owned(), (*what).to_owned(), (*why).to_owned()));
    assert_eq!(refused, listed.collect::<Vec<_>>());
    let Sums {
        agree,
        checks,
        nothing_to_compare,
        signatures,
    } = sums;
    println!(
        "{agree} validations agree, on {checks} checks of ours; {signatures} are about signatures; of {nothing_to_compare} \
         everything is refused"
    );
    assert_eq!((agree, nothing_to_compare, signatures), (16, 29, 5));
}
