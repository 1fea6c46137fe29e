//! The canonical form, as the authors of RFC 8785 publish it.

use std::fs;

use hallpass_args::{Arguments, INTEGER_MAX};

use crate::{vectors, wrapped};

/// The one input that we refuse as it is, for a number beyond ±(2^53-1); its other members are compared with the number
/// made smaller, in the input and in the output.
const BEYOND: (&str, [(&str, &str); 2]) = (
    "values.json",
    [("1E30", "1E15"), ("1e+30", "1000000000000000")],
);

#[test]
fn inputs_become_outputs() {
    let Some(folder) = vectors("jcs") else {
        return;
    };
    let mut compared = 0;
    for entry in fs::read_dir(folder.join("input")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut input = fs::read_to_string(&path).unwrap();
        let mut output = fs::read_to_string(folder.join("output").join(name)).unwrap();
        let hex = fs::read_to_string(folder.join("outhex").join(name).with_extension("txt"));
        let digits: String = hex.unwrap().split_whitespace().collect();
        assert_eq!(hex::decode(digits).unwrap(), output.as_bytes(), "{name}");
        let (beyond, [(given, instead), (shown, becomes)]) = BEYOND;
        if name == beyond {
            assert!(wrapped(input.as_bytes()).is_err(), "{name}");
            assert!(input.contains(given) && output.contains(shown), "{name}");
            input = input.replace(given, instead);
            output = output.replace(shown, becomes);
        }
        let found = wrapped(input.as_bytes()).unwrap();
        let expected = format!(r#"{{"x":{output}}}"#);
        assert_eq!(found.canonical(), expected.as_bytes(), "{name}");
        if output.starts_with('{') {
            let found = Arguments::parse(input.as_bytes()).unwrap();
            assert_eq!(found.canonical(), output.as_bytes(), "{name}");
        }
        compared += 1;
    }
    println!("jcs: {compared} files");
    assert!(compared > 0);
}

/// Each double twice: as ECMAScript writes it, and in seventeen digits, which the reader has to round as it should.
#[test]
fn numbers_are_written_as_ecmascript_writes_them() {
    let Some(file) = vectors("jcs/es6-numbers-10k.txt") else {
        return;
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "2^53-1 is exactly representable"
    )]
    let limit = INTEGER_MAX as f64;
    let (mut written, mut refused) = (0, 0);
    for line in fs::read_to_string(file).unwrap().lines() {
        let (bits, expected) = line.split_once(',').unwrap();
        let number = f64::from_bits(u64::from_str_radix(bits, 16).unwrap());
        assert!(number.is_finite(), "{line}");
        for text in [expected, &format!("{number:.16e}")] {
            let found = wrapped(text.as_bytes());
            if number.abs() <= limit {
                let expected = format!(r#"{{"x":{expected}}}"#);
                assert_eq!(found.unwrap().canonical(), expected.as_bytes(), "{line}");
            } else {
                assert!(found.is_err(), "{line}: beyond ±(2^53-1)");
            }
        }
        *(if number.abs() <= limit {
            &mut written
        } else {
            &mut refused
        }) += 1;
    }
    println!("es6 numbers: {written} written alike, {refused} refused as beyond ±(2^53-1)");
    assert!(written > 0 && refused > 0);
}
