//! What a new authority's directory holds, and that nothing is ever overwritten.

use std::fs;

use hallpass_authority::{ForeignKey, InitError, SECRET_CHARS, SECRET_PREFIX, init};
use hallpass_keys::{Purpose, key_file::read_key_file};

use crate::fixture::{Home, TestClock, options};

#[test]
fn everything_is_there_and_private() {
    let home = Home::new();
    for purpose in [
        Purpose::Approval,
        Purpose::Bundle,
        Purpose::Heartbeat,
        Purpose::Operator,
        Purpose::Root,
        Purpose::Run,
    ] {
        // Refuses anything but mode 0600, this purpose and this environment.
        let path = home.path(&format!("keys/{purpose}.key"));
        read_key_file(&path, purpose, &"dev".parse().unwrap()).unwrap();
    }
    let pinned = fs::read_to_string(&home.report.trust_root_path).unwrap();
    assert_eq!(pinned.parse(), Ok(home.report.trust_root.clone()));
    assert_eq!(home.report.trust_root.environment.as_str(), "dev");
    assert_eq!(
        fs::read_to_string(&home.report.policy_path).unwrap(),
        hallpass_policy::starter()
    );
    assert!(home.report.config_path.is_file());
    assert!(home.report.root_key_path.is_file() && home.report.operator_key_path.is_file());
    assert_eq!(home.records_of("key_created").len(), 6);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_enter() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let mode = fs::metadata(&home.directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let store = fs::metadata(home.directory.join("authority.db")).unwrap();
    assert_eq!(store.permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_secret_is_shown_once_and_kept_nowhere() {
    let home = Home::new();
    let secret = home.report.client_secret.expose();
    assert!(secret.starts_with(SECRET_PREFIX) && secret.len() == SECRET_CHARS);
    assert!(!format!("{:?}", home.report).contains(secret));
    let mut places = vec![home.directory.clone()];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                places.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}

#[test]
fn nothing_is_overwritten() {
    let home = Home::new();
    let before = fs::read(home.path("keys/run.key")).unwrap();
    let refused = init(&home.directory, &options(&home.clock)).unwrap_err();
    assert!(matches!(refused, InitError::NotEmpty { .. }), "{refused:?}");
    assert_eq!(fs::read(home.path("keys/run.key")).unwrap(), before);

    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert!(matches!(
        init(&file, &options(&home.clock)),
        Err(InitError::NotEmpty { .. })
    ));
    let full = parent.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("note"), "mine").unwrap();
    assert!(matches!(
        init(&full, &options(&home.clock)),
        Err(InitError::NotEmpty { .. })
    ));
    assert_eq!(
        fs::read_dir(parent.path()).unwrap().count(),
        2,
        "nothing is left behind"
    );
}

#[test]
fn an_empty_directory_is_taken_and_parents_are_made() {
    let clock = TestClock::new();
    let parent = tempfile::tempdir().unwrap();
    let empty = parent.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let _ = init(&empty, &options(&clock)).unwrap();
    let deep = parent.path().join("a/b/c");
    let _ = init(&deep, &options(&clock)).unwrap();
    assert!(deep.join("authority.toml").is_file());
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let clock = TestClock::new();
    let parent = tempfile::tempdir().unwrap();
    let place = parent.path().join("authority");
    let mut wrong = options(&clock);
    let other = Home::new();
    wrong.foreign_keys = vec![ForeignKey {
        environment: wrong.environment.clone(),
        public_key: other.report.run_key,
    }];
    assert!(matches!(init(&place, &wrong), Err(InitError::Config(_))));
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}
