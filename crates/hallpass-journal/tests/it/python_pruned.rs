//! The verifier in Python and ours on journals that were pruned, or look so.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{all, copy};
use crate::pruning::{Month, segments};
use crate::python::Copies;

#[test]
fn the_verifier_in_python_agrees_on_what_was_pruned_and_what_was_cut() {
    let month = Month::new();
    let whole = copy(month.dir.path());
    month.prune(20);
    let once = copy(month.dir.path());
    month.prune(10);
    let dir = month.dir.path();
    let mut copies = Copies::of(dir);
    copies.add("pruned twice", |_| ());
    // An older file bears out no more: the segment it names is gone.
    let older = fs::read(once.path().join("pruned")).unwrap();
    copies.add("the file of the first pruning", |dir| {
        fs::write(dir.join("pruned"), &older).unwrap();
    });
    copies.add("what the first pruning kept is back", |dir| {
        for path in segments(once.path()) {
            let to = dir.join(path.file_name().unwrap());
            if !to.exists() {
                fs::copy(&path, to).unwrap();
            }
        }
    });
    copies.add("all of it is back", |dir| back(whole.path(), dir));
    copies.add("all of it is back, and the file is gone", |dir| {
        back(whole.path(), dir);
        fs::remove_file(dir.join("pruned")).unwrap();
    });
    copies.add("the file is gone", |dir| {
        fs::remove_file(dir.join("pruned")).unwrap();
    });
    copies.add("the file is a directory", |dir| {
        fs::remove_file(dir.join("pruned")).unwrap();
        fs::create_dir(dir.join("pruned")).unwrap();
    });
    for path in segments(dir) {
        let name = path.file_name().unwrap().to_owned();
        copies.add(format!("without {}", name.display()), |dir| {
            fs::remove_file(dir.join(name)).unwrap();
        });
    }
    let text = fs::read_to_string(dir.join("pruned")).unwrap();
    for (name, changed) in forms(&text) {
        copies.add(format!("the file is {name}"), move |dir: &Path| {
            fs::write(dir.join("pruned"), changed).unwrap();
        });
    }
    let (intact, damaged) = copies.agree();
    assert_eq!(intact, 6);
    assert!(damaged > 20, "{damaged}");

    // Pruned as a record that is not signed says, or as none does.
    let mut unsigned = Copies::of(whole.path());
    let below = segments(whole.path())[2].clone();
    let below: u64 = below
        .file_stem()
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(below < all(whole.path()).len() as u64);
    for file in [&text, &String::from_utf8(older).unwrap()] {
        unsigned.add("a file that no record bears out", |dir| {
            fs::write(dir.join("pruned"), file).unwrap();
        });
    }
    assert_eq!(unsigned.agree(), (0, 2));
}

fn back(whole: &Path, dir: &Path) {
    for path in segments(whole) {
        let to = dir.join(path.file_name().unwrap());
        if !to.exists() {
            fs::copy(&path, to).unwrap();
        }
    }
}

/// Texts like that of the file: two are the same to any reader of JSON, and so is its white space.
fn forms(text: &str) -> Vec<(&'static str, String)> {
    let value: Value = serde_json::from_str(text).unwrap();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        edit(&mut value);
        format!("{value}\n")
    };
    let hashes = value["hashes"].as_array().unwrap().clone();
    vec![
        ("in another order", edited(&|_| ())),
        ("with blanks", text.replace(',', " , ")),
        ("empty", String::new()),
        ("without its end", text.trim_end().to_owned()),
        ("after a blank", format!(" {text}")),
        ("of another version", text.replace("/1\"", "/2\"")),
        (
            "an array",
            format!(
                "{}\n",
                json!([value["format"], value["below"], value["hashes"]])
            ),
        ),
        ("with one member more", edited(&|v| v["x"] = json!(1))),
        ("with a name twice", text.replacen('{', "{\"below\":1,", 1)),
        (
            "of zero",
            edited(&|v| {
                v["below"] = json!(0);
                v["hashes"] = json!([]);
            }),
        ),
        ("of a fraction", edited(&|v| v["below"] = json!(1.0))),
        ("of text", edited(&|v| v["below"] = json!("1"))),
        (
            "of one more",
            edited(&|v| v["below"] = json!(v["below"].as_u64().unwrap() + 1)),
        ),
        (
            "without a hash",
            edited(&|v| v["hashes"] = json!(hashes[1..])),
        ),
        (
            "with a hash more",
            edited(&|v| v["hashes"].as_array_mut().unwrap().push(hashes[0].clone())),
        ),
        (
            "with another hash",
            edited(&|v| v["hashes"][0] = json!("Eae+UAKf7MSKqwD1nynUoBoxjbv7UH/SGxeZW7rf0QM=")),
        ),
        (
            "with a short hash",
            edited(&|v| v["hashes"][0] = json!("AAAA")),
        ),
        ("without padding", text.replacen('=', "", 1)),
    ]
}
