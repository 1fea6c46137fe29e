//! The most expensive calls there can be: a token full of caveats, and arguments as large as they may be. What bounds the
//! cost is structure; the clock is a guard against a runaway, and prints what the pages say.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hallpass_args::{Arguments, POINTER_NAMES_MAX, URL_BYTES_MAX};
use hallpass_token::limits::{BLOCKS_MAX, CHECKS_PER_BLOCK_MAX, ITEMS_MAX};
use hallpass_token::{AdmittedToken, Caveat, Clearance, Profile, UnverifiedToken};
use hallpass_vocabulary::DenialCode;

use crate::fixtures::{Call, admitted, attenuated, call, grant, minted, next, verified};
use crate::forge;

/// For the dev profile on a busy machine; a release build is ten to thirty times faster.
const RUNAWAY: Duration = Duration::from_secs(8);

/// A token with this caveat as often as fits.
fn full_of(words: &str) -> AdmittedToken {
    let caveat: Caveat = words.parse().unwrap();
    let mut text = minted(&grant()).expose().to_owned();
    for block in 1..BLOCKS_MAX {
        let token = UnverifiedToken::parse(&text).unwrap();
        let longer = (1..=CHECKS_PER_BLOCK_MAX).rev().find_map(|count| {
            let caveats = vec![caveat.clone(); count];
            token.attenuate(&caveats, next(100 + block as u8)).ok()
        });
        match longer {
            Some(longer) => text = longer.expose().to_owned(),
            None => break,
        }
    }
    admitted(&text)
}

fn array(element: impl Fn(usize) -> String) -> String {
    let elements: Vec<String> = (0..ITEMS_MAX).map(element).collect();
    format!(r#"{{"x":[{}]}}"#, elements.join(","))
}

fn object(name: impl Fn(usize) -> String) -> String {
    let mut text = r#"{"x":"a""#.to_owned();
    for n in 0.. {
        let before = text.len();
        write!(text, r#","{}":1"#, name(n)).unwrap();
        if text.len() > 256 * 1024 - 2 {
            text.truncate(before);
            break;
        }
    }
    text + "}"
}

#[test]
fn a_token_full_of_caveats_on_the_largest_arguments() {
    let long = format!(r#"{{"x":"{}"}}"#, "ab".repeat(32 * 1024));
    let accents = format!(r#"{{"x":"{}"}}"#, "é".repeat(32 * 1024));
    let path = format!(r#"{{"x":"{}"}}"#, "/a".repeat(2_047));
    let name = |n: usize| char::from_u32(0x4e00 + n as u32 % 20_000).unwrap();
    let found = format!("{{\"x\":\"{}aa\"}}", "ab".repeat(32 * 1024 - 1));
    let mut cases = vec![
        ("/x contains b", long.clone()),
        (
            "/x contains \"abababababababababababababababaa\"",
            long.clone(),
        ),
        ("/x length<=70000", accents),
        ("/x ends with b", long.clone()),
        ("/x under /", path),
        ("each /x one of 1", array(|_| "1".to_owned())),
        ("each /x >=0.1", array(|n| format!("{n}.25"))),
        (
            "each /x length<=999",
            array(|_| format!("\"{}\"", "y".repeat(250))),
        ),
        (
            "each /x contains z",
            array(|_| format!("\"{}z\"", "y".repeat(249))),
        ),
        (
            "each /x under /",
            array(|_| format!("\"/{}\"", "y/".repeat(124))),
        ),
        (
            "each /x url port 443",
            array(|_| format!("\"https://a.test/{}\"", "y".repeat(230))),
        ),
        (
            "each /x url domain a.test",
            array(|_| format!("\"https://{}a.test\"", "a.".repeat(110))),
        ),
        (
            "each /x within ::/0",
            array(|_| "\"2001:db8:1:2:3:4:5:6\"".to_owned()),
        ),
        (
            "each /x email domain a.test",
            array(|n| format!("\"{n}{}@a.test\"", "y".repeat(50))),
        ),
        ("/x==a", object(|n| format!("{n:x}"))),
        ("/x==a", object(|n| format!("{}{}", name(n), name(n / 97)))),
        ("only arguments x", object(|n| format!("{n:x}"))),
    ];
    // Seven of eight alternatives fail, so that all of them are looked at.
    let searches: Vec<String> = (12..19)
        .map(|n| format!("/x contains \"{}aa\"", "ab".repeat(n)))
        .collect();
    let searches = format!("either {} or /x starts with a", searches.join(" or "));
    cases.push((&searches, long.clone()));
    let hosts: Vec<String> = ('b'..='h')
        .map(|c| format!("/x url host {c}.test"))
        .collect();
    let hosts = format!("either {} or /x url host a.test", hosts.join(" or "));
    let url = "y".repeat(URL_BYTES_MAX - 15);
    cases.push((&hosts, format!(r#"{{"x":"https://a.test/{url}"}}"#)));
    let names = "either only arguments x and /x==b or /x==a";
    cases.push((names, object(|n| format!("{n:x}"))));
    if !cfg!(debug_assertions) {
        // Seconds without optimisation.
        let part = "/x contains \"ababababababababababababababaa\"";
        cases.push((part, found));
    }
    for (words, arguments) in cases {
        let token = full_of(words);
        let arguments = Arguments::parse(arguments.as_bytes()).unwrap();
        let bytes = arguments.canonical().len();
        let call = Call {
            arguments,
            ..call()
        };
        let mut best = Duration::MAX;
        let mut answer = None;
        for _ in 0..2 {
            let started = Instant::now();
            answer = Some(token.decide(&call.facts()).map_err(|denial| denial.code));
            best = best.min(started.elapsed());
        }
        let count = token.caveats().len();
        println!("{count:>3} x `{words}` on {bytes} bytes: {best:?} {answer:?}");
        assert!(best < RUNAWAY, "{words}: {best:?}");
    }
}

#[test]
fn a_token_whose_alternatives_name_as_many_arguments_as_fit() {
    // Each rule is on an argument of its own, among as many names as are gone through for one.
    let name = |n: usize| format!("{}{n:03}", char::from_u32(0x4e00 + n as u32).unwrap());
    let members: Vec<String> = (0..POINTER_NAMES_MAX)
        .map(|n| format!(r#""{}":1"#, name(n)))
        .collect();
    let arguments = Arguments::parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap();
    let mut numbers = 0..;
    let mut one_more = || {
        let mut rules = numbers.by_ref().map(|n| format!("\"/{}\"==1", name(n)));
        let mut some = |count| rules.by_ref().take(count).collect::<Vec<_>>().join(" and ");
        // The last rule of the first alternative fails, and all of the second hold.
        let last = format!("\"/{}\"==2", name(POINTER_NAMES_MAX - 1));
        format!("either {} and {last} or {}", some(3), some(4))
    };
    let mut text = minted(&grant()).expose().to_owned();
    for block in 1..BLOCKS_MAX {
        let caveats: Vec<Caveat> = (0..CHECKS_PER_BLOCK_MAX)
            .map(|_| one_more().parse().unwrap())
            .collect();
        let token = UnverifiedToken::parse(&text).unwrap();
        let longer = (1..=caveats.len()).rev().find_map(|count| {
            let caveats = &caveats[..count];
            token.attenuate(caveats, next(100 + block as u8)).ok()
        });
        match longer {
            Some(longer) => text = longer.expose().to_owned(),
            None => break,
        }
    }
    let token = admitted(&text);
    let call = Call {
        arguments,
        ..call()
    };
    let started = Instant::now();
    let answer = token.decide(&call.facts());
    let took = started.elapsed();
    println!(
        "{} caveats of eight rules: {took:?} {answer:?}",
        token.caveats().len()
    );
    assert_eq!(answer, Ok(Clearance::Allow));
    assert!(took < RUNAWAY, "{took:?}");
}

#[test]
fn a_token_of_the_extended_profile_that_names_every_argument() {
    // As many pointers as fit, each to an array as large as it may be.
    let mut pointers: Vec<String> = Vec::new();
    let mut arguments = String::from("{");
    for n in 0..63 {
        let separator = if n == 0 { "" } else { "," };
        let ones = vec!["1"; ITEMS_MAX].join(",");
        write!(arguments, r#"{separator}"a{n}":[{ones}]"#).unwrap();
        pointers.push(format!("/a{n}"));
    }
    for n in 0..63 {
        pointers.push(format!("/b{n}"));
    }
    arguments += "}";
    let mut text = minted(&grant()).expose().to_owned();
    for (block, pointers) in pointers.chunks(32).enumerate() {
        let checks = pointers.chunks(4).map(|four| {
            let body = four.iter().map(|p| format!("call:item_int(\"{p}\", $v)"));
            format!("check if {};", body.collect::<Vec<_>>().join(", "))
        });
        text = forge::appended_with(&text, &checks.collect::<String>(), 100 + block as u8);
    }
    let token = verified(&text).admit_as(Profile::Extended).unwrap();
    let call = Call {
        arguments: Arguments::parse(arguments.as_bytes()).unwrap(),
        ..call()
    };
    let started = Instant::now();
    let answer = token.check_in_engine(&call.facts(), None);
    let took = started.elapsed();
    println!("{} bytes of token: {took:?}", text.len());
    assert_eq!(answer.map_err(|d| d.code), Err(DenialCode::Overloaded));
    assert!(took < RUNAWAY, "{took:?}");
}

#[test]
fn a_token_whose_pointers_are_as_alike_as_the_names_they_are_compared_with() {
    // Of a letter that is folded, and different at the end only: comparing two takes as long as it can.
    let name = |n: usize| format!("{}{n:04}", "\u{1c80}".repeat(75));
    let members: Vec<String> = (0..POINTER_NAMES_MAX)
        .map(|n| format!(r#""{}":1"#, name(n)))
        .collect();
    let arguments = Arguments::parse(format!("{{{}}}", members.join(",")).as_bytes()).unwrap();
    let caveats: Vec<Caveat> = (0..16)
        .map(|n| format!("\"/{}\"==1", name(n)).parse().unwrap())
        .collect();
    let token = admitted(attenuated(minted(&grant()).expose(), &caveats).expose());
    let call = Call {
        arguments,
        ..call()
    };
    let started = Instant::now();
    let answer = token.decide(&call.facts());
    let took = started.elapsed();
    println!("{} pointers: {took:?} {answer:?}", token.caveats().len());
    assert_eq!(answer, Ok(Clearance::Allow));
    assert!(took < RUNAWAY, "{took:?}");
}
