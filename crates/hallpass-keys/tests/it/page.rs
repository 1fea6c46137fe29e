//! docs/keys.md shows what the code does.

use hallpass_keys::Purpose;
use hallpass_keys::key_file::write_key_file;

use crate::key;

#[test]
fn the_page_shows_a_file_that_is_written_to_the_byte() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md"));
    let page = page.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.key");
    write_key_file(&path, &key(Purpose::Run, 7)).unwrap();
    let file = std::fs::read_to_string(&path).unwrap();
    let id = key(Purpose::Run, 7).id();
    let shown = [
        format!("```text\n{file}```"),
        format!("public key  {}\n", key(Purpose::Run, 7).verifying_key()),
        format!("key id      {id}\n"),
        format!("hint        {:#010x}\n", id.hint()),
    ];
    for text in shown {
        assert!(page.contains(&text), "docs/keys.md does not show:\n{text}");
    }
    for purpose in Purpose::ALL {
        assert!(page.contains(&format!("| `{purpose}` |")), "{purpose}");
    }
}
