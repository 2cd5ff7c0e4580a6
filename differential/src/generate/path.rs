//! Paths: by the grammar of the registry's routes, with names that are hard to tell from keywords.

use crate::dice::Dice;
use testbed::registry::content;

/// A digest of nothing.
pub(super) const ABSENT_DIGEST: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A path by the grammar, and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    text: String,
    /// The repository, if the route names one.
    pub(crate) repository: Option<String>,
    pub(crate) is_catalog: bool,
}

/// The digests of the layers that are there.
pub(super) fn digests() -> [String; 2] {
    [content::LAYER, content::SECRET].map(content::digest)
}

impl Path {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn random(dice: &mut Dice) -> Self {
        let bare = |text: &str| Self {
            text: text.to_owned(),
            repository: None,
            is_catalog: text == "/v2/_catalog",
        };
        if dice.percent(12) {
            return bare(dice.weighted(&[
                (8, "/v2/"),
                (6, "/v2/_catalog"),
                (2, "/v2"),
                (2, "/"),
                (1, "/v3/"),
                (1, "/V2/"),
                (1, "/v2/_catalog/"),
                (1, "/v1/_ping"),
                (1, "/gitlab/v1/"),
                (1, "/gitlab/v1/repositories/group/app/"),
                (1, "/metrics"),
                (1, "/debug/health"),
                (1, "/jwt/auth"),
            ]));
        }
        let repository = name(dice);
        let rest = match dice.number(..18) {
            0..4 => "tags/list".to_owned(),
            4..9 => format!("manifests/{}", reference(dice)),
            9..12 => format!("blobs/{}", digest(dice)),
            12..15 => "blobs/uploads/".to_owned(),
            15 | 16 => format!("blobs/uploads/{}", upload(dice)),
            _ => other(dice),
        };
        Self {
            text: format!("/v2/{repository}/{rest}"),
            repository: Some(repository),
            is_catalog: false,
        }
    }
}

/// What is no route, or one of another registry.
fn other(dice: &mut Dice) -> String {
    let kind = dice.weighted(&[
        (1, "tags"),
        (1, "tags/"),
        (1, "tags/list/"),
        (1, "tags/list/x"),
        (1, "tags/reference/latest"),
        (1, "manifests"),
        (1, "manifests/"),
        (1, "blobs/uploads"),
        (1, "blobs"),
        (1, "blobs/"),
        (1, "referrers/"),
        (1, ""),
        (1, "manifests/latest/"),
        (1, "_catalog"),
    ]);
    match kind {
        "referrers/" => format!("referrers/{}", digest(dice)),
        kind => kind.to_owned(),
    }
}

fn name(dice: &mut Dice) -> String {
    match dice.number(..20) {
        0..11 => "group/app".to_owned(),
        11..14 => "group/secret".to_owned(),
        14 => "x".repeat(dice.number(200..400)),
        _ => {
            let components = dice.number(1..=4);
            let components: Vec<String> = (0..components).map(|_| component(dice)).collect();
            components.join("/")
        }
    }
}

/// A component of a name; not all are by the grammar, and some are only in the first place.
fn component(dice: &mut Dice) -> String {
    if dice.percent(25) {
        return word(dice);
    }
    dice.weighted(&[
        (6, "a"),
        (4, "app"),
        (3, "group"),
        (2, "0"),
        (3, "manifests"),
        (3, "blobs"),
        (3, "uploads"),
        (3, "tags"),
        (3, "list"),
        (2, "v2"),
        (2, "_catalog"),
        (2, "latest"),
        (2, "a.b"),
        (2, "a_b"),
        (2, "a__b"),
        (2, "a---b"),
        (1, "a___b"),
        (1, "a..b"),
        (1, "a-_b"),
        (1, "-a"),
        (1, "a-"),
        (1, "_a"),
        (1, "a."),
        (3, "Group"),
        (2, "aB"),
        (2, "Foo.Bar"),
        (2, "reg.example.com:5000"),
        (1, "reg:"),
        (1, "a:b"),
        (1, "localhost:5000"),
        (1, "A-.B"),
        (2, "[::1]:5000"),
        (1, "[::1]"),
        (1, "[fe80::1%25eth0]"),
        (1, "127.0.0.1:80"),
        (1, "sha256:aa"),
    ])
    .to_owned()
}

/// Letters, digits and separators in any order.
fn word(dice: &mut Dice) -> String {
    const ALPHABET: &[u8] = b"aaabz019AZ.__--:";
    let length = dice.number(1..8);
    (0..length)
        .map(|_| char::from(dice.pick(ALPHABET)))
        .collect()
}

fn reference(dice: &mut Dice) -> String {
    match dice.number(..12) {
        0..4 => "latest".to_owned(),
        4 => digest(dice),
        5 => "t".repeat(dice.pick(&[127, 128, 129])),
        6 => word(dice),
        _ => dice
            .weighted(&[
                (1, "v1.0"),
                (1, "_x"),
                (1, ".hidden"),
                (1, "-x"),
                (1, "A-1_2.3"),
                (1, "sha256:abc"),
                (1, "latest@sha256:abc"),
                (1, "1"),
                (1, "list"),
                (1, "manifests"),
            ])
            .to_owned(),
    }
}

fn digest(dice: &mut Dice) -> String {
    if dice.percent(40) {
        let [app, secret] = digests();
        return if dice.percent(60) { app } else { secret };
    }
    dice.weighted(&[
        (3, ABSENT_DIGEST),
        (2, "sha256:abc"),
        (1, "sha256:ABCDEF"),
        (1, "a+b:zz"),
        (1, "a.b_c-d:Z=_-"),
        (1, "a..b:z"),
        (1, "+a:z"),
        (1, "sha512:00"),
        (1, "SHA256:00"),
        (1, "sha256:"),
        (1, ":00"),
        (1, "latest"),
        (1, "uploads"),
        (1, "a:b:c"),
        (1, "a:b/c"),
    ])
    .to_owned()
}

fn upload(dice: &mut Dice) -> String {
    dice.weighted(&[
        (3, "6c8b2a0e-5f0d-4f58-9f6c-0d9a3ae0f0b1"),
        (1, "abc-123"),
        (1, "a.b=c_d-e"),
        (1, "a:b"),
        (1, "..."),
        (1, "="),
        (1, "uploads"),
        (1, "A"),
    ])
    .to_owned()
}

/// Changes one place of a target, mostly of its path.
pub(super) fn damage(target: &mut Vec<u8>, dice: &mut Dice) {
    const INSERTED: &[(u32, &str)] = &[
        (6, "/"),
        (4, "//"),
        (5, "/./"),
        (5, "/../"),
        (3, "/.."),
        (2, "/x/../"),
        (3, "%2e"),
        (3, "%2E%2e/"),
        (4, "%2F"),
        (3, "%2f"),
        (2, "%5C"),
        (2, "%25"),
        (2, "%252F"),
        (2, "%00"),
        (2, "%0a"),
        (2, "%20"),
        (1, "%7F"),
        (1, "%80"),
        (1, "%C3%BC"),
        (2, "%3A"),
        (2, "%3F"),
        (2, "%23"),
        (2, "%3b"),
        (2, "%zz"),
        (2, "%"),
        (1, "%2"),
        (3, ";x=1"),
        (2, ";"),
        (2, "."),
        (2, ".."),
        (1, "..;"),
        (2, ":"),
        (1, "@"),
        (1, "~"),
        (1, "*"),
        (1, "'"),
        (1, "("),
        (1, ","),
        (1, "$"),
        (1, "+"),
        (1, "="),
        (2, "\\"),
        (1, "|"),
        (1, "\""),
        (1, "<"),
        (1, "^"),
        (1, "`"),
        (1, "{"),
        (1, "["),
        (1, "]"),
        (3, "#"),
        (2, "?"),
        (1, "\u{fc}"),
        (1, "\u{130}"),
        (1, "/tags/list"),
        (1, "/manifests/"),
        (1, "/blobs/uploads/"),
    ];
    let path = target
        .iter()
        .position(|&byte| byte == b'?')
        .unwrap_or(target.len());
    let at = match dice.number(..4) {
        // Ends and joints are where it matters.
        0 => path,
        1 => {
            let slashes = target.iter().take(path).enumerate();
            let slashes: Vec<usize> = slashes
                .filter(|(_, byte)| **byte == b'/')
                .map(|(at, _)| at)
                .collect();
            dice.pick(&slashes)
        }
        _ => dice.place(path),
    };
    match dice.number(..10) {
        0 => {
            // One character, written as an escape.
            if let Some(&byte) = target.get(at) {
                let escape = if dice.percent(50) {
                    format!("%{byte:02X}")
                } else {
                    format!("%{byte:02x}")
                };
                target.splice(at..=at, escape.into_bytes());
            }
        }
        1 => {
            if let Some(byte) = target.get_mut(at) {
                *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
            }
        }
        2 => {
            if at < target.len() && target.len() > 1 {
                target.remove(at);
            }
        }
        3 => {
            if target.get(path.saturating_sub(1)) == Some(&b'/') && path > 1 {
                target.remove(path - 1);
            } else {
                target.insert(path, b'/');
            }
        }
        4 => {
            let odd = dice.byte(0x21..);
            target.insert(at, odd);
        }
        _ => {
            let piece = dice.weighted(INSERTED);
            target.splice(at..at, piece.bytes());
        }
    }
    // A control byte is refused everywhere, and one of them would be another request.
    target.retain(|&byte| byte > b' ');
    if target.is_empty() {
        target.push(b'/');
    }
}
