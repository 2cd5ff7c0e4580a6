//! Header fields and bodies.

use crate::dice::Dice;
use corpus::bytes::Bytes;
use corpus::case::Request;

/// Gives the request `Authorization` fields in one of the shapes a client might send; mostly the
/// proper one.
pub(super) fn authorization(request: &mut Request, dice: &mut Dice) {
    if dice.percent(82) {
        return;
    }
    let value = |text: &str| Bytes::from(text);
    let odd = dice.weighted(&[
        (4, "bearer {token}"),
        (3, "BEARER {token}"),
        (2, "bEaReR {token}"),
        (3, "Bearer  {token}"),
        (2, "  Bearer {token}\t "),
        (3, "Bearer {token} x"),
        (2, "Bearer {token} {token}"),
        (2, "Bearer Bearer {token}"),
        (2, "Bearer {token},"),
        (2, "Bearer {token}, Basic eDp5"),
        (2, "Negotiate x, Bearer {token}"),
        (2, "Bearer\t{token}"),
        (1, "Bearer \t{token}"),
        (1, "Bearer {token}\tx"),
        (2, "Bearer:{token}"),
        (1, "Bearer={token}"),
        (1, "Bearer"),
        (1, "Bearer "),
        (1, ""),
        (2, "{token}"),
        (2, "Token {token}"),
        (2, "Basic {token}"),
        (2, "Basic eDp5"),
        (1, "Digest {token}"),
        (2, "Bearer \"{token}\""),
        (1, "Bearer token={token}"),
        (1, "B\u{e9}arer {token}"),
        (1, "Bearer\u{a0}{token}"),
        (1, "\u{a0}Bearer {token}"),
        (1, "Bearer {token}\u{a0}"),
        (1, "Bearer {token};"),
        (1, "Bearer %7Btoken%7D"),
    ]);
    request.authorization = Some(match dice.number(..8) {
        0 => vec![value("Bearer {token}"), value(odd)],
        1 => vec![value(odd), value("Bearer {token}")],
        _ => vec![value(odd)],
    });
}

/// Gives the request a body and a type, neither or both.
pub(super) fn body(request: &mut Request, dice: &mut Dice) {
    const FORM: &str = "from=group/secret&mount=sha256:aa";
    const PARTS: &str =
        "--b\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\ngroup/secret\r\n--b--\r\n";
    let is_write = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    if !dice.percent(if is_write { 50 } else { 8 }) {
        return;
    }
    if dice.percent(70) {
        let content_type = content_type(dice).to_owned();
        request.content_type = vec![content_type];
        if dice.percent(6) {
            request
                .content_type
                .push(self::content_type(dice).to_owned());
        }
    }
    request.body = dice
        .weighted(&[(3, ""), (4, FORM), (3, PARTS), (1, "{}"), (1, "x")])
        .to_owned();
    if dice.percent(12) {
        request
            .headers
            .push(("transfer-encoding".to_owned(), "chunked".to_owned()));
    }
}

fn content_type(dice: &mut Dice) -> &'static str {
    dice.weighted(&[
        (8, "application/octet-stream"),
        (6, "application/x-www-form-urlencoded"),
        (5, "multipart/form-data; boundary=b"),
        (2, "multipart/form-data; boundary=\"b\""),
        (1, "multipart/form-data"),
        (1, "multipart/form-data; boundary="),
        (1, "multipart/mixed; boundary=b"),
        (2, "APPLICATION/X-WWW-FORM-URLENCODED"),
        (2, "application/x-www-form-urlencoded; charset=utf-8"),
        (2, "application/x-www-form-urlencoded;"),
        (1, "application/x-www-form-urlencoded ; =broken"),
        (1, "application/x-www-form-urlencoded; a=b; a=c"),
        (1, "application/x-www-form-urlencoded/x"),
        (1, "application/x-www-form-urlencodedx"),
        (1, "application/ x-www-form-urlencoded"),
        (1, "application /x-www-form-urlencoded"),
        (1, "\tapplication/x-www-form-urlencoded"),
        (1, "application/x-www-form-urlencoded, text/plain"),
        (1, "text/plain, application/x-www-form-urlencoded"),
        (1, "multipart/form-data; boundary=b; boundary=c"),
        (1, "multipart/form-data; boundary*=utf-8''b"),
        (1, "multipart/form-data; boundary*0=b"),
        (1, "multipart/form-data;boundary=b;"),
        (1, "Multipart/Form-Data; BOUNDARY=b"),
        (1, "appl\u{130}cation/x-www-form-urlencoded"),
        (1, "\u{a0}application/x-www-form-urlencoded"),
        (1, "multipart/form-data\u{85}; boundary=b"),
        (1, "mult\u{130}part/form-data; boundary=b"),
        (1, "multipart/form-data; boundary=\u{fc}"),
        (1, "application/json"),
        (1, ""),
        (1, "*"),
        (1, ";"),
        (1, "/"),
        (1, "application/vnd.docker.distribution.manifest.v2+json"),
    ])
}

/// Fields that must not matter.
pub(super) fn further(request: &mut Request, dice: &mut Dice) {
    let (name, value) = dice.pick(&[
        ("x-http-method-override", "GET"),
        ("x-original-url", "/v2/"),
        ("x-rewrite-url", "/v2/"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/v2"),
        ("x-envoy-original-path", "/v2/"),
        ("forwarded", "host=evil.example;proto=http"),
        ("cookie", "access_token=x"),
        ("proxy-authorization", "Bearer x"),
        (
            "accept",
            "application/vnd.docker.distribution.manifest.v2+json",
        ),
        ("range", "bytes=0-1"),
        ("origin", "https://evil.example"),
        ("access-control-request-method", "DELETE"),
        ("content-range", "0-1"),
    ]);
    request.headers.push((name.to_owned(), value.to_owned()));
}
