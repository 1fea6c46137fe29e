//! docs/caveats.md is the source of the vectors in testdata/vectors/caveats: its tables state each case and its answer, by
//! hand. The tokens are built from the page's Datalog by the Biscuit library; nothing of the code under test has a part in
//! what is expected.
//!
//! After a change to the page: `cargo test -p hallpass-token --test it -- --ignored write_caveat_vectors`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hallpass_token::{Caveat, Grant};
use serde_json::{Value, json};

use crate::fixtures::{minted, root, set, spec};
use crate::forge;

/// A section of the page: the words and the Datalog of its instances, and its cases.
#[derive(Default)]
struct Section {
    file: String,
    instances: Vec<(String, String)>,
    cases: Vec<Case>,
}

/// A row of a table of cases, or of the near misses.
struct Case {
    name: String,
    /// The caveats of each block, in words; of a near miss, its Datalog alone.
    blocks: Vec<Vec<String>>,
    datalog: Vec<String>,
    call: Vec<String>,
    answer: String,
    why: String,
}

fn page() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/caveats.md");
    std::fs::read_to_string(path).unwrap()
}

/// The pieces of a cell between backticks.
fn ticked(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut header = String::new();
    for line in page().lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let file = title.to_lowercase().replace([' ', '-'], "_");
            sections.push(Section {
                file,
                ..Section::default()
            });
            continue;
        }
        if !line.starts_with('|') {
            header.clear();
            continue;
        }
        if header.is_empty() {
            line.clone_into(&mut header);
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let section = sections.last_mut().unwrap();
        match (header.as_str(), cells.as_slice()) {
            ("| words | Datalog |", [words, datalog]) => {
                let one = |cell| ticked(cell).into_iter().next().unwrap();
                section.instances.push((one(words), one(datalog)));
            }
            ("| case | caveat | call | answer | why |", [name, caveat, call, answer, why]) => {
                let blocks = caveat.split(" ++ ").map(ticked).collect();
                section.cases.push(Case {
                    name: ticked(name).concat(),
                    blocks,
                    datalog: Vec::new(),
                    call: ticked(call),
                    answer: ticked(answer).concat(),
                    why: (*why).to_owned(),
                });
            }
            ("| case | Datalog | answer | why |", [name, datalog, answer, why]) => {
                section.cases.push(Case {
                    name: ticked(name).concat(),
                    blocks: Vec::new(),
                    datalog: ticked(datalog),
                    call: vec!["{}".to_owned()],
                    answer: ticked(answer).concat(),
                    why: (*why).to_owned(),
                });
            }
            _ => {}
        }
    }
    sections.retain(|section| !section.cases.is_empty());
    sections
}

/// Words to Datalog, over all sections.
fn instances(sections: &[Section]) -> BTreeMap<&str, &str> {
    let all = sections.iter().flat_map(|section| &section.instances);
    all.map(|(words, datalog)| (words.as_str(), datalog.as_str()))
        .collect()
}

impl Case {
    fn to_json(&self, instances: &BTreeMap<&str, &str>) -> Value {
        let mut call = json!({
            "now": "2026-11-21T09:30:10Z",
            "audience": "tickets",
            "environment": "dev",
            "tool": "kb.search",
            "arguments": self.call[0],
        });
        let mut base = spec();
        for setting in &self.call[1..] {
            let (name, value) = setting.split_once('=').unwrap();
            match name {
                "grant" => {
                    assert_eq!(value, "two_services");
                    base.audiences = set(&["kb", "tickets"]);
                }
                "tool" | "audience" | "now" => call[name] = json!(value),
                other => panic!("{}: the setting `{other}`", self.name),
            }
        }
        let datalog: Vec<String> = if self.datalog.is_empty() {
            let of_block = |words: &Vec<String>| -> String {
                let checks = words.iter().map(|words| {
                    let datalog = instances.get(words.as_str());
                    format!(
                        "{};",
                        datalog.unwrap_or_else(|| panic!("no instance `{words}`"))
                    )
                });
                checks.collect()
            };
            self.blocks.iter().map(of_block).collect()
        } else {
            vec![format!("{};", self.datalog.concat())]
        };
        let mut token = minted(&Grant::new(base).unwrap()).expose().to_owned();
        for (block, code) in datalog.iter().enumerate() {
            token = forge::appended_with(&token, code, 40 + block as u8);
        }
        let admitted = self.answer != "caveat_unknown" && self.answer != "token_not_admitted";
        let expect = match self.answer.as_str() {
            "allow" => "allow".to_owned(),
            answer if admitted => format!("deny/{answer}"),
            answer => format!("malformed/{answer}"),
        };
        let mut vector = json!({
            "case": self.name,
            "about": self.why.replace('`', "'"),
            "datalog": datalog,
            "token": token,
            "root_public_key": root(1).verifying_key().to_string(),
            "call": call,
            "expect": expect,
        });
        if !self.blocks.is_empty() {
            vector["caveats"] = json!(self.blocks);
        }
        vector
    }
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/caveats")
}

/// The files as they have to be: one for each section, one case a line.
fn files() -> BTreeMap<String, String> {
    let sections = sections();
    let instances = instances(&sections);
    let lines = |section: &Section| -> String {
        let cases = section.cases.iter();
        cases
            .map(|case| format!("{}\n", case.to_json(&instances)))
            .collect()
    };
    sections
        .iter()
        .map(|section| (format!("{}.jsonl", section.file), lines(section)))
        .collect()
}

#[test]
fn every_case_of_the_page_is_answered_as_it_says() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    let mut entries: Vec<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let vector: Value = serde_json::from_str(line).unwrap();
            let answer = crate::vectors::answer_to(&vector);
            let expect = vector["expect"].as_str().unwrap();
            cases += 1;
            if answer != expect {
                wrong.push(format!(
                    "{}: {answer} instead of {expect} ({} {})",
                    vector["case"], vector["datalog"], vector["call"]
                ));
            }
        }
    }
    println!("{cases} cases");
    assert!(wrong.is_empty(), "{} of {cases}: {wrong:#?}", wrong.len());
}

#[test]
fn the_caveat_vectors_are_the_page() {
    let expected = files();
    let names: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, expected.keys().cloned().collect());
    for (name, lines) in expected {
        let file = std::fs::read_to_string(directory().join(&name)).unwrap();
        assert_eq!(file, lines, "{name} is not what the page says");
    }
}

#[test]
fn every_caveat_has_cases_enough_and_half_of_them_denials() {
    let sections = sections();
    let mut names = BTreeSet::new();
    for section in &sections {
        let denials = section.cases.iter().filter(|case| case.answer != "allow");
        let denials = denials.count();
        println!(
            "{:4} cases, {denials:4} denials: {}",
            section.cases.len(),
            section.file
        );
        assert!(section.cases.len() >= 15, "{}", section.file);
        assert!(denials * 2 >= section.cases.len(), "{}", section.file);
        for case in &section.cases {
            assert!(names.insert(&case.name), "`{}` stands twice", case.name);
        }
    }
    assert_eq!(sections.len(), 26);
}

#[test]
fn words_and_datalog_of_the_page_are_one_caveat() {
    for section in sections() {
        for (words, datalog) in &section.instances {
            let caveat: Caveat = words
                .parse()
                .unwrap_or_else(|error| panic!("{words}: {error}"));
            assert_eq!(caveat.datalog(), *datalog, "{words}");
            assert_eq!(caveat.to_string(), *words, "printed back");
        }
    }
}

#[test]
#[ignore = "writes testdata/vectors/caveats"]
fn write_caveat_vectors() {
    let _ = std::fs::remove_dir_all(directory());
    std::fs::create_dir_all(directory()).unwrap();
    for (name, lines) in files() {
        std::fs::write(directory().join(name), lines).unwrap();
    }
}
