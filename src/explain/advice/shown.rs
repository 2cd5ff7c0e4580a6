//! Causes that the evidence shows.

use crate::decision::ChallengeReason;
use crate::profile::KeyIdForm;
use crate::token::TokenError;

use super::super::evidence::Evidence;
use super::super::printable::{in_quotes, listed, shown};
use super::super::reason::Reason;
use super::{Cause, Likely, token};

/// What can be told from this request, token and configuration; mostly nothing.
pub(super) fn causes(reason: &Reason, evidence: &Evidence<'_>) -> Vec<Cause> {
    let Reason::Challenge(reason) = reason else {
        return Vec::new();
    };
    let cause = match reason {
        ChallengeReason::Credentials(_) => None,
        ChallengeReason::Scope(_) => letter_case(evidence).or_else(|| denied(evidence)),
        ChallengeReason::Token(TokenError::UnknownKey { key_id }) => other_form(key_id, evidence),
        ChallengeReason::Token(TokenError::Issuer) if evidence.token.claim("iss").is_none() => {
            nested_user(evidence)
        }
        ChallengeReason::Token(TokenError::Expired { exp, now }) => forgotten(*exp, *now),
        ChallengeReason::Token(_) => None,
    };
    cause.into_iter().collect()
}

/// Whether the evidence rules a likely cause out.
pub(super) fn rules_out(likely: &Likely, evidence: &Evidence<'_>) -> bool {
    let seen = &evidence.token;
    // In the profile's own form it is another key; in the other one, `other_form` says so.
    let names_its_form = key_id_form(seen.header_text("kid").unwrap_or_default()).is_some();
    (*likely == token::OTHER_PROFILE && names_its_form)
        || (*likely == token::OTHER_USE && seen.claim("user_info").is_some())
}

/// The key is named in the form of another registry.
fn other_form(key_id: &str, evidence: &Evidence<'_>) -> Option<Cause> {
    let profile = evidence.config.profile();
    let form = key_id_form(key_id)?;
    (form != profile.key_id_form()).then(|| {
        let (is, profiles) = match form {
            KeyIdForm::Libtrust => ("GitLab and Distribution 2.8", "gitlab or distribution-2.8"),
            KeyIdForm::Rfc7638 => ("Distribution 3", "distribution-3"),
        };
        Cause {
            what: format!("The key is named as for {is}, and the profile is {profile}."),
            remedy: format!(
                "Set `profile` to {profiles}, if that is the registry behind the edge."
            ),
            command: None,
        }
    })
}

/// libtrust: twelve groups of four; RFC 7638: 43 letters of base64url.
fn key_id_form(key_id: &str) -> Option<KeyIdForm> {
    let groups: Vec<&str> = key_id.split(':').collect();
    if groups.len() == 12 && groups.iter().all(|group| group.len() == 4) {
        return Some(KeyIdForm::Libtrust);
    }
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (key_id.len() == 43 && key_id.bytes().all(is_base64url)).then_some(KeyIdForm::Rfc7638)
}

/// GitLab signs the `user` token inside a token with the same key.
fn nested_user(evidence: &Evidence<'_>) -> Option<Cause> {
    evidence.token.claim("user_info").map(|_| Cause {
        what: "This is the `user` token from inside a registry token.".to_owned(),
        remedy: "Send the token that it was inside of.".to_owned(),
        command: None,
    })
}

/// Older than any client keeps a token.
fn forgotten(exp: i64, now: i64) -> Option<Cause> {
    const DAY: i64 = 86_400;
    (now.saturating_sub(exp) > DAY).then(|| Cause {
        what: "The token is more than a day old: it stands in a script or a configuration."
            .to_owned(),
        remedy: "Fetch a token when it is needed; they last for minutes.".to_owned(),
        command: None,
    })
}

/// GitLab grants names in lower case; names are compared byte by byte.
fn letter_case(evidence: &Evidence<'_>) -> Option<Cause> {
    let name = evidence.route?.repository()?.as_str();
    let lower = name.to_ascii_lowercase();
    let granted = evidence.token.access();
    let twin = granted.iter().find(|entry| entry.name == lower)?;
    (lower != name).then(|| Cause {
        what: format!(
            "The request says {}, the token {}: GitLab knows repositories in lower case only.",
            in_quotes(name),
            in_quotes(&twin.name)
        ),
        remedy: format!(
            "Use the image's name in lower case: {}.",
            shown(lower.as_bytes())
        ),
        command: None,
    })
}

/// Some of what the request needs is there: the rest was not asked for, or denied.
fn denied(evidence: &Evidence<'_>) -> Option<Cause> {
    let missing = evidence.missing();
    let granted = evidence.token.granted();
    (!granted.is_empty() && !missing.is_empty()).then(|| Cause {
        what: format!(
            "The token was asked for without {}, or GitLab did not grant it.",
            listed(&missing)
        ),
        remedy:
            "Ask the realm for exactly that scope; if the new token lacks it too, the user may not."
                .to_owned(),
        command: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_forms_of_key_ids_are_told_apart() {
        // The two ids of one key, RFC 7638 section 3.1.
        let libtrust = "VUZD:EDHW:YWLN:RBFQ:KOA3:UVZ2:XKG5:2V2J:WTPI:6SRD:U6PZ:VCO5";
        assert_eq!(key_id_form(libtrust), Some(KeyIdForm::Libtrust));
        let thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(key_id_form(thumbprint), Some(KeyIdForm::Rfc7638));
        assert_eq!(key_id_form("key-1"), None);
    }
}
