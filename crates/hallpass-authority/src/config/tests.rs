use super::*;

fn text() -> String {
    let dev = Environment::new("dev").unwrap();
    let name = AuthorityId::new("dev.hallpass").unwrap();
    Config::text(&dev, &name, "127.0.0.1:7420".parse().unwrap(), &[])
}

#[test]
fn what_is_written_is_read() {
    let config = Config::parse(&text()).unwrap();
    assert_eq!(config.environment.as_str(), "dev");
    assert_eq!(config.listen.port(), 7420);
    assert_eq!(config.foreign_keys, []);
}

#[test]
fn a_mistake_is_told_with_its_line() {
    let Err(ConfigError::Form { line, message }) =
        Config::parse(&text().replace("listen =", "lisen ="))
    else {
        panic!("accepted");
    };
    assert_eq!(line, 8);
    assert!(message.starts_with("unknown field `lisen`"), "{message}");
    assert!(message.ends_with("; did you mean `listen`?"), "{message}");
}

#[test]
fn what_is_given_has_its_form() {
    for (section, line, expected) in [
        ("[log]\nformat = \"jsn\"", 2, "did you mean `json`?"),
        ("[log]\nlevel = \"info\"", 2, "unknown field `level`"),
        ("[tls]\ncertificate = \"a\"", 1, "missing field `key`"),
        (
            "[tls]\ncertificat = \"a\"",
            2,
            "did you mean `certificate`?",
        ),
    ] {
        let text = format!("{}\n{section}\n", text());
        let before = self::text().lines().count() + 1;
        match Config::parse(&text) {
            Err(ConfigError::Form {
                line: found,
                message,
            }) => {
                assert_eq!(found, before + line, "{section}");
                assert!(message.contains(expected), "{section}: {message}");
            }
            other => panic!("{section}: {other:?}"),
        }
    }
}

#[test]
fn other_machines_are_answered_over_tls_or_knowingly_without() {
    let with = |listen: &str, more: &str| {
        let text = text().replace("127.0.0.1:7420", listen);
        // A key of the whole file stands before its sections.
        let text = text.replace("# Where its parts", &format!("{more}\n# Where its parts"));
        Config::parse(&text).unwrap().check_exposure()
    };
    for listen in ["127.0.0.1:1", "[::1]:1", "127.8.0.1:1"] {
        assert_eq!(with(listen, ""), Ok(()), "{listen}");
    }
    for listen in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1"] {
        let refused = ConfigError::PlainHttp(listen.parse().unwrap());
        assert_eq!(with(listen, ""), Err(refused), "{listen}");
        assert_eq!(with(listen, "danger_plain_http = true"), Ok(()), "{listen}");
    }
    let certificate = "tls = { certificate = \"c.pem\", key = \"k.pem\" }";
    let expected = if cfg!(feature = "tls") {
        Ok(())
    } else {
        Err(ConfigError::TlsNotBuilt)
    };
    assert_eq!(with("0.0.0.0:1", certificate), expected);
}

#[test]
fn records_are_kept_for_ever_or_for_eight_days_and_more() {
    assert_eq!(Config::parse(&text()).unwrap().journal.keep(), None);
    let with = |days: &str| {
        let text = text().replace("# [journal]\n# keep_days = 400", "[journal]\nkeep_days = N");
        Config::parse(&text.replace("= N", &format!("= {days}")))
    };
    let kept = with("8").unwrap().journal.keep();
    assert_eq!(kept, Some(KEEP_MIN));
    let kept = with("4000000000").unwrap().journal.keep();
    assert_eq!(kept, Some(Duration::from_secs(4_000_000_000 * DAY_SECONDS)));
    for short in ["0", "7"] {
        assert_eq!(with(short), Err(ConfigError::KeepTooShort));
    }
    assert!(matches!(with("\"90d\""), Err(ConfigError::Form { .. })));
}

#[test]
fn a_foreign_key_is_of_another_environment() {
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let with = |environment: &str| {
        format!(
            "{}\n[[foreign_keys]]\nenvironment = \"{environment}\"\npublic_key = \"{key}\"\n",
            text()
        )
    };
    assert_eq!(Config::parse(&with("prod")).unwrap().foreign_keys.len(), 1);
    assert!(matches!(
        Config::parse(&with("dev")),
        Err(ConfigError::ForeignKeyIsOwn(_))
    ));
}
