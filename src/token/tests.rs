use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::*;
use crate::credentials::Credentials;
use crate::profile::CredentialsForm;

const HEADER: &str = r#"{"alg":"RS256","kid":"one"}"#;

fn encoded(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

/// What can be told of a token before its signature holds.
fn told(token: &str, known: Option<Rc<Header>>) -> Result<[String; 4], TokenError> {
    let field = format!("Bearer {token}");
    let fields = [field.as_bytes()];
    let Credentials::Bearer(token) =
        Credentials::from_fields(&fields, CredentialsForm::SchemeAndRest)
    else {
        panic!("{field} is no bearer token");
    };
    let token = UntrustedToken::parse_knowing(token, known)?;
    Ok([
        token.algorithm().to_owned(),
        format!("{:?}", token.key_id()),
        format!("{:?}", (token.claims, token.signature)),
        format!("{:?}", token.signed),
    ])
}

/// The header that a reader remembers is only ever a shorter way to the same answer.
#[test]
fn a_header_seen_before_changes_no_answer() {
    let header = encoded(HEADER);
    let known = Rc::new(Header::parse(header.as_bytes(), HEADER.as_bytes()).unwrap());
    let other = |json: &str| format!("{}.e30.c2ln", encoded(json));
    let tokens = [
        format!("{header}.e30.c2ln"),
        format!("{header}.e30."),
        format!("{header}..c2ln"),
        // Faults behind the known header.
        format!("{header}.e30"),
        format!("{header}.e30.c2ln.c2ln"),
        format!("{header}.e3.c2ln"),
        format!("{header}.e30.c2l!"),
        format!("{header}.e30=.c2ln"),
        // Other headers: that of another key, of another algorithm, and ones that begin or end alike.
        other(r#"{"alg":"RS256","kid":"two"}"#),
        other(r#"{"alg":"none","kid":"one"}"#),
        other(r#"{"alg":"RS256","kid":"one"} "#),
        other(r#"{"alg":"RS256","kid":"one","kid":"two"}"#),
        other(r#"{"alg":"RS256","kid":"one","cty":"x"}"#),
        other(r#"{"alg":"RS256""#),
        other(""),
        format!("{header}=.e30.c2ln"),
        format!("{}.e30.c2ln", header.to_lowercase()),
        format!("{}.e30.c2ln", &header[..header.len() - 1]),
        format!(".{header}.c2ln"),
    ];
    let mut parsed = 0;
    for token in &tokens {
        let afresh = told(token, None);
        parsed += usize::from(afresh.is_ok());
        assert_eq!(told(token, Some(Rc::clone(&known))), afresh, "{token}");
    }
    assert_eq!(parsed, 6, "tokens that were parsed at all");
}
