//! Clients and operators from the command line: a team's first day, and what is refused.

use std::time::Duration;

use hallpass_testkit::ChildProcess;

use crate::command::{Answer, Desk};

const BOUND: Duration = Duration::from_secs(30);
const PASSPHRASE: &str = "correct horse battery staple";

/// An authority of `dev` whose first operator has a passphrase, and the desk to act on it from.
struct Office {
    desk: Desk,
    url: String,
    _authority: ChildProcess,
}

impl Office {
    fn open() -> Self {
        let mut desk = Desk::new();
        desk.set("HALLPASS_PASSPHRASE", PASSPHRASE);
        desk.run(&["init", "authority", "--operator", "op:dana", "--json"])
            .expect(0);
        // A second one, without a role that may change anything.
        desk.run(&[
            "operators",
            "new",
            "op:lin",
            "--env",
            "dev",
            "--key",
            "lin.key",
            "--role",
            "auditor",
        ])
        .expect(0);
        let lines = desk
            .run(&[
                "operators",
                "new",
                "op:ada",
                "--env",
                "dev",
                "--key",
                "ada.key",
                "--role",
                "auditor",
            ])
            .expect(0);
        desk.write("authority/policy/ada.toml", &lines.stdout);
        let mut authority = ChildProcess::spawn(&mut desk.command(&[
            "serve",
            "--dir",
            "authority",
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ]));
        let url = authority.wait_for_line("listening on ", BOUND);
        desk.set("HALLPASS_AUTHORITY", &url);
        desk.set("HALLPASS_TRUST_ROOT", "authority/trust-root.txt");
        desk.set("HALLPASS_OPERATOR_KEY", "authority/keys/operator.key");
        Self {
            desk,
            url,
            _authority: authority,
        }
    }

    fn run(&self, args: &[&str]) -> Answer {
        self.desk.run(args)
    }

    fn mint(&self, secret: &str) -> Answer {
        self.desk.mint_as_demo(secret)
    }
}

#[test]
fn a_secret_is_rotated_and_a_client_kept_out() {
    let office = Office::open();
    let refused = office
        .run(&["clients", "new", "demo-orchestrator"])
        .expect(2);
    assert!(
        refused.stderr.contains("has a secret already"),
        "{}",
        refused.stderr
    );
    let unknown = office.run(&["clients", "new", "nobody"]).expect(2);
    assert!(
        unknown.stderr.contains("client_unknown"),
        "{}",
        unknown.stderr
    );
    assert!(
        unknown
            .stderr
            .contains("hint: declare the client under [clients]"),
        "{}",
        unknown.stderr
    );

    let rotated = office
        .run(&["clients", "rotate", "demo-orchestrator", "--overlap", "1h"])
        .expect(0);
    let secret = rotated.stdout.trim_end();
    assert!(secret.starts_with("hps_") && !secret.contains('\n'));
    assert!(!rotated.stderr.contains("hps_"), "{}", rotated.stderr);
    assert!(
        rotated
            .stderr
            .starts_with("environment dev, authority dev.hallpass at http://127.0.0.1:"),
        "{}",
        rotated.stderr
    );
    office.mint(secret).expect(0);

    let listed = office.run(&["clients", "list", "--json"]).expect(0).json();
    let secrets = listed[0]["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 2, "{listed}");
    let newest = rotated
        .stderr
        .split("added secret ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let retired = office
        .run(&["clients", "retire", "demo-orchestrator", newest])
        .expect(0);
    assert!(
        retired
            .stdout
            .starts_with(&format!("secret {newest} ends ")),
        "{}",
        retired.stdout
    );
    office.mint(secret).expect(2);
    let typed = office
        .run(&["clients", "retire", "demo-orchestrator", secret])
        .expect(2);
    assert!(
        typed.stderr.contains("expected the id of a secret"),
        "{}",
        typed.stderr
    );

    office
        .run(&["clients", "disable", "demo-orchestrator"])
        .expect(0);
    let shown = office.run(&["clients", "list"]).expect(0);
    assert!(shown.stdout.contains("disabled"), "{}", shown.stdout);
    let enabled = office
        .run(&["clients", "enable", "demo-orchestrator", "--json"])
        .expect(0)
        .json();
    assert_eq!(enabled["enabled"], true);
}

#[test]
fn who_acts_is_who_signed() {
    let office = Office::open();
    let list = office
        .run(&["operators", "list", "--json"])
        .expect(0)
        .json();
    let names: Vec<&str> = list["operators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["operator"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["op:ada", "op:dana"]);
    // Enrolled as an auditor: may look, and not change.
    office
        .run(&["clients", "list", "--key", "ada.key"])
        .expect(0);
    let forbidden = office
        .run(&[
            "clients",
            "disable",
            "demo-orchestrator",
            "--key",
            "ada.key",
        ])
        .expect(2);
    assert!(
        forbidden.stderr.contains("operator_forbidden"),
        "{}",
        forbidden.stderr
    );
    // A key that nobody enrolled.
    let stranger = office
        .run(&["clients", "list", "--key", "lin.key"])
        .expect(2);
    assert!(
        stranger.stderr.contains("operator_unauthorized"),
        "{}",
        stranger.stderr
    );
    assert!(
        stranger
            .stderr
            .contains("hint: check that the policy in force has your key"),
        "{}",
        stranger.stderr
    );
    // Another key of the authority's is no operator's.
    let run_key = office
        .run(&["clients", "list", "--key", "authority/keys/run.key"])
        .expect(2);
    assert!(
        run_key
            .stderr
            .contains("is for purpose `run`, not `operator`"),
        "{}",
        run_key.stderr
    );
}

#[test]
fn nothing_is_sent_with_the_wrong_passphrase_environment_or_key() {
    let office = Office::open();
    let mut command = office.desk.command(&["clients", "list"]);
    let wrong = Answer::of(
        "clients list",
        command
            .env("HALLPASS_PASSPHRASE", "a wrong passphrase")
            .output()
            .unwrap(),
    );
    let wrong = wrong.expect(2);
    assert!(
        wrong
            .stderr
            .contains("the passphrase is wrong, or the file is damaged"),
        "{}",
        wrong.stderr
    );
    assert!(
        !wrong.stderr.contains("a wrong passphrase"),
        "{}",
        wrong.stderr
    );
    let mut command = office.desk.command(&["clients", "list"]);
    let none = Answer::of(
        "clients list",
        command
            .env_remove("HALLPASS_PASSPHRASE")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap(),
    );
    let none = none.expect(2);
    assert!(
        none.stderr.contains("hint: set HALLPASS_PASSPHRASE"),
        "{}",
        none.stderr
    );
    let meant = office
        .run(&["clients", "disable", "demo-orchestrator", "--env", "prod"])
        .expect(2);
    assert!(
        meant.stderr.contains("of environment `dev`, not `prod`"),
        "{}",
        meant.stderr
    );
    office
        .run(&[
            "operators",
            "new",
            "op:max",
            "--env",
            "prod",
            "--key",
            "max.key",
            "--role",
            "admin",
        ])
        .expect(0);
    let foreign = office
        .run(&["clients", "list", "--key", "max.key"])
        .expect(2);
    assert!(
        foreign
            .stderr
            .contains("belongs to environment `prod`, not `dev`"),
        "{}",
        foreign.stderr
    );
    let absent = office
        .run(&["clients", "list", "--key", "absent.key"])
        .expect(2);
    assert!(
        absent.stderr.contains("hint: give --key FILE"),
        "{}",
        absent.stderr
    );
    assert!(office.url.starts_with("http://127.0.0.1:"));
}

#[test]
fn a_key_is_made_once_and_never_in_plain_by_accident() {
    let mut desk = Desk::new();
    let new = [
        "operators",
        "new",
        "op:dana",
        "--env",
        "prod",
        "--key",
        "dana.key",
        "--role",
        "operator",
        "--role",
        "admin",
    ];
    let none = desk.run(&new).expect(2);
    assert!(
        none.stderr
            .contains("there is no passphrase for the operator's key"),
        "{}",
        none.stderr
    );
    assert!(
        none.stderr.contains("hint: set HALLPASS_PASSPHRASE"),
        "{}",
        none.stderr
    );
    assert!(!desk.path().join("dana.key").exists());
    let refused = desk.run(&["init", "authority"]).expect(2);
    assert!(
        refused.stderr.contains("there is no passphrase"),
        "{}",
        refused.stderr
    );
    assert!(!desk.path().join("authority").exists());
    desk.set("HALLPASS_PASSPHRASE", "short");
    assert!(
        desk.run(&new)
            .expect(2)
            .stderr
            .contains("the passphrase is too short")
    );
    desk.set("HALLPASS_PASSPHRASE", PASSPHRASE);
    let made = desk.run(&new).expect(0);
    let key = std::fs::read_to_string(desk.path().join("dana.key")).unwrap();
    assert!(key.contains("BEGIN ENCRYPTED PRIVATE KEY"));
    let public = made.stdout.split('"').nth(5).unwrap().to_owned();
    assert_eq!(
        made.stdout,
        format!(
            "[operators.\"op:dana\"]\nperson = \"dana\"\nkeys = [\"{public}\"]\nroles = [\"admin\", \"operator\"]\n"
        )
    );
    assert!(
        desk.run(&new)
            .expect(2)
            .stderr
            .contains("exists and is never overwritten")
    );
    let plain = desk.run(&[
        "operators",
        "new",
        "op:li",
        "--env",
        "dev",
        "--key",
        "li.key",
        "--role",
        "admin",
        "--no-passphrase",
        "--json",
    ]);
    let plain = plain.expect(0);
    assert!(plain.stderr.contains("NOT encrypted"), "{}", plain.stderr);
    assert_eq!(plain.json()["encrypted"], false);
    let role = desk
        .run(&[
            "operators",
            "new",
            "op:li",
            "--env",
            "dev",
            "--key",
            "x.key",
            "--role",
            "root",
        ])
        .expect(2);
    assert!(
        role.stderr
            .contains("expected `admin`, `approver`, `auditor` or `operator`"),
        "{}",
        role.stderr
    );
}
