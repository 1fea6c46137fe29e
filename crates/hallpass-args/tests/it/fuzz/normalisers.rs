//! Any text to each normaliser: never a panic, what is accepted has one form that is accepted as itself, and no lenient
//! reader finds something else in it. The first byte picks the normaliser.

use std::net::IpAddr;

use hallpass_args::{
    Cidr, Decimal, DnsName, EmailAddress, IpBits, NormalPath, PATH_BYTES_MAX, UrlParts,
};
use hallpass_vocabulary::Pointer;

pub fn check(bytes: &[u8]) {
    let Some((pick, text)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    match pick % 7 {
        0 => path(text),
        1 => url(text),
        2 => dns(text),
        3 => ip(text),
        4 => email(text),
        5 => decimal(text),
        _ => pointer(text),
    }
}

fn path(text: &str) {
    let Ok(path) = NormalPath::normalise(text) else {
        return;
    };
    let form = path.as_str();
    assert!(form.ends_with('/') && !form.contains("//"));
    // The longest is a byte longer as a form than it may be as a text.
    if form.len() <= PATH_BYTES_MAX {
        assert_eq!(NormalPath::normalise(form).as_ref(), Ok(&path));
    }
    assert_eq!(NormalPath::normalise(&path.to_string()), Ok(path.clone()));
    let once = decoded(form);
    for seen in [form, &once, &decoded(&once)] {
        assert!(seen.split(['/', '\\']).all(|c| c.trim() != ".."), "{seen}");
        assert_eq!(seen.starts_with('/'), text.starts_with('/'));
    }
    let root = if form.starts_with('/') { "/" } else { "." };
    assert!(path.is_under(&NormalPath::normalise(root).unwrap()));
    assert!(
        !path.is_under(&NormalPath::normalise("/workspace").unwrap())
            || form.starts_with("/workspace/")
    );
}

/// Undoes percent-encoding wherever it can be undone.
fn decoded(text: &str) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        bytes.push(*byte);
        if let (b'%', [high, low, after @ ..]) = (byte, after)
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            bytes.pop();
            bytes.push(u8::try_from(high * 16 + low).unwrap());
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn url(text: &str) {
    let Ok(url) = UrlParts::parse(text) else {
        return;
    };
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let again = format!("{}://{}{port}", url.scheme(), url.host());
    assert_eq!(UrlParts::parse(&again).as_ref(), Ok(&url));
    match url.domain() {
        Some(domain) => {
            assert_eq!(domain.strip_prefix('.'), Some(url.host()));
            assert_eq!(url.host().parse::<DnsName>().unwrap().as_str(), url.host());
        }
        None => {
            let address = url.host().trim_matches(['[', ']']);
            assert!(address.parse::<IpBits>().is_ok());
            return; // An IPv6 address may be written otherwise in the text.
        }
    }
    // A reader that ends the authority at a slash of any kind and looks for the last `@`.
    let rest = text.split_once("//").expect("it has an authority").1;
    let authority = rest.split(['/', '\\']).next().unwrap().to_ascii_lowercase();
    let lenient = authority.rsplit('@').next().unwrap();
    let after = lenient.strip_prefix(url.host()).expect("the same host");
    assert!(matches!(after.chars().next(), None | Some(':' | '?' | '#')));
}

fn dns(text: &str) {
    if let Ok(name) = text.parse::<DnsName>() {
        assert_eq!(name.as_str(), text.to_ascii_lowercase());
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
        assert!(!name.as_str().contains("..") && !name.as_str().ends_with('.'));
        assert!(text.parse::<IpAddr>().is_err());
    }
}

fn ip(text: &str) {
    if let Ok(bits) = text.parse::<IpBits>() {
        let address: IpAddr = text.parse().expect("it is an address");
        let length = bits.as_str().len() - 2;
        let whole: Cidr = format!("{address}/{length}").parse().unwrap();
        assert_eq!(whole.as_prefix(), bits.as_str());
        assert!(whole.contains(&bits));
    }
    if let Ok(range) = text.parse::<Cidr>() {
        assert_eq!(range.to_string().parse(), Ok(range.clone()));
        let (address, _) = text.split_once('/').unwrap();
        assert!(range.contains(&address.parse().unwrap()));
    }
}

fn email(text: &str) {
    if let Ok(address) = EmailAddress::parse(text) {
        let after = text.rsplit('@').next().unwrap();
        assert_eq!(address.domain(), after.to_ascii_lowercase());
        assert!(address.domain().parse::<DnsName>().is_ok());
        assert!(text.bytes().all(|b| b.is_ascii_graphic()));
    }
}

fn decimal(text: &str) {
    if let Ok(decimal) = text.parse::<Decimal>() {
        let shown = decimal.to_string();
        assert_eq!(shown.parse(), Ok(decimal));
        assert_eq!(Decimal::from_millionths(decimal.millionths()), decimal);
        let zeros = text.trim_end_matches('0');
        let shortest = if zeros.ends_with('.') {
            format!("{zeros}0")
        } else {
            zeros.to_owned()
        };
        assert!(shown == shortest || shortest == "-0.0");
    }
    let number = serde_json::from_str::<serde_json::Number>(text);
    if let (Ok(number), Ok(decimal)) = (number, text.parse::<Decimal>()) {
        // A double of at most fifteen digits prints as it was read.
        if text.bytes().filter(u8::is_ascii_digit).count() <= 15 {
            assert_eq!(Decimal::from_number(&number), Some(decimal));
        }
    }
}

fn pointer(text: &str) {
    if let Ok(pointer) = text.parse::<Pointer>() {
        assert_eq!(pointer.to_string(), text);
        let json = serde_json::to_string(&pointer).unwrap();
        assert_eq!(serde_json::from_str::<Pointer>(&json).unwrap(), pointer);
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[&str]; 7] = [
        &[
            "/workspace/a",
            "./a/./b",
            "/workspace/../etc",
            "/a/%2e%2e",
            "~/x",
            "C:/x",
            "/a\u{2024}./b",
            ".",
        ],
        &[
            "https://api.example.com:8443/v1?q#f",
            "HTTP://[2001:db8::1]:80",
            "https://a@b.test/",
            "https://10.0.0.1\\@c.test",
            "gopher://2130706433/",
        ],
        &[
            "example.com",
            "xn--bcher-kva.example",
            "a..b",
            "0x7f.1",
            "-a.b",
        ],
        &[
            "10.0.0.1",
            "010.0.0.1",
            "10.0.0.0/8",
            "::ffff:10.0.0.1",
            "2001:db8::/32",
            "fe80::1%eth0",
        ],
        &[
            "alice@example.com",
            "a@b",
            "\"a b\"@example.com",
            "a@b@example.com",
            "-f@example.com",
        ],
        &[
            "99.95",
            "-0.5",
            "1e-7",
            "9223372036854",
            "9223372036855",
            "0.0000001",
            "1.0",
        ],
        &["/a~1b/0", "/m~0n", "/~2", "/", "/a//b"],
    ];
    let seeds = (0..).zip(texts).flat_map(|(pick, texts)| {
        texts
            .iter()
            .map(move |text| [[pick].as_slice(), text.as_bytes()].concat())
    });
    seeds.collect()
}
