use super::*;

const TEXT: &str = r#"
environment = "dev"
name = "dev.hallpass"
listen = "127.0.0.1:7420"
[paths]
keys = "keys"
policy = "policy"
store = "authority.db"
journal = "journal"
roots = "roots"
bundle = "bundle"
[log]
format = "json"
[[foreign_keys]]
environment = "staging"
public_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
"#;

fn settings(overrides: Overrides) -> Result<Settings, ConfigError> {
    Settings::of_text(Path::new("."), TEXT, overrides)
}

#[test]
fn each_value_is_shown_with_where_it_comes_from() {
    let overrides = Overrides::default()
        .with(
            "listen",
            "0.0.0.0:1",
            Source::Environment("HALLPASS_LISTEN"),
        )
        .with("listen", "127.0.0.1:2", Source::Flag("--listen"))
        .with("log.filter", "debug", Source::Environment("HALLPASS_LOG"))
        .with(
            "tls.certificate",
            "c.pem",
            Source::Flag("--tls-certificate"),
        )
        .with("tls.key", "k.pem", Source::Flag("--tls-key"));
    let settings = settings(overrides).unwrap();
    assert_eq!(settings.listen().port(), 2);
    assert_eq!(settings.log_format(), LogFormat::Json);
    let shown = settings.shown();
    for line in [
        "environment = \"dev\" # authority.toml",
        "listen = \"127.0.0.1:2\" # --listen",
        "drain_seconds = 10 # default",
        "danger_plain_http = false # default",
        "[log]\nfilter = \"debug\" # HALLPASS_LOG\nformat = \"json\" # authority.toml",
        "[tls]\ncertificate = \"c.pem\" # --tls-certificate\nkey = \"k.pem\" # --tls-key",
        "[[foreign_keys]]\nenvironment = \"staging\" # authority.toml",
    ] {
        assert!(shown.contains(line), "`{line}` is missing:\n{shown}");
    }
    // What is shown is a configuration again, and the same one.
    let again = Settings::of_text(Path::new("."), &shown, Overrides::default()).unwrap();
    assert_eq!(again.config, settings.config);
}

#[test]
fn a_value_that_is_wrong_is_told_with_its_source() {
    for (key, value, source, expected) in [
        (
            "listen",
            "here",
            Source::Environment("HALLPASS_LISTEN"),
            "HALLPASS_LISTEN: ",
        ),
        (
            "log.format",
            "jsn",
            Source::Flag("--log-format"),
            "did you mean `json`?",
        ),
        (
            "log.fliter",
            "x",
            Source::Flag("--log"),
            "did you mean `filter`?",
        ),
        (
            "tls.key",
            "k.pem",
            Source::Flag("--tls-key"),
            "--tls-key: missing field `certificate`",
        ),
    ] {
        let error = settings(Overrides::default().with(key, value, source)).unwrap_err();
        assert!(error.to_string().contains(expected), "{key}: {error}");
    }
    let short = Overrides::default().with("journal.keep_days", 7, Source::Flag("--x"));
    assert_eq!(settings(short).unwrap_err(), ConfigError::KeepTooShort);
}
