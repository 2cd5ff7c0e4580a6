//! The hosts a realm may be built of.

use std::fmt;
use std::net::Ipv6Addr;

/// The longest name of a host, in bytes (RFC 1035 section 2.3.4).
const MAX_NAME_BYTES: usize = 253;

/// The longest component of a name, in bytes.
const MAX_LABEL_BYTES: usize = 63;

/// An explicit list of hosts, each with its port if it has one, as in a `Host` field.
///
/// A request's host is not parsed: it is one of the list, letter by letter but for case, or it is
/// none. So no user name, no blank, no second host and no other spelling of an address gets by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

/// What cannot stand in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The list names none.
    Empty,
    /// Not a host with or without a port.
    NotAHost(String),
}

impl AllowedHosts {
    /// A list of hosts such as `registry.example.com`, `registry.example.com:5000` or `[::1]:5000`.
    ///
    /// # Errors
    ///
    /// [`HostError`]: nothing in the list, or something that is no host, such as a URL or a
    /// pattern.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, HostError> {
        let mut hosts = Vec::new();
        for text in texts {
            if !is_host(text) {
                return Err(HostError::NotAHost(text.to_owned()));
            }
            hosts.push(text.to_ascii_lowercase());
        }
        if hosts.is_empty() {
            return Err(HostError::Empty);
        }
        Ok(Self(hosts))
    }

    /// The host itself, if it is one of the list.
    #[must_use]
    pub fn find<'a>(&self, host: &'a [u8]) -> Option<&'a str> {
        let is_listed = |known: &String| known.as_bytes().eq_ignore_ascii_case(host);
        if !self.0.iter().any(is_listed) {
            return None;
        }
        std::str::from_utf8(host).ok()
    }
}

/// A name or an address, with or without a port.
fn is_host(text: &str) -> bool {
    let (is_right, after) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, after)) => (address.parse::<Ipv6Addr>().is_ok(), after),
            None => return false,
        },
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (name, after) = text.split_at(end);
            (is_name(name), after)
        }
    };
    let is_port = |port: &str| {
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
        is_number && port.parse::<u16>().is_ok()
    };
    is_right && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port))
}

/// A DNS name without a dot at its end, or an IPv4 address. Docker's own names have underscores.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= MAX_NAME_BYTES && name.split('.').all(is_label)
}

impl fmt::Display for AllowedHosts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(", "))
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("an empty list"),
            Self::NotAHost(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for HostError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_hosts_and_nothing_else() {
        let long = "a".repeat(MAX_LABEL_BYTES);
        let longest = [long.as_str(); 3].join(".") + "." + &"a".repeat(61);
        for host in [
            "registry.example.com",
            "REGISTRY.Example.com",
            "registry.example.com:5000",
            "registry",
            "my_registry",
            "xn--nxasmq6b.example",
            "192.0.2.7",
            "192.0.2.7:65535",
            "[::1]",
            "[2001:DB8::1]:5000",
            "[::ffff:192.0.2.7]:1",
            &long,
            &longest,
        ] {
            assert!(AllowedHosts::parse([host]).is_ok(), "{host}");
        }
        for host in [
            "",
            " ",
            "https://registry.example.com",
            "registry.example.com/",
            "registry.example.com/jwt/auth",
            "*.example.com",
            "*",
            "registry.example.com.",
            ".example.com",
            "registry..example.com",
            "user@registry.example.com",
            "user:pass@registry.example.com",
            "registry.example.com:",
            "registry.example.com:0",
            "registry.example.com:05000",
            "registry.example.com:+80",
            "registry.example.com:65536",
            "registry.example.com:https",
            "registry.example.com:80:80",
            "registry.example.com registry.example.org",
            "registry.example.com,registry.example.org",
            "registry.example.com\r\n",
            "registry.example.com\0",
            "-registry.example.com",
            "registry-.example.com",
            "registry.example.com?",
            "registry.example.com#",
            "registry%2eexample.com",
            "büro.example",
            "::1",
            "[::1",
            "::1]",
            "[::1]5000",
            "[fe80::1%25eth0]",
            "[192.0.2.7]",
            "[registry.example.com]",
            "[]",
            &format!("a{long}"),
            &format!("a{longest}"),
        ] {
            assert_eq!(
                AllowedHosts::parse(["registry.example.com", host]),
                Err(HostError::NotAHost(host.to_owned()))
            );
        }
        assert_eq!(AllowedHosts::parse([]), Err(HostError::Empty));
    }
}
