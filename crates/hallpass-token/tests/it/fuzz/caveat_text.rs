//! Any text as a caveat: never a panic; what is read is printed in one form that is read as the same; and written into
//! a token it is admitted as the same caveat, and means the same to the engine as to us.

use hallpass_token::{
    AdmissionError, AttenuateError, Caveat, NextSecret, NotAdmitted, UnverifiedToken,
};

use super::holder_block::{self, FIXTURE};

pub fn check(bytes: &[u8]) {
    let Ok(words) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(caveat) = words.parse::<Caveat>() else {
        return;
    };
    let printed = caveat.to_string();
    assert!(!printed.chars().any(char::is_control), "{printed:?}");
    let again = printed.parse::<Caveat>();
    assert_eq!(again.as_ref(), Ok(&caveat), "{printed:?}");
    assert_eq!(again.unwrap().to_string(), printed);
    assert!(!caveat.datalog().chars().any(char::is_control));

    let token = UnverifiedToken::parse(&FIXTURE.text).unwrap();
    let secret = NextSecret::from_random([4; 32]);
    let text = match token.attenuate(std::slice::from_ref(&caveat), secret) {
        Err(AttenuateError::TooLarge { .. }) => return,
        // More texts than a block may have symbols.
        Err(AttenuateError::NotAdmitted(AdmissionError::NotAdmitted {
            reason: NotAdmitted::SymbolsTooMany,
            ..
        })) if printed.contains("either ") => return,
        text => text.unwrap_or_else(|error| panic!("{printed:?}: {error}")),
    };
    let token = UnverifiedToken::parse(text.expose()).unwrap();
    let token = token.verify(&FIXTURE.root.verifying_key()).unwrap();
    let admitted = token.admit().expect("what is narrowed is admitted");
    let read: Vec<&Caveat> = admitted.caveats().iter().map(|c| &c.caveat).collect();
    assert_eq!(read, [&caveat]);
    holder_block::as_the_engine(&token, &admitted);
}

pub fn seeds() -> Vec<Vec<u8>> {
    let other = [
        "/x==\"\\u202e\\u0000\\ud83d\\ude00\"",
        "\"/a b~1c\" one of \"a, b\", \"true\", [a]*~%, \"..\"",
        "/p under \"/my files/./a\"",
        "/x in -9223372036854775808..9223372036854775807",
        "/x<=9223372036854.775807",
        "/x in 0.000001 .. 1.0",
        "/e ends with 100",
        "/u url host 10.0.0.1",
        "/e within 2001:db8::/32",
        "either /x==or and /p==and or  /x one of and, or",
        "for kb.search: either no arguments or /f==null and /f==true and \"/a b\"<=1 and only arguments f",
    ];
    let all = holder_block::CAVEATS.iter().chain(&other);
    all.map(|words| words.as_bytes().to_vec()).collect()
}
