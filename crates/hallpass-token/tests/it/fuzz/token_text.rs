//! Any bytes as a token, both as text and under the text form: never a panic, and what parses is written back the same.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::UnverifiedToken;

pub fn check(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        look_at(text);
    }
    look_at(&format!("hp1.{}", URL_SAFE_NO_PAD.encode(bytes)));
}

fn look_at(text: &str) {
    if let Ok(token) = UnverifiedToken::parse(text) {
        assert_eq!(token.to_text().expose(), text);
        // Admission, without the signatures that would keep the fuzzer out.
        let _ = token.describe();
    }
}

/// The worked example of docs/token-format.md, as text and as bytes.
pub fn seeds() -> Vec<Vec<u8>> {
    const PAGE: &str = include_str!("../../../../../docs/token-format.md");
    let token = PAGE.split("```").find_map(|code| {
        let (_, token) = code.split_once("\nhp1.")?;
        Some(token.split_whitespace().collect::<String>())
    });
    let token = token.expect("the page has a token");
    let bytes = URL_SAFE_NO_PAD.decode(&token).expect("it is base64url");
    vec![format!("hp1.{token}").into_bytes(), bytes]
}
