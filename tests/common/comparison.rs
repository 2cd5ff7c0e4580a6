//! How an answer differs from an expectation.
//!
//! Answers are compared as parsed parts: the challenge as parameters, its body as JSON.

use std::fmt;

use super::challenge;
use super::expectation::{Expectation, Kind, Scope};
use super::implementation::{Answer, Setting};
use super::json::Json;

impl Expectation {
    /// How an answer to a request of `method` differs; empty if it does not.
    ///
    /// `in_order` says whether the implementation's scopes come in the order of the expectation;
    /// those of a registry are in no order.
    pub(super) fn faults(
        &self,
        setting: &Setting<'_>,
        method: &str,
        answer: &Answer,
        in_order: bool,
    ) -> Vec<String> {
        let Answer::Responded {
            status,
            headers,
            body,
            reason,
        } = answer
        else {
            return self.unanswered_faults(answer);
        };
        let found = Found {
            status: *status,
            headers,
            body,
            reason: *reason,
        };
        if self.is_forward() || self.answer == Kind::Closed {
            return vec![format!("it was answered: {found}")];
        }
        let mut faults = Vec::new();
        let wanted = self.answer.status().or(self.status);
        if wanted != Some(found.status) {
            let wanted = wanted.map_or_else(|| "a status".to_owned(), |status| status.to_string());
            faults.push(format!("expected {wanted}, got: {found}"));
            return faults;
        }
        self.compare_reason(&found, &mut faults);
        self.compare_headers(setting, method, &found, &mut faults);
        if let Some(length) = self.length
            && length != body.len()
        {
            faults.push(format!(
                "the body has {} bytes, expected {length}",
                body.len()
            ));
        }
        match self.answer {
            Kind::Challenge => self.compare_challenge(setting, &found, in_order, &mut faults),
            Kind::RedirectClean | Kind::RedirectSlash => {
                self.compare_redirect(method, &found, &mut faults);
            }
            Kind::NotFound => found.compare_body("404 page not found\n", &mut faults),
            Kind::Refused => {
                if !found
                    .text()
                    .starts_with(r#"{"errors":[{"code":"UNSUPPORTED","message":""#)
                {
                    faults.push(format!("not an error of its own: {}", found.text()));
                }
            }
            Kind::BadRequest | Kind::TooLarge | Kind::Forward | Kind::Closed => {}
        }
        faults
    }

    /// The same for what was no answer of the implementation's own.
    fn unanswered_faults(&self, answer: &Answer) -> Vec<String> {
        let mut faults = Vec::new();
        match answer {
            Answer::Closed if self.answer == Kind::Closed => {}
            Answer::Closed => faults.push("the connection was closed".to_owned()),
            _ if !self.is_forward() => faults.push("it was forwarded".to_owned()),
            Answer::Served { status, headers } => {
                if self.status.is_some_and(|wanted| wanted != *status) {
                    faults.push(format!("it was forwarded, and the status is {status}"));
                }
                let allow = headers.iter().find(|(name, _)| name == "allow");
                let allow = allow.map(|(_, value)| String::from_utf8_lossy(value));
                if self.allow.is_some() && self.allow.as_deref() != allow.as_deref() {
                    faults.push(format!("Allow is {allow:?}, expected {:?}", self.allow));
                }
            }
            _ => {}
        }
        faults
    }

    fn compare_reason(&self, found: &Found<'_>, faults: &mut Vec<String>) {
        match (found.reason, &self.reason) {
            (Some(reason), Some(expected)) if reason != expected => {
                faults.push(format!("the reason is {reason}, expected {expected}"));
            }
            (Some(reason), None) => faults.push(format!("the case names no reason ({reason})")),
            _ => {}
        }
    }

    fn compare_headers(
        &self,
        setting: &Setting<'_>,
        method: &str,
        found: &Found<'_>,
        faults: &mut Vec<String>,
    ) {
        let common = setting.profile.headers[&self.answer].iter();
        let common = common.filter(|(name, _)| !self.headers.contains_key(*name));
        for (name, value) in common.chain(&self.headers) {
            // Go names the type of a redirect's page to those only who might get the page.
            let has_page = matches!(method, "GET" | "HEAD");
            let is_page_type = self.answer == Kind::RedirectSlash && name == "content-type";
            let absent = value.is_empty() || (is_page_type && !has_page);
            let expected: &[&[u8]] = if absent { &[] } else { &[value.as_bytes()] };
            let values = found.values(name);
            if values != expected {
                let shown: Vec<_> = values.iter().map(|value| value.escape_ascii()).collect();
                let shown: Vec<_> = shown.iter().map(ToString::to_string).collect();
                let wanted = if absent { "none" } else { value };
                faults.push(format!("{name} is {shown:?}, expected {wanted}"));
            }
        }
    }

    fn compare_redirect(&self, method: &str, found: &Found<'_>, faults: &mut Vec<String>) {
        let location = self.location.as_deref().expect("a redirect goes somewhere");
        if found.values("location") != [location.as_bytes()] {
            faults.push(format!("it does not go to {location}: {found}"));
        }
        if self.answer == Kind::RedirectSlash && method == "GET" {
            let href = location.replace('&', "&amp;");
            let page = format!("<a href=\"{href}\">Moved Permanently</a>.\n\n");
            found.compare_body(&page, faults);
        } else {
            found.compare_body("", faults);
        }
    }

    fn compare_challenge(
        &self,
        setting: &Setting<'_>,
        found: &Found<'_>,
        in_order: bool,
        faults: &mut Vec<String>,
    ) {
        let [value] = found.values("www-authenticate")[..] else {
            faults.push("not exactly one WWW-Authenticate".to_owned());
            return;
        };
        match challenge::parse(value) {
            Ok(parameters) => faults.extend(self.parameter_fault(setting, &parameters, in_order)),
            Err(fault) => faults.push(format!("WWW-Authenticate: {fault}")),
        }
        for (text, whole) in [(&self.header_holds, value), (&self.body_holds, found.body)] {
            for part in text.iter().filter(|part| !holds(whole, part.as_bytes())) {
                faults.push(format!("{part} is not in {}", whole.escape_ascii()));
            }
        }
        match serde_json::from_slice::<Json>(found.body) {
            Ok(json) if json == self.body(&setting.profile.record) => {}
            Ok(_) => faults.push(format!("another body: {}", found.text())),
            Err(fault) => faults.push(format!("the body is not JSON: {fault}")),
        }
        if !found.body.ends_with(b"\n") {
            faults.push("no line feed ends the body".to_owned());
        }
    }

    fn parameter_fault(
        &self,
        setting: &Setting<'_>,
        parameters: &[(String, Vec<u8>)],
        in_order: bool,
    ) -> Option<String> {
        let found_scope = parameters
            .iter()
            .find(|(name, _)| name == "scope")
            .map(|(_, scope)| scope);
        let scope = match found_scope {
            Some(found) if !in_order => self.scopes_in_any_order().find(|scope| scope == found),
            _ => None,
        };
        let scope = scope.unwrap_or_else(|| join(&self.scope));
        let realm = self.realm.as_ref().unwrap_or(&setting.configuration.realm);
        let mut expected = vec![
            ("realm", realm.as_bytes()),
            ("service", setting.configuration.service.as_bytes()),
        ];
        if !scope.is_empty() {
            expected.push(("scope", &scope));
        }
        if let Some(error) = &self.error {
            expected.push(("error", error.as_bytes()));
        }
        let found: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        (found != expected).then(|| {
            format!(
                "challenge {}\n        not {}",
                shown(&found),
                shown(&expected)
            )
        })
    }

    /// The scope text, with its items and their actions in every order.
    fn scopes_in_any_order(&self) -> impl Iterator<Item = Vec<u8>> {
        let mut orders: Vec<Vec<Scope>> = vec![Vec::new()];
        for item in &self.scope {
            let mut reversed = item.clone();
            reversed.actions.reverse();
            orders = orders
                .iter()
                .flat_map(|order| (0..=order.len()).map(move |place| (order, place)))
                .flat_map(|(order, place)| {
                    [item, &reversed].map(|item| {
                        let mut order = order.clone();
                        order.insert(place, item.clone());
                        order
                    })
                })
                .collect();
        }
        orders.into_iter().map(|order| join(&order))
    }

    /// The error envelope, with the records of the profile's registry.
    fn body(&self, record: &[String]) -> Json {
        let records: Vec<Json> = self
            .detail
            .as_ref()
            .unwrap_or(&self.scope)
            .iter()
            .flat_map(|scope| scope.actions.iter().map(move |action| (scope, action)))
            .map(|(scope, action)| {
                let member = |name: &String| {
                    let value = match name.as_str() {
                        "Type" => scope.kind.clone(),
                        "Name" => String::from_utf8_lossy(&scope.name).into_owned(),
                        "Action" => action.clone(),
                        _ => String::new(),
                    };
                    (name.clone(), Json::Text(value))
                };
                Json::Object(record.iter().map(member).collect())
            })
            .collect();
        let detail = if records.is_empty() {
            Json::Null
        } else {
            Json::List(records)
        };
        let text = |text: &str| Json::Text(text.to_owned());
        let error = [
            ("code", text("UNAUTHORIZED")),
            ("message", text("authentication required")),
            ("detail", detail),
        ];
        let error = error.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Json::Object(vec![(
            "errors".to_owned(),
            Json::List(vec![Json::Object(error)]),
        )])
    }
}

fn join(items: &[Scope]) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items
        .iter()
        .map(
            |Scope {
                 kind,
                 name,
                 actions,
             }| { [kind.as_bytes(), name, actions.join(",").as_bytes()].join(&b':') },
        )
        .collect();
    items.join(&b' ')
}

fn shown(parameters: &[(&str, &[u8])]) -> String {
    let shown: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", value.escape_ascii()))
        .collect();
    shown.join(" ")
}

fn holds(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

/// An answer that is compared.
struct Found<'a> {
    status: u16,
    headers: &'a [(String, Vec<u8>)],
    body: &'a [u8],
    reason: Option<&'static str>,
}

impl Found<'_> {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        self.headers
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
            .collect()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    fn compare_body(&self, expected: &str, faults: &mut Vec<String>) {
        if self.body != expected.as_bytes() {
            faults.push(format!(
                "the body is {:?}, expected {expected:?}",
                self.text()
            ));
        }
    }
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.status)?;
        for name in ["www-authenticate", "location"] {
            for value in self.values(name) {
                write!(formatter, " {name}: {}", value.escape_ascii())?;
            }
        }
        write!(formatter, " ({})", self.reason.unwrap_or("no reason told"))
    }
}
