//! Repository names, references and upload ids, by the registry's own grammar.
//!
//! The grammar is that of the `distribution/reference` and `opencontainers/go-digest` patterns
//! which the registry's router uses. Everything is ASCII; a byte outside it never matches. Each
//! function reads its input once.

use std::fmt;

/// A repository name that the registry routes, such as `group/app` or `reg.example.com:5000/app`.
///
/// Kept exactly as sent: the registry compares names byte by byte and never folds case.
///
/// Only the parser makes one:
///
/// ```compile_fail,E0423
/// use registry_token_filter::name::RepositoryName;
/// let forged = RepositoryName("Group//App");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RepositoryName<'a>(&'a str);

impl<'a> RepositoryName<'a> {
    /// Parses a name; `None` if the registry would not route it.
    ///
    /// `literal_addresses` says whether a leading host may be an address in brackets, as from
    /// Distribution 2.8.3 on.
    #[must_use]
    pub fn parse(text: &'a [u8], literal_addresses: bool) -> Option<Self> {
        let name = std::str::from_utf8(text).ok()?;
        let plain = || is_component_path(text);
        let with_host = || match text.iter().position(|&byte| byte == b'/') {
            Some(slash) => {
                let (host, rest) = text.split_at(slash);
                is_host_and_port(host, literal_addresses)
                    && rest.get(1..).is_some_and(is_component_path)
            }
            None => false,
        };
        (plain() || with_host()).then_some(Self(name))
    }

    /// The name as it stands in the request.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for RepositoryName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, formatter)
    }
}

impl fmt::Display for RepositoryName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// `comp(/comp)*`
fn is_component_path(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'/').all(is_component)
}

/// `[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*`
fn is_component(text: &[u8]) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separator: &[u8] = b"";
    let mut rest = text;
    loop {
        let run = rest
            .iter()
            .take_while(|&&byte| is_alphanumeric(byte))
            .count();
        if run == 0 {
            return false;
        }
        rest = rest.get(run..).unwrap_or_default();
        let gap = rest
            .iter()
            .take_while(|&&byte| !is_alphanumeric(byte))
            .count();
        (separator, rest) = rest.split_at_checked(gap).unwrap_or((separator, b""));
        match separator {
            b"" => return rest.is_empty(),
            b"." | b"_" | b"__" => {}
            dashes if dashes.iter().all(|&byte| byte == b'-') => {}
            _ => return false,
        }
    }
}

/// `dc(?:\.dc)*(?::[0-9]+)?`, or an address in brackets where allowed.
fn is_host_and_port(text: &[u8], literal_addresses: bool) -> bool {
    let is_port = |port: &[u8]| !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    if let (true, Some(inner)) = (literal_addresses, text.strip_prefix(b"[")) {
        let Some(end) = inner.iter().position(|&byte| byte == b']') else {
            return false;
        };
        let (address, rest) = inner.split_at(end);
        let is_address = !address.is_empty()
            && address
                .iter()
                .all(|&byte| byte.is_ascii_hexdigit() || byte == b':');
        return is_address
            && match rest.get(1..) {
                Some(b"") => true,
                Some([b':', port @ ..]) => is_port(port),
                _ => false,
            };
    }
    let (host, port) = match text.iter().position(|&byte| byte == b':') {
        Some(colon) => {
            let (host, port) = text.split_at(colon);
            (host, port.get(1..))
        }
        None => (text, None),
    };
    port.is_none_or(is_port) && host.split(|&byte| byte == b'.').all(is_domain_component)
}

/// `[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]`
fn is_domain_component(text: &[u8]) -> bool {
    let ends = (text.first(), text.last());
    matches!(ends, (Some(first), Some(last))
        if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
        && text
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a manifest may be asked for by this reference: a tag or a digest.
#[must_use]
pub fn is_reference(text: &[u8]) -> bool {
    is_tag(text) || is_digest(text)
}

/// `[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}`
#[must_use]
pub fn is_tag(text: &[u8]) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.first().is_some_and(|&first| is_word(first))
        && text
            .iter()
            .all(|&byte| is_word(byte) || byte == b'.' || byte == b'-')
}

/// `[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+`
///
/// The loose pattern of go-digest, which is what routes; the registry judges the rest after the
/// token (`sha256:abc` is asked for a token and only then found wanting).
#[must_use]
pub fn is_digest(text: &[u8]) -> bool {
    let Some(colon) = text.iter().position(|&byte| byte == b':') else {
        return false;
    };
    let (algorithm, encoded) = text.split_at(colon);
    let is_part = |part: &[u8]| {
        !part.is_empty()
            && part
                .iter()
                .all(|&byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    algorithm.split(|byte| b".+_-".contains(byte)).all(is_part)
        && encoded.len() > 1
        && encoded
            .iter()
            .skip(1)
            .all(|&byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte))
}

/// `[a-zA-Z0-9_.=-]+`
#[must_use]
pub fn is_upload_id(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || b"_.=-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_reference_grammar() {
        for (name, routed) in [
            // plain components
            ("app", true),
            ("group/app", true),
            ("a/b/c/d/e/f", true),
            ("0", true),
            ("foo__bar", true),
            ("foo--bar", true),
            ("foo-----bar", true),
            ("foo.bar", true),
            ("foo_bar", true),
            ("foo..bar", false),
            ("foo___bar", false),
            ("foo-_bar", false),
            ("foo._bar", false),
            ("-foo", false),
            ("foo-", false),
            ("_foo", false),
            ("foo.", false),
            ("", false),
            ("/app", false),
            ("group/", false),
            ("group//app", false),
            // a leading host
            ("Group/app", true),
            ("Foo.Bar/app", true),
            ("reg:5000/app", true),
            ("reg.example.com:5000/app", true),
            ("re-g.ex/app", true),
            ("reg-/app", false),
            ("reg./app", false),
            ("reg:/app", false),
            ("reg:50a/app", false),
            ("Group", false),
            ("foo:5000", false),
            ("group/App", false),
            ("Group/App", false),
            // not ASCII, not a name
            ("grüp/app", false),
            ("group/app ", false),
            ("group;x/app", false),
            ("group\\app", false),
        ] {
            for literal_addresses in [false, true] {
                let parsed = RepositoryName::parse(name.as_bytes(), literal_addresses);
                assert_eq!(
                    parsed.map(RepositoryName::as_str),
                    routed.then_some(name),
                    "{name}"
                );
            }
        }
        assert!(RepositoryName::parse(b"a\xff/b", true).is_none());
    }

    #[test]
    fn addresses_in_brackets_are_a_matter_of_the_profile() {
        for (name, in_newer) in [
            ("[::1]:5000/foo", true),
            ("[fe80::A]/foo", true),
            ("[]/foo", false),
            ("[::1/foo", false),
            ("[::1]x/foo", false),
            ("[::1]:/foo", false),
            ("[::g]/foo", false),
            ("[::1]:5000", false),
        ] {
            assert_eq!(
                RepositoryName::parse(name.as_bytes(), true).is_some(),
                in_newer,
                "{name}"
            );
            assert!(
                RepositoryName::parse(name.as_bytes(), false).is_none(),
                "{name}"
            );
        }
    }

    #[test]
    fn tags_digests_and_upload_ids_follow_the_router() {
        let long = "a".repeat(128);
        let too_long = "a".repeat(129);
        for (text, tag, digest, upload) in [
            ("latest", true, false, true),
            ("_x", true, false, true),
            (".x", false, false, true),
            ("-x", false, false, true),
            ("A.b-c_1", true, false, true),
            (long.as_str(), true, false, true),
            (too_long.as_str(), false, false, true),
            ("", false, false, false),
            ("sha256:abc", false, true, false),
            ("sha256:ABCdef=_-", false, true, false),
            ("a+b:zz", false, true, false),
            ("a.b-c_d:1", false, true, false),
            ("sha256:", false, false, false),
            (":abc", false, false, false),
            ("SHA256:abc", false, false, false),
            ("a++b:zz", false, false, false),
            ("sha256:a:b", false, false, false),
            ("sha256:a.b", false, false, false),
            ("abc-123_=.", false, false, true),
            ("a b", false, false, false),
        ] {
            assert_eq!(is_tag(text.as_bytes()), tag, "tag {text}");
            assert_eq!(is_digest(text.as_bytes()), digest, "digest {text}");
            assert_eq!(is_upload_id(text.as_bytes()), upload, "upload id {text}");
            assert_eq!(
                is_reference(text.as_bytes()),
                tag || digest,
                "reference {text}"
            );
        }
    }
}
