//! Keys from the command line: a rotation that is killed in every phase, and a root that two people sign.

use std::time::Duration;

use hallpass_testkit::ChildProcess;

use crate::command::{Answer, Desk};

const BOUND: Duration = Duration::from_secs(60);
const PASSPHRASE: &str = "correct horse battery staple";

/// An authority, and the desk of its operator.
struct Office {
    desk: Desk,
    secret: String,
    authority: Option<ChildProcess>,
}

impl Office {
    fn open() -> Self {
        let mut desk = Desk::new();
        desk.set("HALLPASS_PASSPHRASE", PASSPHRASE);
        let made = desk
            .run(&["init", "authority", "--operator", "op:dana", "--json"])
            .expect(0)
            .json();
        desk.set("HALLPASS_TRUST_ROOT", "authority/trust-root.txt");
        desk.set("HALLPASS_OPERATOR_KEY", "authority/keys/operator.key");
        let mut office = Self {
            desk,
            secret: made["client_secret"].as_str().unwrap().to_owned(),
            authority: None,
        };
        office.serve();
        office
    }

    /// Kills the authority, if it runs, and starts it again.
    fn serve(&mut self) {
        self.authority = None;
        let mut authority = ChildProcess::spawn(&mut self.desk.command(&[
            "serve",
            "--dir",
            "authority",
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
        ]));
        let url = authority.wait_for_line("listening on ", BOUND);
        self.desk.set("HALLPASS_AUTHORITY", &url);
        self.authority = Some(authority);
    }

    fn run(&self, args: &[&str]) -> Answer {
        self.desk.run(args)
    }

    /// Starts a rotation and waits until it says this phase; then the command is killed, and the authority with it.
    fn rotate_until_killed(&mut self, phase: &str) -> String {
        let mut command = self
            .desk
            .command(&["keys", "rotate", "run", "--wait", "2s", "--force", "--json"]);
        let mut rotation = ChildProcess::spawn(&mut command);
        let mark = format!("\"phase\":\"{phase}\",\"key\":\"");
        let said = rotation.wait_for_line(&format!("{{\"purpose\":\"run\",{mark}"), BOUND);
        drop(rotation);
        self.serve();
        said.split('"').next().unwrap().to_owned()
    }

    fn standing(&self, purpose: &str) -> Vec<(String, String)> {
        let keys = self
            .run(&["keys", "list", "--all", "--json"])
            .expect(0)
            .json();
        let keys = keys["keys"].as_array().unwrap().clone();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let of_purpose = keys.iter().filter(|key| key["purpose"] == purpose);
        of_purpose
            .map(|key| (text(&key["standing"]), text(&key["key"])))
            .collect()
    }

    fn mint(&self, into: &str) {
        let minted = self.desk.mint_as_demo(&self.secret).expect(0);
        self.desk.write(into, minted.stdout);
    }

    /// Whether a token is believed under what the authority publishes now.
    fn verify(&self, token: &str) -> Answer {
        self.run(&["tokens", "verify", &format!("@{token}")])
    }
}

#[test]
fn a_rotation_that_is_killed_in_every_phase_goes_on_and_no_token_is_refused() {
    let mut office = Office::open();
    office.mint("before");
    let old = office.standing("run").remove(0).1;
    let hurried = office
        .run(&["keys", "rotate", "run", "--wait", "2s"])
        .expect(2);
    assert!(hurried.stderr.contains("960 seconds"), "{}", hurried.stderr);

    let new = office.rotate_until_killed("prepared");
    let named = |standings: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = |(standing, key): &(&str, &str)| ((*standing).to_owned(), (*key).to_owned());
        standings.iter().map(owned).collect()
    };
    assert_eq!(
        office.standing("run"),
        named(&[("prepared", &new), ("active", &old)])
    );
    office.verify("before").expect(0);
    assert_eq!(office.rotate_until_killed("retiring"), new);
    assert_eq!(
        office.standing("run"),
        named(&[("active", &new), ("retiring", &old)])
    );
    office.mint("after");
    office.verify("before").expect(0);
    office.verify("after").expect(0);
    let waiting = office
        .run(&["keys", "rotate", "run", "--no-wait"])
        .expect(0);
    assert!(waiting.stdout.starts_with("retiring"), "{}", waiting.stdout);

    let in_use = office.run(&["keys", "retire", &old[..16]]).expect(2);
    assert!(
        in_use.stderr.contains("it ends 1 live tokens"),
        "{}",
        in_use.stderr
    );
    let ended = office
        .run(&["keys", "retire", &old[..16], "--yes"])
        .expect(0);
    assert!(
        ended.stderr.contains("1 live tokens ended with it"),
        "{}",
        ended.stderr
    );
    office.verify("before").expect(1);
    office.verify("after").expect(0);
    let lately = office.run(&["keys", "rotate", "run"]).expect(2);
    assert!(
        lately.stderr.contains("less than an hour"),
        "{}",
        lately.stderr
    );
    let active = office.run(&["keys", "retire", &new]).expect(2);
    assert!(active.stderr.contains("the key signs"), "{}", active.stderr);

    let tainted = office
        .run(&[
            "keys",
            "taint",
            &new[..16],
            "--reason",
            "it was shown on a screen",
        ])
        .expect(0);
    assert!(
        tainted.stdout.starts_with("tainted: "),
        "{}",
        tainted.stdout
    );
    office.verify("after").expect(1);
    office.serve();
    office.verify("after").expect(1);
    office.mint("again");
    office.verify("again").expect(0);
}

#[test]
fn two_people_sign_a_root_and_the_authority_signs_under_it() {
    let mut office = Office::open();
    // Each on a machine of their own, under a passphrase of their own.
    let public = |name: &str, passphrase: &str| {
        let file = format!("{name}.key");
        let mut command = office
            .desk
            .command(&["keys", "new", "root", "--env", "dev", "--out", &file]);
        let output = command
            .env("HALLPASS_PASSPHRASE", passphrase)
            .output()
            .unwrap();
        let made = Answer::of("keys new", output).expect(0);
        made.stdout.trim().to_owned()
    };
    let ann = public("ann", "ann's own long passphrase");
    let ben = public("ben", "ben's own long passphrase");
    let ready = office
        .run(&["keys", "rotate", "bundle", "--json"])
        .expect(0)
        .json();
    assert_eq!(ready["phase"], "root");
    let bundle = ready["public_key"].as_str().unwrap().to_owned();
    let made = office
        .run(&[
            "keys",
            "root",
            "rotate",
            "--from",
            "authority/roots/1.json",
            "--out",
            "root-2.json",
            "--key",
            "authority/keys/root.key",
            "--root",
            &ann,
            "--root",
            &ben,
            "--root-threshold",
            "2",
            "--bundle",
            &bundle,
        ])
        .expect(0);
    for line in [
        "root       2 of 2 must sign",
        &format!("           {ann}  new"),
        "signed     by 0 of its own root keys, 2 needed",
        "signed     by 1 of the root keys before it, 1 needed",
    ] {
        assert!(made.stdout.contains(line), "{line}\n{}", made.stdout);
    }
    let refused = office
        .run(&["keys", "root", "install", "root-2.json"])
        .expect(2);
    assert!(
        refused.stderr.contains("is not signed as it must be"),
        "{}",
        refused.stderr
    );
    for (name, passphrase) in [
        ("ann", "ann's own long passphrase"),
        ("ben", "ben's own long passphrase"),
    ] {
        let file = format!("{name}.key");
        let mut command = office.desk.command(&[
            "keys",
            "root",
            "sign",
            "root-2.json",
            "--key",
            &file,
            "--previous",
            "authority/roots/1.json",
        ]);
        let output = command
            .env("HALLPASS_PASSPHRASE", passphrase)
            .output()
            .unwrap();
        Answer::of("keys root sign", output).expect(0);
    }
    let shown = office
        .run(&["keys", "root", "show", "root-2.json", "--json"])
        .expect(0)
        .json();
    assert_eq!(shown["signatures"][0]["signed"], 2);
    let installed = office
        .run(&["keys", "root", "install", "root-2.json"])
        .expect(0);
    assert!(
        installed.stdout.starts_with("in force: root 2, until "),
        "{}",
        installed.stdout
    );
    // Who pinned the first root follows, and who pins the new one starts there.
    office.mint("token");
    office.verify("token").expect(0);
    let pinned = office
        .run(&["keys", "root", "show", "root-2.json", "--trust-root"])
        .expect(0);
    office.desk.write("pinned.txt", pinned.stdout);
    let args = ["tokens", "verify", "@token", "--trust-root", "pinned.txt"];
    office.run(&args).expect(0);
    let listed = office.run(&["keys", "list"]).expect(0);
    assert!(
        listed.stdout.contains("root 2: 2 of 2 keys sign the next"),
        "{}",
        listed.stdout
    );

    // The same in a directory whose authority does not run.
    let again = [
        "keys",
        "root",
        "install",
        "root-2.json",
        "--dir",
        "authority",
    ];
    let no_key = |office: &Office| {
        let mut command = office.desk.command(&again);
        let output = command
            .env_remove("HALLPASS_OPERATOR_KEY")
            .output()
            .unwrap();
        Answer::of("keys root install --dir", output)
    };
    let busy = no_key(&office).expect(2);
    assert!(
        busy.stderr.contains("an authority that runs"),
        "{}",
        busy.stderr
    );
    office.authority = None;
    let there = no_key(&office).expect(0);
    assert!(
        there.stdout.starts_with("in force already: root 2"),
        "{}",
        there.stdout
    );
    office.serve();
    office.verify("token").expect(0);
}

/// The hint of the key that signed a token.
#[cfg(feature = "postgres")]
fn hint(token: &hallpass_client::TokenResponse) -> String {
    let token = hallpass_token::UnverifiedToken::parse(token.token.expose()).unwrap();
    format!("{:08x}", token.key_hint())
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_rotate_together_and_none_signs_with_a_key_it_lacks() {
    use hallpass_client::TokenError;

    use crate::wards::{Ward, request};

    let ward = Ward::postgres("");
    let (_one, first, url) = ward.serve_at("authority");
    let (_two, second, second_url) = ward.serve_at("authority-2");
    let keys = |args: &[&str]| {
        let operator = [
            "--authority",
            &url,
            "--key",
            "authority/keys/operator.key",
            "--trust-root",
            "authority/trust-root.txt",
        ];
        ward.desk.run(&[&["keys"], args, &operator].concat())
    };
    let rotate = |more: &[&str]| {
        let args = [
            "rotate",
            "run",
            "--wait",
            "1s",
            "--force",
            "--no-wait",
            "--json",
        ];
        keys(&[&args, more].concat())
    };
    let hand_over = |key: &str| {
        let name = format!("keys/run-{}.key", &key[..16]);
        let from = ward.desk.path().join("authority").join(&name);
        std::fs::copy(from, ward.desk.path().join("authority-2").join(&name)).unwrap();
    };
    let begun = rotate(&[]).expect(0).json();
    assert_eq!(begun["phase"], "prepared");
    let new = begun["key"].as_str().unwrap().to_owned();
    std::thread::sleep(Duration::from_millis(1_100));
    let alone = rotate(&[]).expect(2);
    assert!(
        alone.stderr.contains("other replicas use this store"),
        "{}",
        alone.stderr
    );
    hand_over(&new);
    let active = rotate(&["--distributed"]).expect(0).json();
    assert_eq!(
        (&active["phase"], &active["key"]),
        (&"retiring".into(), &begun["key"])
    );
    assert_eq!(
        hint(&first.request(&request(None)).await.unwrap()),
        new[..8]
    );
    // The other learns of it within a second or two, and its own bundle has the key.
    let mut token = second.request(&request(None)).await.unwrap();
    for _ in 0..200 {
        if hint(&token) == new[..8] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        token = second.request(&request(None)).await.unwrap();
    }
    assert_eq!(hint(&token), new[..8]);
    ward.desk.write("token", token.token.expose());
    for url in [&url, &second_url] {
        let pinned = [
            "--authority",
            url,
            "--trust-root",
            "authority/trust-root.txt",
        ];
        let verify = ["tokens", "verify", "@token"];
        ward.desk.run(&[&verify[..], &pinned].concat()).expect(0);
    }

    // A key that is stolen is not waited with; the replica without the next one does not sign.
    let taint = ["taint", &new[..16], "--reason", "stolen", "--json"];
    let tainted = keys(&taint).expect(0).json();
    let next = tainted["active"].as_str().unwrap().to_owned();
    let mut refused = false;
    for _ in 0..200 {
        match second.request(&request(None)).await {
            Ok(token) => assert_eq!(hint(&token), new[..8], "it has not heard of it yet"),
            Err(TokenError::Refused(problem)) if problem.code == "key_unavailable" => {
                refused = true;
                break;
            }
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(refused, "it signs with a key that somebody else has");
    hand_over(&next);
    let mut signed = false;
    for _ in 0..200 {
        if let Ok(token) = second.request(&request(None)).await {
            assert_eq!(hint(&token), next[..8]);
            signed = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(signed, "it has the key and does not sign");
}
