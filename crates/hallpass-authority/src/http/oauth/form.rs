//! A body of `application/x-www-form-urlencoded`, read strictly: what two readers could read differently is refused.

use std::collections::BTreeMap;

/// The most parameters of one request: twice as many as there are.
const PARAMETERS_MAX: usize = 48;

/// The parameters of a request, each there once. Some of them are secrets, so there is no `Debug`; the values are wiped when
/// dropped.
pub(super) struct Form(BTreeMap<String, zeroize::Zeroizing<String>>);

/// A body that is no such form. Repeats nothing of it but the name of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadForm {
    #[error("a parameter is not `name=value`")]
    NoPair,
    #[error("a percent escape or a character is malformed")]
    Encoding,
    #[error("the parameter `{0}` is there twice")]
    Repeated(String),
    #[error("more than {PARAMETERS_MAX} parameters")]
    TooMany,
}

impl Form {
    pub(super) fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let text = std::str::from_utf8(body).map_err(|_| BadForm::Encoding)?;
        let mut parameters = BTreeMap::new();
        for pair in text.split('&').filter(|_| !text.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(BadForm::NoPair)?;
            if name.is_empty() || value.contains('=') {
                return Err(BadForm::NoPair);
            }
            let (name, value) = (decoded(name)?, decoded(value)?);
            if parameters.contains_key(name.as_str()) {
                return Err(BadForm::Repeated(shown(&name)));
            }
            parameters.insert((*name).clone(), value);
            if parameters.len() > PARAMETERS_MAX {
                return Err(BadForm::TooMany);
            }
        }
        // RFC 6749 section 3.2: a parameter without a value is as if it were not there.
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }
}

/// The value of a part. `+` is a space; what is not escaped is visible ASCII.
fn decoded(text: &str) -> Result<zeroize::Zeroizing<String>, BadForm> {
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let byte = rest.next().ok_or(BadForm::Encoding)?;
                    let digit = char::from(byte).to_digit(16).ok_or(BadForm::Encoding)?;
                    u8::try_from(digit).map_err(|_| BadForm::Encoding)
                };
                let (high, low) = (digit()?, digit()?);
                high << 4 | low
            }
            plain if plain.is_ascii_graphic() => plain,
            _ => return Err(BadForm::Encoding),
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| BadForm::Encoding)?;
    if text.chars().any(char::is_control) {
        return Err(BadForm::Encoding);
    }
    Ok(zeroize::Zeroizing::new(text.to_owned()))
}

/// A name as an answer may repeat it.
fn shown(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_parameter_once() {
        let form = Form::parse(b"a=1&b=x+y%2Bz&c=%C3%A9&d=&e=f%3Dg").unwrap();
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), Some("x y+z"));
        assert_eq!(form.get("c"), Some("é"));
        assert_eq!(form.get("d"), None);
        assert_eq!(form.get("e"), Some("f=g"));
        assert_eq!(form.get("f"), None);
        assert!(Form::parse(b"").unwrap().get("a").is_none());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let many: Vec<String> = (0..=PARAMETERS_MAX).map(|n| format!("p{n}=1")).collect();
        for (body, fault) in [
            ("a=1&a=1", BadForm::Repeated("a".to_owned())),
            ("a=1&%61=2", BadForm::Repeated("a".to_owned())),
            ("a=&a=2", BadForm::Repeated("a".to_owned())),
            ("a", BadForm::NoPair),
            ("a=1&", BadForm::NoPair),
            ("a=1&&b=2", BadForm::NoPair),
            ("=1", BadForm::NoPair),
            ("a=b=c", BadForm::NoPair),
            ("a=%", BadForm::Encoding),
            ("a=%4", BadForm::Encoding),
            ("a=%zz", BadForm::Encoding),
            ("a=%+1", BadForm::Encoding),
            ("a=%FF", BadForm::Encoding),
            ("a=%00", BadForm::Encoding),
            ("a=%0D%0A", BadForm::Encoding),
            ("a=b c", BadForm::Encoding),
            ("a=é", BadForm::Encoding),
            (&many.join("&"), BadForm::TooMany),
        ] {
            assert_eq!(Form::parse(body.as_bytes()).err(), Some(fault), "{body}");
        }
        assert!(Form::parse(b"a=\xff").is_err());
    }
}
