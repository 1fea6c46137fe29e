use hallpass_keys::note::{
    KeyName, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NoteError, NoteSigner, NoteVerifier, SignedNote,
};
use hallpass_keys::{Purpose, VerifyingKey};

use crate::key;

/// The example of Go's `golang.org/x/mod/sumdb/note`.
const GO_VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::new(KeyName::new(name).unwrap(), key(Purpose::Journal, seed))
}

#[test]
fn verifies_what_go_signed() {
    let verifier: NoteVerifier = GO_VERIFIER.parse().unwrap();
    assert_eq!(verifier.name().as_str(), "PeterNeumann");
    assert_eq!(verifier.to_string(), GO_VERIFIER);
    let note: SignedNote = GO_NOTE.parse().unwrap();
    assert_eq!(note.to_string(), GO_NOTE);
    let text = note.verify(&[verifier]).unwrap();
    assert!(text.ends_with("problem is.\n") && text.starts_with("If you think"));
}

#[test]
fn signs_and_reads_back() {
    let a = signer("dev.example/journal/tickets", 1);
    let text = "dev.example/journal/tickets\n7\nAAAA\n";
    let note = a.sign(text).unwrap();
    let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read, note);
    assert_eq!(read.verify(&[a.verifier()]), Ok(text));
    assert_eq!(a.verifier().to_string().parse(), Ok(a.verifier()));
}

#[test]
fn a_text_may_hold_blank_lines_and_be_empty_lines_only() {
    let a = signer("a", 1);
    for text in [
        "\n",
        "\n\n",
        "one\n\n\u{2014} two\n\nthree\n",
        "\u{2014} a AAAA\n",
    ] {
        let note = a.sign(text).unwrap().to_string();
        let read = SignedNote::parse(note.as_bytes()).unwrap();
        assert_eq!(read.verify(&[a.verifier()]), Ok(text), "{text:?}");
    }
}

#[test]
fn strangers_do_not_matter_and_the_known_must_be_right() {
    let (a, b) = (signer("a", 1), signer("b", 2));
    let mut note = a.sign("text\n").unwrap();
    note.add(&b).unwrap();
    assert_eq!(note.verify(&[b.verifier()]), Ok("text\n"));
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));
    // The same key under another name, another key under the same name: strangers both.
    for stranger in [signer("c", 1), signer("a", 3)] {
        assert_eq!(
            note.verify(&[stranger.verifier()]),
            Err(NoteError::Unsigned)
        );
    }
    let both = [a.verifier(), b.verifier()];
    assert_eq!(note.signed_by(&both).unwrap().len(), 2);
    let twice = {
        let mut note = a.sign("text\n").unwrap();
        note.add(&a).unwrap();
        note
    };
    assert_eq!(twice.signed_by(&both).unwrap().len(), 1);

    let changed = note.to_string().replace("text\n", "Text\n");
    let changed = SignedNote::parse(changed.as_bytes()).unwrap();
    assert_eq!(
        changed.verify(&both),
        Err(NoteError::BadSignature {
            name: KeyName::new("a").unwrap()
        })
    );
}

#[test]
fn an_unknown_kind_of_signature_is_a_strangers() {
    let a = signer("a", 1);
    let note = format!("{}\u{2014} witness AAAAAAAB\n", a.sign("text\n").unwrap());
    let note = SignedNote::parse(note.as_bytes()).unwrap();
    assert_eq!(note.verify(&[a.verifier()]), Ok("text\n"));
}

#[test]
fn refuses_malformed_notes() {
    let good = signer("a", 1).sign("text\n").unwrap().to_string();
    let line = good.lines().last().unwrap().to_owned();
    for bad in [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        format!("{good}trailing\n"),
        good.replace("\n\n", "\n"),
        good.replace('\u{2014}', "-"),
        good.replace("\u{2014} a ", "\u{2014} a"),
        good.replace("\u{2014} a ", "\u{2014}  "),
        good.replace("\u{2014} a ", "\u{2014} a+b "),
        good.replace(&line, &line[..line.len() - 1]),
        good.replace(&line, "\u{2014} a AAAA"),
        good.replace(&line, "\u{2014} a AAAAAA=="),
        good.replace(&line, &format!("{line} x")),
    ] {
        assert_eq!(
            SignedNote::parse(bad.as_bytes()),
            Err(NoteError::Malformed),
            "{bad:?}"
        );
    }
    let control = good.replace("text", "te\txt");
    assert_eq!(SignedNote::parse(control.as_bytes()), Err(NoteError::Text));
    assert_eq!(SignedNote::parse(b"\xff\n\n"), Err(NoteError::Malformed));
    assert_eq!(
        SignedNote::parse(&vec![b'a'; NOTE_BYTES_MAX + 1]),
        Err(NoteError::TooLarge)
    );
    let many = format!(
        "text\n\n{}",
        format!("{line}\n").repeat(NOTE_SIGNATURES_MAX + 1)
    );
    assert_eq!(
        SignedNote::parse(many.as_bytes()),
        Err(NoteError::SignatureCount)
    );
}

#[test]
fn signs_only_what_can_be_read_back() {
    let a = signer("a", 1);
    for bad in ["", "no newline", "tab\t\n", "return\r\n", "nul\0\n"] {
        assert_eq!(a.sign(bad), Err(NoteError::Text), "{bad:?}");
    }
    let mut note = a.sign("text\n").unwrap();
    for _ in 1..NOTE_SIGNATURES_MAX {
        note.add(&a).unwrap();
    }
    assert_eq!(note.add(&a), Err(NoteError::SignatureCount));
    assert!(SignedNote::parse(note.to_string().as_bytes()).is_ok());
}

#[test]
fn refuses_other_verifier_keys() {
    let weak = {
        let mut key = [0; 33];
        key[0] = 1;
        key[1] = 1;
        key
    };
    assert!(VerifyingKey::from_bytes(weak[1..].try_into().unwrap()).is_err());
    for bad in [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        &GO_VERIFIER.replace("c74f20a3", "c74f20a4"),
        &GO_VERIFIER.replace("c74f20a3", "C74F20A3"),
        &GO_VERIFIER.replace("PeterNeumann", "PeterNeuman"),
        &GO_VERIFIER.replace("+AR", "+BR"),
        &GO_VERIFIER[..GO_VERIFIER.len() - 4],
        &format!("a+00000000+{}", base64(&weak)),
    ] {
        assert_eq!(
            bad.parse::<NoteVerifier>(),
            Err(NoteError::VerifierKey),
            "{bad}"
        );
    }
    for bad in ["", "a b", "a+b", "a\u{a0}b", "a\nb", &"a".repeat(256)] {
        assert_eq!(KeyName::new(bad), Err(NoteError::KeyName), "{bad:?}");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
