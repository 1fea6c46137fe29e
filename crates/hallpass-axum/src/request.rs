//! From HTTP to a tool call: every header at most once, one JSON object, nothing guessed.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Query;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request};
use hallpass_args::{ARGUMENTS_BYTES_MAX, Arguments, ToolCall};
use hallpass_vocabulary::{Audience, DenialCode, RequestId, ToolName};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// How long a body may take to arrive, in seconds. A caller on a slow line sends 256 KiB in a fraction of it.
pub const BODY_READ_SECONDS_MAX: u64 = 10;

/// What came with a request, or why it is no tool call: a code and a detail.
pub(crate) struct Received {
    pub(crate) token: Option<String>,
    pub(crate) call: ToolCall,
}

pub(crate) type Unreadable = (DenialCode, String);

/// Reads the native form: `POST /tools/{tool}` with a JSON object as the arguments.
pub(crate) async fn native(
    request: Request<Body>,
    tool: &str,
    audience: Audience,
    request_id: RequestId,
) -> Result<Received, Unreadable> {
    let tool = ToolName::new(tool).map_err(|error| malformed(error.to_string()))?;
    if request.method() != Method::POST {
        return Err(malformed("a tool is called with POST"));
    }
    if request.uri().query().is_some() {
        return Err(malformed("arguments go in the body, not in the query"));
    }
    // A name with `%2e` for its dot is another path to whatever filters paths in front of the service.
    if request.uri().path().rsplit('/').next() != Some(tool.as_str()) {
        return Err(malformed("the tool's name is written with escapes"));
    }
    read(request, tool, Vec::new(), audience, request_id).await
}

/// Reads the REST form: arguments in the path, the query and the body together. `path` holds the path's, decoded.
pub(crate) async fn rest(
    request: Request<Body>,
    tool: ToolName,
    path: Vec<(String, String)>,
    audience: Audience,
    request_id: RequestId,
) -> Result<Received, Unreadable> {
    let Query(mut strings) = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|_| malformed("the query is no list of names and values"))?;
    // The decoder puts U+FFFD where bytes are no UTF-8: two different requests would read alike.
    if strings
        .iter()
        .any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'))
    {
        return Err(malformed("the query is not UTF-8"));
    }
    strings.extend(path);
    read(request, tool, strings, audience, request_id).await
}

async fn read(
    request: Request<Body>,
    tool: ToolName,
    strings: Vec<(String, String)>,
    audience: Audience,
    request_id: RequestId,
) -> Result<Received, Unreadable> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let token = bearer(headers)?;
    let idempotency_key = parsed(headers, "idempotency-key")?;
    let trace = parsed(headers, "traceparent")?;
    let attempt = attempt(headers)?;
    // Proofs of possession are not checked by this version: a token that demands one is `proof_required` whether or
    // not one came. Doubled, the header is refused all the same.
    single(headers, "dpop")?;
    let has_body = !body.is_end_stream();
    if (has_body || parts.method == Method::POST) && !is_json(headers)? {
        return Err(malformed("the content type must be `application/json`"));
    }
    let body = if has_body {
        collect(body).await?
    } else {
        Vec::new()
    };
    let json: &[u8] = if body.is_empty() && parts.method != Method::POST {
        b"{}"
    } else {
        &body
    };
    let args = Arguments::parse(json)
        .and_then(|args| args.with_strings(strings.iter().map(|(name, value)| (&**name, &**value))))
        .map_err(|error| {
            let code = if error.is_too_large() {
                DenialCode::RequestTooLarge
            } else {
                DenialCode::RequestMalformed
            };
            (code, error.to_string())
        })?;
    let call = ToolCall {
        audience,
        tool,
        args,
        request_id,
        idempotency_key,
        trace,
        attempt,
    };
    Ok(Received { token, call })
}

async fn collect(body: Body) -> Result<Vec<u8>, Unreadable> {
    let limited = Limited::new(body, ARGUMENTS_BYTES_MAX).collect();
    let arrived = tokio::time::timeout(Duration::from_secs(BODY_READ_SECONDS_MAX), limited).await;
    match arrived {
        Err(_elapsed) => Err(malformed(format!(
            "the body took more than {BODY_READ_SECONDS_MAX} s"
        ))),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err((
            DenialCode::RequestTooLarge,
            format!("the body is larger than {ARGUMENTS_BYTES_MAX} bytes"),
        )),
        Ok(Err(_broken)) => Err(malformed("the body did not arrive whole")),
        Ok(Ok(collected)) => Ok(collected.to_bytes().into()),
    }
}

/// The token of `Authorization: Bearer …`; `None` when there is no such header.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Unreadable> {
    let Some(value) = single(headers, AUTHORIZATION.as_str())? else {
        return Ok(None);
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Ok(Some(token.to_owned()))
        }
        _ => Err(malformed("`Authorization` must be `Bearer` and a token")),
    }
}

fn is_json(headers: &HeaderMap) -> Result<bool, Unreadable> {
    let value = single(headers, CONTENT_TYPE.as_str())?.unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    Ok(media_type.eq_ignore_ascii_case("application/json"))
}

/// Which try this is: decimal digits, the first of them not 0. The integer parser would also take a sign.
fn attempt(headers: &HeaderMap) -> Result<Option<u32>, Unreadable> {
    const NAME: &str = "hallpass-attempt";
    let number = |text: &str| {
        Some(text)
            .filter(|text| text.starts_with(|c: char| matches!(c, '1'..='9')))
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| malformed(format!("`{NAME}` must be a number from 1")))
    };
    single(headers, NAME)?.map(number).transpose()
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    headers: &HeaderMap,
    name: &'static str,
) -> Result<Option<T>, Unreadable> {
    single(headers, name)?
        .map(|value| {
            value
                .parse()
                .map_err(|error| malformed(format!("`{name}`: {error}")))
        })
        .transpose()
}

/// The one value of a header. Twice is refused: a proxy and a service that pick different ones disagree on the call.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Unreadable> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(malformed(format!("`{name}` is given twice")));
    }
    value
        .to_str()
        .map(Some)
        .map_err(|_| malformed(format!("`{name}` is not printable ASCII")))
}

fn malformed(detail: impl Into<String>) -> Unreadable {
    (DenialCode::RequestMalformed, detail.into())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use axum::http::HeaderValue;
    use hallpass_vocabulary::Timestamp;

    use super::*;

    /// Without a runtime: what is refused here is refused before anything is waited for.
    fn refused(uri: &str, tool: &str) -> Option<Unreadable> {
        let request = Request::post(uri).body(Body::empty()).unwrap();
        let audience = Audience::new("tickets").unwrap();
        let id = RequestId::new(Timestamp::from_unix_ms(0), [0; 10]);
        let reading = pin!(native(request, tool, audience, id));
        match reading.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer.err(),
            Poll::Pending => panic!("waits"),
        }
    }

    #[test]
    fn a_tool_has_one_spelling_in_the_path() {
        let escapes = Some(malformed("the tool's name is written with escapes"));
        for path in ["/tools/kb%2Esearch", "/tools/kb.searc%68"] {
            assert_eq!(refused(path, "kb.search"), escapes, "{path}");
        }
        // Spelled as it is, and also below a prefix, it is the next thing that is missed.
        let content_type = Some(malformed("the content type must be `application/json`"));
        for path in ["/tools/kb.search", "/v2/tools/kb.search"] {
            assert_eq!(refused(path, "kb.search"), content_type, "{path}");
        }
    }

    #[test]
    fn attempts_are_counted_from_one_and_spelled_one_way() {
        let read = |text: &'static str| {
            let value = HeaderValue::from_static(text);
            attempt(
                &[("hallpass-attempt".parse().unwrap(), value)]
                    .into_iter()
                    .collect(),
            )
        };
        assert_eq!(read("1"), Ok(Some(1)));
        assert_eq!(read("4294967295"), Ok(Some(u32::MAX)));
        assert_eq!(attempt(&HeaderMap::new()), Ok(None));
        for text in ["0", "01", "+1", "-1", "", "1 ", "4294967296", "one"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
