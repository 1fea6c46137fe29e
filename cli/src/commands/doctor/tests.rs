use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

#[test]
fn clocks_are_apart_by_what_is_certain() {
    let verdict = |date: i64| {
        let probed = Probe {
            identity: None,
            date: Some(at(date)),
            unready: Vec::new(),
        };
        clock(at(0), at(1), &probed).verdict
    };
    for (date, expected) in [
        (-37, Verdict::Bad),
        (-31, Verdict::Caution),
        (-6, Verdict::Good),
        (0, Verdict::Good),
        (6, Verdict::Good),
        (7, Verdict::Caution),
        (31, Verdict::Caution),
        (32, Verdict::Bad),
    ] {
        assert_eq!(verdict(date), expected, "{date}");
    }
}

#[test]
fn a_variable_nobody_reads_is_named_with_what_was_meant() {
    let told = |names: &[&str]| variables(names.iter().map(|name| (*name).to_owned()));
    assert_eq!(told(&["PATH", "HALLPASS_DIR"])[0].verdict, Verdict::Good);
    let names = [format!("{PREFIX}LISTN"), format!("{PREFIX}COLOUR")];
    let found = told(&[&names[0], &names[1]]);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].hint, None);
    let meant = Some("did you mean `HALLPASS_LISTEN`?");
    assert_eq!(found[1].hint.as_deref(), meant);
}
