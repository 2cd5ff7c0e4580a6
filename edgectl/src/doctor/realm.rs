//! The realm of the challenge: whether clients accept it, whether it answers, whether its tokens are believed.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use tokio::net::lookup_host;

use super::challenge::Challenge;
use super::fate::{Fate, shown};
use super::question::{Finding, Probe, mute_finding};
use super::{Check, Doctor, genuine};
use crate::http::{Answer, Client, NoAnswer, Origin, Request};

const OWN_NAME: &str = "Serve the realm on the registry's own host name (a route at the edge to GitLab), or give it a \
    name that is public.";

/// All checks of the realm, and the token that it gives to nobody, if it does.
pub(super) async fn checks(doctor: &Doctor, challenge: &Challenge) -> Vec<Check> {
    let Ok((origin, path)) = Origin::of_url(&challenge.realm) else {
        let finding = Finding::wrong(
            format!(
                "the realm {} is no absolute http or https URL",
                shown(&challenge.realm)
            ),
            "Configure `realm` as in the registry's auth.token, such as https://gitlab.example.com/jwt/auth.",
        );
        return vec![Check::of("realm", Vec::new(), finding)];
    };
    let mut checks = vec![Check::of(
        "realm",
        Vec::new(),
        acceptable(doctor.client.origin(), &origin).await,
    )];
    let separator = if path.contains('?') { '&' } else { '?' };
    let service = form_urlencoded::byte_serialize(challenge.service.as_bytes());
    let target = format!("{path}{separator}service={}", service.collect::<String>());
    let sent = vec![format!("GET {origin}{target} with no credentials")];
    let client = Client::new(origin, &doctor.trust, doctor.limit);
    let answer = client.send(&Request::get(target)).await;
    let token = answer.as_ref().ok().and_then(token);
    checks.push(Check::of("realm answers", sent, answered(answer)));
    if let Some(token) = token {
        let probe = Probe::bearing("the realm's token for nobody", &token, Request::get("/v2/"));
        checks.push(
            doctor
                .ask(&genuine::believed("a token of the realm", vec![probe]))
                .await,
        );
    }
    checks
}

/// What clients newer than the realm's configuration refuse (measured: oras 1.3, crane 0.22).
async fn acceptable(edge: &Origin, realm: &Origin) -> Finding {
    if edge.tls && !realm.tls {
        return Finding::wrong(
            format!(
                "{realm} is plain http while the registry is https: passwords would go out in clear, and crane and oras refuse it"
            ),
            "Give the realm an https URL.",
        );
    }
    let is_own = edge.host.eq_ignore_ascii_case(&realm.host);
    if !is_own && realm.host.parse::<IpAddr>().is_ok_and(is_inside) {
        return Finding::wrong(
            format!(
                "{realm} is a private address, which crane and oras refuse unless it is the registry's own name"
            ),
            OWN_NAME,
        );
    }
    if !is_own {
        match lookup_host((realm.host.as_str(), realm.port)).await {
            Err(error) => {
                return Finding::wrong(
                    format!("the name {} cannot be resolved here: {error}", realm.host),
                    "Clients need the realm's name: correct `realm`, or the name service.",
                );
            }
            Ok(addresses) => {
                let inside: Vec<IpAddr> = addresses
                    .map(|address| address.ip())
                    .filter(|address| is_inside(*address))
                    .collect();
                if let Some(address) = inside.first() {
                    return Finding::wrong(
                        format!(
                            "{} is {address}, a private address, which oras refuses unless it is the registry's own name",
                            realm.host
                        ),
                        OWN_NAME,
                    );
                }
            }
        }
    }
    if realm.tls
        || realm
            .host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
        || realm.host == "localhost"
    {
        Finding::right(format!("{realm}, which clients accept"))
    } else {
        Finding::wrong(
            format!("{realm} is plain http: passwords go out in clear"),
            "Give edge and realm https URLs.",
        )
    }
}

/// Loopback, private, link-local and unique local addresses.
fn is_inside(address: IpAddr) -> bool {
    let inside = |v4: Ipv4Addr| {
        v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
    };
    match address {
        IpAddr::V4(v4) => inside(v4),
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.to_ipv4_mapped().is_some_and(inside)
        }
    }
}

fn token(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let token = body
        .get("token")
        .or_else(|| body.get("access_token"))?
        .as_str()?;
    (answer.status == 200).then(|| token.to_owned())
}

/// GitLab's answers to a request without credentials (its `JwtController`).
fn answered(answer: Result<Answer, NoAnswer>) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        Err(silence) => {
            return Finding::wrong(
                format!("the realm does not answer: {}", shown(&silence.to_string())),
                "Clients cannot fetch tokens: see that GitLab is up and that this machine may reach it; with an internal \
                 CA give --ca.",
            );
        }
    };
    let json = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let code = json
        .pointer("/errors/0/code")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (answer.status, code) {
        (200, _) if token(&answer).is_some() => Finding::right("200, with a token for nobody"),
        (401 | 403, "UNAUTHORIZED" | "DENIED") => Finding::right(format!(
            "{} {code}: it wants a password, as for private projects",
            answer.status
        )),
        (404, "UNAVAILABLE") => Finding::wrong(
            "404 UNAVAILABLE: GitLab's container registry is switched off",
            "Set gitlab_rails['registry_enabled'] = true and reconfigure GitLab.",
        ),
        (404, _) => Finding::wrong(
            "404: GitLab has no such page, or does not know the service",
            "The realm ends in /jwt/auth, and the service is container_registry; a slash too many comes from a slash at \
             the end of token_realm.",
        ),
        (429 | 500..=599, _) => mute_finding(&Fate::from(Ok(answer)).to_string()),
        (status, _) => Finding::wrong(
            format!("{status}, which is no answer of a token endpoint"),
            "Correct `realm`: it is the registry's auth.token.realm, such as https://gitlab.example.com/jwt/auth.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_clients_refuse() {
        for (address, inside) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("169.254.1.1", true),
            ("0.0.0.0", true),
            ("203.0.113.1", false),
            ("::1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::ffff:10.0.0.1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_inside(address.parse().unwrap()), inside, "{address}");
        }
    }

    #[tokio::test]
    async fn realms_that_clients_refuse() {
        for (edge, realm, said) in [
            ("https://r.invalid", "https://r.invalid", None),
            (
                "https://r.invalid",
                "http://r.invalid",
                Some("plain http while"),
            ),
            (
                "https://r.invalid",
                "https://10.0.0.1",
                Some("private address"),
            ),
            ("https://10.0.0.1", "https://10.0.0.1:8443", None),
            (
                "https://r.invalid",
                "https://gitlab.invalid",
                Some("cannot be resolved"),
            ),
            (
                "https://r.invalid",
                "https://localhost",
                Some("oras refuses"),
            ),
            ("http://localhost:5000", "http://localhost:5001", None),
            ("http://r.invalid", "http://r.invalid", Some("in clear")),
        ] {
            let finding = acceptable(&edge.parse().unwrap(), &realm.parse().unwrap()).await;
            match said {
                None => assert_eq!(finding.remedy, None, "{edge} {realm}: {}", finding.found),
                Some(said) => assert!(
                    finding.found.contains(said),
                    "{edge} {realm}: {}",
                    finding.found
                ),
            }
        }
    }
}
