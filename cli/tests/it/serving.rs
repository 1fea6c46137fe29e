//! `serve`: where each value of its configuration comes from, and what it refuses to run with.

use crate::command::Desk;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.run(&["init", "authority", "--no-passphrase", "--json"])
        .expect(0);
    desk
}

fn append(desk: &Desk, text: &str) {
    let path = desk.path().join("authority/authority.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, before + text).unwrap();
}

#[test]
fn the_configuration_in_force_is_shown_with_its_sources() {
    let mut desk = desk();
    append(
        &desk,
        "\n[log]\nfilter = \"warn\"\n\n[journal]\nkeep_days = 400\n",
    );
    desk.set("HALLPASS_DIR", "authority");
    desk.set("HALLPASS_LISTEN", "127.0.0.1:1111");
    desk.set("HALLPASS_LOG", "debug");
    let shown = desk
        .run(&["serve", "--print-config", "--listen", "127.0.0.1:2222"])
        .expect(0);
    insta::assert_snapshot!(shown.stdout);
    assert_eq!(shown.stderr, "");
}

#[test]
fn a_mistake_is_told_with_its_line_and_what_was_meant() {
    let desk = desk();
    append(&desk, "\n[jurnal]\nkeep_days = 400\n");
    let answer = desk.run(&["serve", "--dir", "authority"]).expect(2);
    assert!(
        answer.stderr.contains("unknown field `jurnal`")
            && answer.stderr.contains("did you mean `journal`?")
            && answer.stderr.contains("line "),
        "{}",
        answer.stderr
    );
    for args in [
        ["serve", "--dir", "authority", "--log-format", "jsn"],
        ["serve", "--dir", "authority", "--listen", "here"],
    ] {
        desk.run(&args).expect(2);
    }
}

#[test]
fn other_machines_are_not_answered_in_plain_without_saying_so() {
    let desk = desk();
    let exposed = ["serve", "--dir", "authority", "--listen", "0.0.0.0:0"];
    let answer = desk.run(&exposed).expect(2);
    assert!(
        answer.stderr.contains("can be reached from other machines")
            && answer.stderr.contains("hint: give it a certificate"),
        "{}",
        answer.stderr
    );
    let knowingly = [&exposed[..], &["--danger-plain-http", "--print-config"]].concat();
    let shown = desk.run(&knowingly).expect(0);
    assert!(
        shown
            .stdout
            .contains("danger_plain_http = true # --danger-plain-http")
    );
    // Shown before it is refused: that is what one looks at then.
    let shown = desk
        .run(&[&exposed[..], &["--print-config"]].concat())
        .expect(2);
    assert!(shown.stdout.contains("listen = \"0.0.0.0:0\" # --listen"));
}

#[test]
fn what_says_nothing_about_logging_is_refused() {
    let desk = desk();
    let answer = desk
        .run(&["serve", "--dir", "authority", "--log", "hallpass=loud=x"])
        .expect(2);
    assert!(
        answer.stderr.contains("does not say what to log"),
        "{}",
        answer.stderr
    );
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_says_which_one_has_it() {
    let desk = desk();
    append(&desk, "\n[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n");
    let answer = desk.run(&["serve", "--dir", "authority"]).expect(2);
    assert!(answer.stderr.contains("`full` has it"), "{}", answer.stderr);
}
