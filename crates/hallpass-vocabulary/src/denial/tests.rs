use std::collections::BTreeSet;

use super::*;

#[test]
fn codes_are_distinct_snake_case_and_round_trip() {
    let texts: BTreeSet<_> = DenialCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), DenialCode::ALL.len());
    for code in DenialCode::ALL {
        assert!(
            code.as_str()
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'_')
        );
        assert_eq!(code.as_str().parse(), Ok(*code));
    }
}

fn codes(which: impl Fn(DenialCode) -> bool) -> Vec<DenialCode> {
    let all = DenialCode::ALL.iter().copied();
    all.filter(|code| which(*code)).collect()
}

#[test]
fn a_metric_tells_every_code_from_the_others_and_from_an_allowed_call() {
    let mut labels = BTreeSet::from([DenialCode::METRIC_LABEL_ALLOW]);
    for code in DenialCode::ALL {
        assert!(labels.insert(code.metric_label()), "{code}");
    }
}

/// 503 and nothing else says that nobody could tell. A limit on rates is told by looking at the call: 429 is a verdict.
#[test]
fn what_is_no_verdict_is_unavailable_and_nothing_else_is() {
    for code in DenialCode::ALL {
        assert_eq!(code.http_status() == 503, !code.is_verdict(), "{code}");
    }
}

#[test]
fn what_is_no_verdict_may_be_retried_and_so_may_two_verdicts_that_pass() {
    assert_eq!(
        codes(|code| code.is_retryable() && code.is_verdict()),
        [DenialCode::InProgress, DenialCode::RateLimited]
    );
    assert_eq!(codes(|code| !code.is_retryable() && !code.is_verdict()), []);
}

#[test]
fn challenges_say_what_helps() {
    // A client that is told `invalid_token` gets another; one that is told `insufficient_scope` asks for more.
    assert_eq!(
        codes(|code| code.http_status() == 401 && code.oauth_error().is_none()),
        [DenialCode::TokenMissing]
    );
    assert_eq!(
        codes(|code| code.http_status() == 403 && code.oauth_error().is_none()),
        [DenialCode::Stopped, DenialCode::LoopDetected]
    );
    for code in DenialCode::ALL {
        let fitting = match code.oauth_error() {
            None => true,
            Some("invalid_request") => matches!(code.http_status(), 400 | 413),
            Some("invalid_token" | "invalid_dpop_proof") => code.http_status() == 401,
            Some("insufficient_scope") => code.http_status() == 403,
            Some(_) => false,
        };
        assert!(fitting, "{code}");
        let challenged = code.mcp_form() == McpForm::Challenge;
        assert_eq!(challenged, code.http_status() == 401, "{code}");
    }
}
