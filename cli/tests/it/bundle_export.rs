//! `bundle export`: from a directory and from an authority that runs, as a file that a service believes.

use std::time::Duration;

use hallpass_bundle::{TrustRoot, accept};
use hallpass_testkit::ChildProcess;
use hallpass_vocabulary::{Clock as _, SystemClock};

use crate::command::Desk;

const BOUND: Duration = Duration::from_secs(30);

fn believed(desk: &Desk, file: &str) -> hallpass_bundle::Snapshot {
    let trust_root = std::fs::read_to_string(desk.path().join("authority/trust-root.txt")).unwrap();
    let trust_root: TrustRoot = trust_root.parse().unwrap();
    let bytes = std::fs::read(desk.path().join(file)).unwrap();
    accept(&bytes, &trust_root, None, SystemClock.now()).unwrap()
}

#[test]
fn a_bundle_is_exported_from_an_authority_that_runs_and_from_one_that_does_not() {
    let desk = Desk::new();
    desk.run(&["init", "authority", "--json", "--no-passphrase"])
        .expect(0);
    let export = [
        "bundle",
        "export",
        "--dir",
        "authority",
        "--out",
        "drop.json",
    ];
    let never = desk.run(&export).expect(2);
    assert!(
        never.stderr.contains("hint: `hallpass serve`"),
        "{}",
        never.stderr
    );
    assert!(!desk.path().join("drop.json").exists());

    let serve = ["serve", "--dir", "authority", "--listen", "127.0.0.1:0"];
    let mut child = ChildProcess::spawn(&mut desk.command(&serve));
    let line = child.wait_for_line("listening on ", BOUND);
    let url = line.trim().trim_start_matches("listening on ").to_owned();
    let fetched = desk
        .run(&[
            "bundle",
            "export",
            "--authority",
            &url,
            "--trust-root",
            "authority/trust-root.txt",
            "--out",
            "fetched.json",
            "--json",
        ])
        .expect(0)
        .json();
    let snapshot = believed(&desk, "fetched.json");
    assert_eq!(fetched["bundle_version"], snapshot.version());
    desk.run(&export).expect(0);
    assert_eq!(believed(&desk, "drop.json").digest(), snapshot.digest());
    drop(child);

    // With the authority down its age starts over: that is what the file is for.
    let said = desk.run(&export).expect(0);
    assert!(said.stdout.starts_with("bundle "), "{}", said.stdout);
    let again = believed(&desk, "drop.json");
    assert_eq!(again.digest(), snapshot.digest());
    assert!(again.heartbeat() >= snapshot.heartbeat());
    assert!(!desk.path().join("drop.json.new").exists());
}

#[test]
fn what_is_missing_is_said() {
    let desk = Desk::new();
    let nothing = desk
        .run(&["bundle", "export", "--out", "drop.json"])
        .expect(2);
    assert!(
        nothing.stderr.contains("hint: give --dir DIR"),
        "{}",
        nothing.stderr
    );
    let nowhere = ["bundle", "export", "--dir", "nowhere", "--out", "drop.json"];
    let nowhere = desk.run(&nowhere).expect(2);
    assert!(
        nowhere.stderr.contains("hint: give the directory"),
        "{}",
        nowhere.stderr
    );
    let unpinned = [
        "bundle",
        "export",
        "--authority",
        "http://127.0.0.1:1",
        "--out",
        "drop.json",
    ];
    let unpinned = desk.run(&unpinned).expect(2);
    assert!(
        unpinned.stderr.contains("hint: give --trust-root"),
        "{}",
        unpinned.stderr
    );
}
