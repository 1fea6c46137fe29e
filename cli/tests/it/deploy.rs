//! What an authority is deployed with: its unit, its image, its example of a configuration, and the page for its operators.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::Desk;

/// The most exposure `systemd-analyze security` may find, of 10.0, in tenths: it calls less than 2.0 `OK`.
const EXPOSURE_MAX: u32 = 15;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy")
        .join(name)
}

#[cfg(feature = "tls")]
#[test]
fn the_example_is_a_configuration_of_this_release() {
    let desk = Desk::new();
    let example = deploy("");
    let shown = desk
        .run(&[
            "serve",
            "--print-config",
            "--dir",
            example.to_str().unwrap(),
        ])
        .expect(0);
    assert!(
        shown.stdout.contains("keep_days = 400 # authority.toml"),
        "{}",
        shown.stdout
    );
}

#[test]
fn the_unit_is_one_and_gives_the_authority_no_more_than_it_needs() {
    let desk = Desk::new();
    let unit = std::fs::read_to_string(deploy("hallpass-authority.service")).unwrap();
    let command =
        "/usr/local/bin/hallpass serve --dir /var/lib/hallpass/authority --log-format json";
    assert!(unit.contains(&format!("ExecStart={command}\n")));
    // Where the program is on this machine, which is looked for.
    let program = env!("CARGO_BIN_EXE_hallpass");
    desk.write(
        "hallpass-authority.service",
        unit.replace("/usr/local/bin/hallpass", program),
    );
    let analyze = |args: &[&str]| {
        let output = Command::new("systemd-analyze")
            .args(args)
            .arg("hallpass-authority.service")
            .current_dir(desk.path())
            .output()
            .expect("`systemd-analyze` is installed (Debian: the package systemd)");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {said}");
        said
    };
    let complaints = analyze(&["verify"]);
    assert!(
        !complaints.contains("hallpass-authority.service"),
        "{complaints}"
    );
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    analyze(&["security", "--offline=true", &threshold, "--no-pager"]);
}

/// Nothing in the image runs as root, and nothing in it listens to more than the authority does.
#[test]
fn the_image_runs_as_nobody_in_particular() {
    let file = std::fs::read_to_string(deploy("Containerfile")).unwrap();
    let last = file.rfind("FROM ").unwrap();
    let (_, stage) = file.split_at(last);
    assert!(stage.contains("\nUSER 7420:7420\n") && !stage.contains("USER root"));
    assert!(file.contains("--features full") && file.contains("--locked"));
    for line in file.lines().filter(|line| line.starts_with("FROM ")) {
        assert!(!line.contains(":latest") && line.contains(':'), "{line}");
    }
}

#[cfg(feature = "full")]
#[test]
fn the_page_for_operators_goes_as_it_says() {
    use crate::page::{Said, run, shell_lines};
    let Said { out, all, .. } = run(&shell_lines("docs/operations.md"), ["7420"]);
    for expected in [
        "certificate = \"tls/certificate.pem\" # authority.toml",
        "policy_loaded",
        "intact: ",
        " good  authority",
    ] {
        assert!(
            out.contains(expected) || all.contains(expected),
            "`{expected}` is missing\n{all}"
        );
    }
    assert!(!out.contains(" BAD "), "{all}");
}
