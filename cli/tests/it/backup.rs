//! `backup`: what it says, and that the copy serves.

use std::time::Duration;

use hallpass_testkit::ChildProcess;

use crate::command::Desk;

const BOUND: Duration = Duration::from_secs(30);

#[test]
fn a_copy_is_made_said_and_serves() {
    let desk = Desk::new();
    desk.run(&["init", "authority", "--json", "--no-passphrase"])
        .expect(0);
    let made = desk
        .run(&["backup", "authority", "copy", "--with-keys"])
        .expect(0);
    assert_eq!(
        (made.stdout.as_str(), made.stderr.as_str()),
        ("copied to copy\n", "")
    );
    let serve = ["serve", "--dir", "copy", "--listen", "127.0.0.1:0"];
    let mut child = ChildProcess::spawn(&mut desk.command(&serve));
    child.wait_for_line("listening on ", BOUND);
}

#[test]
fn a_copy_without_keys_says_so_and_nothing_is_overwritten() {
    let desk = Desk::new();
    desk.run(&["init", "authority", "--json", "--no-passphrase"])
        .expect(0);
    let made = desk
        .run(&["backup", "authority", "copy", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&made["keys"], &made["store"]),
        (&false.into(), &true.into())
    );
    assert!(!desk.path().join("copy/keys/run.key").exists());
    let again = desk.run(&["backup", "authority", "copy"]).expect(2);
    assert!(
        again.stderr.contains("hint: give a new directory"),
        "{}",
        again.stderr
    );
    let nowhere = desk.run(&["backup", "nowhere", "other"]).expect(2);
    assert!(
        nowhere.stderr.contains("hint: give the directory that"),
        "{}",
        nowhere.stderr
    );
    assert!(!desk.path().join("other").exists());
}
