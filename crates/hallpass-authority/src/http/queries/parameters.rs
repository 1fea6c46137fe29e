//! The query of a request, strictly: every name is known, stands once and has a value of its kind.

use std::borrow::Cow;
use std::str::FromStr;

use hallpass_policy::nearest;
use hallpass_vocabulary::RequestId;

use crate::http::problem::{Problem, ProblemCode};
use crate::store::PAGE_ROWS_MAX;

use super::PAGE_ROWS_DEFAULT;

/// Names and values, decoded.
#[derive(Debug)]
pub(in crate::http) struct Parameters<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// What is wrong with a query.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::http) enum Malformed {
    #[error("`{0}` stands twice")]
    Doubled(String),
    #[error("percent signs and what follows them do not make text")]
    Encoding,
    #[error("there is no parameter `{0}` here{1}")]
    Unknown(String, String),
    #[error("`{0}` has no value of its kind")]
    Value(&'static str),
}

impl Malformed {
    pub(in crate::http) fn problem(&self, instance: RequestId) -> Problem {
        Problem::new(ProblemCode::QueryMalformed, instance).detail(self.to_string())
    }
}

impl<'a> Parameters<'a> {
    /// Reads a query of these names.
    pub(in crate::http) fn parse(
        query: Option<&'a str>,
        known: &[&str],
    ) -> Result<Self, Malformed> {
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for pair in query.unwrap_or_default().split('&') {
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if !known.contains(&&*name) {
                let meant = nearest(&name, known.iter().copied());
                let meant =
                    meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
                let shown: String = name.chars().take(32).filter(|c| !c.is_control()).collect();
                return Err(Malformed::Unknown(shown, meant));
            }
            if pairs.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Malformed::Doubled(name.into_owned()));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The text of a parameter.
    pub(in crate::http) fn text(&self, name: &'static str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(found, _)| found == name);
        pair.map(|(_, value)| &**value)
    }

    /// The value of a parameter.
    pub(in crate::http) fn value<T: FromStr>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, Malformed> {
        self.text(name)
            .map(|text| text.parse().map_err(|_| Malformed::Value(name)))
            .transpose()
    }

    /// `true` or `false`; `false` when it is not there.
    pub(in crate::http) fn flag(&self, name: &'static str) -> Result<bool, Malformed> {
        Ok(self.value(name)?.unwrap_or(false))
    }

    /// How many rows a page has.
    pub(in crate::http) fn limit(&self) -> Result<usize, Malformed> {
        match self.value("limit")? {
            None => Ok(PAGE_ROWS_DEFAULT),
            Some(limit) if (1..=PAGE_ROWS_MAX).contains(&limit) => Ok(limit),
            Some(_) => Err(Malformed::Value("limit")),
        }
    }
}

/// Decodes `%xx` and `+`, as forms are encoded.
fn decoded(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let digit = rest.next().map(char::from);
                    digit
                        .and_then(|digit| digit.to_digit(16))
                        .ok_or(Malformed::Encoding)
                };
                let byte = digit()? * 16 + digit()?;
                u8::try_from(byte).map_err(|_| Malformed::Encoding)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| Malformed::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["tenant", "limit", "active"];

    fn parse(query: &str) -> Result<Parameters<'_>, Malformed> {
        Parameters::parse(Some(query), &KNOWN)
    }

    #[test]
    fn each_name_is_known_and_stands_once() {
        let unknown = |name: &str, meant: &str| Err(Malformed::Unknown(name.into(), meant.into()));
        for (query, expected) in [
            ("", Ok(())),
            ("tenant=acme&limit=5", Ok(())),
            ("&tenant=acme&", Ok(())),
            ("tenat=acme", unknown("tenat", "; did you mean `tenant`?")),
            ("colour=red", unknown("colour", "")),
            ("=", unknown("", "")),
            (
                "tenant=a&tenant=a",
                Err(Malformed::Doubled("tenant".into())),
            ),
            (
                "tenant=a&ten%61nt=b",
                Err(Malformed::Doubled("tenant".into())),
            ),
            ("tenant=%zz", Err(Malformed::Encoding)),
            ("tenant=%f", Err(Malformed::Encoding)),
            ("tenant=%ff", Err(Malformed::Encoding)),
        ] {
            assert_eq!(parse(query).map(drop), expected, "{query}");
        }
    }

    #[test]
    fn values_are_of_their_kind() {
        let query = parse("tenant=a%2Bb+c&limit=501&active=true").unwrap();
        assert_eq!(query.text("tenant"), Some("a+b c"));
        assert_eq!(query.flag("active"), Ok(true));
        assert_eq!(query.limit(), Err(Malformed::Value("limit")));
        for (limit, expected) in [
            ("0", Err(Malformed::Value("limit"))),
            ("1", Ok(1)),
            ("500", Ok(500)),
            ("-1", Err(Malformed::Value("limit"))),
            ("many", Err(Malformed::Value("limit"))),
        ] {
            let query = format!("limit={limit}");
            assert_eq!(parse(&query).unwrap().limit(), expected, "{limit}");
        }
        assert_eq!(parse("").unwrap().limit(), Ok(PAGE_ROWS_DEFAULT));
        assert_eq!(
            parse("active").unwrap().flag("active"),
            Err(Malformed::Value("active"))
        );
    }
}
