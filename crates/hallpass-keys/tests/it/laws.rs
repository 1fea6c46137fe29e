//! What holds for every input: no panic, one text for each value, no signature for changed bytes.

use hallpass_keys::dsse::Envelope;
use hallpass_keys::note::{KeyName, NoteSigner, NoteVerifier, SignedNote};
use hallpass_keys::{Digest, KeyId, Purpose, Signature, VerifyingKey};
use proptest::prelude::*;

use crate::key;

/// Something of the right form, with a few bytes changed.
fn changed(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    changes.prop_map(move |changes| {
        let mut bytes = original.clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

fn note() -> (Vec<u8>, NoteVerifier) {
    let signer = NoteSigner::new(KeyName::new("a").unwrap(), key(Purpose::Journal, 1));
    (
        signer
            .sign("line\n\nline\n")
            .unwrap()
            .to_string()
            .into_bytes(),
        signer.verifier(),
    )
}

fn envelope() -> Envelope {
    Envelope::sign("type", b"payload".to_vec(), &[&key(Purpose::Root, 1)]).unwrap()
}

proptest! {
    #[test]
    fn a_note_has_one_text(bytes in changed(note().0)) {
        if let Ok(read) = SignedNote::parse(&bytes) {
            prop_assert_eq!(read.to_string().into_bytes(), bytes.clone());
            if read.verify(&[note().1]).is_ok() {
                prop_assert_eq!(read.unverified_text(), "line\n\nline\n");
            }
        }
    }

    #[test]
    fn no_bytes_break_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = SignedNote::parse(&bytes);
        let _ = Envelope::from_json(&bytes);
        let _ = Signature::try_from(bytes.as_slice());
        if let Some(key) = bytes.first_chunk() {
            let _ = VerifyingKey::from_bytes(key);
        }
    }

    #[test]
    fn no_text_breaks_a_reader(text in "\\PC{0,160}") {
        let _ = text.parse::<NoteVerifier>();
        let _ = text.parse::<Digest>();
        let _ = text.parse::<KeyId>();
        let _ = text.parse::<Signature>();
        let _ = text.parse::<VerifyingKey>();
    }

    #[test]
    fn an_envelope_is_believed_for_its_payload_only(bytes in changed(envelope().to_json())) {
        if let Ok(read) = Envelope::from_json(&bytes) {
            prop_assert_eq!(&Envelope::from_json(&read.to_json()).unwrap(), &read);
            let allowed = [key(Purpose::Root, 1).verifying_key()];
            if let Ok(payload) = read.verify("type", &allowed, 1) {
                prop_assert_eq!(payload, b"payload");
            }
        }
    }

    #[test]
    fn a_signature_is_for_one_message(message in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
        let key = key(Purpose::Run, 1);
        let signature = key.sign(&message);
        prop_assert!(key.verifying_key().verify(&message, &signature).is_ok());
        let verified = key.verifying_key().verify(&other, &signature).is_ok();
        prop_assert_eq!(verified, message == other);
    }
}
