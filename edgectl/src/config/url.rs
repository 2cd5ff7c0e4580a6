//! `http` and `https` URLs, as far as an edge needs them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use fluent_uri::Uri;

/// An absolute URL without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether it is `https`.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// The port, the scheme's own if none is written.
    pub port: u16,
    /// The path; empty or beginning with a slash.
    pub path: String,
}

/// The text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a URL with http or https and a host, such as https://gitlab.example.com")]
pub struct NotAUrl(String);

impl Url {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// [`NotAUrl`], also when it has a user, a query or a fragment.
    pub fn parse(text: &str) -> Result<Self, NotAUrl> {
        let refuse = || NotAUrl(text.to_owned());
        let uri = Uri::parse(text).map_err(|_| refuse())?;
        let tls = match uri.scheme().as_str().to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(refuse()),
        };
        let authority = uri.authority().ok_or_else(refuse)?;
        let extra = authority.has_userinfo() || uri.has_query() || uri.has_fragment();
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let port = authority.port_to_u16().map_err(|_| refuse())?;
        if extra || host.is_empty() {
            return Err(refuse());
        }
        Ok(Self {
            tls,
            host: host.to_owned(),
            port: port.unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path().as_str().to_owned(),
        })
    }

    /// Reads a URL, or `HOST:PORT` without a scheme, which is plain HTTP: the forms of
    /// `registry_http_addr` and `registry_api_url`.
    ///
    /// # Errors
    /// [`NotAUrl`], also when a text without a scheme has no port.
    pub fn parse_address(text: &str) -> Result<Self, NotAUrl> {
        if text.contains("://") {
            return Self::parse(text);
        }
        let has_port = text.rsplit_once(':').is_some_and(|(host, port)| {
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && !host.is_empty()
        });
        match Self::parse(&format!("http://{text}")) {
            Ok(url) if has_port && url.path.is_empty() => Ok(url),
            _ => Err(NotAUrl(text.to_owned())),
        }
    }

    /// `host`, or `host:port` when the port is not the scheme's own; as in a `Host` field.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        if self.port == if self.tls { 443 } else { 80 } {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// `host:port`, always with the port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }

    /// Scheme and authority.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    /// Whether the host is an address that only a machine or a private network reaches, or
    /// `localhost`. oras-go and go-containerregistry refuse a realm there, unless it is on the
    /// registry's own host name.
    #[must_use]
    pub fn is_private(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => {
                address.is_private() || address.is_loopback() || address.is_link_local()
            }
            Ok(IpAddr::V6(address)) => is_private_v6(address),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether the host is this machine, seen from itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        address.map_or_else(
            |_| self.host.eq_ignore_ascii_case("localhost"),
            |address| address.is_loopback(),
        )
    }

    /// Whether the host means every address of a machine, which is nowhere to connect to.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        address.is_ok_and(|address| address.is_unspecified())
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.origin(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, shown) in [
            ("https://a.example", Some("https://a.example")),
            ("HTTPS://a.example:443/", Some("https://a.example/")),
            ("http://a.example:8080/x", Some("http://a.example:8080/x")),
            ("https://[::1]:5050", Some("https://[::1]:5050")),
            ("ftp://a.example", None),
            ("a.example", None),
            ("https://", None),
            ("https://u:p@a.example", None),
            ("https://a.example?x", None),
            ("https://a.example:99999", None),
            ("https://a b", None),
        ] {
            let url = Url::parse(text).ok().map(|url| url.to_string());
            assert_eq!(url.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("127.0.0.1:5000", Some("http://127.0.0.1:5000")),
            ("localhost:80", Some("http://localhost")),
            ("[::]:5000", Some("http://[::]:5000")),
            ("https://node:5000", Some("https://node:5000")),
            ("node", None),
            (":5000", None),
            ("node:port", None),
            ("node:5000/v2", None),
        ] {
            let url = Url::parse_address(text).ok().map(|url| url.to_string());
            assert_eq!(url.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn private_hosts() {
        for (host, private) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("10.0.0.1", true),
            ("192.168.1.1", true),
            ("169.254.0.1", true),
            ("[::1]", true),
            ("[fd00::1]", true),
            ("8.8.8.8", false),
            ("[2001:db8::1]", false),
            ("gitlab.example.com", false),
        ] {
            let url = Url::parse(&format!("https://{host}")).unwrap();
            assert_eq!(url.is_private(), private, "{host}");
        }
    }
}
