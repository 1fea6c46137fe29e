//! A configuration as TOML, each value with where it comes from.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::Source;

/// What stands for a secret.
const HIDDEN: &str = "HIDDEN";

/// The names a connection string has for a secret, as `name=value`.
const SECRET_NAMES: [&str; 2] = ["password", "sslpassword"];

/// Values first, then sections, as TOML wants it. `source` hears the key of a value, `section.name`.
pub(super) fn shown(values: &Table, source: &dyn Fn(&str) -> Source) -> String {
    let mut text = String::new();
    for (name, value) in values.iter().filter(|(_, value)| !is_section(value)) {
        line(&mut text, name, value, source(name));
    }
    for (section, value) in values.iter().filter(|(_, value)| is_section(value)) {
        match value {
            Value::Table(table) => {
                let _ = write!(text, "\n[{section}]\n");
                for (name, value) in table {
                    let source = source(&format!("{section}.{name}"));
                    line(&mut text, name, value, source);
                }
            }
            Value::Array(tables) => {
                for table in tables.iter().filter_map(Value::as_table) {
                    let _ = write!(text, "\n[[{section}]]\n");
                    for (name, value) in table {
                        line(&mut text, name, value, source(section));
                    }
                }
            }
            _ => {}
        }
    }
    text
}

fn is_section(value: &Value) -> bool {
    match value {
        Value::Table(_) => true,
        Value::Array(values) => values.first().is_some_and(Value::is_table),
        _ => false,
    }
}

fn line(text: &mut String, name: &str, value: &Value, source: Source) {
    let value = without_secrets(value);
    let _ = writeln!(text, "{name} = {value} # {source}");
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_password(text)),
        Value::Array(values) => Value::Array(values.iter().map(without_secrets).collect()),
        Value::Table(table) => Value::Table(
            table
                .iter()
                .map(|(name, value)| (name.clone(), without_secrets(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// A text without the password of a URL or of a connection string. Secrets belong into files and variables, but a
/// store's address can hold one.
fn without_password(text: &str) -> String {
    if let Some((scheme, rest)) = text.split_once("://") {
        // Readers of such addresses take all before an `@` for user and password, a `/` or `?` in it too.
        let from = rest.rfind('@').unwrap_or(0);
        let after = rest.get(from..).unwrap_or(rest);
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, path) = rest.split_at_checked(from + end).unwrap_or((rest, ""));
        let authority = match authority.rsplit_once('@') {
            None => authority.to_owned(),
            Some((user, host)) => {
                let user = user.split(':').next().unwrap_or_default();
                format!("{user}:{HIDDEN}@{host}")
            }
        };
        return format!("{scheme}://{authority}{}", without_named(path, '&'));
    }
    without_named(text, ' ')
}

fn without_named(text: &str, between: char) -> String {
    let parts = text.split(between).map(|part| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(&between.to_string())
}

fn is_secret(name: &str) -> bool {
    let name = name.rsplit('?').next().unwrap_or(name).trim();
    SECRET_NAMES
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (given, shown) in [
            ("127.0.0.1:7420", "127.0.0.1:7420"),
            ("postgres://u@h/db", "postgres://u:HIDDEN@h/db"),
            ("postgres://u:p@h:1/db", "postgres://u:HIDDEN@h:1/db"),
            ("postgres://u:p@q@h/db", "postgres://u:HIDDEN@h/db"),
            ("postgres://u:p/q@h/db", "postgres://u:HIDDEN@h/db"),
            ("postgres://u:p?q@h/db", "postgres://u:HIDDEN@h/db"),
            (
                "postgres://h/db?user=u&password=p&x=1",
                "postgres://h/db?user=u&password=HIDDEN&x=1",
            ),
            (
                "postgres://h/db?Password=p",
                "postgres://h/db?Password=HIDDEN",
            ),
            ("host=h password=p user=u", "host=h password=HIDDEN user=u"),
            ("info,hallpass=debug", "info,hallpass=debug"),
        ] {
            assert_eq!(without_password(given), shown);
        }
    }
}
